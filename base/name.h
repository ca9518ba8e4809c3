/* name: what a machine, domain, fence, reference set or dataset may be called: ^[A-Za-z0-9][A-Za-z0-9-]{0,62}$ (A90). */
#ifndef BASE_NAME_H
#define BASE_NAME_H

#include "base/mem.h"

enum { NAME_CAP = 64 }; /* with the NUL */

bool name_ok(const char *s);
/* Copies the view to out when it is a name; false, and out = "", otherwise. */
bool name_get(char out[NAME_CAP], struct view v);

#endif
