/* Tests of tlsprovider: TLS 1.3 handshakes in memory, the client's private key being somewhere else. */
#include "tests/unit/unit.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "federation/tlsprovider.h"
#include "keystore/keystore.h"

enum { PIPE_BYTES = 64 * 1024, STEPS_MAX = 20 };

struct bench {
	struct es256 *ca, *server, *client, *other;
	char *ca_pem, *server_pem, *client_pem, *other_pem;
	struct {
		bool refuses, lies;
		int asked;
		uint8_t content[512];
		size_t n;
	} signer;
};

static char *issue(const struct bench *b, const struct es256 *key, const char *path, const char *const *hosts)
{
	const struct ca_request q = {.trust_domain = "edge.example",
	        .path = path,
	        .pub = key->pub,
	        .hosts = hosts,
	        .not_before = time(NULL) - 60,
	        .not_after = time(NULL) + 3600};
	struct err e = {0};
	char *pem = NULL;
	assert_accepted(ca_issue(b->ca, VIEW(b->ca_pem, strlen(b->ca_pem)), &q, &pem, &e), &e);
	return pem;
}

static int setup(void **s)
{
	static struct bench b;
	static const char *const hosts[] = {"localhost", NULL};
	struct err e = {0};
	b.ca = es256_generate(&e);
	b.server = es256_generate(&e);
	b.client = es256_generate(&e);
	b.other = es256_generate(&e);
	assert_accepted(ca_self(b.ca, "edge.example", time(NULL), &b.ca_pem, &e), &e);
	b.server_pem = issue(&b, b.server, "authority", hosts);
	b.client_pem = issue(&b, b.client, "cloudlet/berlin-1", NULL);
	b.other_pem = issue(&b, b.other, "cloudlet/paris-1", NULL);
	*s = &b;
	return 0;
}

static int teardown(void **s)
{
	struct bench *b = *s;
	es256_free(b->ca);
	es256_free(b->server);
	es256_free(b->client);
	es256_free(b->other);
	free(b->ca_pem);
	free(b->server_pem);
	free(b->client_pem);
	free(b->other_pem);
	return 0;
}

/* What the quoter does with the TPM's key, here with one in memory. */
static int signer(void *arg, struct view content, uint8_t sig[ES256_SIG], struct err *e)
{
	struct bench *b = arg;
	b->signer.asked++;
	b->signer.n = content.n < sizeof b->signer.content ? content.n : 0;
	memcpy(b->signer.content, content.p, b->signer.n);
	if (b->signer.refuses)
		return err_set(e, WHY_REFUSED, "no");
	return es256_sign(b->signer.lies ? b->other : b->client, content, sig, e);
}

static struct tlsprovider_key *key_of(struct bench *b, const char *pem, const struct es256 *key, struct err *e)
{
	struct tlskey k = {.sign = signer, .arg = b};
	memset(&b->signer, 0, sizeof b->signer);
	memcpy(k.pub, key->pub, sizeof k.pub);
	return tlsprovider_key_new(pem, &k, e);
}

static void trust(SSL_CTX *ctx, const char *pem)
{
	BIO *io = BIO_new_mem_buf(pem, -1);
	X509 *x = PEM_read_bio_X509(io, NULL, NULL, NULL);
	assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x), 1);
	X509_free(x);
	BIO_free(io);
}

static SSL_CTX *context(const struct bench *b, const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	assert_non_null(ctx);
	assert_int_equal(SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION), 1);
	trust(ctx, b->ca_pem);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return ctx;
}

static SSL_CTX *server_context(const struct bench *b)
{
	SSL_CTX *ctx = context(b, TLS_server_method());
	BIO *io = BIO_new_mem_buf(b->server_pem, -1);
	X509 *x = PEM_read_bio_X509(io, NULL, NULL, NULL);
	assert_int_equal(SSL_CTX_use_certificate(ctx, x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, b->server->pkey), 1);
	X509_free(x);
	BIO_free(io);
	return ctx;
}

struct ends {
	SSL_CTX *contexts[2];
	SSL *client, *server;
};

static struct ends connect_with(const struct bench *b, const struct tlsprovider_key *key)
{
	struct ends t = {.contexts = {context(b, TLS_client_method()), server_context(b)}};
	BIO *left = NULL, *right = NULL;
	assert_int_equal(tlsprovider_use(key, t.contexts[0]), 0);
	assert_int_equal(BIO_new_bio_pair(&left, PIPE_BYTES, &right, PIPE_BYTES), 1);
	t.client = SSL_new(t.contexts[0]);
	t.server = SSL_new(t.contexts[1]);
	SSL_set_bio(t.client, left, left);
	SSL_set_bio(t.server, right, right);
	SSL_set_connect_state(t.client);
	SSL_set_accept_state(t.server);
	return t;
}

static void hang_up(struct ends *t)
{
	SSL_free(t->client);
	SSL_free(t->server);
	SSL_CTX_free(t->contexts[0]);
	SSL_CTX_free(t->contexts[1]);
	ERR_clear_error();
}

static bool failed(SSL *ssl, int rc)
{
	int why = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl, rc);
	return why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE;
}

/* 0 when both ends are satisfied. */
static int shake_hands(struct ends *t)
{
	for (int i = 0; i < STEPS_MAX; i++) {
		int client = SSL_do_handshake(t->client), server;
		if (failed(t->client, client))
			return -1;
		server = SSL_do_handshake(t->server);
		if (failed(t->server, server))
			return -1;
		if (client == 1 && server == 1)
			return 0;
	}
	return -1;
}

static void the_server_verifies_a_client_whose_key_is_elsewhere(void **s)
{
	struct bench *b = *s;
	struct err e = {0};
	struct tlsprovider_key *key = key_of(b, b->client_pem, b->client, &e);
	assert_non_null(key);
	struct ends t = connect_with(b, key);
	assert_int_equal(shake_hands(&t), 0);
	assert_int_equal(b->signer.asked, 1);
	assert_int_equal(SSL_version(t.server), TLS1_3_VERSION);
	assert_int_equal(SSL_get_verify_result(t.server), X509_V_OK);
	X509 *x = SSL_get0_peer_certificate(t.server);
	assert_non_null(x);
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	assert_int_equal(sk_GENERAL_NAME_num(names), 1);
	const ASN1_STRING *uri = sk_GENERAL_NAME_value(names, 0)->d.uniformResourceIdentifier;
	assert_true(view_is(VIEW(ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri)),
	        "spiffe://edge.example/cloudlet/berlin-1"));
	GENERAL_NAMES_free(names);
	hang_up(&t);
	tlsprovider_key_free(key);
}

/* So that the quoter can see what it signs (RFC 8446 4.4.3). */
static void the_signer_is_given_the_whole_content_and_not_a_digest(void **s)
{
	static const char label[] = "TLS 1.3, client CertificateVerify";
	struct bench *b = *s;
	struct err e = {0};
	struct tlsprovider_key *key = key_of(b, b->client_pem, b->client, &e);
	struct ends t = connect_with(b, key);
	assert_int_equal(shake_hands(&t), 0);
	assert_true(b->signer.n > 64 + sizeof label);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(b->signer.content[i], 0x20);
	assert_memory_equal(b->signer.content + 64, label, sizeof label);
	hang_up(&t);
	tlsprovider_key_free(key);
}

static void one_key_serves_many_handshakes(void **s)
{
	struct bench *b = *s;
	struct err e = {0};
	struct tlsprovider_key *key = key_of(b, b->client_pem, b->client, &e);
	for (int i = 1; i <= 10; i++) {
		struct ends t = connect_with(b, key);
		assert_int_equal(shake_hands(&t), 0);
		assert_int_equal(b->signer.asked, i);
		hang_up(&t);
	}
	tlsprovider_key_free(key);
}

static void a_signer_that_refuses_ends_the_handshake_and_nothing_else(void **s)
{
	struct bench *b = *s;
	struct err e = {0};
	struct tlsprovider_key *key = key_of(b, b->client_pem, b->client, &e);
	b->signer.refuses = true;
	struct ends t = connect_with(b, key);
	assert_int_equal(shake_hands(&t), -1);
	assert_int_equal(b->signer.asked, 1);
	hang_up(&t);
	b->signer.refuses = false;
	t = connect_with(b, key);
	assert_int_equal(shake_hands(&t), 0);
	hang_up(&t);
	tlsprovider_key_free(key);
}

static void a_signature_by_another_key_is_refused_by_the_server(void **s)
{
	struct bench *b = *s;
	struct err e = {0};
	struct tlsprovider_key *key = key_of(b, b->client_pem, b->client, &e);
	b->signer.lies = true;
	struct ends t = connect_with(b, key);
	assert_int_equal(shake_hands(&t), -1);
	assert_int_equal(SSL_is_init_finished(t.server), 0);
	hang_up(&t);
	tlsprovider_key_free(key);
}

static void a_certificate_of_another_key_is_refused(void **s)
{
	struct bench *b = *s;
	struct err e = {0};
	assert_null(key_of(b, b->other_pem, b->client, &e));
	assert_string_equal(why_name(e.why), "untrusted");
	assert_true(e.text[0]);
	assert_int_equal(b->signer.asked, 0);
}

static void what_is_not_a_certificate_or_not_a_point_is_refused(void **s)
{
	struct bench *b = *s;
	const struct es256 nowhere = {.pub = {1}};
	struct err e = {0};
	assert_null(key_of(b, "", b->client, &e));
	assert_string_equal(why_name(e.why), "malformed");
	assert_null(key_of(b, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b->client, &e));
	assert_string_equal(why_name(e.why), "malformed");
	assert_null(key_of(b, b->client_pem, &nowhere, &e));
	assert_int_equal(ERR_peek_error(), 0);
}

/* Loading a provider turns the implicit default off: what else the process does must not notice. */
static void other_keys_stay_in_the_default_provider(void **s)
{
	struct bench *b = *s;
	struct err e = {0};
	struct tlsprovider_key *key = key_of(b, b->client_pem, b->client, &e);
	uint8_t sig[ES256_SIG];
	AUTO(es256_free) struct es256 *made = es256_generate(&e);
	assert_non_null(made);
	assert_accepted(es256_sign(made, VIEW("a", 1), sig, &e), &e);
	assert_accepted(es256_verify(made, VIEW("a", 1), sig, &e), &e);
	assert_int_equal(b->signer.asked, 0);
	tlsprovider_key_free(key);
	tlsprovider_key_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_server_verifies_a_client_whose_key_is_elsewhere),
	        cmocka_unit_test(the_signer_is_given_the_whole_content_and_not_a_digest),
	        cmocka_unit_test(one_key_serves_many_handshakes),
	        cmocka_unit_test(a_signer_that_refuses_ends_the_handshake_and_nothing_else),
	        cmocka_unit_test(a_signature_by_another_key_is_refused_by_the_server),
	        cmocka_unit_test(a_certificate_of_another_key_is_refused),
	        cmocka_unit_test(what_is_not_a_certificate_or_not_a_point_is_refused),
	        cmocka_unit_test(other_keys_stay_in_the_default_provider),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
