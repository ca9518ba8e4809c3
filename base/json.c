#include "base/json.h"

#include <string.h>

#include "base/b64.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/name.h"

/* jansson recurses to 2048 levels before it complains; this looks first, without recursion. */
static bool shallow(struct view v)
{
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];
		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return false;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return true;
}

json_t *json_read(struct view v, size_t max, struct err *e)
{
	json_error_t why;

	if (v.n > max) {
		err_set(e, WHY_MALFORMED, "the JSON has %zu bytes where %zu are allowed", v.n, max);
		return NULL;
	}
	if (!shallow(v)) {
		err_set(e, WHY_MALFORMED, "the JSON is nested deeper than %d levels", JSON_DEPTH_MAX);
		return NULL;
	}
	AUTO(json_free) json_t *j = json_loadb(v.n > 0 ? (const char *)v.p : "", v.n, JSON_REJECT_DUPLICATES, &why);
	if (!j)
		err_set(e, WHY_MALFORMED, "not JSON at line %d: %s", why.line, why.text);
	else if (!json_is_object(j))
		err_set(e, WHY_MALFORMED, "the JSON is not an object");
	else
		return TAKE(j);
	return NULL;
}

json_t *json_file(int dirfd, const char *path, size_t max, struct err *e)
{
	AUTO(mem_free) char *text = NULL;
	uint8_t *bytes = NULL;
	size_t n = 0;

	if (file_read(dirfd, path, max, &bytes, &n, e) != 0)
		return NULL;
	text = (char *)bytes;
	json_t *j = json_read(VIEW(text, n), max, e);
	if (!j)
		err_in(e, "%s", path);
	return j;
}

/* The sentence of every getter: what is missing, or what it should have been. */
static int expected(const json_t *member, const char *key, const char *what, struct err *e)
{
	if (!member)
		return err_set(e, WHY_MALFORMED, "%s: missing", key);
	return err_set(e, WHY_MALFORMED, "%s: expected %s", key, what);
}

int json_get_str(const json_t *o, const char *key, const char **out, struct err *e)
{
	const json_t *j = json_object_get(o, key);

	if (!json_is_string(j))
		return expected(j, key, "a string", e);
	*out = json_string_value(j);
	return 0;
}

const char *json_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

int json_get_name(const json_t *o, const char *key, char out[64], struct err *e)
{
	const json_t *j = json_object_get(o, key);

	if (!json_is_string(j) || !name_ok(json_string_value(j)))
		return expected(j, key, "a name (letters, digits and dashes, at most 63)", e);
	memcpy(out, json_string_value(j), json_string_length(j) + 1);
	return 0;
}

int json_get_int(const json_t *o, const char *key, int64_t min, int64_t max, int64_t *out, struct err *e)
{
	const json_t *j = json_object_get(o, key);

	if (!json_is_integer(j))
		return expected(j, key, "an integer", e);
	int64_t v = json_integer_value(j);
	if (v < min || v > max)
		return err_set(e, WHY_MALFORMED, "%s: %lld is not between %lld and %lld", key, (long long)v,
		        (long long)min, (long long)max);
	*out = v;
	return 0;
}

int json_get_num(const json_t *o, const char *key, double min, double max, double *out, struct err *e)
{
	const json_t *j = json_object_get(o, key);

	if (!json_is_number(j))
		return expected(j, key, "a number", e);
	double v = json_number_value(j);
	if (!(v >= min && v <= max))
		return err_set(e, WHY_MALFORMED, "%s: %.17g is not between %g and %g", key, v, min, max);
	*out = v;
	return 0;
}

int json_get_bool(const json_t *o, const char *key, bool *out, struct err *e)
{
	const json_t *j = json_object_get(o, key);

	if (!json_is_boolean(j))
		return expected(j, key, "true or false", e);
	*out = json_is_true(j);
	return 0;
}

int json_get_hex(const json_t *o, const char *key, void *out, size_t n, struct err *e)
{
	const json_t *j = json_object_get(o, key);

	if (!json_is_string(j))
		return expected(j, key, "a string of hexadecimal digits", e);
	if (hex_get(out, n, json_string_value(j)) != 0)
		return err_set(e, WHY_MALFORMED, "%s: expected %zu hexadecimal digits", key, 2 * n);
	return 0;
}

int json_get_b64(const json_t *o, const char *key, void *out, size_t cap, size_t *n, struct err *e)
{
	const json_t *j = json_object_get(o, key);

	if (!json_is_string(j))
		return expected(j, key, "base64url", e);
	struct view text = VIEW(json_string_value(j), json_string_length(j));
	if (text.n > B64_LEN(cap))
		return err_set(e, WHY_MALFORMED, "%s: longer than %zu bytes", key, cap);
	long got = b64_get(out, cap, text);
	if (got < 0)
		return expected(j, key, "base64url without padding", e);
	*n = (size_t)got;
	return 0;
}

static bool listed(const char *key, const char *const keys[])
{
	for (; *keys; keys++)
		if (strcmp(*keys, key) == 0)
			return true;
	return false;
}

int json_only(const json_t *o, const char *const keys[], struct err *e)
{
	const char *key;
	json_t *member;

	/* jansson's iteration wants a pointer to non-const and changes nothing. */
	json_object_foreach((json_t *)(uintptr_t)o, key, member)
	{
		if (!listed(key, keys))
			return err_set(e, WHY_MALFORMED, "%s: unknown member", key);
	}
	return 0;
}
