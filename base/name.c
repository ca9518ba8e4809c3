#include "base/name.h"

#include <string.h>

static bool view_ok(struct view v)
{
	if (v.n == 0 || v.n >= NAME_CAP || v.p[0] == '-')
		return false;
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return true;
}

bool name_ok(const char *s)
{
	return view_ok(VIEW(s, strlen(s)));
}

bool name_get(char out[NAME_CAP], struct view v)
{
	bool ok = view_ok(v);

	if (ok)
		memcpy(out, v.p, v.n);
	out[ok ? v.n : 0] = 0;
	return ok;
}
