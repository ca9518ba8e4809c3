#include <string.h>

#include "attest/attest.h"

static const char MAGIC[4] = {'M', 'B', 'S', '1'};
static const char CONTEXT[] = "merestone bound";

#define LIGHT_M_NS 0.299792458 /* in vacuum: nothing is faster, and radio links come near it */

static void read_content(struct rd *r, struct bound *b)
{
	struct view magic = rd_view(r, sizeof MAGIC);

	rd_require(r, view_equal(magic, VIEW_OF(MAGIC)));
	rd_text16(r, b->landmark, NAME_CAP);
	rd_require(r, name_ok(b->landmark));
	rd_copy(r, b->context, sizeof b->context);
	rd_copy(r, b->prover, sizeof b->prover);
	rd_copy(r, b->transcript, sizeof b->transcript);
	b->rounds = rd_be16(r);
	b->rtt_ns = rd_upto(r, rd_be64(r), BOUND_RTT_MAX_NS);
	b->time = (int64_t)rd_upto(r, rd_be64(r), TAG_TIME_MAX);
	rd_require(r, b->rounds >= BOUND_ROUNDS_MIN && b->rtt_ns > 0);
}

int bound_parse(struct view v, struct bound *out, struct err *e)
{
	struct rd r = rd_of(v);
	struct bound b = {0};

	read_content(&r, &b);
	size_t n = r.at;
	rd_copy(&r, b.signature, sizeof b.signature);
	if (!rd_end(&r))
		return err_set(e, WHY_MALFORMED,
		        "landmark statement: cut short, too long or out of range (merestone-bound(5))");
	sha256(b.content, VIEW(v.p, n));
	*out = b;
	return 0;
}

int bound_signed(const struct bound *b, const uint8_t key[ES256_PUB], struct err *e)
{
	return es256_verify_pub(key, b->content, b->signature, e) == 0 ? 0 : err_in(e, "landmark %s", b->landmark);
}

int bound_sign(struct wr *w, const struct es256 *key, const struct bound *b, struct err *e)
{
	uint8_t buf[BOUND_MAX], sig[ES256_SIG];
	struct wr s = wr_to(buf, sizeof buf);
	struct bound again;

	wr_bytes(&s, MAGIC, sizeof MAGIC);
	wr_text16(&s, b->landmark);
	wr_bytes(&s, b->context, sizeof b->context);
	wr_bytes(&s, b->prover, sizeof b->prover);
	wr_bytes(&s, b->transcript, sizeof b->transcript);
	wr_be16(&s, (uint16_t)b->rounds);
	wr_be64(&s, b->rtt_ns);
	wr_be64(&s, (uint64_t)b->time);
	if (es256_sign(key, wr_done(&s), sig, e) != 0)
		return -1;
	wr_bytes(&s, sig, sizeof sig);
	if (bound_parse(wr_done(&s), &again, e) != 0)
		return -1;
	wr_view(w, wr_done(&s));
	return wr_ok(w) ? 0 : err_set(e, WHY_SYSTEM, "landmark statement: no room to write it");
}

double bound_m(const struct bound *b)
{
	return (double)b->rtt_ns * LIGHT_M_NS / 2;
}

void bound_context(
        uint8_t out[SHA_LEN], const uint8_t nonce[NONCE_LEN], const uint8_t tls_key[SHA_LEN], const char *machine)
{
	const struct view parts[] = {
	        VIEW_OF(CONTEXT), VIEW(nonce, NONCE_LEN), VIEW(tls_key, SHA_LEN), VIEW(machine, strlen(machine))};

	sha256_n(out, parts, COUNT(parts));
}

/* Two statements of one landmark would be one landmark that counts twice. */
static int is_new(const struct bounds *b, struct err *e)
{
	const char *name = b->bound[b->n].landmark;

	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->bound[i].landmark, name) == 0)
			return err_set(e, WHY_MALFORMED, "landmark %s has two statements in one evidence", name);
	return 0;
}

int bounds_parse(struct view part, struct bounds *out, struct err *e)
{
	struct rd r = rd_of(part);

	out->n = 0;
	rd_copy(&r, out->prover, sizeof out->prover);
	do {
		struct view v = rd_view16(&r);
		if (!rd_ok(&r) || out->n == BOUNDS_MAX)
			return err_set(e, WHY_MALFORMED, "landmark statements: cut short, or more than %d", BOUNDS_MAX);
		if (bound_parse(v, &out->bound[out->n], e) != 0 || is_new(out, e) != 0)
			return -1;
		out->n++;
	} while (rd_left(&r) > 0);
	return rd_end(&r) ? 0 : err_set(e, WHY_MALFORMED, "landmark statements: a byte to spare");
}
