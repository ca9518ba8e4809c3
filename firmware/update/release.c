#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "firmware/update/update.h"

static int parse_payload(const json_t *j, const char *key, uint64_t max, struct payload *out, struct err *e)
{
	static const char *const members[] = {"sha256", "size", NULL};
	const json_t *o = json_object_get(j, key);
	int64_t size;

	if (!json_is_object(o))
		return err_set(e, WHY_MALFORMED, "%s: expected an object", key);
	if (json_only(o, members, e) || json_get_hex(o, "sha256", out->sha256, SHA_LEN, e) ||
	        json_get_int(o, "size", 1, (int64_t)max, &size, e))
		return err_in(e, "%s", key);
	out->size = (uint64_t)size;
	return 0;
}

/* A member of pcrs is the number of a quoted register, in decimal. */
static int parse_pcr(const json_t *pcrs, const char *key, struct release *out, struct err *e)
{
	char number[4];

	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
		(void)snprintf(number, sizeof number, "%u", pcr);
		if (strcmp(number, key) != 0 || !(PCR_MASK >> pcr & 1))
			continue;
		out->pcr_mask |= 1u << pcr;
		return json_get_hex(pcrs, key, out->pcrs.v[pcr], PCR_LEN, e);
	}
	return err_set(e, WHY_MALFORMED, "%.32s is not a register that is quoted", key);
}

static int parse_pcrs(const json_t *j, struct release *out, struct err *e)
{
	json_t *pcrs = json_object_get(j, "pcrs"), *value;
	const char *key;

	if (!json_is_object(pcrs))
		return err_set(e, WHY_MALFORMED, "pcrs: expected an object");
	json_object_foreach(pcrs, key, value) if (parse_pcr(pcrs, key, out, e)) return err_in(e, "pcrs");
	if (!(out->pcr_mask >> 11 & 1))
		return err_set(e, WHY_MALFORMED, "pcrs: register 11, which tells images apart, is missing");
	return 0;
}

static int parse_head(const json_t *j, struct release *out, struct err *e)
{
	const char *format;
	int64_t version, floor;

	if (json_get_str(j, "format", &format, e))
		return -1;
	if (strcmp(format, "merestone-update/1") != 0)
		return err_set(e, WHY_MALFORMED, "format: expected \"merestone-update/1\"");
	if (json_get_name(j, "product", out->product, e) || json_get_name(j, "variant", out->variant, e) ||
	        json_get_int(j, "version", 1, INT32_MAX, &version, e) ||
	        json_get_int(j, "issued", 0, INT64_C(1) << 53, &out->issued, e) ||
	        json_get_int(j, "requires_floor", 0, version, &floor, e))
		return -1;
	out->version = (uint32_t)version;
	out->requires_floor = (uint32_t)floor;
	return 0;
}

static int parse(const json_t *j, struct release *out, struct err *e)
{
	static const char *const members[] = {"format", "product", "variant", "version", "issued", "uki", "root",
	        "root_hash", "pcrs", "requires_floor", NULL};

	if (json_only(j, members, e) || parse_head(j, out, e) ||
	        parse_payload(j, "uki", RELEASE_UKI_MAX, &out->uki, e) ||
	        parse_payload(j, "root", RELEASE_ROOT_MAX, &out->root, e) ||
	        json_get_hex(j, "root_hash", out->root_hash, SHA_LEN, e))
		return -1;
	return parse_pcrs(j, out, e);
}

int release_parse(struct view payload, struct release *out, struct err *e)
{
	AUTO(json_free) json_t *j = json_read(payload, MANIFEST_MAX, e);
	struct release r = {0};

	if (!j || parse(j, &r, e))
		return err_in(e, "update manifest");
	*out = r;
	return 0;
}

int release_open(struct view jws, const struct es256 *key, struct release *out, struct err *e)
{
	uint8_t scratch[MANIFEST_MAX];
	struct jws j;

	if (jws.n > MANIFEST_MAX)
		return err_set(e, WHY_MALFORMED, "an update manifest has at most %d bytes", MANIFEST_MAX);
	if (jws_parse(jws, TYP_UPDATE, scratch, sizeof scratch, &j, e) || (key && jws_verify(&j, key, e)))
		return err_in(e, "update manifest");
	return release_parse(j.payload, out, e);
}

int release_fits(const struct release *r, const char *variant, uint32_t running, struct err *e)
{
	if (strcmp(r->product, RELEASE_PRODUCT) != 0)
		return err_set(
		        e, WHY_REFUSED, "the update is of product %s, this machine is " RELEASE_PRODUCT, r->product);
	if (strcmp(r->variant, variant) != 0)
		return err_set(e, WHY_REFUSED, "the update is of variant %s, this machine is %s", r->variant, variant);
	if (r->version > running)
		return 0;
	err_set(e, WHY_STALE, "the update is version %u, and version %u runs", r->version, running);
	return err_hint(e, "to go back, publish what was good under a higher version");
}

bool release_runs(const struct release *r, const struct pcrs *pcrs)
{
	for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
		if (r->pcr_mask >> pcr & 1 && memcmp(r->pcrs.v[pcr], pcrs->v[pcr], PCR_LEN) != 0)
			return false;
	return r->pcr_mask != 0;
}
