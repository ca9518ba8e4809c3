/* refstate: Keylime's measured-boot reference state, in our words. What it leaves open is not left open here. */
#include "firmware/firmware.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/json.h"
#include "base/sha.h"

enum { SIGNATURE_DATA_MAX = 65536 };

/* What Keylime's state speaks of, at least in part. */
static const uint8_t meant[] = {0, 1, 2, 4, 7, 9};
static const uint8_t valued[] = {3, 11, 12};

/* Digests are written "0x" and lower-case hexadecimal, as plain text or as {"sha256": ...}. */
static int digest_get(const json_t *v, uint8_t out[PCR_LEN], struct err *e)
{
	const char *hex = json_is_object(v) ? json_string_value(json_object_get(v, "sha256")) : json_string_value(v);

	if (!hex || strncmp(hex, "0x", 2) != 0 || hex_get(out, PCR_LEN, hex + 2))
		return err_set(e, WHY_MALFORMED, "expected a sha256 that begins with 0x");
	return 0;
}

static int put_digest(struct jw *j, const json_t *v, struct err *e)
{
	uint8_t digest[PCR_LEN];

	if (digest_get(v, digest, e))
		return -1;
	jw_hex(j, NULL, VIEW_OF(digest));
	return 0;
}

static const json_t *list_of(const json_t *state, const char *key, struct err *e)
{
	const json_t *list = json_object_get(state, key);

	if (json_is_array(list))
		return list;
	err_set(e, WHY_MALFORMED, "%s: expected an array", key);
	return NULL;
}

/* ---- Firmware: any of the combinations becomes any of their parts ---- */

static int put_firmware(struct jw *j, const json_t *entry, struct err *e)
{
	const json_t *blobs = json_object_get(entry, "platform_firmware");

	if (put_digest(j, json_object_get(entry, "scrtm"), e))
		return err_in(e, "scrtm");
	if (!json_is_array(blobs))
		return err_set(e, WHY_MALFORMED, "platform_firmware: expected an array");
	for (size_t i = 0; i < json_array_size(blobs); i++)
		if (put_digest(j, json_array_get(blobs, i), e))
			return err_in(e, "platform_firmware: entry %zu", i + 1);
	return 0;
}

static int put_all_firmware(struct jw *j, const json_t *state, struct err *e)
{
	const json_t *list = list_of(state, "scrtm_and_bios", e);

	if (!list)
		return -1;
	jw_arr(j, "firmware");
	for (size_t i = 0; i < json_array_size(list); i++)
		if (put_firmware(j, json_array_get(list, i), e))
			return err_in(e, "scrtm_and_bios: entry %zu", i + 1);
	jw_end_arr(j);
	return 0;
}

/* ---- Secure Boot keys: we name a certificate by its digest, Keylime writes it out ---- */

static int put_key(struct jw *j, const json_t *entry, struct err *e)
{
	const char *hex = json_string_value(json_object_get(entry, "SignatureData"));
	size_t n = hex ? strlen(hex) : 0;
	uint8_t name[PCR_LEN];

	if (n < 4 || n % 2 != 0 || n / 2 - 1 > SIGNATURE_DATA_MAX || strncmp(hex, "0x", 2) != 0)
		return err_set(e, WHY_MALFORMED, "SignatureData: expected hexadecimal that begins with 0x");
	n = n / 2 - 1;
	AUTO(mem_free) char *data = malloc(n);
	if (!data)
		return err_sys(e, "no memory for a certificate");
	if (hex_get(data, n, hex + 2))
		return err_set(e, WHY_MALFORMED, "SignatureData: expected hexadecimal that begins with 0x");
	if (n == PCR_LEN)
		memcpy(name, data, PCR_LEN);
	else
		sha256(name, VIEW(data, n));
	jw_hex(j, NULL, VIEW_OF(name));
	return 0;
}

static int put_keys(struct jw *j, const json_t *state, struct err *e)
{
	static const char *const theirs[KEYS_COUNT] = {"pk", "kek", "db", "dbx"};

	jw_obj(j, "secure_boot_keys");
	for (size_t k = 0; k < KEYS_COUNT; k++) {
		const json_t *list = list_of(state, theirs[k], e);
		if (!list)
			return -1;
		jw_arr(j, k == KEYS_DBX ? "dbx_at_least" : theirs[k]);
		for (size_t i = 0; i < json_array_size(list); i++)
			if (put_key(j, json_array_get(list, i), e))
				return err_in(e, "%s: entry %zu", theirs[k], i + 1);
		jw_end_arr(j);
	}
	jw_end_obj(j);
	return 0;
}

/* ---- Kernels ---- */

static int put_kernels(struct jw *j, const json_t *state, const char *key, const char *const members[], struct err *e)
{
	const json_t *list = list_of(state, "kernels", e);

	if (!list)
		return -1;
	jw_arr(j, key);
	for (size_t i = 0; i < json_array_size(list); i++)
		for (size_t k = 0; members[k]; k++) {
			const json_t *v = json_object_get(json_array_get(list, i), members[k]);
			if (v && put_digest(j, v, e))
				return err_in(e, "kernels: entry %zu: %s", i + 1, members[k]);
		}
	jw_end_arr(j);
	return 0;
}

/* ---- What Keylime does not say, from a log ---- */

/* Keylime trusts what shim and firmware accept; here each authority that is not of db is named. */
static bool to_take(const struct measured *ev, const struct meaning *m, unsigned pcr)
{
	if (ev->pcr != pcr || ev->type == EV_NO_ACTION || (pcr < 8 && boot_separates(ev->digest)))
		return false;
	switch (m->kind) {
	case MEANS_SECURE_BOOT:
	case MEANS_KEYS:
	case MEANS_FIRMWARE:
	case MEANS_FIRMWARE_VERSION:
	case MEANS_LOADER:
	case MEANS_BOOT_VARIABLE:
	case MEANS_DEBUGGER:
		return false;
	default:
		return true;
	}
}

static int put_events(struct jw *j, struct view log, unsigned pcr, struct err *e)
{
	uint8_t section = SECTION_NONE;
	struct eventlog l;
	struct event ev;
	int got;

	if (eventlog_open(&l, log, e))
		return -1;
	while ((got = eventlog_next(&l, &ev, e)) > 0) {
		struct measured m = boot_event(&ev);
		struct meaning means;
		meaning_of(&m, &section, &means);
		if (to_take(&m, &means, pcr))
			jw_hex(j, NULL, VIEW_OF(ev.digest));
	}
	return got;
}

struct register_name {
	char text[4];
};

static struct register_name register_name(unsigned pcr)
{
	struct register_name n;

	snprintf(n.text, sizeof n.text, "%u", pcr);
	return n;
}

/* Of what Keylime never looks at: the value of the log, or that of a register with nothing in it. */
static void put_values(struct jw *j, const struct boot *b, bool has_log)
{
	static const uint8_t zero[PCR_LEN];
	uint8_t separator[PCR_LEN], empty[PCR_LEN];

	sha256(separator, VIEW(zero, 4));
	sha256_2(empty, VIEW_OF(zero), VIEW_OF(separator));
	jw_obj(j, "pcrs");
	for (size_t i = 0; i < COUNT(valued); i++) {
		const uint8_t *v = has_log ? b->pcrs.v[valued[i]] : valued[i] < 8 ? empty : zero;
		jw_arr(j, register_name(valued[i]).text);
		jw_hex(j, NULL, VIEW(v, PCR_LEN));
		jw_end_arr(j);
	}
	jw_end_obj(j);
}

static int put_allowed(struct jw *j, struct view log, struct err *e)
{
	jw_obj(j, "allowed_events");
	for (size_t i = 0; i < COUNT(meant); i++) {
		if (meant[i] == 2) /* has a member of its own */
			continue;
		jw_arr(j, register_name(meant[i]).text);
		if (log.n > 0 && put_events(j, log, meant[i], e))
			return -1;
		jw_end_arr(j);
	}
	jw_end_obj(j);
	jw_arr(j, "drivers");
	if (log.n > 0 && put_events(j, log, 2, e))
		return -1;
	jw_end_arr(j);
	return 0;
}

static int put_body(struct jw *j, const json_t *state, struct view log, const struct boot *b, struct err *e)
{
	static const char *const loaders[] = {
	        "shim_authcode_sha256", "grub_authcode_sha256", "kernel_authcode_sha256", NULL};
	static const char *const files[] = {"initrd_plain_sha256", "vmlinuz_plain_sha256", NULL};
	const json_t *sb = json_object_get(state, "has_secureboot");

	if (sb && !json_is_boolean(sb))
		return err_set(e, WHY_MALFORMED, "has_secureboot: expected true or false");
	jw_obj(j, NULL);
	jw_arr(j, "by_meaning");
	for (size_t i = 0; i < COUNT(meant); i++)
		jw_int(j, NULL, meant[i]);
	jw_end_arr(j);
	put_values(j, b, log.n > 0);
	jw_bool(j, "secure_boot", !sb || json_is_true(sb));
	jw_str(j, "boot_variables", "any");
	if (put_all_firmware(j, state, e) || put_keys(j, state, e) || put_kernels(j, state, "loaders", loaders, e) ||
	        put_kernels(j, state, "initrd", files, e) || put_allowed(j, log, e))
		return -1;
	jw_end_obj(j);
	return 0;
}

int refstate_import(const struct json_t *state, struct view log, struct wr *out, struct err *e)
{
	struct wr w = *out;
	struct jw j = jw_to(&w);
	struct boot b = {0};

	if (log.n > 0 && boot_read(log, &b, e))
		return -1;
	if (put_body(&j, state, log, &b, e))
		return -1;
	if (!wr_ok(&w))
		return err_set(e, WHY_SYSTEM, "the reference set does not fit in %zu bytes", out->cap);
	*out = w;
	return 0;
}
