#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/tpm.h"
#include "base/file.h"
#include "keystore/keystore.h"
#include "tests/unit/swtpm.h"

#define LIBEXEC "build/san/libexec"

/* A machine, and a directory beside its TPM's state for what the agent keeps. */
struct bench {
	struct swtpm machine;
	char state[96], log[96];
	struct quoter *q;
};

static const char claims_text[] = "{\"machine\":\"m\"}";
#define CLAIMS    VIEW(claims_text, sizeof(claims_text) - 1)
#define NO_TAG    VIEW(NULL, 0)
#define NO_BOUNDS VIEW(NULL, 0)

static struct quoter *start(struct bench *b, struct err *e)
{
	return quoter_start(LIBEXEC, b->state, b->machine.tcti, b->log, "", e);
}

static int setup(void **s)
{
	struct err e = {0};
	struct bench *b = calloc(1, sizeof(*b));
	*s = b;
	if (!b || !swtpm_installed())
		return 0;
	assert_int_equal(swtpm_new(&b->machine), 0);
	(void)snprintf(b->state, sizeof(b->state), "%s/state", b->machine.dir);
	(void)snprintf(b->log, sizeof(b->log), "%s/log", b->machine.dir);
	assert_int_equal(file_write(AT_FDCWD, b->log, VIEW("the boot log", 12), 0600, &e), 0);
	b->q = start(b, &e);
	if (!b->q)
		fail_msg("%s", e.text);
	return 0;
}

static int teardown(void **s)
{
	struct bench *b = *s;
	quoter_stop(b->q);
	swtpm_free(&b->machine);
	free(b);
	return 0;
}

static struct bench *bench(void **s)
{
	if (!swtpm_installed())
		skip();
	return *s;
}

static void the_status_names_clock_key_and_log(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	struct quoter_status one, two;
	uint8_t log[SHA_LEN];
	assert_int_equal(quoter_status(b->q, &one, &e), 0);
	assert_int_equal(quoter_status(b->q, &two, &e), 0);
	sha256(log, VIEW("the boot log", 12));
	assert_memory_equal(one.eventlog, log, SHA_LEN);
	assert_memory_equal(one.id, two.id, ES256_PUB);
	assert_int_equal(one.clock.reset_count, two.clock.reset_count);
	assert_true(two.clock.clock_ms >= one.clock.clock_ms);
}

static void the_keys_are_what_the_authority_demands(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	uint8_t *bytes = NULL;
	size_t n = 0;
	struct evidence ev;
	struct tpm_pub ak, id, srk;
	struct ek_pub ek;
	struct quoter_status st;
	assert_int_equal(quoter_keys(b->q, CLAIMS, &bytes, &n, &e), 0);
	assert_int_equal(evidence_parse(VIEW(bytes, n), &ev, &e), 0);
	assert_true(view_equal(ev.part[PART_CLAIMS], CLAIMS));
	assert_int_equal(tpmpub_parse(ev.part[PART_AK], &ak, &e), 0);
	assert_int_equal(ekpub_parse(ev.part[PART_EK], &ek, &e), 0);
	assert_int_equal(tpmpub_parse(ev.part[PART_ID], &id, &e), 0);
	assert_int_equal(tpmpub_parse(ev.part[PART_SRK], &srk, &e), 0);
	if (tpmpub_is_ak(&ak, &e) || tpmpub_is_id(&id, &e) || tpmpub_is_srk(&srk, &e))
		fail_msg("%s", e.text);
	assert_int_equal(quoter_status(b->q, &st, &e), 0);
	assert_memory_equal(st.id, id.xy, ES256_PUB);
	free(bytes);
}

static void keys_of(struct quoter *q, struct tpm_pub *ak, struct ek_pub *ek, uint8_t **bytes)
{
	struct err e = {0};
	size_t n = 0;
	struct evidence ev;
	assert_int_equal(quoter_keys(q, CLAIMS, bytes, &n, &e), 0);
	assert_int_equal(evidence_parse(VIEW(*bytes, n), &ev, &e), 0);
	assert_int_equal(tpmpub_parse(ev.part[PART_AK], ak, &e), 0);
	assert_int_equal(ekpub_parse(ev.part[PART_EK], ek, &e), 0);
}

static void a_credential_gives_its_nonce_to_the_right_machine(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	struct tpm_pub ak;
	struct ek_pub ek;
	struct credential c;
	uint8_t *bytes = NULL, nonce[NONCE_LEN], got[NONCE_LEN];
	keys_of(b->q, &ak, &ek, &bytes);
	memset(nonce, 0x5a, sizeof(nonce));
	for (int i = 0; i < 20; i++) { /* ephemeral keys with a leading zero come one time in 128 */
		assert_int_equal(credential_make(&ek, ak.name, nonce, &c, &e), 0);
		if (quoter_activate(b->q, VIEW(c.blob, c.nblob), VIEW(c.secret, c.nsecret), got, &e) != 0)
			fail_msg("%s", e.text);
		assert_memory_equal(got, nonce, NONCE_LEN);
	}
	free(bytes);
}

static void a_credential_for_another_key_is_refused(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	struct tpm_pub ak;
	struct ek_pub ek;
	struct credential c;
	uint8_t *bytes = NULL, nonce[NONCE_LEN] = {1}, got[NONCE_LEN];
	keys_of(b->q, &ak, &ek, &bytes);
	ak.name[9] ^= 1;
	assert_int_equal(credential_make(&ek, ak.name, nonce, &c, &e), 0);
	assert_int_equal(quoter_activate(b->q, VIEW(c.blob, c.nblob), VIEW(c.secret, c.nsecret), got, &e), -1);
	assert_int_equal(e.why, WHY_UNTRUSTED);
	assert_non_null(strstr(e.text, "made for another"));
	assert_int_equal(quoter_activate(b->q, VIEW(c.blob, 5), VIEW(c.secret, c.nsecret), got, &e), -1);
	assert_int_equal(e.why, WHY_MALFORMED);
	free(bytes);
}

static void evidence_stands_the_checks_of_judge_and_decider(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	uint8_t *bytes = NULL, nonce[NONCE_LEN], extra[SHA_LEN], sig[ES256_SIG];
	size_t n = 0;
	struct evidence ev;
	struct tpm_pub ak, id, srk;
	struct quote q;
	struct pcrs pcrs = {0};
	memset(nonce, 0x77, sizeof(nonce));
	if (quoter_evidence(b->q, QUOTER_WITH_LOG | QUOTER_WITH_CERTIFY, nonce, 0, 0, CLAIMS, NO_TAG, NO_BOUNDS, &bytes,
	            &n, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(evidence_parse(VIEW(bytes, n), &ev, &e), 0);
	assert_true(view_is(ev.part[PART_EVENTLOG], "the boot log"));
	evidence_binding(extra, nonce, &ev);
	assert_int_equal(tpmpub_parse(ev.part[PART_AK], &ak, &e), 0);
	assert_int_equal(quote_parse(ev.part[PART_QUOTE], QUOTE_MASK, &q, &e), 0);
	assert_int_equal(quote_signature(ev.part[PART_QUOTE_SIG], sig, &e), 0);
	struct rd r = rd_of(ev.part[PART_PCRS]);
	for (unsigned i = 0; i < PCR_COUNT; i++)
		if (QUOTE_MASK >> i & 1)
			rd_copy(&r, pcrs.v[i], PCR_LEN);
	assert_true(rd_end(&r));
	if (quote_check(&q, sig, &ak, extra, &pcrs, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(tpmpub_parse(ev.part[PART_ID], &id, &e), 0);
	assert_int_equal(tpmpub_parse(ev.part[PART_SRK], &srk, &e), 0);
	if (certify_check(ev.part[PART_ID_CERTIFY], ev.part[PART_ID_CERTIFY_SIG], &ak, &id, extra, &e) != 0 ||
	        certify_check(ev.part[PART_SRK_CERTIFY], ev.part[PART_SRK_CERTIFY_SIG], &ak, &srk, extra, &e) != 0)
		fail_msg("%s", e.text);
	free(bytes);
}

/* RFC 8446 4.4.3, with a transcript hash of n bytes. */
static struct view handshake(uint8_t buf[160], size_t n)
{
	struct wr w = wr_to(buf, 160);
	for (int i = 0; i < 64; i++)
		wr_u8(&w, 0x20);
	wr_bytes(&w, "TLS 1.3, client CertificateVerify", 34);
	for (size_t i = 0; i < n; i++)
		wr_u8(&w, 0xab);
	return wr_done(&w);
}

static void a_handshake_is_signed_by_the_machines_key(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	struct quoter_status st;
	uint8_t buf[160], sig[ES256_SIG], digest[SHA_LEN];
	assert_int_equal(quoter_status(b->q, &st, &e), 0);
	for (size_t n = 32; n <= 48; n += 16) {
		struct view v = handshake(buf, n);
		assert_int_equal(quoter_sign(b->q, v, sig, &e), 0);
		sha256(digest, v);
		assert_int_equal(es256_verify_pub(st.id, digest, sig, &e), 0);
	}
}

static void nothing_but_a_handshake_is_signed(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	uint8_t buf[160], sig[ES256_SIG];
	struct view good = handshake(buf, 32);
	for (size_t n = 0; n < good.n; n++)
		assert_int_equal(quoter_sign(b->q, VIEW(good.p, n), sig, &e), -1);
	for (size_t bit = 0; bit < 98 * 8; bit++) {
		buf[bit / 8] = (uint8_t)(buf[bit / 8] ^ 1 << bit % 8);
		assert_int_equal(quoter_sign(b->q, good, sig, &e), -1);
		assert_int_equal(e.why, WHY_REFUSED);
		buf[bit / 8] = (uint8_t)(buf[bit / 8] ^ 1 << bit % 8);
	}
	assert_int_equal(quoter_sign(b->q, good, sig, &e), 0);
}

static void keys_outlive_the_quoter_and_a_reset(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	struct quoter_status before, after;
	assert_int_equal(quoter_status(b->q, &before, &e), 0);
	swtpm_off(&b->machine);
	assert_int_equal(swtpm_on(&b->machine), 0);
	assert_int_equal(quoter_status(b->q, &after, &e), 0); /* the same quoter goes on */
	quoter_stop(b->q);
	b->q = start(b, &e);
	assert_non_null(b->q);
	assert_int_equal(quoter_status(b->q, &after, &e), 0);
	assert_memory_equal(before.id, after.id, ES256_PUB);
	assert_int_equal(after.clock.reset_count, before.clock.reset_count + 1);
}

static void two_quoters_share_one_tpm(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	uint8_t nonce[NONCE_LEN] = {0}, *bytes = NULL;
	size_t n = 0;
	AUTO(quoter_stop) struct quoter *second = start(b, &e);
	assert_non_null(second);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(quoter_evidence(second, QUOTER_WITH_CERTIFY, nonce, 0, 0, CLAIMS, NO_TAG, NO_BOUNDS,
		                         &bytes, &n, &e),
		        0);
		free(bytes);
		assert_int_equal(
		        quoter_evidence(b->q, QUOTER_WITH_LOG, nonce, 0, 0, CLAIMS, NO_TAG, NO_BOUNDS, &bytes, &n, &e),
		        0);
		free(bytes);
	}
}

static void attack_stolen_disk_state_of_another_tpm_is_refused(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	struct swtpm other;
	struct tpm t = {0};
	assert_int_equal(swtpm_new(&other), 0);
	assert_null(quoter_start(LIBEXEC, b->state, other.tcti, b->log, "", &e));
	assert_int_equal(e.why, WHY_UNTRUSTED);
	assert_non_null(strstr(e.text, "this state belongs to another TPM"));
	/* Also once the other TPM has keys of its own in the same places. */
	char elsewhere[96];
	(void)snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", other.dir);
	quoter_stop(quoter_start(LIBEXEC, elsewhere, other.tcti, b->log, "", &e));
	assert_null(quoter_start(LIBEXEC, b->state, other.tcti, b->log, "", &e));
	assert_int_equal(e.why, WHY_UNTRUSTED);
	assert_int_equal(tpm_open(&t, other.tcti, &e), 0);
	assert_int_equal(swtpm_left(&t), 0);
	tpm_close(&t);
	swtpm_free(&other);
}

static void a_foreign_key_in_our_place_is_refused(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	struct swtpm other;
	struct tpm t = {0};
	char state[96];
	assert_int_equal(swtpm_new(&other), 0);
	assert_int_equal(tpm_open(&t, other.tcti, &e), 0);
	/* An unrestricted key, where the AK should be. */
	const TPM2B_PUBLIC template = tpmtemplate_id();
	const TPM2B_SENSITIVE_CREATE no_secret = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};
	ESYS_TR made = ESYS_TR_NONE, kept = ESYS_TR_NONE;
	assert_int_equal(Esys_CreatePrimary(t.esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
	                         &no_secret, &template, NULL, &no_pcrs, &made, NULL, NULL, NULL, NULL),
	        0);
	assert_int_equal(Esys_EvictControl(t.esys, ESYS_TR_RH_OWNER, made, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
	                         TPMKEYS_AK, &kept),
	        0);
	tpm_flush(&t, &made);
	tpm_close(&t);
	(void)snprintf(state, sizeof(state), "%s/state", other.dir);
	assert_null(quoter_start(LIBEXEC, state, other.tcti, b->log, "", &e));
	assert_int_equal(e.why, WHY_UNTRUSTED);
	assert_non_null(strstr(e.text, "a key at 0x81010010 that is not ours"));
	swtpm_free(&other);
}

static void a_missing_tpm_is_one_clear_sentence(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	assert_null(quoter_start(LIBEXEC, b->state, "swtpm:path=/nonexistent/sock", b->log, "", &e));
	assert_int_equal(e.why, WHY_SYSTEM);
	assert_non_null(strstr(e.text, "no TPM at swtpm:path=/nonexistent/sock"));
	assert_non_null(strstr(e.hint, "tpmrm0"));
}

static void a_machine_without_a_log_says_so(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	const uint8_t none[SHA_LEN] = {0}, nonce[NONCE_LEN] = {0};
	struct quoter_status st;
	uint8_t *bytes = NULL;
	size_t n = 0;
	AUTO(quoter_stop) struct quoter *q = quoter_start(LIBEXEC, b->state, b->machine.tcti, "/nonexistent", "", &e);
	assert_non_null(q);
	assert_int_equal(quoter_status(q, &st, &e), 0);
	assert_memory_equal(st.eventlog, none, SHA_LEN);
	assert_int_equal(
	        quoter_evidence(q, QUOTER_WITH_LOG, nonce, 0, 0, CLAIMS, NO_TAG, NO_BOUNDS, &bytes, &n, &e), -1);
	assert_non_null(strstr(e.text, "no event log at /nonexistent"));
}

static void damaged_state_is_refused_with_the_way_out(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	char path[128];
	quoter_stop(b->q);
	b->q = NULL;
	(void)snprintf(path, sizeof(path), "%s/quoter/keys", b->state);
	assert_int_equal(file_write(AT_FDCWD, path, VIEW("MSK1", 4), 0600, &e), 0);
	assert_null(start(b, &e));
	assert_int_equal(e.why, WHY_SYSTEM);
	assert_non_null(strstr(e.hint, "enrol again"));
}

static void a_lost_tpm_is_one_clear_sentence_and_may_come_back(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	struct quoter_status st;
	swtpm_off(&b->machine);
	assert_int_equal(quoter_status(b->q, &st, &e), -1);
	assert_int_equal(e.why, WHY_SYSTEM);
	assert_int_equal(swtpm_on(&b->machine), 0);
	if (quoter_status(b->q, &st, &e) != 0)
		fail_msg("%s", e.text);
}

int main(void)
{
#define IT(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        IT(the_status_names_clock_key_and_log),
	        IT(the_keys_are_what_the_authority_demands),
	        IT(a_credential_gives_its_nonce_to_the_right_machine),
	        IT(a_credential_for_another_key_is_refused),
	        IT(evidence_stands_the_checks_of_judge_and_decider),
	        IT(a_handshake_is_signed_by_the_machines_key),
	        IT(nothing_but_a_handshake_is_signed),
	        IT(keys_outlive_the_quoter_and_a_reset),
	        IT(two_quoters_share_one_tpm),
	        IT(attack_stolen_disk_state_of_another_tpm_is_refused),
	        IT(a_foreign_key_in_our_place_is_refused),
	        IT(a_missing_tpm_is_one_clear_sentence),
	        IT(a_machine_without_a_log_says_so),
	        IT(damaged_state_is_refused_with_the_way_out),
	        IT(a_lost_tpm_is_one_clear_sentence_and_may_come_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
