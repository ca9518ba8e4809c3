#include <string.h>

#include "attest/attest.h"
#include "base/hex.h"
#include "base/json.h"

/* Shown to people in reports and on terminals: printable ASCII only. */
static int read_version(const json_t *o, char out[32], struct err *e)
{
	const char *s;

	if (json_get_str(o, "version", &s, e) != 0)
		return -1;
	size_t n = strlen(s);
	if (n == 0 || n > 31)
		return err_set(e, WHY_MALFORMED, "version: %zu characters, not 1 to 31", n);
	for (size_t i = 0; i < n; i++)
		if (s[i] <= 0x20 || s[i] >= 0x7f)
			return err_set(e, WHY_MALFORMED, "version: it has a character that is not printable ASCII");
	memcpy(out, s, n + 1);
	return 0;
}

static int read_location(const json_t *o, struct claims *c, struct err *e)
{
	static const char *const keys[] = {"latitude_deg", "longitude_deg", "uncertainty_m", NULL};
	const json_t *l = json_object_get(o, "location");

	if (!l)
		return 0;
	if (!json_is_object(l))
		return err_set(e, WHY_MALFORMED, "location: expected an object");
	if (json_only(l, keys, e) != 0 || json_get_num(l, keys[0], -90, 90, &c->fix.lat_deg, e) != 0 ||
	        json_get_num(l, keys[1], -180, 180, &c->fix.lon_deg, e) != 0 ||
	        json_get_num(l, keys[2], 0, FIX_UNCERTAINTY_MAX_M, &c->fix.uncertainty_m, e) != 0 ||
	        fix_ok(&c->fix, e) != 0)
		return err_in(e, "location");
	c->has_fix = true;
	return 0;
}

static int read_holds(const json_t *o, struct claims *c, struct err *e)
{
	const json_t *a = json_object_get(o, "holds");
	size_t n = json_array_size(a);

	if (!json_is_array(a))
		return err_set(e, WHY_MALFORMED, "holds: expected an array");
	if (n > CLAIMS_HOLDS_MAX)
		return err_set(e, WHY_MALFORMED, "holds: %zu keys, at most %d are read", n, CLAIMS_HOLDS_MAX);
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(a, i));
		if (!s || hex_get(c->holds[i], SHA_LEN, s) != 0)
			return err_set(
			        e, WHY_MALFORMED, "holds: entry %zu is not %d bytes in hexadecimal", i + 1, SHA_LEN);
	}
	c->nholds = n;
	return 0;
}

static int read_ima(const json_t *o, struct claims *c, struct err *e)
{
	static const char *const keys[] = {"offset", NULL};
	const json_t *l = json_object_get(o, "ima");
	int64_t offset;

	if (!l)
		return 0;
	if (!json_is_object(l))
		return err_set(e, WHY_MALFORMED, "ima: expected an object");
	if (json_only(l, keys, e) != 0 || json_get_int(l, keys[0], 0, INT64_C(1) << IMA_OFFSET_BITS, &offset, e) != 0)
		return err_in(e, "ima");
	c->has_ima = true;
	c->ima_offset = (uint64_t)offset;
	return 0;
}

int claims_parse(struct view v, struct claims *out, struct err *e)
{
	static const char *const keys[] = {
	        "machine", "version", "location", "tls_key", "eventlog", "certificate", "holds", "ima", NULL};
	struct claims c = {0};
	AUTO(json_free) json_t *o = json_read(v, CLAIMS_MAX, e);

	if (!o || json_only(o, keys, e) != 0 || json_get_name(o, "machine", c.machine, e) != 0 ||
	        read_version(o, c.version, e) != 0 || read_location(o, &c, e) != 0 ||
	        json_get_hex(o, "tls_key", c.tls_key, SHA_LEN, e) != 0 ||
	        json_get_hex(o, "eventlog", c.eventlog, SHA_LEN, e) != 0 ||
	        json_get_bool(o, "certificate", &c.wants_certificate, e) != 0 || read_holds(o, &c, e) != 0 ||
	        read_ima(o, &c, e) != 0)
		return err_in(e, "claims");
	*out = c;
	return 0;
}

static void write_location(struct jw *j, const struct fix *x)
{
	jw_obj(j, "location");
	jw_num(j, "latitude_deg", x->lat_deg);
	jw_num(j, "longitude_deg", x->lon_deg);
	jw_num(j, "uncertainty_m", x->uncertainty_m);
	jw_end_obj(j);
}

int claims_write(struct wr *w, const struct claims *c, struct err *e)
{
	if (!name_ok(c->machine))
		return err_set(e, WHY_MALFORMED, "claims: the machine has no proper name");
	if (c->nholds > CLAIMS_HOLDS_MAX)
		return err_set(e, WHY_MALFORMED, "claims: more than %d keys are held", CLAIMS_HOLDS_MAX);
	if (c->has_fix && fix_ok(&c->fix, e) != 0)
		return err_in(e, "claims");
	struct jw j = jw_to(w);
	jw_obj(&j, NULL);
	jw_str(&j, "machine", c->machine);
	jw_str(&j, "version", c->version);
	if (c->has_fix)
		write_location(&j, &c->fix);
	jw_hex(&j, "tls_key", VIEW_OF(c->tls_key));
	jw_hex(&j, "eventlog", VIEW_OF(c->eventlog));
	jw_bool(&j, "certificate", c->wants_certificate);
	jw_arr(&j, "holds");
	for (size_t i = 0; i < c->nholds; i++)
		jw_hex(&j, NULL, VIEW_OF(c->holds[i]));
	jw_end_arr(&j);
	if (c->has_ima) {
		jw_obj(&j, "ima");
		jw_int(&j, "offset", (int64_t)c->ima_offset);
		jw_end_obj(&j);
	}
	jw_end_obj(&j);
	return wr_ok(w) ? 0 : err_set(e, WHY_SYSTEM, "claims: no room to write them");
}
