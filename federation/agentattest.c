/* Enrolment and attestation. One POST renews: the answer to each attestation carries the nonce of the next. */
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/sha.h"
#include "federation/agent.h"

#define OCTETS "application/octet-stream"

enum certificate { CERTIFICATE_NONE, CERTIFICATE_GOOD, CERTIFICATE_OLD };

static bool is_of(const X509 *x, const uint8_t id[ES256_PUB])
{
	unsigned char point[1 + ES256_PUB];
	size_t n = 0;

	return EVP_PKEY_get_octet_string_param(X509_get0_pubkey(x), OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n) ==
	               1 &&
	       n == sizeof point && memcmp(point + 1, id, ES256_PUB) == 0;
}

/* Old is past half of its life: time to ask for the next one. One that has ended, or is of another key, is none. */
static enum certificate certificate_state(int dir, const uint8_t id[ES256_PUB])
{
	AUTO(mem_free) char *pem = state_text(dir, "certificate.pem");
	BIO *b = pem ? BIO_new_mem_buf(pem, -1) : NULL;
	X509 *x = b ? PEM_read_bio_X509(b, NULL, NULL, NULL) : NULL;
	enum certificate state = CERTIFICATE_NONE;
	int to_days = 0, to_s = 0, all_days = 0, all_s = 0;

	if (x && is_of(x, id) && X509_cmp_current_time(X509_get0_notAfter(x)) > 0 &&
	        ASN1_TIME_diff(&to_days, &to_s, NULL, X509_get0_notAfter(x)) &&
	        ASN1_TIME_diff(&all_days, &all_s, X509_get0_notBefore(x), X509_get0_notAfter(x))) {
		long left = to_days * 86400L + to_s, all = all_days * 86400L + all_s;

		state = left * 2 > all ? CERTIFICATE_GOOD : CERTIFICATE_OLD;
	}
	ERR_clear_error();
	X509_free(x);
	BIO_free(b);
	return state;
}

static int make_claims(struct agent *a, const struct quoter_status *s, const struct ima_mark *mark, uint8_t *buf,
        size_t cap, struct view *out, struct err *e)
{
	struct claims c = {.has_fix = a->config.has_fix, .fix = a->config.fix};
	struct wr w = wr_to(buf, cap);

	memcpy(c.machine, a->config.name, sizeof c.machine);
	snprintf(c.version, sizeof c.version, "%s", MERESTONE_VERSION);
	sha256(c.tls_key, VIEW_OF(s->id));
	memcpy(c.eventlog, s->eventlog, SHA_LEN);
	c.wants_certificate = certificate_state(a->dir, s->id) != CERTIFICATE_GOOD;
	c.nholds = state_holds(a->dir, c.holds);
	c.has_ima = mark && s->has_ima;
	c.ima_offset = c.has_ima ? mark->entries : 0;
	if (mark && agent_gnss(a, &c, e)) /* an enrolment says no place yet */
		return -1;
	if (claims_write(&w, &c, e))
		return -1;
	*out = wr_done(&w);
	return 0;
}

/* "<digest of the log> <resetCount>": which boot log the authority has seen. */
static void log_mark(const struct quoter_status *s, char out[96])
{
	char hex[2 * SHA_LEN + 1];

	snprintf(out, 96, "%s %u", hex_put(hex, s->eventlog, SHA_LEN), s->clock.reset_count);
}

static bool log_was_sent(const struct agent *a, const struct quoter_status *s)
{
	AUTO(mem_free) char *sent = state_text(a->dir, "log.sent");
	char mark[96];

	log_mark(s, mark);
	return sent && strcmp(sent, mark) == 0;
}

/* Sends and reads the answer as JSON. -1 with the refusal in e; *answer is there when an answer came. */
static int post(struct agent *a, const char *path, struct view body, json_t **answer, struct err *e)
{
	struct err parse = {0};
	struct reply r;

	if (agent_connect(a, e) || client_call(a->client, "POST", path, OCTETS, body, &r, e))
		return -1;
	json_decref(*answer);
	*answer = json_read(r.body, REPLY_MAX, &parse);
	if (client_refusal(&r, e))
		return -1;
	if (!*answer) {
		*e = parse;
		return err_in(e, "the authority's answer");
	}
	return 0;
}

/* Where the authority knows the revocation counter to stand, by its last result: it signs leases for that. 0: not known. */
static uint64_t counter_known(const struct agent *a)
{
	struct err ignored = {0};
	AUTO(json_free) json_t *result = agent_result(a, &ignored);
	json_int_t n = json_integer_value(json_object_get(json_object_get(result, "merestone_evidence"), "counter"));

	return n > 0 ? (uint64_t)n : 0;
}

static bool next_nonce(const json_t *answer, uint8_t nonce[NONCE_LEN])
{
	struct err ignored = {0};
	size_t n = 0;

	return json_object_get(answer, "nonce") && json_get_b64(answer, "nonce", nonce, NONCE_LEN, &n, &ignored) == 0 &&
	       n == NONCE_LEN;
}

/* Takes in what a result brings. The nonce goes last: without it the next step is an enrolment, which is always right.
 */
static int accept_result(struct agent *a, const struct quoter_status *s, const json_t *answer, struct err *e)
{
	const char *pem = json_string_value(json_object_get(answer, "certificate"));
	uint8_t nonce[NONCE_LEN];
	char mark[96];

	if (state_put_result(a->dir, answer, e))
		return -1;
	if (pem) {
		if (state_put(a->dir, "certificate.pem", VIEW(pem, strlen(pem)), e))
			return -1;
		client_close(TAKE(a->client));
	}
	log_mark(s, mark);
	if (state_put(a->dir, "log.sent", VIEW(mark, strlen(mark)), e))
		return -1;
	return next_nonce(answer, nonce) ? state_put_nonce(a->dir, nonce, e) : 0;
}

static int send_once(struct agent *a, const char *path, unsigned flags, const uint8_t nonce[NONCE_LEN],
        const char *save, json_t **answer, bool *more, struct err *e)
{
	AUTO(mem_free) char *container = NULL;
	uint8_t claims[CLAIMS_MAX], tag[TAG_MAX], measured[BOUNDS_PART_MAX], *bytes = NULL;
	struct quoter_status s;
	struct view header, bounds;
	size_t n = 0;

	if (quoter_status(a->quoter, &s, e))
		return -1;
	struct ima_mark mark = agentima_mark(a, &s);
	if (make_claims(a, &s, &mark, claims, sizeof claims, &header, e))
		return -1;
	if (s.has_ima)
		flags |= QUOTER_WITH_IMA;
	if (!log_was_sent(a, &s))
		flags |= QUOTER_WITH_LOG;
	uint64_t counter = flags & QUOTER_WITH_CERTIFY ? 0 : counter_known(a); /* an enrolment begins with it */
	if (agent_bounds(a, nonce, &s, measured, &bounds, e) ||
	        quoter_evidence(
	                a->quoter, flags, nonce, mark.bytes, counter, header, agent_tag(a, tag), bounds, &bytes, &n, e))
		return -1;
	container = (char *)bytes;
	if (save && file_write(AT_FDCWD, save, VIEW(bytes, n), 0600, e))
		return -1;
	if (post(a, path, VIEW(bytes, n), answer, e))
		return -1;
	if (accept_result(a, &s, *answer, e))
		return -1;
	return agentima_advance(a, &s, &mark, VIEW(bytes, n), more, e);
}

/* A runtime list that is too long for one evidence goes in several, each with a nonce of its own. After a refusal it begins
 * anew: what the authority keeps of it is known no more. */
static int send_evidence(struct agent *a, const char *path, unsigned flags, const uint8_t first[NONCE_LEN],
        const char *save, json_t **answer, struct err *e)
{
	uint8_t nonce[NONCE_LEN];
	struct err dropped = {0};
	bool more = true;

	memcpy(nonce, first, NONCE_LEN);
	for (bool again = false; more; again = true) {
		if (again && !state_take_nonce(a->dir, nonce, &dropped))
			return 0;
		if (send_once(a, again ? "/v1/attest" : path, again ? 0 : flags, nonce, save, answer, &more, e) == 0)
			continue;
		if (e->why != WHY_SYSTEM)
			(void)state_drop(a->dir, "ima.sent", &dropped);
		return -1;
	}
	return 0;
}

/* The credential hides the first nonce: whoever opens it holds the EK and the AK in one TPM. */
static int open_credential(struct agent *a, const json_t *answer, uint8_t nonce[NONCE_LEN], struct err *e)
{
	const json_t *c = json_object_get(answer, "credential");
	struct credential cred;

	if (!c)
		return err_set(e, WHY_MALFORMED, "the authority's answer has no credential");
	if (json_get_b64(c, "blob", cred.blob, sizeof cred.blob, &cred.nblob, e) ||
	        json_get_b64(c, "secret", cred.secret, sizeof cred.secret, &cred.nsecret, e))
		return -1;
	return quoter_activate(a->quoter, VIEW(cred.blob, cred.nblob), VIEW(cred.secret, cred.nsecret), nonce, e);
}

/* For people: an officer who admits this machine wants to know it. A part that is not there has no digest to keep. */
static int keep_ek(struct agent *a, struct view container, struct err *e)
{
	char hex[2 * SHA_LEN + 1];
	uint8_t digest[SHA_LEN];
	struct evidence ev;

	if (evidence_parse(container, &ev, e) != 0)
		return -1;
	sha256(digest, ev.part[PART_EK]);
	return state_put(a->dir, "ek.sha256", VIEW(hex_put(hex, digest, SHA_LEN), 2 * SHA_LEN), e);
}

int agent_enrol(struct agent *a, const char *save, json_t **answer, struct err *e)
{
	AUTO(mem_free) char *container = NULL;
	uint8_t claims[CLAIMS_MAX], nonce[NONCE_LEN], *bytes = NULL;
	struct quoter_status s;
	struct view header;
	size_t n = 0;

	*answer = NULL;
	client_close(TAKE(a->client));
	if (state_drop(a->dir, "certificate.pem", e) || state_drop(a->dir, "log.sent", e) ||
	        state_drop(a->dir, "ima.sent", e) || quoter_status(a->quoter, &s, e) ||
	        make_claims(a, &s, NULL, claims, sizeof claims, &header, e) ||
	        quoter_keys(a->quoter, header, &bytes, &n, e))
		return -1;
	container = (char *)bytes;
	if (keep_ek(a, VIEW(bytes, n), e) || post(a, "/v1/enrol", VIEW(bytes, n), answer, e) ||
	        open_credential(a, *answer, nonce, e))
		return -1;
	return send_evidence(a, "/v1/activate", QUOTER_WITH_CERTIFY, nonce, save, answer, e);
}

int agent_attest(struct agent *a, const char *save, json_t **answer, struct err *e)
{
	uint8_t nonce[NONCE_LEN] = {0};
	struct err dropped = {0};
	struct quoter_status s;

	*answer = NULL;
	if (quoter_status(a->quoter, &s, e))
		return -1;
	if (certificate_state(a->dir, s.id) == CERTIFICATE_NONE)
		return agent_enrol(a, save, answer, e);
	/* without a nonce we show an empty one: the refusal brings a fresh one, to this TPM's key only */
	(void)state_take_nonce(a->dir, nonce, &dropped);
	if (send_evidence(a, "/v1/attest", 0, nonce, save, answer, e) == 0)
		return 0;
	if (e->why == WHY_STALE && next_nonce(*answer, nonce)) {
		if (state_drop(a->dir, "log.sent", e))
			return -1;
		return send_evidence(a, "/v1/attest", 0, nonce, save, answer, e);
	}
	/* Revoked: the nonce is for the receipt, merestone-lease(5). */
	if (e->why == WHY_REFUSED && next_nonce(*answer, nonce)) {
		if (agent_end_leases(a, e))
			return -1;
		return send_evidence(a, "/v1/attest", 0, nonce, save, answer, e);
	}
	return -1;
}
