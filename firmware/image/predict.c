#include "firmware/image/predict.h"

#include <string.h>

#include "firmware/init/init.h"

#define LOAD_OPTIONS_MAX 2048 /* the kernel's own limit */

static int put_digest(struct predicted *p, unsigned pcr, uint32_t type, const uint8_t digest[PCR_LEN], struct err *e)
{
	if (p->n == PREDICT_EVENTS_MAX)
		return err_set(e, WHY_MALFORMED, "the image measures more than %d events", PREDICT_EVENTS_MAX);
	struct measured *ev = &p->event[p->n++];
	ev->pcr = (uint8_t)pcr;
	ev->type = type;
	ev->number = (uint32_t)p->n;
	memcpy(ev->digest, digest, PCR_LEN);
	sha256_2(p->pcrs.v[pcr], VIEW_OF(p->pcrs.v[pcr]), VIEW(digest, PCR_LEN));
	return 0;
}

static int put(struct predicted *p, unsigned pcr, uint32_t type, const struct view *parts, size_t n, struct err *e)
{
	uint8_t digest[PCR_LEN];

	sha256_n(digest, parts, n);
	return put_digest(p, pcr, type, digest, e);
}

static int put_view(struct predicted *p, unsigned pcr, uint32_t type, struct view v, struct err *e)
{
	return put(p, pcr, type, &v, 1, e);
}

static int put_separator(struct predicted *p, unsigned pcr, struct err *e)
{
	static const uint8_t zeros[4];

	return put_view(p, pcr, EV_SEPARATOR, VIEW_OF(zeros), e);
}

/* ---- Register 7: TCG PFP 3.3.4.8 and 10.2.6 ---- */

/* UEFI_VARIABLE_DATA. */
static int put_variable(struct predicted *p, uint32_t type, const uint8_t guid[UEFI_GUID_LEN], const char *name,
        struct view data, struct err *e)
{
	uint8_t head[UEFI_GUID_LEN + 16 + 2 * 16];
	struct wr w = wr_to(head, sizeof head);

	wr_bytes(&w, guid, UEFI_GUID_LEN);
	wr_le32(&w, (uint32_t)strlen(name));
	wr_le32(&w, 0);
	wr_le32(&w, (uint32_t)data.n);
	wr_le32(&w, 0);
	for (const char *c = name; *c; c++)
		wr_le16(&w, (uint16_t)*c);
	const struct view parts[] = {wr_done(&w), data};
	return put(p, 7, type, parts, COUNT(parts), e);
}

/* The entry of db that verified what was started: the first certificate, as our db has but one. It is measured once. */
static int put_authority(struct predicted *p, struct view db, struct err *e)
{
	struct siglist l = siglist_of(db);
	struct signature s;

	if (siglist_next(&l, &s, e) != 1 || s.kind != SIGNATURE_X509)
		return err_set(e, WHY_MALFORMED, "db: a signature list that begins with a certificate is needed");
	const struct view entry = VIEW(s.owner.p, s.owner.n + s.data.n); /* they lie side by side: UEFI 2.10 32.4.1 */
	if (siglist_next(&l, &s, e) != 0)
		return err_set(e, WHY_MALFORMED, "db: more than one entry, and nobody knows which will verify");
	return put_variable(p, EV_EFI_VARIABLE_AUTHORITY, UEFI_SECURITY, "db", entry, e);
}

static int secure_boot(struct predicted *p, const struct image_parts *i, struct err *e)
{
	static const uint8_t on[] = {1};
	const struct {
		const uint8_t *guid;
		const char *name;
		struct view data;
	} variables[] = {{UEFI_GLOBAL, "SecureBoot", VIEW_OF(on)}, {UEFI_GLOBAL, "PK", i->pk},
	        {UEFI_GLOBAL, "KEK", i->kek}, {UEFI_SECURITY, "db", i->db}, {UEFI_SECURITY, "dbx", VIEW(NULL, 0)}};

	for (size_t k = 0; k < COUNT(variables); k++)
		if (put_variable(p, EV_EFI_VARIABLE_DRIVER_CONFIG, variables[k].guid, variables[k].name,
		            variables[k].data, e))
			return -1;
	return put_separator(p, 7, e) || put_authority(p, i->db, e) ? -1 : 0;
}

/* ---- Register 4 ---- */

static int put_application(struct predicted *p, struct view file, const char *what, struct err *e)
{
	uint8_t digest[PCR_LEN];
	struct pe pe;

	if (pe_parse(file, &pe, e))
		return err_in(e, "%s", what);
	pe_authenticode(&pe, digest);
	return put_digest(p, 4, EV_EFI_BOOT_SERVICES_APPLICATION, digest, e);
}

static int applications(struct predicted *p, const struct image_parts *i, struct err *e)
{
	static const char action[] = "Calling EFI Application from Boot Option"; /* TCG PFP 10.4.4, without its NUL */

	if (put_view(p, 4, EV_EFI_ACTION, VIEW(action, sizeof action - 1), e) || put_separator(p, 4, e) ||
	        (i->loader.n > 0 && put_application(p, i->loader, "the boot loader", e)))
		return -1;
	return put_application(p, i->uki, "the kernel image", e);
}

/* ---- Registers 11 and 12: the stub ---- */

/* In the stub's own order (src/fundamental/tpm-pcr.c); .uname and .pcrsig are not measured. */
static const char *const MEASURED[] = {".linux", ".osrel", ".cmdline", ".initrd"};
static const char *const UNKNOWN[] = {".splash", ".dtb", ".pcrpkey"};

static int sections(struct predicted *p, const struct pe *uki, struct err *e)
{
	for (size_t k = 0; k < COUNT(UNKNOWN); k++)
		if (pe_section(uki, UNKNOWN[k]))
			return err_set(
			        e, WHY_UNKNOWN, "the kernel image has a section %s, which is not modelled", UNKNOWN[k]);
	for (size_t k = 0; k < COUNT(MEASURED); k++) {
		const struct pe_section *s = pe_section(uki, MEASURED[k]);

		if (!s)
			return err_set(e, WHY_MALFORMED, "the kernel image has no section %s", MEASURED[k]);
		if (put_view(p, 11, EV_IPL, VIEW(MEASURED[k], strlen(MEASURED[k]) + 1), e) ||
		        put_view(p, 11, EV_IPL, s->data, e))
			return -1;
	}
	memcpy(p->sealed, p->pcrs.v[11], PCR_LEN);
	return 0;
}

/* The command line as the stub and the kernel pass it: UTF-16 with a NUL. */
static int wide_line(const struct pe *uki, uint8_t *out, size_t cap, struct view *wide, struct err *e)
{
	const struct pe_section *s = pe_section(uki, ".cmdline");
	struct wr w = wr_to(out, cap);

	for (size_t k = 0; k < s->data.n; k++) {
		if (s->data.p[k] < 0x20 || s->data.p[k] > 0x7e)
			return err_set(e, WHY_MALFORMED, "the command line has a byte 0x%02x", s->data.p[k]);
		wr_le16(&w, s->data.p[k]);
	}
	wr_le16(&w, 0);
	*wide = wr_done(&w);
	return wr_ok(&w) ? 0 : err_set(e, WHY_MALFORMED, "the command line is longer than %d", LOAD_OPTIONS_MAX);
}

/* ---- Register 9: the kernel's EFI stub; the initrd is what systemd's stub hands it, each part padded to 4 bytes ---- */

static int initrd(struct predicted *p, const struct pe *uki, struct err *e)
{
	static const uint8_t zeros[4];
	const struct pe_section *s = pe_section(uki, ".initrd"), *sig = pe_section(uki, ".pcrsig");
	uint8_t extra[PCRSIG_MAX + STUBCPIO_EXTRA];
	struct wr w = wr_to(extra, sizeof extra);

	if (!sig)
		return put_view(p, 9, EV_EVENT_TAG, s->data, e);
	stubcpio_write(&w, sig->data);
	if (!wr_ok(&w))
		return err_set(e, WHY_MALFORMED, "the section .pcrsig is longer than %d bytes", PCRSIG_MAX);
	const struct view parts[] = {s->data, VIEW(zeros, (4 - s->data.n % 4) % 4), wr_done(&w)};
	return put(p, 9, EV_EVENT_TAG, parts, COUNT(parts), e);
}

static int kernel(struct predicted *p, const struct image_parts *i, const struct pe *uki, struct err *e)
{
	uint8_t buf[2 * LOAD_OPTIONS_MAX];
	struct view line;

	if (wide_line(uki, buf, sizeof buf, &line, e))
		return -1;
	/* systemd-boot hands the line on as load options, and the stub measures what it was handed */
	if (i->loader.n > 0 && put_view(p, 12, EV_IPL, line, e))
		return -1;
	return put_view(p, 9, EV_EVENT_TAG, line, e) || initrd(p, uki, e) ? -1 : 0;
}

int predict(const struct image_parts *i, struct predicted *out, struct err *e)
{
	struct predicted p = {0};
	struct pe uki;

	if (pe_parse(i->uki, &uki, e))
		return err_in(e, "the kernel image");
	if (secure_boot(&p, i, e) || applications(&p, i, e) || sections(&p, &uki, e) || kernel(&p, i, &uki, e) ||
	        put_view(&p, 11, EV_IPL, VIEW(UP_EVENT, strlen(UP_EVENT)), e))
		return -1;
	*out = p;
	return 0;
}

int predict_sealed(struct view file, uint8_t out[PCR_LEN], struct err *e)
{
	struct predicted p = {0};
	struct pe uki;

	if (pe_parse(file, &uki, e) || sections(&p, &uki, e))
		return err_in(e, "the kernel image");
	memcpy(out, p.sealed, PCR_LEN);
	return 0;
}
