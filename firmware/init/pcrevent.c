#include <string.h>

#include "base/rd.h"
#include "firmware/init/init.h"

enum {
	ALG_SHA256 = 0x000b,
	DIGEST_LONGEST = 64,
	TPM_ST_NO_SESSIONS = 0x8001,
	TPM_ST_SESSIONS = 0x8002,
	TPM_CC_PCR_EXTEND = 0x182,
	PASSWORD_LEN = 9, /* TPMS_AUTH_COMMAND of an empty password */
	SIZE_AT = 2,
};
#define TPM_RS_PW 0x40000009u

static struct eventlog banks_of(struct view log)
{
	struct eventlog l, alone = {.algs = 1, .alg = {{ALG_SHA256, SHA_LEN}}};
	struct err e;

	return eventlog_open(&l, log, &e) == 0 ? l : alone;
}

/* The event's digest in a bank whose digests have that size. */
static struct view fitted(const struct pcrevent *ev, uint8_t buf[DIGEST_LONGEST], size_t size)
{
	memset(buf, 0, DIGEST_LONGEST);
	memcpy(buf, ev->digest, SHA_LEN);
	return VIEW(buf, size < DIGEST_LONGEST ? size : DIGEST_LONGEST);
}

void pcrevent_command(struct wr *w, const struct pcrevent *ev, struct view log)
{
	struct eventlog l = banks_of(log);
	uint8_t buf[DIGEST_LONGEST];
	size_t from = w->n;

	wr_be16(w, TPM_ST_SESSIONS);
	wr_be32(w, 0);
	wr_be32(w, TPM_CC_PCR_EXTEND);
	wr_be32(w, ev->pcr);
	wr_be32(w, PASSWORD_LEN);
	wr_be32(w, TPM_RS_PW);
	wr_be16(w, 0); /* nonce */
	wr_u8(w, 0);   /* attributes */
	wr_be16(w, 0); /* password */
	wr_be32(w, l.algs);
	for (uint32_t i = 0; i < l.algs; i++) {
		wr_be16(w, l.alg[i].id);
		wr_view(w, fitted(ev, buf, l.alg[i].size));
	}
	if (!wr_ok(w))
		return;
	struct wr size = wr_to(w->p + from + SIZE_AT, 4);
	wr_be32(&size, (uint32_t)(w->n - from));
}

int pcrevent_response(struct view v, struct err *e)
{
	struct rd r = rd_of(v);
	uint16_t tag = rd_be16(&r);
	uint32_t size = rd_be32(&r), rc = rd_be32(&r);

	if (!rd_ok(&r) || size != v.n || (tag != TPM_ST_SESSIONS && tag != TPM_ST_NO_SESSIONS))
		return err_set(e, WHY_SYSTEM, "the TPM gave an answer that cannot be read");
	return rc == 0 ? 0 : err_set(e, WHY_SYSTEM, "the TPM did not extend its register (TPM 0x%03x)", (unsigned)rc);
}

/* TCG PFP 10.2.2 */
int pcrevent_record(struct wr *w, const struct pcrevent *ev, struct view log, struct err *e)
{
	struct eventlog l;
	uint8_t buf[DIGEST_LONGEST];

	if (eventlog_open(&l, log, e) != 0)
		return -1;
	wr_le32(w, ev->pcr);
	wr_le32(w, EV_EVENT_TAG);
	wr_le32(w, l.algs);
	for (uint32_t i = 0; i < l.algs; i++) {
		wr_u8(w, (uint8_t)l.alg[i].id);
		wr_u8(w, (uint8_t)(l.alg[i].id >> 8));
		wr_view(w, fitted(ev, buf, l.alg[i].size));
	}
	wr_le32(w, (uint32_t)ev->data.n);
	wr_view(w, ev->data);
	return 0;
}

int pcrevent_whole(struct view log, struct view *out, struct err *e)
{
	struct eventlog l;
	struct event ev;
	int got;

	if (eventlog_open(&l, log, e) != 0)
		return -1;
	while ((got = eventlog_next(&l, &ev, e)) == 1)
		continue;
	if (got == 0)
		*out = VIEW(log.p, log.n - l.rest.n);
	return got;
}
