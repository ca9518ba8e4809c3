/* keyfile: a key that a verb is given as a file. */
#ifndef CMD_KEYFILE_H
#define CMD_KEYFILE_H

#include "base/es256.h"

/* Private or public, PEM, without a passphrase; "-" is standard input. The caller frees; NULL names the file. */
struct es256 *keyfile_open(const char *path, struct err *e);

#endif
