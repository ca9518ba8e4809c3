/* hex: lower-case hexadecimal, strict. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include "base/mem.h"

/* Writes 2n characters and a NUL to out (2n + 1 bytes). Returns out. */
char *hex_put(char *out, const void *p, size_t n);
/* Exactly n bytes from 2n lower- or upper-case digits and nothing else; -1 otherwise, out untouched. */
int hex_get(void *out, size_t n, const char *s);

#endif
