/* leasebox: a real software TPM with a sealed key and a lease for it, and whether the TPM opens it. */
#ifndef UNIT_LEASEBOX_H
#define UNIT_LEASEBOX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <tss2/tss2_mu.h>

#include "attest/tpm.h"
#include "keystore/keystore.h"
#include "tests/unit/nvtag.h"
#include "tests/unit/swtpm.h"

/* One machine with a sealed key and a lease for it, as an authority would have made them. */
struct bench {
	struct swtpm machine;
	struct tpm tpm;
	struct tpmkeys keys;
	int dirfd;
	struct es256 *authority;
	struct secret *key;
	struct lease_use use;
	struct made_tag tag;
};

static inline void machine_on(struct bench *b)
{
	struct err e = {0};
	b->dirfd = open(b->machine.dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(tpm_open(&b->tpm, b->machine.tcti, &e), 0);
	if (tpmkeys_open(&b->tpm, b->dirfd, &b->keys, &e) != 0)
		fail_msg("%s", e.text);
}

static inline void machine_off(struct bench *b)
{
	tpm_close(&b->tpm);
	close(b->dirfd);
	swtpm_off(&b->machine);
}

static inline void sign_lease(struct bench *b, const struct es256 *by)
{
	struct err e = {0};
	uint8_t approved[SHA_LEN], ref[SHA_LEN], digest[SHA_LEN];
	lease_approved(approved, &b->use.terms);
	policyref(ref, b->use.domain, b->use.dataset, b->use.epoch, b->use.generation);
	lease_digest(digest, approved, ref);
	assert_int_equal(es256_sign_digest(by, digest, b->use.signature, &e), 0);
}

/* The state as it is now, for the next hour. */
static inline void lease(struct bench *b)
{
	struct err e = {0};
	struct pcrs pcrs;
	struct tpm_clock c;
	assert_int_equal(tpmquote_pcrs(&b->tpm, PCR_MASK, &pcrs, &e), 0);
	assert_int_equal(tpm_clock(&b->tpm, &c, &e), 0);
	uint8_t counter[COUNTER_LEN];
	size_t n = 0;
	assert_int_equal(tpmnv_read(&b->tpm, COUNTER, counter, sizeof counter, &n, &e), 1);
	struct rd r = rd_of(VIEW(counter, n));
	b->use.terms = (struct lease_terms){.pcr_mask = PCR_MASK,
	        .reset_count = c.reset_count,
	        .restart_count = c.restart_count,
	        .counter = rd_be64(&r),
	        .deadline_ms = c.clock_ms + 3600 * 1000};
	quote_pcr_digest(b->use.terms.pcr_digest, &pcrs, PCR_MASK);
	sign_lease(b, b->authority);
}

static inline void seal_under(struct bench *b, const struct tpmblob *srk_public)
{
	struct err e = {0};
	struct tpm_pub srk;
	uint8_t ref[SHA_LEN], name[TPM_NAME_LEN], policy[SHA_LEN] = {0};
	assert_int_equal(tpmpub_parse(TPMBLOB(*srk_public), &srk, &e), 0);
	policyref(ref, b->use.domain, b->use.dataset, b->use.epoch, b->use.generation);
	extkey_name(name, b->use.lease_key);
	lease_policy_authorize(policy, name, VIEW(ref, SHA_LEN));
	if (seal_to(&srk, policy, b->key, &b->use.sealed, &e) != 0)
		fail_msg("%s", e.text);
}

static inline int setup(void **s)
{
	struct err e = {0};
	struct bench *b = calloc(1, sizeof(*b));
	*s = b;
	if (!b || !swtpm_installed())
		return 0;
	assert_int_equal(swtpm_new(&b->machine), 0);
	machine_on(b);
	assert_accepted(tpmcounter_make(&b->tpm, &e), &e);
	b->authority = es256_generate(&e);
	b->key = secret_new();
	memset(b->key->b, 0x42, SECRET_LEN);
	strncpy(b->use.domain, "geo-b", NAME_CAP - 1);
	strncpy(b->use.dataset, "traffic", NAME_CAP - 1);
	b->use.epoch = 3;
	b->use.generation = 1;
	memcpy(b->use.lease_key, b->authority->pub, ES256_PUB);
	seal_under(b, &b->keys.srk);
	lease(b);
	return 0;
}

static inline int teardown(void **s)
{
	struct bench *b = *s;
	if (b->machine.dir[0]) {
		machine_off(b);
		swtpm_free(&b->machine);
	}
	es256_free(b->authority);
	secret_free(b->key);
	free(b);
	return 0;
}

static inline struct bench *bench(void **s)
{
	if (!swtpm_installed())
		skip();
	return *s;
}

static inline void opens(struct bench *b)
{
	struct err e = {0};
	AUTO(secret_free) struct secret *got = NULL;
	if (unseal(&b->tpm, &b->use, &got, &e) != 0)
		fail_msg("%s", e.text);
	assert_memory_equal(got->b, b->key->b, SECRET_LEN);
	assert_int_equal(swtpm_left(&b->tpm), 0);
}

static inline void refuses(struct bench *b, enum why why, const char *sentence, const char *code)
{
	struct err e = {0};
	struct secret *got = NULL;
	assert_int_equal(unseal(&b->tpm, &b->use, &got, &e), -1);
	assert_null(got);
	if (e.why != why || !strstr(e.text, sentence) || !strstr(e.text, code))
		fail_msg("%s: %s", why_name(e.why), e.text);
	assert_int_equal(swtpm_left(&b->tpm), 0);
}

#endif
