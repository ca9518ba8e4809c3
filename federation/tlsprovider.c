#include "federation/tlsprovider.h"

#include <openssl/bn.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNATURE_DER_MAX = 72, POINT_LEN = 65 };
#define GROUP "prime256v1"

/* One key at a time: the agent has one identity. The provider finds its callback here. */
static struct tlskey current;

struct key { /* key object of the provider */
	unsigned char point[POINT_LEN];
	bool has_point;
};

struct signing { /* signature context */
	unsigned char *content;
	size_t n;
};

static void *key_new(void *provctx)
{
	(void)provctx;
	return calloc(1, sizeof(struct key));
}

static void key_free(void *key)
{
	free(key);
}

static int key_has(const void *key, int selection)
{
	(void)key;
	(void)selection;
	return 1;
}

static int key_match(const void *a, const void *b, int selection)
{
	const struct key *x = a, *y = b;

	(void)selection;
	return x->has_point && y->has_point && memcmp(x->point, y->point, POINT_LEN) == 0;
}

static int key_import(void *key, int selection, const OSSL_PARAM params[])
{
	struct key *k = key;
	const OSSL_PARAM *pub = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY);
	void *to = k->point;
	size_t n = 0;

	(void)selection;
	if (!pub || !OSSL_PARAM_get_octet_string(pub, &to, POINT_LEN, &n) || n != POINT_LEN)
		return 0;
	k->has_point = true;
	return 1;
}

static const OSSL_PARAM *key_types(int selection)
{
	static const OSSL_PARAM types[] = {OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0), OSSL_PARAM_END};

	(void)selection;
	return types;
}

static int key_export(void *key, int selection, OSSL_CALLBACK *give, void *arg)
{
	struct key *k = key;
	char group[] = GROUP;
	OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group - 1),
	        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, k->point, POINT_LEN), OSSL_PARAM_END};

	if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY)
		return 0;
	return give(params, arg);
}

static int key_get_params(void *key, OSSL_PARAM params[])
{
	struct key *k = key;
	OSSL_PARAM *p;

	if ((p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_BITS)) && !OSSL_PARAM_set_int(p, 256))
		return 0;
	if ((p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_SECURITY_BITS)) && !OSSL_PARAM_set_int(p, 128))
		return 0;
	if ((p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_MAX_SIZE)) && !OSSL_PARAM_set_int(p, SIGNATURE_DER_MAX))
		return 0;
	if ((p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST)) && !OSSL_PARAM_set_utf8_string(p, "SHA256"))
		return 0;
	if ((p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_GROUP_NAME)) && !OSSL_PARAM_set_utf8_string(p, GROUP))
		return 0;
	p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_PUB_KEY);
	return !p || OSSL_PARAM_set_octet_string(p, k->point, POINT_LEN);
}

static const OSSL_PARAM *key_gettable(void *provctx)
{
	static const OSSL_PARAM params[] = {OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
	        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL), OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
	        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
	        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0), OSSL_PARAM_END};

	(void)provctx;
	return params;
}

static const char *key_operation(int operation)
{
	(void)operation;
	return "ECDSA";
}

static void *sign_new(void *provctx, const char *properties)
{
	(void)provctx;
	(void)properties;
	return calloc(1, sizeof(struct signing));
}

static void sign_free(void *ctx)
{
	struct signing *s = ctx;

	if (s)
		free(s->content);
	free(s);
}

static int sign_init(void *ctx, const char *digest, void *key, const OSSL_PARAM params[])
{
	(void)ctx;
	(void)key;
	(void)params;
	return !digest || strcmp(digest, "SHA256") == 0 || strcmp(digest, "SHA2-256") == 0;
}

/* r || s to the DER that TLS carries. */
static int to_der(const uint8_t rs[ES256_SIG], unsigned char *out, size_t *n)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(rs, 32, NULL), *s = BN_bin2bn(rs + 32, 32, NULL);
	int len = -1;

	if (sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
		r = s = NULL;
		len = i2d_ECDSA_SIG(sig, &out);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	if (len < 0)
		return 0;
	*n = (size_t)len;
	return 1;
}

static int sign_whole(void *ctx, unsigned char *out, size_t *n, size_t cap, const unsigned char *content, size_t size)
{
	uint8_t rs[ES256_SIG];
	struct err e = {0};

	(void)ctx;
	if (!out) {
		*n = SIGNATURE_DER_MAX;
		return 1;
	}
	if (cap < SIGNATURE_DER_MAX || !current.sign || current.sign(current.arg, VIEW(content, size), rs, &e))
		return 0;
	return to_der(rs, out, n);
}

typedef void (*dispatch)(void);

static const OSSL_DISPATCH keymgmt[] = {{OSSL_FUNC_KEYMGMT_NEW, (dispatch)key_new},
        {OSSL_FUNC_KEYMGMT_FREE, (dispatch)key_free}, {OSSL_FUNC_KEYMGMT_HAS, (dispatch)key_has},
        {OSSL_FUNC_KEYMGMT_MATCH, (dispatch)key_match}, {OSSL_FUNC_KEYMGMT_IMPORT, (dispatch)key_import},
        {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (dispatch)key_types}, {OSSL_FUNC_KEYMGMT_EXPORT, (dispatch)key_export},
        {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (dispatch)key_types}, {OSSL_FUNC_KEYMGMT_GET_PARAMS, (dispatch)key_get_params},
        {OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (dispatch)key_gettable},
        {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (dispatch)key_operation}, {0, NULL}};

static const OSSL_DISPATCH signature[] = {{OSSL_FUNC_SIGNATURE_NEWCTX, (dispatch)sign_new},
        {OSSL_FUNC_SIGNATURE_FREECTX, (dispatch)sign_free}, {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (dispatch)sign_init},
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (dispatch)sign_whole}, {0, NULL}};

static const OSSL_ALGORITHM keymgmts[] = {
        {"EC:id-ecPublicKey:1.2.840.10045.2.1", "provider=quoter", keymgmt, "P-256 key in the TPM"}, {0}};
static const OSSL_ALGORITHM signatures[] = {{"ECDSA", "provider=quoter", signature, "signed by the quoter"}, {0}};

static const OSSL_ALGORITHM *query(void *provctx, int operation, int *no_store)
{
	(void)provctx;
	*no_store = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return keymgmts;
	return operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static int init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provctx)
{
	static const OSSL_DISPATCH provider[] = {{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (dispatch)query}, {0, NULL}};

	(void)in;
	*out = provider;
	*provctx = (void *)handle;
	return 1;
}

/* Everything that is not this key stays in the default provider. Both stay loaded as long as the process lives. */
static int load_provider(struct err *e)
{
	static OSSL_PROVIDER *otherwise, *quoter;
	static bool ready;

	if (ready)
		return 0;
	if (!otherwise)
		otherwise = OSSL_PROVIDER_load(NULL, "default");
	if (otherwise && OSSL_PROVIDER_add_builtin(NULL, "quoter", init))
		quoter = OSSL_PROVIDER_load(NULL, "quoter");
	if (!quoter || !EVP_set_default_properties(NULL, "?provider!=quoter"))
		return err_set(e, WHY_SYSTEM, "OpenSSL does not load the provider for the TPM's key");
	ready = true;
	return 0;
}

struct tlsprovider_key {
	EVP_PKEY *pkey;
	X509 *leaf;
};

static EVP_PKEY *make_key(const uint8_t pub[ES256_PUB])
{
	unsigned char point[POINT_LEN] = {4};
	char group[] = GROUP;
	OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group - 1),
	        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, POINT_LEN), OSSL_PARAM_END};
	EVP_PKEY_CTX *x = EVP_PKEY_CTX_new_from_name(NULL, "EC", "provider=quoter");
	EVP_PKEY *pkey = NULL;

	memcpy(point + 1, pub, ES256_PUB);
	if (x && EVP_PKEY_fromdata_init(x) > 0)
		(void)EVP_PKEY_fromdata(x, &pkey, EVP_PKEY_PUBLIC_KEY, params);
	EVP_PKEY_CTX_free(x);
	return pkey;
}

static X509 *read_leaf(const char *pem)
{
	BIO *b = BIO_new_mem_buf(pem, -1);
	X509 *x = b ? PEM_read_bio_X509(b, NULL, NULL, NULL) : NULL;

	BIO_free(b);
	return x;
}

static int check_pair(const struct tlsprovider_key *k, struct err *e)
{
	if (!k->leaf || !k->pkey)
		return err_set(e, WHY_MALFORMED, "the client certificate or its key can not be read");
	if (X509_check_private_key(k->leaf, k->pkey) != 1)
		return err_set(e, WHY_UNTRUSTED, "the client certificate is not of this TPM's key");
	return 0;
}

struct tlsprovider_key *tlsprovider_key_new(const char *cert_pem, const struct tlskey *key, struct err *e)
{
	struct tlsprovider_key *k;

	if (load_provider(e))
		return NULL;
	k = calloc(1, sizeof *k);
	if (!k) {
		err_sys(e, "memory for the TLS key");
		return NULL;
	}
	k->leaf = read_leaf(cert_pem);
	k->pkey = make_key(key->pub);
	if (check_pair(k, e)) {
		ERR_clear_error();
		tlsprovider_key_free(k);
		return NULL;
	}
	current = *key;
	return k;
}

void tlsprovider_key_free(struct tlsprovider_key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	X509_free(k->leaf);
	free(k);
}

int tlsprovider_use(const struct tlsprovider_key *k, SSL_CTX *ctx)
{
	return SSL_CTX_use_certificate(ctx, k->leaf) == 1 && SSL_CTX_use_PrivateKey(ctx, k->pkey) == 1 &&
	                       SSL_CTX_check_private_key(ctx) == 1
	               ? 0
	               : -1;
}
