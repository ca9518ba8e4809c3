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

enum { DATA = 3 * DATASET_CHUNK + 17 };

/* A machine whose quoter holds a lease, and an authority that can sign another. */
struct bench {
	struct swtpm machine;
	char state[96];
	struct quoter *q;
	struct es256 *authority;
	struct lease_use use;
	int plain, sealed, opened;
	uint8_t data[DATA];
};

static int scratch(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

/* The registers that a lease is about, of those that were quoted. */
static void boot_registers(struct view part, uint8_t digest[SHA_LEN])
{
	struct pcrs pcrs = {0};
	struct rd r = rd_of(part);
	for (size_t i = 0; i < PCR_COUNT; i++)
		if (QUOTE_MASK >> i & 1)
			rd_copy(&r, pcrs.v[i], PCR_LEN);
	assert_true(rd_end(&r));
	quote_pcr_digest(digest, &pcrs, PCR_MASK);
}

static void evidence_now(struct bench *b, struct lease_terms *t)
{
	struct err e = {0};
	struct evidence ev;
	struct quote q;
	struct tpm_pub ak;
	uint64_t counter = 0;
	const uint8_t nonce[NONCE_LEN] = {0};
	uint8_t *bytes = NULL;
	size_t n = 0;
	if (quoter_evidence(b->q, 0, nonce, 0, 0, VIEW("{}", 2), VIEW(NULL, 0), VIEW(NULL, 0), &bytes, &n, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(evidence_parse(VIEW(bytes, n), &ev, &e), 0);
	assert_int_equal(quote_parse(ev.part[PART_QUOTE], QUOTE_MASK, &q, &e), 0);
	assert_int_equal(tpmpub_parse(ev.part[PART_AK], &ak, &e), 0);
	assert_int_equal(certify_counter(ev.part[PART_COUNTER_CERTIFY], ev.part[PART_COUNTER_CERTIFY_SIG], &ak, q.extra,
	                         &counter, &e),
	        0);
	*t = (struct lease_terms){.pcr_mask = PCR_MASK,
	        .reset_count = q.clock.reset_count,
	        .restart_count = q.clock.restart_count,
	        .counter = counter,
	        .deadline_ms = q.clock.clock_ms + 60 * 1000};
	boot_registers(ev.part[PART_PCRS], t->pcr_digest);
	free(bytes);
}

static void sign_lease(struct bench *b)
{
	struct err e = {0};
	uint8_t approved[SHA_LEN], ref[SHA_LEN], digest[SHA_LEN];
	lease_approved(approved, &b->use.terms);
	policyref(ref, b->use.domain, b->use.dataset, b->use.epoch, b->use.generation);
	lease_digest(digest, approved, ref);
	assert_int_equal(es256_sign_digest(b->authority, digest, b->use.signature, &e), 0);
}

static void lease(struct bench *b)
{
	evidence_now(b, &b->use.terms);
	sign_lease(b);
}

static void seal(struct bench *b)
{
	struct err e = {0};
	struct evidence ev;
	struct tpm_pub srk;
	uint8_t *bytes = NULL, ref[SHA_LEN], name[TPM_NAME_LEN], policy[SHA_LEN] = {0};
	size_t n = 0;
	AUTO(secret_free) struct secret *key = secret_new();
	memset(key->b, 0x42, SECRET_LEN);
	assert_int_equal(quoter_keys(b->q, VIEW("{}", 2), &bytes, &n, &e), 0);
	assert_int_equal(evidence_parse(VIEW(bytes, n), &ev, &e), 0);
	assert_int_equal(tpmpub_parse(ev.part[PART_SRK], &srk, &e), 0);
	policyref(ref, b->use.domain, b->use.dataset, b->use.epoch, b->use.generation);
	extkey_name(name, b->use.lease_key);
	lease_policy_authorize(policy, name, VIEW(ref, SHA_LEN));
	assert_int_equal(seal_to(&srk, policy, key, &b->use.sealed, &e), 0);
	free(bytes);
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
	b->q = quoter_start(LIBEXEC, b->state, b->machine.tcti, "/nonexistent", "", &e);
	assert_non_null(b->q);
	b->authority = es256_generate(&e);
	b->use = (struct lease_use){.domain = "geo-b", .dataset = "traffic", .epoch = 1, .generation = 1};
	memcpy(b->use.lease_key, b->authority->pub, ES256_PUB);
	seal(b);
	lease(b);
	for (size_t i = 0; i < DATA; i++)
		b->data[i] = (uint8_t)(i * 31 >> 3);
	b->plain = scratch();
	b->sealed = scratch();
	b->opened = scratch();
	assert_int_equal(fd_write_all(b->plain, b->data, DATA), 0);
	lseek(b->plain, 0, SEEK_SET);
	return 0;
}

static int teardown(void **s)
{
	struct bench *b = *s;
	quoter_stop(b->q);
	swtpm_free(&b->machine);
	es256_free(b->authority);
	fd_close(b->plain);
	fd_close(b->sealed);
	fd_close(b->opened);
	free(b);
	return 0;
}

static struct bench *bench(void **s)
{
	if (!swtpm_installed())
		skip();
	return *s;
}

static void encrypt(struct bench *b)
{
	struct err e = {0};
	if (quoter_stream(b->q, true, b->plain, b->sealed, &b->use, &e) != 0)
		fail_msg("%s", e.text);
	lseek(b->sealed, 0, SEEK_SET);
}

static void refuses(struct bench *b, enum why why, const char *sentence)
{
	struct err e = {0};
	assert_int_equal(quoter_stream(b->q, false, b->sealed, b->opened, &b->use, &e), -1);
	if (e.why != why || !strstr(e.text, sentence))
		fail_msg("%s: %s", why_name(e.why), e.text);
	assert_int_equal(lseek(b->opened, 0, SEEK_CUR), 0); /* not a byte was written */
}

static void opens(struct bench *b)
{
	struct err e = {0};
	uint8_t back[DATA];
	if (quoter_stream(b->q, false, b->sealed, b->opened, &b->use, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(lseek(b->opened, 0, SEEK_CUR), DATA);
	lseek(b->opened, 0, SEEK_SET);
	assert_int_equal(fd_read_all(b->opened, back, DATA), 1);
	assert_memory_equal(back, b->data, DATA);
}

static void what_a_lease_encrypted_a_lease_decrypts(void **s)
{
	struct bench *b = bench(s);
	encrypt(b);
	opens(b);
}

static void a_dead_lease_writes_not_a_byte(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	struct tpm t = {0};
	encrypt(b);
	assert_int_equal(tpm_open(&t, b->machine.tcti, &e), 0);
	assert_int_equal(swtpm_forward(&t, 61 * 1000), 0);
	refuses(b, WHY_STALE, "the lease ended");
	lease(b);
	assert_int_equal(swtpm_extend(&t, 9), 0);
	refuses(b, WHY_UNTRUSTED, "the registers are not those of the lease");
	tpm_close(&t);
	swtpm_off(&b->machine);
	assert_int_equal(swtpm_on(&b->machine), 0);
	lease(b);
	opens(b);
}

static void the_quoter_answers_after_a_refusal(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	struct quoter_status st;
	encrypt(b);
	b->use.signature[5] ^= 1;
	refuses(b, WHY_UNTRUSTED, "not signed by the lease key");
	assert_int_equal(quoter_status(b->q, &st, &e), 0);
	b->use.signature[5] ^= 1;
	opens(b);
}

static void damaged_ciphertext_is_refused(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	encrypt(b);
	assert_int_equal(ftruncate(b->sealed, DATASET_HEADER + DATASET_CHUNK), 0);
	assert_int_equal(quoter_stream(b->q, false, b->sealed, b->opened, &b->use, &e), -1);
	assert_int_not_equal(e.why, WHY_SYSTEM);
}

/* All that an authority can do for evidence that leaves the counter out: the value that was certified before. */
static void attack_A108_evidence_that_hides_an_end_gets_a_lease_that_the_tpm_refuses(void **s)
{
	struct bench *b = bench(s);
	struct err e = {0};
	uint64_t certified = b->use.terms.counter;
	encrypt(b);
	assert_int_equal(quoter_end_leases(b->q, &e), 0);
	evidence_now(b, &b->use.terms);
	assert_int_equal(b->use.terms.counter, certified + 1);
	b->use.terms.counter = certified;
	sign_lease(b);
	refuses(b, WHY_STALE, "the machine's leases were ended after this one was signed");
	lease(b);
	opens(b);
}

static void attack_rebooted_the_old_lease_is_dead(void **s)
{
	struct bench *b = bench(s);
	encrypt(b);
	swtpm_off(&b->machine);
	assert_int_equal(swtpm_on(&b->machine), 0);
	refuses(b, WHY_STALE, "the machine was restarted since the lease was signed");
}

int main(void)
{
#define IT(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        IT(what_a_lease_encrypted_a_lease_decrypts),
	        IT(a_dead_lease_writes_not_a_byte),
	        IT(the_quoter_answers_after_a_refusal),
	        IT(damaged_ciphertext_is_refused),
	        IT(attack_A108_evidence_that_hides_an_end_gets_a_lease_that_the_tpm_refuses),
	        IT(attack_rebooted_the_old_lease_is_dead),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
