/* filemap: a file that is looked at, not read: it may be larger than what we want to hold. */
#ifndef CMD_FILEMAP_H
#define CMD_FILEMAP_H

#include "base/err.h"
#include "base/mem.h"

/* The whole regular file; an empty one is refused (WHY_MALFORMED). The bytes are page-aligned. The caller closes. */
int filemap_open(const char *path, struct view *out, struct err *e);
void filemap_close(struct view v);
AUTO_DEFINE(struct view, filemap_close)

#endif
