#include <string.h>

#include "attest/attest.h"

enum {
	ALG_RSA = 0x0001,
	ALG_AES = 0x0006,
	ALG_KEYEDHASH = 0x0008,
	ALG_SHA1 = 0x0004,
	ALG_SHA256 = 0x000b,
	ALG_SHA384 = 0x000c,
	ALG_NULL = 0x0010,
	ALG_ECDSA = 0x0018,
	ALG_ECC = 0x0023,
	ALG_CFB = 0x0043,
	CURVE_P256 = 0x0003,
	POLICY_MAX = 64, /* the largest digest a TPM knows */
	COORDINATE = ES256_PUB / 2,
};

/* TPMA_OBJECT: TPM 2.0 Part 2 8.3 */
enum {
	FIXED_TPM = 1 << 1,
	ST_CLEAR = 1 << 2,
	FIXED_PARENT = 1 << 4,
	SENSITIVE_DATA_ORIGIN = 1 << 5,
	USER_WITH_AUTH = 1 << 6,
	ADMIN_WITH_POLICY = 1 << 7,
	NO_DA = 1 << 10,
	ENCRYPTED_DUPLICATION = 1 << 11,
	RESTRICTED = 1 << 16,
	DECRYPT = 1 << 17,
	SIGN = 1 << 18,
	X509_SIGN = 1 << 19,
	/* A key that was made in this TPM and cannot leave it. */
	OF_THIS_TPM = FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN,
};

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

/* TCG EK Credential Profile 2.5 B.3.4 and B.6: PolicyA, and PolicyB = PolicyOR(PolicyA, PolicyC). */
static const uint8_t policy_a[SHA_LEN] = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46,
        0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69,
        0xaa};
static const uint8_t policy_b[SHA_LEN] = {0xca, 0x3d, 0x0a, 0x99, 0xa2, 0xb9, 0x39, 0x06, 0xf7, 0xa3, 0x34, 0x24, 0x14,
        0xef, 0xcf, 0xb3, 0xa3, 0x85, 0xd4, 0x4c, 0xd1, 0xfd, 0x45, 0x90, 0x89, 0xd1, 0x9b, 0x50, 0x71, 0xc0, 0xb7,
        0xa0};

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
	if (type != ALG_ECC) {
		err_set(e, WHY_UNTRUSTED, "TPM public area: this is %s (type 0x%04x), not ECC P-256", type_name(type),
		        type);
		return err_hint(e, "use the endorsement key of template L-2 (ECC P-256)");
	}
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

/* Left-padded: a TPM may leave out leading zeros. */
static void read_coordinate(struct rd *r, uint8_t out[COORDINATE])
{
	struct view v = rd_view16(r);

	rd_require(r, v.n > 0 && v.n <= COORDINATE);
	memset(out, 0, COORDINATE);
	if (rd_ok(r))
		memcpy(out + COORDINATE - v.n, v.p, v.n);
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
	read_coordinate(&r, k.xy);
	read_coordinate(&r, k.xy + COORDINATE);
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

/* Has every bit of must and none outside must and may. */
static int attributes_ok(const struct tpm_pub *k, const char *what, uint32_t must, uint32_t may, struct err *e)
{
	uint32_t missing = must & ~k->attributes, extra = k->attributes & ~(must | may);

	if (missing)
		return err_set(e, WHY_UNTRUSTED, "%s: attribute %s is not set", what, attribute_name(missing));
	if (extra)
		return err_set(e, WHY_UNTRUSTED, "%s: attribute %s is set", what, attribute_name(extra));
	return 0;
}

int tpmpub_is_ak(const struct tpm_pub *k, struct err *e)
{
	if (attributes_ok(k, "attestation key", OF_THIS_TPM | RESTRICTED | SIGN | NO_DA,
	            USER_WITH_AUTH | ADMIN_WITH_POLICY, e) != 0)
		return -1;
	if (k->sym != ALG_NULL || k->scheme != ALG_ECDSA)
		return err_set(e, WHY_UNTRUSTED, "attestation key: its scheme is not ECDSA with SHA-256");
	return 0;
}

int tpmpub_is_ek(const struct tpm_pub *k, struct err *e)
{
	bool high = (k->attributes & USER_WITH_AUTH) != 0;

	if (attributes_ok(k, "endorsement key", OF_THIS_TPM | ADMIN_WITH_POLICY | RESTRICTED | DECRYPT, USER_WITH_AUTH,
	            e) != 0)
		return -1;
	if (!view_equal(k->policy, high ? VIEW_OF(policy_b) : VIEW_OF(policy_a)))
		return err_set(e, WHY_UNTRUSTED, "endorsement key: its policy is not that of template %s",
		        high ? "H-2" : "L-2");
	if (k->sym != ALG_AES || k->scheme != ALG_NULL)
		return err_set(e, WHY_UNTRUSTED, "endorsement key: it is not of template %s", high ? "H-2" : "L-2");
	return 0;
}

int tpmpub_is_srk(const struct tpm_pub *k, struct err *e)
{
	if (attributes_ok(k, "storage root key", OF_THIS_TPM | RESTRICTED | DECRYPT | NO_DA,
	            USER_WITH_AUTH | ADMIN_WITH_POLICY, e) != 0)
		return -1;
	if (k->sym != ALG_AES || k->scheme != ALG_NULL)
		return err_set(e, WHY_UNTRUSTED, "storage root key: it does not protect its children by AES-128-CFB");
	return 0;
}

int tpmpub_is_id(const struct tpm_pub *k, struct err *e)
{
	if (attributes_ok(k, "TLS key", OF_THIS_TPM | SIGN, USER_WITH_AUTH | ADMIN_WITH_POLICY | NO_DA, e) != 0)
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
