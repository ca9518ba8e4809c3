/* An endorsement key is whatever a template of the TCG EK Credential Profile 2.5 gives, and nothing near it. */
#include "attest/ekpub.h"

#include <string.h>

#include "attest/ekpolicy.h"
#include "attest/tpmpub.h"

enum {
	LOW = OF_THIS_TPM | ADMIN_WITH_POLICY | RESTRICTED | DECRYPT,
	HIGH = LOW | USER_WITH_AUTH,
	EXPONENT = 65537,
};

struct shape { /* what a template fixes */
	const char *name;
	uint16_t alg, name_alg;
	uint32_t attributes;
	const struct ekpolicy *policy;
	uint16_t aes_bits, size; /* size: bits of the modulus, or the curve */
	enum ek_type type;
	size_t nkey;
};

static const struct shape shapes[] = {
        {"L-1", ALG_RSA, ALG_SHA256, LOW, &ekpolicy_sha256, 128, 2048, EK_RSA2048, 256},
        {"L-2", ALG_ECC, ALG_SHA256, LOW, &ekpolicy_sha256, 128, CURVE_P256, EK_P256, 64},
        {"H-1", ALG_RSA, ALG_SHA256, HIGH, &ekpolicy_sha256, 128, 2048, EK_RSA2048, 256},
        {"H-2", ALG_ECC, ALG_SHA256, HIGH, &ekpolicy_sha256, 128, CURVE_P256, EK_P256, 64},
        {"H-3", ALG_ECC, ALG_SHA384, HIGH, &ekpolicy_sha384, 256, CURVE_P384, EK_P384, 96},
        {"H-6", ALG_RSA, ALG_SHA384, HIGH, &ekpolicy_sha384, 256, 3072, EK_RSA3072, 384},
};

struct area { /* the public area in front of the key itself */
	uint16_t alg, name_alg, sym, aes_bits, mode, scheme, size, kdf;
	uint32_t attributes, exponent;
	struct view policy;
};

/* With what the templates have behind each choice. Another scheme or KDF has more fields, and is refused by its name
 * before they matter. */
static void read_area(struct rd *r, struct area *a)
{
	a->alg = rd_be16(r);
	a->name_alg = rd_be16(r);
	a->attributes = rd_be32(r);
	a->policy = rd_view16(r);
	a->sym = rd_be16(r);
	if (a->sym == ALG_AES) {
		a->aes_bits = rd_be16(r);
		a->mode = rd_be16(r);
	}
	a->scheme = rd_be16(r);
	a->size = rd_be16(r);
	if (a->alg == ALG_RSA)
		a->exponent = rd_be32(r);
	else
		a->kdf = rd_be16(r);
}

/* The range is told by userWithAuth, the template by the algorithm. */
static const struct shape *find(const struct area *a)
{
	uint32_t user = a->attributes & USER_WITH_AUTH;

	for (size_t i = 0; i < COUNT(shapes); i++) {
		const struct shape *t = &shapes[i];
		if (t->alg == a->alg && t->size == a->size && (t->attributes & USER_WITH_AUTH) == user)
			return t;
	}
	return NULL;
}

static int matches(const struct area *a, const struct shape *t, struct err *e)
{
	const char *what = NULL;

	if (tpmpub_attributes(a->attributes, "endorsement key", t->attributes, 0, e) != 0)
		return -1;
	if (a->name_alg != t->name_alg)
		what = "its name's hash";
	else if (!view_equal(a->policy, t->attributes == HIGH ? t->policy->b : t->policy->a))
		what = "its policy";
	else if (a->sym != ALG_AES || a->aes_bits != t->aes_bits || a->mode != ALG_CFB)
		what = "its symmetric algorithm";
	else if (a->scheme != ALG_NULL || (a->alg == ALG_ECC && a->kdf != ALG_NULL))
		what = "its scheme";
	else if (a->alg == ALG_RSA && a->exponent != 0 && a->exponent != EXPONENT)
		what = "its exponent";
	return what ? err_set(e, WHY_UNTRUSTED, "endorsement key: %s is not that of template %s", what, t->name) : 0;
}

static int read_shape(struct rd *r, const struct shape **t, struct err *e)
{
	struct area a = {0};

	read_area(r, &a);
	if (!rd_ok(r) || a.policy.n > POLICY_MAX)
		return err_set(e, WHY_MALFORMED, "endorsement key: cut short (TPM 2.0 Part 2 12.2.4)");
	if (a.alg != ALG_RSA && a.alg != ALG_ECC)
		return err_set(e, WHY_UNTRUSTED, "endorsement key: of type 0x%04x, neither RSA nor ECC", a.alg);
	*t = find(&a);
	if (*t)
		return matches(&a, *t, e);
	if (tpmpub_attributes(a.attributes, "endorsement key", LOW, USER_WITH_AUTH, e) == 0)
		err_set(e, WHY_UNTRUSTED, "endorsement key: %s 0x%04x is in no template of its range",
		        a.alg == ALG_RSA ? "RSA of size" : "curve", a.size);
	return err_hint(e, "RSA-2048 and P-256 of either range, P-384 and RSA-3072 of the high one");
}

/* Its top bit makes the modulus as long as it should be, its lowest bit is that of a product of odd primes. */
static int modulus_ok(const struct ek_pub *k, struct err *e)
{
	if (!(k->key[0] & 0x80) || !(k->key[k->nkey - 1] & 1))
		return err_set(e, WHY_MALFORMED, "endorsement key: its modulus is not one of RSA");
	if (roca_suspect(VIEW(k->key, k->nkey)))
		return err_set(e, WHY_UNTRUSTED,
		        "endorsement key: its RSA primes can be found (CVE-2017-15361): the TPM's firmware made it "
		        "badly");
	return 0;
}

int ekpub_parse(struct view v, struct ek_pub *out, struct err *e)
{
	struct ek_pub k = {.bytes = v};
	const struct shape *t = NULL;
	struct rd r = rd_of(v);

	if (v.n > TPM_PUBLIC_MAX)
		return err_set(
		        e, WHY_MALFORMED, "endorsement key: %zu bytes, at most %d are read", v.n, TPM_PUBLIC_MAX);
	if (read_shape(&r, &t, e) != 0)
		return -1;
	k.type = t->type;
	k.high = t->attributes == HIGH;
	k.name_alg = t->name_alg;
	k.nkey = t->nkey;
	if (t->alg == ALG_RSA) {
		tpmpub_padded(&r, k.key, k.nkey);
	} else {
		tpmpub_padded(&r, k.key, k.nkey / 2);
		tpmpub_padded(&r, k.key + k.nkey / 2, k.nkey / 2);
	}
	if (!rd_end(&r))
		return err_set(e, WHY_MALFORMED, "endorsement key: %s (TPM 2.0 Part 2 12.2.4)",
		        rd_ok(&r) ? "bytes left over" : "cut short");
	if (t->alg == ALG_RSA && modulus_ok(&k, e) != 0)
		return -1;
	*out = k;
	return 0;
}
