/* Policy digests as a TPM computes them: TPM 2.0 Part 3 23.7 (PolicyPCR), 23.9 (PolicyNV), 23.10 (PolicyCounterTimer),
 * 23.16 (PolicyAuthorize). Each is checked step by step against a trial session's digests in test_lease.c. */
#include "keystore/keystore.h"

enum {
	CC_POLICY_NV = 0x149,
	CC_POLICY_AUTHORIZE = 0x16a,
	CC_POLICY_COUNTER_TIMER = 0x16d,
	CC_POLICY_PCR = 0x17f,
	ALG_SHA256 = 0x000b,
	OP_EQ = 0x0000,
	OP_UNSIGNED_LE = 0x0009,
	TIME_CLOCK = 8,        /* TPMS_TIME_INFO: clock behind time (8) */
	TIME_RESET_COUNT = 16, /* resetCount, then restartCount at 20 */
};

/* d = H(d || cc || rest) */
static void extend(uint8_t d[SHA_LEN], uint32_t cc, struct view rest)
{
	uint8_t head[4];
	struct wr w = wr_to(head, sizeof head);
	wr_be32(&w, cc);
	struct view parts[] = {VIEW(d, SHA_LEN), wr_done(&w), rest};
	sha256_n(d, parts, COUNT(parts));
}

void lease_policy_pcr(uint8_t d[SHA_LEN], uint32_t mask, const uint8_t pcr_digest[SHA_LEN])
{
	uint8_t buf[10 + SHA_LEN];
	struct wr w = wr_to(buf, sizeof buf);
	wr_be32(&w, 1); /* TPML_PCR_SELECTION of one bank */
	wr_be16(&w, ALG_SHA256);
	wr_u8(&w, 3);
	wr_u8(&w, (uint8_t)mask);
	wr_u8(&w, (uint8_t)(mask >> 8));
	wr_u8(&w, (uint8_t)(mask >> 16));
	wr_bytes(&w, pcr_digest, SHA_LEN);
	extend(d, CC_POLICY_PCR, wr_done(&w));
}

/* The argument hash that PolicyNV and PolicyCounterTimer share: H(operandB || offset || operation). */
static void operand_hash(uint8_t out[SHA_LEN], struct view operand, uint16_t offset, uint16_t op)
{
	uint8_t tail[4];
	struct wr w = wr_to(tail, sizeof tail);
	wr_be16(&w, offset);
	wr_be16(&w, op);
	sha256_2(out, operand, wr_done(&w));
}

void lease_policy_nv(uint8_t d[SHA_LEN], struct view operand, uint16_t offset, uint16_t op, struct view nv_name)
{
	uint8_t buf[SHA_LEN + TPM_NAME_LEN];
	struct wr w = wr_to(buf, sizeof buf);
	uint8_t args[SHA_LEN];
	operand_hash(args, operand, offset, op);
	wr_bytes(&w, args, sizeof args);
	wr_view(&w, nv_name);
	extend(d, CC_POLICY_NV, wr_done(&w));
}

void lease_policy_counter_timer(uint8_t d[SHA_LEN], struct view operand, uint16_t offset, uint16_t op)
{
	uint8_t args[SHA_LEN];
	operand_hash(args, operand, offset, op);
	extend(d, CC_POLICY_COUNTER_TIMER, VIEW_OF(args));
}

/* PolicyAuthorize starts anew: what was approved is in the ticket, and only key and reference remain. */
void lease_policy_authorize(uint8_t d[SHA_LEN], const uint8_t key_name[TPM_NAME_LEN], struct view ref)
{
	for (size_t i = 0; i < SHA_LEN; i++)
		d[i] = 0;
	extend(d, CC_POLICY_AUTHORIZE, VIEW(key_name, TPM_NAME_LEN));
	sha256_2(d, VIEW(d, SHA_LEN), ref);
}

void lease_approved(uint8_t out[SHA_LEN], const struct lease_terms *t)
{
	uint8_t d[SHA_LEN] = {0}, boots[8], clock[8], counter[COUNTER_LEN], name[TPM_NAME_LEN];
	struct wr b = wr_to(boots, sizeof boots), c = wr_to(clock, sizeof clock), n = wr_to(counter, sizeof counter);
	wr_be32(&b, t->reset_count);
	wr_be32(&b, t->restart_count);
	wr_be64(&c, t->deadline_ms);
	wr_be64(&n, t->counter);
	counter_name(name);

	lease_policy_pcr(d, t->pcr_mask, t->pcr_digest);
	if (t->has_tag)
		lease_policy_nv(d, VIEW_OF(t->tag), 0, OP_EQ, VIEW_OF(t->tag_name));
	lease_policy_nv(d, wr_done(&n), 0, OP_EQ, VIEW_OF(name));
	lease_policy_counter_timer(d, wr_done(&b), TIME_RESET_COUNT, OP_EQ);
	lease_policy_counter_timer(d, wr_done(&c), TIME_CLOCK, OP_UNSIGNED_LE);
	for (size_t i = 0; i < SHA_LEN; i++)
		out[i] = d[i];
}

void lease_digest(uint8_t out[SHA_LEN], const uint8_t approved[SHA_LEN], const uint8_t ref[SHA_LEN])
{
	sha256_2(out, VIEW(approved, SHA_LEN), VIEW(ref, SHA_LEN));
}
