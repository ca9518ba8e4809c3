/* cmdupdate: what the verbs of merestone update share. */
#ifndef CMD_CMDUPDATE_H
#define CMD_CMDUPDATE_H

#include "base/es256.h"

/* The update key, private or public, of a PEM file. The caller frees. */
struct es256 *cmdupdatepack_key(const char *path, struct err *e);

#endif
