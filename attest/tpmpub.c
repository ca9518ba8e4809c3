#include <string.h>

#include "attest/tpmpub.h"

enum { COORDINATE = ES256_PUB / 2 };

static const struct {
	uint32_t bit;
	const char *name;
} attribute_names[] = {
        {FIXED_TPM, "fixedTPM"},
        {ST_CLEAR, "stClear"},
        {FIXED_PARENT, "fixedParent"},
        {SENSITIVE_DATA_ORIGIN, "sensitiveDataOrigin"},
        {USER_WITH_AUTH, "userWithAuth"},
        {ADMIN_WITH_POLICY, "adminWithPolicy"},
        {NO_DA, "noDA"},
        {ENCRYPTED_DUPLICATION, "encryptedDuplication"},
        {RESTRICTED, "restricted"},
        {DECRYPT, "decrypt"},
        {SIGN, "sign"},
        {X509_SIGN, "x509sign"},
};

static const char *type_name(uint16_t type)
{
	return type == ALG_RSA ? "an RSA key" : type == ALG_KEYEDHASH ? "a keyed hash" : "not an elliptic curve key";
}

static const char *hash_name(uint16_t alg)
{
	return alg == ALG_SHA1 ? "SHA-1" : alg == ALG_SHA384 ? "SHA-384" : "another hash";
}

/* What it is, when it is something else than we work with. */
static int head_ok(uint16_t type, uint16_t name_alg, struct err *e)
{
	if (type != ALG_ECC)
		return err_set(e, WHY_UNTRUSTED, "TPM public area: this is %s (type 0x%04x), not ECC P-256",
		        type_name(type), type);
	if (name_alg != ALG_SHA256)
		return err_set(e, WHY_UNTRUSTED, "TPM public area: its name is by %s (0x%04x), not SHA-256",
		        hash_name(name_alg), name_alg);
	return 0;
}

/* TPMT_SYM_DEF_OBJECT: nothing, or AES-128-CFB. */
static void read_sym(struct rd *r, struct tpm_pub *k, const char **odd)
{
	k->sym = rd_be16(r);
	if (k->sym == ALG_NULL)
		return;
	if (k->sym != ALG_AES || rd_be16(r) != 128 || rd_be16(r) != ALG_CFB)
		*odd = "its symmetric algorithm is not AES-128-CFB";
}

/* TPMT_ECC_SCHEME: nothing, or ECDSA with SHA-256. */
static void read_scheme(struct rd *r, struct tpm_pub *k, const char **odd)
{
	k->scheme = rd_be16(r);
	if (k->scheme == ALG_NULL)
		return;
	if (k->scheme != ALG_ECDSA || rd_be16(r) != ALG_SHA256)
		*odd = "its signing scheme is not ECDSA with SHA-256";
}

static void read_curve(struct rd *r, const char **odd)
{
	if (rd_be16(r) != CURVE_P256)
		*odd = "its curve is not NIST P-256";
	else if (rd_be16(r) != ALG_NULL)
		*odd = "it has a key derivation scheme";
}

void tpmpub_padded(struct rd *r, uint8_t *out, size_t n)
{
	struct view v = rd_view16(r);

	rd_require(r, v.n > 0 && v.n <= n);
	memset(out, 0, n);
	if (rd_ok(r))
		memcpy(out + n - v.n, v.p, v.n);
}

static void compute_name(struct tpm_pub *k)
{
	k->name[0] = ALG_SHA256 >> 8;
	k->name[1] = ALG_SHA256 & 0xff;
	sha256(k->name + 2, k->bytes);
}

int tpmpub_parse(struct view v, struct tpm_pub *out, struct err *e)
{
	struct tpm_pub k = {.bytes = v};
	const char *odd = NULL;

	if (v.n > TPM_PUBLIC_MAX)
		return err_set(
		        e, WHY_MALFORMED, "TPM public area: %zu bytes, at most %d are read", v.n, TPM_PUBLIC_MAX);
	struct rd r = rd_of(v);
	uint16_t type = rd_be16(&r), name_alg = rd_be16(&r);
	k.attributes = rd_be32(&r);
	k.policy = rd_view16(&r);
	rd_require(&r, k.policy.n <= POLICY_MAX);
	if (!rd_ok(&r))
		return err_set(e, WHY_MALFORMED, "TPM public area: cut short (TPM 2.0 Part 2 12.2.4)");
	if (head_ok(type, name_alg, e) != 0)
		return -1;
	read_sym(&r, &k, &odd);
	if (!odd)
		read_scheme(&r, &k, &odd);
	if (!odd)
		read_curve(&r, &odd);
	if (odd && rd_ok(&r))
		return err_set(e, WHY_UNTRUSTED, "TPM public area: %s", odd);
	tpmpub_padded(&r, k.xy, COORDINATE);
	tpmpub_padded(&r, k.xy + COORDINATE, COORDINATE);
	if (!rd_end(&r))
		return err_set(e, WHY_MALFORMED, "TPM public area: %s (TPM 2.0 Part 2 12.2.4)",
		        rd_ok(&r) ? "bytes left over" : "cut short");
	compute_name(&k);
	*out = k;
	return 0;
}

static const char *attribute_name(uint32_t bits)
{
	for (size_t i = 0; i < COUNT(attribute_names); i++)
		if (bits & attribute_names[i].bit)
			return attribute_names[i].name;
	return "a reserved attribute";
}

int tpmpub_attributes(uint32_t have, const char *what, uint32_t must, uint32_t may, struct err *e)
{
	uint32_t missing = must & ~have, extra = have & ~(must | may);

	if (missing)
		return err_set(e, WHY_UNTRUSTED, "%s: attribute %s is not set", what, attribute_name(missing));
	if (extra)
		return err_set(e, WHY_UNTRUSTED, "%s: attribute %s is set", what, attribute_name(extra));
	return 0;
}

int tpmpub_is_ak(const struct tpm_pub *k, struct err *e)
{
	if (tpmpub_attributes(k->attributes, "attestation key", OF_THIS_TPM | RESTRICTED | SIGN | NO_DA,
	            USER_WITH_AUTH | ADMIN_WITH_POLICY, e) != 0)
		return -1;
	if (k->sym != ALG_NULL || k->scheme != ALG_ECDSA)
		return err_set(e, WHY_UNTRUSTED, "attestation key: its scheme is not ECDSA with SHA-256");
	return 0;
}

int tpmpub_is_srk(const struct tpm_pub *k, struct err *e)
{
	if (tpmpub_attributes(k->attributes, "storage root key", OF_THIS_TPM | RESTRICTED | DECRYPT | NO_DA,
	            USER_WITH_AUTH | ADMIN_WITH_POLICY, e) != 0)
		return -1;
	if (k->sym != ALG_AES || k->scheme != ALG_NULL)
		return err_set(e, WHY_UNTRUSTED, "storage root key: it does not protect its children by AES-128-CFB");
	return 0;
}

int tpmpub_is_id(const struct tpm_pub *k, struct err *e)
{
	if (tpmpub_attributes(
	            k->attributes, "TLS key", OF_THIS_TPM | SIGN, USER_WITH_AUTH | ADMIN_WITH_POLICY | NO_DA, e) != 0)
		return -1;
	if (k->sym != ALG_NULL)
		return err_set(e, WHY_UNTRUSTED, "TLS key: it has a symmetric algorithm");
	return 0;
}

void tpmpub_qualified(uint8_t out[TPM_NAME_LEN], uint32_t hierarchy, const uint8_t name[TPM_NAME_LEN])
{
	uint8_t handle[4];
	struct wr w = wr_to(handle, sizeof handle);

	wr_be32(&w, hierarchy);
	sha256_2(out + 2, VIEW_OF(handle), VIEW(name, TPM_NAME_LEN));
	out[0] = ALG_SHA256 >> 8;
	out[1] = ALG_SHA256 & 0xff;
}
