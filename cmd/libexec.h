/* libexec: where the programs are that people do not start themselves. */
#ifndef CMD_LIBEXEC_H
#define CMD_LIBEXEC_H

#include <limits.h>

/* libexec/ beside this program, or where `make install` put it. */
void libexec_find(char out[PATH_MAX]);

#endif
