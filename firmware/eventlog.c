#include "firmware/firmware.h"

#include <string.h>

#include "base/rd.h"

enum {
	ALG_SHA1 = 0x0004,
	ALG_SHA256 = 0x000b,
	RECORD_START = 12,  /* register, type and count: what any record begins with */
	OLD_LEN = 20,       /* digest of the header record, all zero */
	SIGNATURE_LEN = 16, /* of an EV_NO_ACTION structure, with its NUL */
};

/* TCG Algorithm Registry: hash algorithms and their digest sizes. */
static const struct {
	uint16_t id, size;
} hashes[] = {{ALG_SHA1, OLD_LEN}, {ALG_SHA256, 32}, {0x000c, 48}, {0x000d, 64}, {0x0012, 32}, {0x0027, 32},
        {0x0028, 48}, {0x0029, 64}};

static bool hash_has_size(uint16_t id, uint16_t size)
{
	for (size_t i = 0; i < COUNT(hashes); i++)
		if (hashes[i].id == id)
			return hashes[i].size == size;
	return false;
}

/* The index of a bank among those the header names, or l->algs. */
static uint32_t bank(const struct eventlog *l, uint16_t id)
{
	uint32_t i = 0;

	while (i < l->algs && l->alg[i].id != id)
		i++;
	return i;
}

static int banks_read(struct eventlog *l, struct rd *r, struct err *e)
{
	uint32_t n = (uint32_t)rd_upto(r, rd_le32(r), EVENTLOG_ALGS);

	for (uint32_t i = 0; i < n && rd_ok(r); i++) {
		uint16_t id = rd_le16(r), size = rd_le16(r);

		if (rd_ok(r) && !hash_has_size(id, size))
			return err_set(e, WHY_MALFORMED,
			        "TCG PFP 10.4.5.1: bank 0x%04x with digests of %u bytes is not known", id, size);
		if (rd_ok(r) && bank(l, id) != l->algs)
			return err_set(e, WHY_MALFORMED, "TCG PFP 10.4.5.1: bank 0x%04x is named twice", id);
		l->alg[i].id = id;
		l->alg[i].size = size;
		l->algs = i + 1;
	}
	return 0;
}

/* TCG_EfiSpecIDEvent: what kind of log this is. */
static int spec_id_read(struct eventlog *l, struct view data, struct err *e)
{
	struct rd r = rd_of(data);
	struct view signature = rd_view(&r, SIGNATURE_LEN);

	if (!view_equal(signature, VIEW("Spec ID Event03", SIGNATURE_LEN)))
		return err_set(
		        e, WHY_MALFORMED, "TCG PFP 10.4.5.1: the log has the old SHA-1 form, which proves too little");
	rd_le32(&r); /* platform class: client or server */
	rd_u8(&r);   /* minor version */
	uint8_t major = rd_u8(&r);
	rd_u8(&r); /* errata */
	rd_u8(&r); /* size of UINTN; no field of ours depends on it */
	if (rd_ok(&r) && major != 2)
		return err_set(e, WHY_MALFORMED, "TCG PFP 10.4.5.1: version %u of the log format is not known", major);
	if (banks_read(l, &r, e))
		return -1;
	rd_view(&r, rd_u8(&r)); /* vendor information */
	if (!rd_end(&r))
		return err_set(e, WHY_MALFORMED, "TCG PFP 10.4.5.1: the header has not the size it claims");
	return 0;
}

static int header_read(struct eventlog *l, struct view log, struct err *e)
{
	static const uint8_t zero[OLD_LEN];
	struct eventlog fresh = {.rest = {log.p, 0}};
	struct rd r = rd_of(log);

	if (log.n > EVENTLOG_MAX)
		return err_set(
		        e, WHY_MALFORMED, "the event log has %zu bytes, the most we read is %d", log.n, EVENTLOG_MAX);
	uint32_t pcr = rd_le32(&r), type = rd_le32(&r);
	struct view digest = rd_view(&r, OLD_LEN);
	struct view data = rd_view(&r, rd_le32(&r));
	if (!rd_ok(&r))
		return err_set(e, WHY_MALFORMED, "TCG PFP 10.4.5.1: the log ends inside its header");
	if (pcr != 0 || type != EV_NO_ACTION || !view_equal(digest, VIEW_OF(zero)))
		return err_set(e, WHY_MALFORMED,
		        "TCG PFP 10.4.5.1: the log has no header, so it is of the old SHA-1 form or not a log");
	if (spec_id_read(&fresh, data, e))
		return -1;
	fresh.rest = rd_view(&r, rd_left(&r));
	*l = fresh;
	return 0;
}

int eventlog_open(struct eventlog *l, struct view log, struct err *e)
{
	struct eventlog fresh;

	if (header_read(&fresh, log, e))
		return -1;
	if (bank(&fresh, ALG_SHA256) == fresh.algs)
		return err_set(e, WHY_MALFORMED, "the log has no sha256 bank");
	*l = fresh;
	return 0;
}

/* A log of the form before TPM 2.0 begins with any event, or with another version of the header. */
static bool has_header(struct view log)
{
	struct rd r = rd_of(log);

	rd_view(&r, 4 + 4 + OLD_LEN + 4);
	return view_equal(rd_view(&r, SIGNATURE_LEN), VIEW("Spec ID Event03", SIGNATURE_LEN));
}

int eventlog_open_any(struct eventlog *l, struct view log, struct err *e)
{
	if (has_header(log))
		return header_read(l, log, e);
	if (log.n == 0 || log.n > EVENTLOG_MAX)
		return err_set(
		        e, WHY_MALFORMED, "the event log has %zu bytes, we read from 1 to %d", log.n, EVENTLOG_MAX);
	*l = (struct eventlog){.rest = log, .algs = 1, .alg = {{ALG_SHA1, OLD_LEN}}, .old = true};
	return 0;
}

/* Firmware hands over whole buffers. A shorter run of equal bytes could be the start of a record that was cut. */
static bool padding(struct view v)
{
	if (v.n < RECORD_START || (v.p[0] != 0x00 && v.p[0] != 0xff))
		return false;
	return memcmp(v.p, v.p + 1, v.n - 1) == 0;
}

static int clause(const struct eventlog *l, const char *text, struct err *e)
{
	return err_set(e, WHY_MALFORMED, "event %u: TCG PFP 10.2.2: %s", l->number, text);
}

/* One digest for each bank of the header, in any order. */
static int digests_read(const struct eventlog *l, struct rd *r, struct event *ev, struct err *e)
{
	uint32_t seen = 0;

	for (uint32_t i = 0; i < l->algs; i++) {
		uint16_t id = rd_le16(r);
		uint32_t at = bank(l, id);
		if (!rd_ok(r))
			break;
		if (at == l->algs)
			return clause(l, "a digest is of a bank that the header does not name", e);
		if (seen & 1u << at)
			return clause(l, "two digests are of the same bank", e);
		seen |= 1u << at;
		struct view digest = rd_view(r, l->alg[at].size);
		if (id == ALG_SHA256 && rd_ok(r))
			memcpy(ev->digest, digest.p, PCR_LEN);
	}
	return 0;
}

static int event_read(struct eventlog *l, struct event *out, struct err *e)
{
	struct rd r = rd_of(l->rest);
	struct event ev = {.number = l->number};

	ev.pcr = rd_le32(&r);
	ev.type = rd_le32(&r);
	uint32_t count = l->old ? 1 : rd_le32(&r);
	if (l->old && ev.pcr == UINT32_MAX && ev.type == EV_NO_ACTION) /* of no register, as Windows writes it */
		ev.pcr = 0;
	if (rd_ok(&r) && ev.pcr >= PCR_COUNT)
		return clause(l, "there is no such register", e);
	if (rd_ok(&r) && count != l->algs)
		return clause(l, "it has not one digest for each bank", e);
	size_t from = r.at;
	if (l->old)
		rd_view(&r, OLD_LEN);
	else if (digests_read(l, &r, &ev, e))
		return -1;
	ev.digests = VIEW(r.p + from, r.at - from);
	ev.data = rd_view(&r, rd_le32(&r));
	if (!rd_ok(&r))
		return clause(l, "it goes past the end of the log", e);
	l->rest = rd_view(&r, rd_left(&r));
	*out = ev;
	return 1;
}

int eventlog_next(struct eventlog *l, struct event *ev, struct err *e)
{
	if (l->refused)
		return err_set(e, WHY_MALFORMED, "the event log was refused at event %u", l->number);
	if (l->rest.n == 0 || padding(l->rest))
		return 0;
	l->number++;
	int got = -1;
	if (l->number > EVENT_MAX)
		err_set(e, WHY_MALFORMED, "the event log has more than %d events", EVENT_MAX);
	else
		got = event_read(l, ev, e);
	l->refused = got < 0;
	return got;
}

struct view eventlog_digest(const struct eventlog *l, const struct event *ev, uint32_t at)
{
	struct rd r = rd_of(ev->digests);

	for (uint32_t i = 0; i < l->algs && rd_ok(&r); i++) {
		uint32_t found = l->old ? 0 : bank(l, rd_le16(&r));
		if (found == l->algs)
			break;
		struct view digest = rd_view(&r, l->alg[found].size);
		if (found == at)
			return digest;
	}
	return VIEW(NULL, 0);
}
