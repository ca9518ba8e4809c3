#include "tests/unit/mangle.h"
#include "tests/unit/tpmmaker.h"

static struct tpm_key key;
static struct err e;
static struct tpm_pub got;

static int make(void **s)
{
	(void)s;
	tpmmaker_key(&key, TPMMAKER_AK);
	return 0;
}

static int drop(void **s)
{
	(void)s;
	tpmmaker_drop(&key);
	return 0;
}

static int parse(const struct wr *w)
{
	e = (struct err){0};
	return tpmpub_parse(wr_done(w), &got, &e);
}

static struct wr fresh(void)
{
	static uint8_t buf[1024];

	return wr_to(buf, sizeof buf);
}

static void said(const char *words)
{
	if (!strstr(e.text, words))
		fail_msg("\"%s\" does not say \"%s\"", e.text, words);
}

static void a_name_is_computed_from_the_public_area(void **s)
{
	uint8_t digest[SHA_LEN];

	(void)s;
	sha256(digest, tpmmaker_view(&key));
	assert_memory_equal(key.pub.name, "\x00\x0b", 2);
	assert_memory_equal(key.pub.name + 2, digest, SHA_LEN);
	assert_memory_equal(key.pub.xy, key.key->pub, ES256_PUB);
}

/* facts: the lease key of the known-answer vector */
static void the_name_of_a_known_key_is_the_known_name(void **s)
{
	static const uint8_t x[] = {0x02, 0x17, 0xe6, 0x17, 0xf0, 0xb6, 0x44, 0x39, 0x28, 0x27, 0x8f, 0x96, 0x99, 0x9e,
	        0x69, 0xa2, 0x3a, 0x4f, 0x2c, 0x15, 0x2b, 0xdf, 0x6d, 0x6c, 0xdf, 0x66, 0xe5, 0xb8, 0x02, 0x82, 0xd4,
	        0xed};
	static const uint8_t y[] = {0x19, 0x4a, 0x7d, 0xeb, 0xcb, 0x97, 0x71, 0x2d, 0x2d, 0xda, 0x3c, 0xa8, 0x5a, 0xa8,
	        0x76, 0x5a, 0x56, 0xf4, 0x5f, 0xc7, 0x58, 0x59, 0x96, 0x52, 0xf2, 0x89, 0x7c, 0x65, 0x30, 0x6e, 0x57,
	        0x94};
	static const uint8_t name[] = {0x00, 0x0b, 0xae, 0x7d, 0xc4, 0x00, 0xa4, 0xd7, 0xf8, 0x1b, 0x34, 0x19, 0x4d,
	        0x96, 0x75, 0xa2, 0x40, 0x61, 0x6e, 0x02, 0xa6, 0x5f, 0xb5, 0x37, 0xb1, 0x61, 0x5c, 0xfc, 0xb4, 0xce,
	        0xac, 0xdd, 0xa0, 0x5b};
	struct wr w = fresh();
	uint8_t xy[ES256_PUB];

	(void)s;
	memcpy(xy, x, sizeof x);
	memcpy(xy + 32, y, sizeof y);
	tpmmaker_public(&w, 0x00040040, VIEW(NULL, 0), false, true, xy);
	assert_accepted(parse(&w), &e);
	assert_memory_equal(got.name, name, sizeof name);
}

static void a_coordinate_without_its_leading_zeros_is_padded(void **s)
{
	struct wr w = fresh();

	(void)s;
	wr_bytes(&w, key.public, key.n - 68);
	wr_view16(&w, VIEW("\x05\x06", 2));
	wr_view16(&w, VIEW(key.key->pub + 32, 32));
	assert_accepted(parse(&w), &e);
	for (size_t i = 0; i < 30; i++)
		assert_int_equal(got.xy[i], 0);
	assert_memory_equal(got.xy + 30, "\x05\x06", 2);
}

static void a_byte_to_spare_is_refused(void **s)
{
	struct wr w = fresh();

	(void)s;
	wr_bytes(&w, key.public, key.n);
	wr_u8(&w, 0);
	assert_refused(parse(&w), &e, WHY_MALFORMED);
	said("left over");
}

static void another_kind_of_key_is_named_in_its_refusal(void **s)
{
	static const struct {
		size_t at;
		uint8_t hi, lo;
		const char *says;
	} changes[] = {
	        {0, 0x00, 0x01, "RSA"},
	        {0, 0x00, 0x08, "keyed hash"},
	        {2, 0x00, 0x04, "SHA-1"},
	        {2, 0x00, 0x0c, "SHA-384"},
	        {10, 0x00, 0x06, "symmetric"},
	        {12, 0x00, 0x14, "scheme"},
	        {14, 0x00, 0x04, "scheme"},
	        {16, 0x00, 0x04, "curve"},
	        {18, 0x00, 0x20, "derivation"},
	};

	(void)s;
	for (size_t i = 0; i < COUNT(changes); i++) {
		struct wr w = fresh();
		wr_bytes(&w, key.public, key.n);
		w.p[changes[i].at] = changes[i].hi;
		w.p[changes[i].at + 1] = changes[i].lo;
		assert_refused(parse(&w), &e, WHY_UNTRUSTED);
		said(changes[i].says);
	}
}

struct variant {
	uint32_t attributes;
	const char *says;
};

static void refuse_all(const struct variant *v, size_t n, int (*is)(const struct tpm_pub *, struct err *))
{
	for (size_t i = 0; i < n; i++) {
		struct tpm_pub k = key.pub;
		k.attributes = v[i].attributes;
		e = (struct err){0};
		assert_refused(is(&k, &e), &e, WHY_UNTRUSTED);
		said(v[i].says);
	}
}

static void attack_A04_an_ak_with_the_wrong_attributes_is_refused_by_name(void **s)
{
	static const struct variant variants[] = {
	        {TPMMAKER_AK & ~0x10000u, "restricted is not set"},
	        {TPMMAKER_AK & ~0x40000u, "sign is not set"},
	        {TPMMAKER_AK & ~0x2u, "fixedTPM is not set"},
	        {TPMMAKER_AK & ~0x10u, "fixedParent is not set"},
	        {TPMMAKER_AK & ~0x20u, "sensitiveDataOrigin is not set"},
	        {TPMMAKER_AK & ~0x400u, "noDA is not set"},
	        {TPMMAKER_AK | 0x20000u, "decrypt is set"},
	        {TPMMAKER_AK | 0x4u, "stClear is set"},
	        {TPMMAKER_AK | 0x800u, "encryptedDuplication is set"},
	        {TPMMAKER_AK | 0x80000u, "x509sign is set"},
	        {TPMMAKER_AK | 0x100000u, "reserved attribute is set"},
	};

	(void)s;
	assert_accepted(tpmpub_is_ak(&key.pub, &e), &e);
	refuse_all(variants, COUNT(variants), tpmpub_is_ak);
}

static void attack_A05_a_key_that_was_loaded_from_outside_is_refused(void **s)
{
	static const struct variant variants[] = {
	        {0x00040040, "fixedTPM is not set"}, {0x00050040, "fixedTPM is not set"}};

	(void)s;
	refuse_all(variants, COUNT(variants), tpmpub_is_ak);
}

static void an_ak_without_a_scheme_is_refused(void **s)
{
	struct tpm_pub k = key.pub;

	(void)s;
	k.scheme = 0x0010;
	assert_refused(tpmpub_is_ak(&k, &e), &e, WHY_UNTRUSTED);
}

static void each_key_is_only_what_its_attributes_say(void **s)
{
	struct tpm_key srk = {0}, id = {0};

	(void)s;
	tpmmaker_key(&srk, TPMMAKER_SRK);
	tpmmaker_key(&id, TPMMAKER_ID);
	assert_accepted(tpmpub_is_srk(&srk.pub, &e), &e);
	assert_accepted(tpmpub_is_id(&id.pub, &e), &e);
	assert_refused(tpmpub_is_srk(&id.pub, &e), &e, WHY_UNTRUSTED);
	assert_refused(tpmpub_is_id(&srk.pub, &e), &e, WHY_UNTRUSTED);
	assert_refused(tpmpub_is_id(&key.pub, &e), &e, WHY_UNTRUSTED);
	said("restricted is set");
	assert_refused(tpmpub_is_ak(&id.pub, &e), &e, WHY_UNTRUSTED);
	tpmmaker_drop(&srk);
	tpmmaker_drop(&id);
}

static void changed(struct view v, void *arg)
{
	struct tpm_pub k;

	(void)arg;
	if (tpmpub_parse(v, &k, &e) == 0 && memcmp(k.name, key.pub.name, TPM_NAME_LEN) == 0)
		fail_msg("another public area has the same name");
}

static void a_mangled_public_area_is_refused_or_has_another_name(void **s)
{
	(void)s;
	mangle_each(tpmmaker_view(&key), changed, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_name_is_computed_from_the_public_area),
	        cmocka_unit_test(the_name_of_a_known_key_is_the_known_name),
	        cmocka_unit_test(a_coordinate_without_its_leading_zeros_is_padded),
	        cmocka_unit_test(a_byte_to_spare_is_refused),
	        cmocka_unit_test(another_kind_of_key_is_named_in_its_refusal),
	        cmocka_unit_test(attack_A04_an_ak_with_the_wrong_attributes_is_refused_by_name),
	        cmocka_unit_test(attack_A05_a_key_that_was_loaded_from_outside_is_refused),
	        cmocka_unit_test(an_ak_without_a_scheme_is_refused),
	        cmocka_unit_test(each_key_is_only_what_its_attributes_say),
	        cmocka_unit_test(a_mangled_public_area_is_refused_or_has_another_name),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
