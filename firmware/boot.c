#include "firmware/firmware.h"

#include <string.h>

#include "base/hex.h"
#include "base/sha.h"

enum {
	PREBOOT = 0xff, /* registers 0-7, which each get a separator: TCG PFP 10.4.1 */
	SECURE_BOOT_PCR = 7,
	NO_ACTION_SIGNATURE = 16,
	HCRTM_LOCALITY = 4,
};

/* SHA-256 of 00000000, of ffffffff and of 01000000. */
static const uint8_t separator_normal[PCR_LEN] = {0xdf, 0x3f, 0x61, 0x98, 0x04, 0xa9, 0x2f, 0xdb, 0x40, 0x57, 0x19,
        0x2d, 0xc4, 0x3d, 0xd7, 0x48, 0xea, 0x77, 0x8a, 0xdc, 0x52, 0xbc, 0x49, 0x8c, 0xe8, 0x05, 0x24, 0xc0, 0x14,
        0xb8, 0x11, 0x19};
static const uint8_t separator_error[2][PCR_LEN] = {
        {0xad, 0x95, 0x13, 0x1b, 0xc0, 0xb7, 0x99, 0xc0, 0xb1, 0xaf, 0x47, 0x7f, 0xb1, 0x4f, 0xcf, 0x26, 0xa6, 0xa9,
                0xf7, 0x60, 0x79, 0xe4, 0x8b, 0xf0, 0x90, 0xac, 0xb7, 0xe8, 0x36, 0x7b, 0xfd, 0x0e},
        {0x67, 0xab, 0xdd, 0x72, 0x10, 0x24, 0xf0, 0xff, 0x4e, 0x0b, 0x3f, 0x4c, 0x2f, 0xc1, 0x3b, 0xc5, 0xba, 0xd4,
                0x2d, 0x0b, 0x78, 0x51, 0xd4, 0x56, 0xd8, 0x8d, 0x20, 0x3d, 0x15, 0xaa, 0xa4, 0x50},
};

struct replay {
	struct boot b;
	uint32_t extended;     /* mask of registers */
	uint32_t separated;    /* mask of registers */
	bool located;          /* StartupLocality was said */
	bool secure_boot_read; /* so was the SecureBoot variable */
	struct measured *m;
	size_t cap, n;
	size_t said; /* bytes of payloads that m shows */
};

const char *secure_boot_name(enum secure_boot sb)
{
	return sb == SECURE_BOOT_ON ? "on" : sb == SECURE_BOOT_OFF ? "off" : "unknown";
}

static bool digest_is(const uint8_t digest[PCR_LEN], const uint8_t other[PCR_LEN])
{
	return memcmp(digest, other, PCR_LEN) == 0;
}

bool boot_separates(const uint8_t digest[PCR_LEN])
{
	return digest_is(digest, separator_normal);
}

static int clause(const struct event *ev, const char *text, struct err *e)
{
	return err_set(e, WHY_MALFORMED, "event %u: TCG PFP %s", ev->number, text);
}

/* What is read must be what was measured (A52). */
static int bound(const struct event *ev, struct err *e)
{
	uint8_t digest[PCR_LEN];

	sha256(digest, ev->data);
	if (!digest_is(ev->digest, digest))
		return err_set(e, WHY_FORGED, "event %u (%s on PCR %u): its payload is not what was measured",
		        ev->number, event_type_name(ev->type), ev->pcr);
	return 0;
}

/* TCG PFP 10.4.5.3. The claim is not authenticated: a wrong one makes PCR 0 differ from the quote. */
static int no_action(struct replay *r, const struct event *ev, struct err *e)
{
	if (ev->data.n < NO_ACTION_SIGNATURE || memcmp(ev->data.p, "StartupLocality", NO_ACTION_SIGNATURE) != 0)
		return 0;
	if (ev->data.n != NO_ACTION_SIGNATURE + 1 || ev->pcr != 0)
		return clause(ev, "10.4.5.3: this is not a startup locality event", e);
	if (r->located)
		return clause(ev, "10.4.5.3: the startup locality is said twice", e);
	if (r->extended & 1u)
		return clause(ev, "10.4.5.3: the startup locality comes after PCR 0 was extended", e);
	uint8_t locality = ev->data.p[NO_ACTION_SIGNATURE];
	if (locality != 0 && locality != 3 && locality != HCRTM_LOCALITY)
		return clause(ev, "10.4.5.3: a TPM is not started from this locality", e);
	r->located = true;
	r->b.pcrs.v[0][PCR_LEN - 1] = locality;
	return 0;
}

/* The TPM itself measured before TPM2_Startup, which shows in the start value of PCR 0. */
static int hcrtm(struct replay *r, const struct event *ev, struct err *e)
{
	if (ev->pcr != 0 || r->extended & 1u)
		return clause(ev, "10.4.1: an H-CRTM event is the first of PCR 0", e);
	r->b.pcrs.v[0][PCR_LEN - 1] = HCRTM_LOCALITY;
	return 0;
}

static int separator(struct replay *r, const struct event *ev, struct err *e)
{
	uint32_t bit = 1u << ev->pcr;

	if (digest_is(ev->digest, separator_error[0]) || digest_is(ev->digest, separator_error[1]))
		return err_set(
		        e, WHY_UNTRUSTED, "event %u: the firmware reports an error on PCR %u", ev->number, ev->pcr);
	if (bound(ev, e))
		return -1;
	if (!digest_is(ev->digest, separator_normal))
		return clause(ev, "10.4.1: a separator is four zero bytes", e);
	if (r->separated & bit)
		return clause(ev, "10.4.1: the register has a second separator", e);
	if (ev->pcr == 0 && !(r->extended & 1u)) /* an unused bank, filled afterwards: A16 */
		return clause(ev, "10.4.1: PCR 0 has a separator but no measurement of the firmware", e);
	r->separated |= bit;
	return 0;
}

static int secure_boot(struct replay *r, const struct event *ev, struct err *e)
{
	struct uefivar u;

	if (bound(ev, e))
		return -1;
	if (uefivar_parse(ev->data, &u, e))
		return err_in(e, "event %u", ev->number);
	if (!uefivar_is(&u, UEFI_GLOBAL, "SecureBoot"))
		return 0;
	if (r->secure_boot_read)
		return clause(ev, "3.3.4.8: SecureBoot is measured twice", e);
	if (r->separated & 1u << SECURE_BOOT_PCR)
		return clause(ev, "3.3.4.8: SecureBoot comes after the separator of PCR 7", e);
	if (u.data.n > 1 || (u.data.n == 1 && u.data.p[0] > 1))
		return clause(ev, "10.2.6: SecureBoot is not one byte of 0 or 1", e);
	r->secure_boot_read = true;
	if (u.data.n == 1)
		r->b.secure_boot = u.data.p[0] ? SECURE_BOOT_ON : SECURE_BOOT_OFF;
	return 0;
}

struct measured boot_event(const struct event *ev)
{
	struct measured m = {.pcr = (uint8_t)ev->pcr, .type = ev->type, .number = ev->number, .data = ev->data};

	memcpy(m.digest, ev->digest, PCR_LEN);
	return m;
}

static int extend(struct replay *r, const struct event *ev, struct err *e)
{
	uint8_t *pcr = r->b.pcrs.v[ev->pcr];

	sha256_2(pcr, VIEW(pcr, PCR_LEN), VIEW(ev->digest, PCR_LEN));
	r->extended |= 1u << ev->pcr;
	if (!r->m || !(PCR_MASK & 1u << ev->pcr))
		return 0;
	if (r->n == r->cap)
		return err_set(e, WHY_MALFORMED, "the event log has more than %zu events of quoted registers", r->cap);
	struct measured *m = &r->m[r->n++];
	*m = boot_event(ev);
	if (!meaning_read(ev->pcr, ev->type) || ev->data.n > SAID_MAX - r->said)
		m->data = VIEW(NULL, 0);
	r->said += m->data.n;
	return 0;
}

/* The rules that hold for an event before it is extended. */
static int judged(struct replay *r, const struct event *ev, struct err *e)
{
	if (ev->type == EV_SEPARATOR)
		return separator(r, ev, e);
	/* The digest is what the TPM knows, the type is only said. */
	if (digest_is(ev->digest, separator_normal) || digest_is(ev->digest, separator_error[0]) ||
	        digest_is(ev->digest, separator_error[1]))
		return clause(ev, "10.4.1: a separator is shown under another type", e);
	if (ev->type == EV_NO_ACTION)
		return no_action(r, ev, e);
	if (ev->type == EV_EFI_HCRTM_EVENT)
		return hcrtm(r, ev, e);
	if (ev->type == EV_EFI_VARIABLE_DRIVER_CONFIG && ev->pcr == SECURE_BOOT_PCR)
		return secure_boot(r, ev, e);
	return 0;
}

static int replay_all(struct replay *r, struct eventlog *l, struct err *e)
{
	struct event ev;
	int got;

	while ((got = eventlog_next(l, &ev, e)) > 0) {
		r->b.events++;
		if (judged(r, &ev, e) || (ev.type != EV_NO_ACTION && extend(r, &ev, e)))
			return -1;
	}
	if (got < 0)
		return -1;
	for (uint32_t pcr = 0; PREBOOT >> pcr; pcr++)
		if (!(r->separated & 1u << pcr))
			return err_set(e, WHY_MALFORMED,
			        "TCG PFP 10.4.1: PCR %u has no separator, so the log is not whole", pcr);
	return 0;
}

int boot_walk(struct view log, struct boot *out, struct measured *m, size_t cap, size_t *n, struct err *e)
{
	struct replay r = {.m = m, .cap = cap};
	struct eventlog l;

	if (eventlog_open(&l, log, e) || replay_all(&r, &l, e))
		return -1;
	sha256(r.b.digest, log);
	*out = r.b;
	if (n)
		*n = r.n;
	return 0;
}

int boot_read(struct view log, struct boot *out, struct err *e)
{
	return boot_walk(log, out, NULL, 0, NULL, e);
}

int boot_measured(struct view log, struct measured *out, size_t cap, size_t *n, struct err *e)
{
	struct boot b;

	return boot_walk(log, &b, out, cap, n, e);
}

int boot_explains(const struct boot *b, const struct pcrs *quoted, uint32_t mask, struct err *e)
{
	char ours[17], theirs[17]; /* eight bytes name a digest */

	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++) {
		if (!(mask & 1u << pcr) || digest_is(b->pcrs.v[pcr], quoted->v[pcr]))
			continue;
		hex_put(ours, b->pcrs.v[pcr], 8);
		hex_put(theirs, quoted->v[pcr], 8);
		return err_set(
		        e, WHY_FORGED, "PCR %u: the event log gives %s.., the quote has %s..", pcr, ours, theirs);
	}
	return 0;
}
