#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/attest/attestbench.h"

enum { CERT_CAP = 1024, HOUR_S = 3600 };

struct vendor {
	struct es256 *root_key, *middle_key;
	struct softtpm_key ek;
	struct ek_pub ek_pub;
	struct ekroots *roots;
	uint8_t leaf[CERT_CAP], middle[CERT_CAP];
	size_t nleaf, nmiddle;
	time_t now;
};

struct subject {
	const char *name, *issuer, *basic, *usage, *eku;
};
static const struct subject root = {"Root", "Root", "critical,CA:TRUE", "critical,keyCertSign", NULL};
static const struct subject middle = {"Middle", "Root", "critical,CA:TRUE,pathlen:0", "critical,keyCertSign", NULL};
static const struct subject leaf = {"EK", "Middle", "critical,CA:FALSE", "critical,keyAgreement", "2.23.133.8.1"};

static void extend(X509 *c, int nid, const char *value)
{
	X509_EXTENSION *x = value ? X509V3_EXT_conf_nid(NULL, NULL, nid, value) : NULL;

	if (value && (!x || X509_add_ext(c, x, -1) != 1))
		abort();
	X509_EXTENSION_free(x);
}

static void call(X509_NAME *n, const char *name)
{
	if (X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0) != 1)
		abort();
}

/* TCG EK Credential Profile 3.2.9: the maker of the TPM, here that of software TPMs. */
static void name_maker(X509 *c)
{
	ASN1_OBJECT *manufacturer = OBJ_txt2obj("2.23.133.2.1", 1);
	GENERAL_NAME *g = GENERAL_NAME_new();
	GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
	static const uint8_t id[] = "id:00001014";

	if (!manufacturer || !g || !all || sk_GENERAL_NAME_push(all, g) <= 0)
		abort();
	g->type = GEN_DIRNAME;
	g->d.directoryName = X509_NAME_new();
	if (X509_NAME_add_entry_by_OBJ(g->d.directoryName, manufacturer, MBSTRING_ASC, id, -1, -1, 0) != 1 ||
	        X509_add1_ext_i2d(c, NID_subject_alt_name, all, 1, 0) != 1)
		abort();
	GENERAL_NAMES_free(all);
	ASN1_OBJECT_free(manufacturer);
}

static X509 *issue(const struct subject *s, const struct es256 *key, const struct es256 *by)
{
	X509 *c = X509_new();

	if (!c)
		abort();
	X509_set_version(c, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
	X509_gmtime_adj(X509_getm_notBefore(c), -HOUR_S);
	X509_gmtime_adj(X509_getm_notAfter(c), HOUR_S);
	call(X509_get_subject_name(c), s->name);
	call(X509_get_issuer_name(c), s->issuer);
	X509_set_pubkey(c, key->pkey);
	extend(c, NID_basic_constraints, s->basic);
	extend(c, NID_key_usage, s->usage);
	extend(c, NID_ext_key_usage, s->eku);
	if (s->eku)
		name_maker(c);
	if (X509_sign(c, by->pkey, EVP_sha256()) <= 0)
		abort();
	return c;
}

static size_t der(const struct subject *s, const struct es256 *key, const struct es256 *by, uint8_t out[CERT_CAP])
{
	X509 *c = issue(s, key, by);
	int n = i2d_X509(c, NULL);

	if (n <= 0 || n > CERT_CAP || i2d_X509(c, &out) != n)
		abort();
	X509_free(c);
	return (size_t)n;
}

static struct ekroots *pin(const struct es256 *key, struct err *e)
{
	X509 *c = issue(&root, key, key);
	BIO *b = BIO_new(BIO_s_mem());
	char *text;

	if (!b || PEM_write_bio_X509(b, c) != 1)
		abort();
	long n = BIO_get_mem_data(b, &text);
	struct ekroots *r = ekroots_read(VIEW(text, (size_t)n), e);
	BIO_free(b);
	X509_free(c);
	return r;
}

static void check(void *arg)
{
	const struct vendor *v = arg;
	struct view chain = VIEW(v->middle, v->nmiddle);
	bool expired;
	struct err e;

	if (ekcert_check(v->roots, VIEW(v->leaf, v->nleaf), &chain, 1, &v->ek_pub, v->now, &expired, &e) != 0)
		abort();
}

static void verify_two(void *bare)
{
	bare_verify(bare);
	bare_verify(bare);
}

static int open_shop(struct vendor *v, struct err *e)
{
	v->now = time(NULL);
	v->root_key = es256_generate(e);
	v->middle_key = es256_generate(e);
	if (!v->root_key || !v->middle_key || softtpm_key(&v->ek, SOFTTPM_EK, NULL, e) != 0 ||
	        ekpub_parse(softtpm_view(&v->ek), &v->ek_pub, e) != 0)
		return -1;
	v->nmiddle = der(&middle, v->middle_key, v->root_key, v->middle);
	v->nleaf = der(&leaf, v->ek.key, v->middle_key, v->leaf);
	v->roots = pin(v->root_key, e);
	return v->roots ? 0 : -1;
}

static void close_shop(struct vendor *v)
{
	ekroots_free(v->roots);
	softtpm_drop(&v->ek);
	es256_free(v->middle_key);
	es256_free(v->root_key);
}

int ekrow_print(struct err *e)
{
	struct vendor v = {0};
	int bad = open_shop(&v, e);
	AUTO(bare_free) struct bare *b = bad ? NULL : bare_open(v.root_key, e);

	if (b) {
		struct racer r[] = {
		        {.once = check, .arg = &v, .times = 50}, {.once = verify_two, .arg = b, .times = 50}};
		race_run(r, COUNT(r));
		race_row(&(struct race_row){"us", r[0].us, r[1].us, 0, 0},
		        "endorsement certificate, one issuer below a pinned root");
	}
	close_shop(&v);
	return b ? 0 : -1;
}
