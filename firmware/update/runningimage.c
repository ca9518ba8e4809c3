#include <string.h>

#include "firmware/update/update.h"

/* The value of the line KEY=VALUE, which stands there once and without quotes. */
static bool value_of(struct view text, const char *key, struct view *out)
{
	size_t nkey = strlen(key);
	unsigned found = 0;

	while (text.n > 0) {
		const uint8_t *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;

		if (n > nkey && memcmp(text.p, key, nkey) == 0 && text.p[nkey] == '=') {
			*out = VIEW(text.p + nkey + 1, n - nkey - 1);
			found++;
		}
		n += end ? 1 : 0;
		text = VIEW(text.p + n, text.n - n);
	}
	return found == 1;
}

static bool version_get(struct view v, uint32_t *out)
{
	uint32_t n = 0;

	if (v.n == 0 || v.n > 9 || v.p[0] == '0')
		return false;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
		n = n * 10 + (uint32_t)(v.p[i] - '0');
	}
	*out = n;
	return true;
}

int runningimage_parse(struct view text, struct runningimage *out, struct err *e)
{
	struct runningimage r = {0};
	struct view v;

	if (!value_of(text, "IMAGE_ID", &v) || !view_is(v, RELEASE_PRODUCT))
		return err_set(e, WHY_MALFORMED, "os-release: this is no image of " RELEASE_PRODUCT);
	if (!value_of(text, "IMAGE_VERSION", &v) || !version_get(v, &r.version))
		return err_set(e, WHY_MALFORMED, "os-release: IMAGE_VERSION is not a whole number");
	if (!value_of(text, "VARIANT_ID", &v) || !name_get(r.variant, v))
		return err_set(e, WHY_MALFORMED, "os-release: VARIANT_ID is not a name");
	*out = r;
	return 0;
}
