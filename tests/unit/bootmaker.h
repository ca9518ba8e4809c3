/* bootmaker: whole boots with Secure Boot keys, loaders, a kernel image and command lines, and what a set says of them. */
#ifndef UNIT_BOOTMAKER_H
#define UNIT_BOOTMAKER_H

#include <stdlib.h>

#include "base/json.h"
#include "tests/unit/logmaker.h"
#include "tests/unit/unit.h"

struct bootmaker { /* what a boot is made of; zero: as usual */
	const char *db, *dbx, *authority, *loader, *driver, *line, *section, *initrd, *version, *sbat;
	const char *late; /* a command line that comes from outside the image */
	bool debug, off, no_options, extra_variable;
	void (*more)(struct wr *w); /* records at the end */
};

static const uint8_t bootmaker_x509[UEFI_GUID_LEN] = {
        0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72};
static const uint8_t bootmaker_sha256[UEFI_GUID_LEN] = {
        0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28};
static const uint8_t bootmaker_owner[UEFI_GUID_LEN] = {7};

static inline const char *bootmaker_or(const char *given, const char *usual)
{
	return given ? given : usual;
}

/* A list of one certificate, which for us is any bytes. */
static inline void bootmaker_list(struct wr *w, const uint8_t *type, struct view data)
{
	wr_bytes(w, type, UEFI_GUID_LEN);
	logmaker_le32(w, (uint32_t)(28 + UEFI_GUID_LEN + data.n));
	logmaker_le32(w, 0);
	logmaker_le32(w, (uint32_t)(UEFI_GUID_LEN + data.n));
	wr_bytes(w, bootmaker_owner, UEFI_GUID_LEN);
	wr_view(w, data);
}

static inline void bootmaker_keys(
        struct wr *w, const uint8_t *guid, const char *name, const uint8_t *type, struct view data)
{
	uint8_t list[512], buf[640];
	struct wr l = wr_to(list, sizeof list), v = wr_to(buf, sizeof buf);

	bootmaker_list(&l, type, data);
	logmaker_event(w, 7, EV_EFI_VARIABLE_DRIVER_CONFIG, logmaker_variable(&v, guid, name, wr_done(&l)));
}

static inline struct view bootmaker_text(const char *s)
{
	return VIEW(s, strlen(s));
}

/* The digest of something that is not in the log, under any payload. */
static inline void bootmaker_hashed(struct wr *w, uint32_t pcr, uint32_t type, struct view hashed, struct view data)
{
	uint8_t digest[32];

	sha256(digest, hashed);
	logmaker_raw(w, pcr, type, digest, data);
}

static inline void bootmaker_authority(struct wr *w, const char *name, const uint8_t *guid, const char *certificate)
{
	uint8_t data[256], buf[400];
	struct wr d = wr_to(data, sizeof data), v = wr_to(buf, sizeof buf);

	wr_bytes(&d, bootmaker_owner, UEFI_GUID_LEN);
	wr_str(&d, certificate);
	logmaker_event(w, 7, EV_EFI_VARIABLE_AUTHORITY, logmaker_variable(&v, guid, name, wr_done(&d)));
}

static inline struct view bootmaker_wide(uint8_t *out, const char *text, bool nul)
{
	size_t n = strlen(text);

	for (size_t i = 0; i <= n; i++) {
		out[2 * i] = (uint8_t)text[i];
		out[2 * i + 1] = 0;
	}
	return VIEW(out, 2 * (n + nul));
}

static inline void bootmaker_section(struct wr *w, const char *name, const char *contents)
{
	uint8_t wide[64];
	struct view label = bootmaker_wide(wide, name, true);

	bootmaker_hashed(w, 11, EV_IPL, VIEW(name, strlen(name) + 1), label);
	bootmaker_hashed(w, 11, EV_IPL, bootmaker_text(contents), label);
}

static inline void bootmaker_tag(struct wr *w, uint32_t tag, const char *label, struct view hashed)
{
	uint8_t data[64];
	struct wr d = wr_to(data, sizeof data);

	logmaker_le32(&d, tag);
	logmaker_le32(&d, (uint32_t)strlen(label) + 1);
	wr_bytes(&d, label, strlen(label) + 1);
	bootmaker_hashed(w, 9, EV_EVENT_TAG, hashed, wr_done(&d));
}

static inline void bootmaker_policy(struct wr *w, const struct bootmaker *b)
{
	uint8_t hash[32];

	logmaker_secure_boot(w, 7, b->off ? 0 : 1, 1);
	bootmaker_keys(w, UEFI_GLOBAL, "PK", bootmaker_x509, bootmaker_text("platform key"));
	bootmaker_keys(w, UEFI_GLOBAL, "KEK", bootmaker_x509, bootmaker_text("exchange key"));
	bootmaker_keys(w, UEFI_SECURITY, "db", bootmaker_x509, bootmaker_text(bootmaker_or(b->db, "vendor")));
	sha256(hash, bootmaker_text(bootmaker_or(b->dbx, "bad loader")));
	bootmaker_keys(w, UEFI_SECURITY, "dbx", bootmaker_sha256, VIEW_OF(hash));
	if (b->debug)
		logmaker_event(w, 7, EV_EFI_ACTION, bootmaker_text("UEFI Debug Mode"));
	if (b->extra_variable)
		bootmaker_keys(w, UEFI_SECURITY, "dbt", bootmaker_x509, bootmaker_text("time stamps"));
}

static inline void bootmaker_system(struct wr *w, const struct bootmaker *b)
{
	const char *line = bootmaker_or(b->line, "quiet root=a");
	uint8_t wide[2048];

	bootmaker_section(w, ".linux", "kernel");
	bootmaker_section(w, ".cmdline", line);
	if (b->section)
		bootmaker_section(w, b->section, "something");
	if (b->late)
		logmaker_event(w, 12, EV_IPL, bootmaker_wide(wide, b->late, true));
	if (!b->no_options)
		bootmaker_tag(w, 0x8f3b22ed, "LOADED_IMAGE::LoadOptions",
		        bootmaker_wide(wide, b->late ? b->late : line, true));
	bootmaker_tag(w, 0x8f3b22ec, "Linux initrd", bootmaker_text(bootmaker_or(b->initrd, "initrd")));
}

static inline struct view bootmaker_log(uint8_t *buf, size_t cap, const struct bootmaker *b)
{
	struct wr w = wr_to(buf, cap);
	uint8_t wide[128];

	logmaker_open(&w);
	logmaker_event(&w, 0, EV_S_CRTM_VERSION, bootmaker_wide(wide, bootmaker_or(b->version, "1.0"), true));
	bootmaker_hashed(
	        &w, 0, EV_EFI_PLATFORM_FIRMWARE_BLOB, bootmaker_text("code"), bootmaker_text("0123456789abcdef"));
	bootmaker_policy(&w, b);
	bootmaker_hashed(&w, 2, EV_EFI_BOOT_SERVICES_DRIVER, bootmaker_text(bootmaker_or(b->driver, "network card")),
	        bootmaker_text("path"));
	logmaker_event(&w, 4, EV_EFI_ACTION, bootmaker_text("Calling EFI Application from Boot Option"));
	logmaker_separators(&w, 0xff);
	if (!b->off)
		bootmaker_authority(&w, "db", UEFI_SECURITY, bootmaker_or(b->authority, "vendor"));
	if (b->sbat) {
		uint8_t v[128];
		struct wr variable = wr_to(v, sizeof v);
		logmaker_event(&w, 7, EV_EFI_VARIABLE_AUTHORITY,
		        logmaker_variable(&variable, UEFI_SHIM, "SbatLevel", bootmaker_text(b->sbat)));
	}
	bootmaker_hashed(&w, 4, EV_EFI_BOOT_SERVICES_APPLICATION, bootmaker_text(bootmaker_or(b->loader, "shim")),
	        bootmaker_text("path"));
	bootmaker_system(&w, b);
	if (b->more)
		b->more(&w);
	assert_true(wr_ok(&w));
	return wr_done(&w);
}

/* ---- A set, and a boot that is compared with it ---- */

static inline json_t *bootmaker_learn(const struct bootmaker *b)
{
	static uint8_t log[16384], text[65536];
	struct err e;
	struct wr w = wr_to(text, sizeof text);

	assert_accepted(reference_learn_meaning(bootmaker_log(log, sizeof log, b), &w, &e), &e);
	json_t *body = json_read(wr_done(&w), sizeof text, &e);
	assert_non_null(body);
	return body;
}

static inline struct reference *bootmaker_import(const json_t *body)
{
	struct err e;
	struct reference *r = reference_import(body, &e);

	if (!r)
		fail_msg("%s", e.text);
	return r;
}

struct bootmaker_booted { /* what the decider would have of a boot */
	struct measured ev[MEASURED_MAX];
	size_t n;
	struct boot boot;
	struct story story;
	struct state state;
	uint8_t log[16384];
};

static inline void bootmaker_boot(struct bootmaker_booted *x, const struct bootmaker *b)
{
	struct err e;
	struct view log = bootmaker_log(x->log, sizeof x->log, b);

	assert_accepted(boot_walk(log, &x->boot, x->ev, MEASURED_MAX, &x->n, &e), &e);
	story_tell(&x->story, x->ev, x->n, &x->boot.pcrs);
	x->state = (struct state){.pcrs = &x->boot.pcrs,
	        .secure_boot = x->boot.secure_boot,
	        .ev = x->ev,
	        .nev = x->n,
	        .story = &x->story,
	        .now = 1000};
}

#endif
