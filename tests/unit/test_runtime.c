#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"
#include "firmware/runtime.h"
#include "tests/unit/imamaker.h"
#include "tests/unit/unit.h"

static uint8_t buf[64 * 1024];
static char text[16 * 1024];
static struct err err;

static struct runtime *imported(const char *body)
{
	AUTO(json_free) json_t *j = json_read(VIEW(body, strlen(body)), 1 << 22, &err);

	if (!j)
		fail_msg("%s", err.text);
	return runtime_import(j, &err);
}

/* A set with the digests that imamaker_file gives these names, and what else is said. */
static struct runtime *set_of(const char *const names[], const char *more)
{
	uint8_t digest[SHA_LEN];
	char hex[2 * SHA_LEN + 1];
	struct wr w = wr_to(text, sizeof text);

	wr_str(&w, "{\"files\":{");
	for (size_t i = 0; names[i]; i++) {
		sha256(digest, VIEW(names[i], strlen(names[i])));
		wr_fmt(&w, "%s\"%s\":\"%s\"", i ? "," : "", names[i], hex_put(hex, digest, SHA_LEN));
	}
	wr_fmt(&w, "}%s}", more);
	wr_u8(&w, 0);
	struct runtime *r = imported(text);
	if (!r)
		fail_msg("%s", err.text);
	return r;
}

static struct ima_entry only(const struct wr *w)
{
	struct ima l = ima_open(wr_done(w), 6);
	struct ima_entry x;

	if (ima_next(&l, &x, &err) != 1)
		fail_msg("%s", err.text);
	return x;
}

static struct ima_entry file(const char *name)
{
	struct wr w = wr_to(buf, sizeof buf);

	imamaker_file(&w, name);
	return only(&w);
}

static int allows(const struct runtime *r, const struct ima_entry *x)
{
	return runtime_allows(&r, 1, x, &err);
}

static void says(enum why why, const char *sentence)
{
	if (err.why != why || !strstr(err.text, sentence))
		fail_msg("%s: \"%s\" does not say \"%s\"", why_name(err.why), err.text, sentence);
}

static const char *const names[] = {"/bin/a", "/bin/b", "/bin/bb", "/sbin/init", ".ima", NULL};

static void a_file_is_approved_by_its_name_and_digest_together(void **s)
{
	AUTO(runtime_free) struct runtime *r = set_of(names, "");
	struct wr w = wr_to(buf, sizeof buf);
	uint8_t digest[SHA_LEN];

	(void)s;
	for (size_t i = 0; names[i]; i++) {
		struct ima_entry x = file(names[i]);
		assert_accepted(allows(r, &x), &err);
	}
	sha256(digest, VIEW("/bin/b", 6));
	imamaker_ng(&w, "/bin/a", digest);
	struct ima_entry x = only(&w);
	assert_int_equal(allows(r, &x), -1);
	says(WHY_UNTRUSTED, "entry 7 (/bin/a): its digest is ");
	says(WHY_UNTRUSTED, "the runtime set has ");
	x = file("/bin/c");
	assert_int_equal(allows(r, &x), -1);
	says(WHY_UNKNOWN, "entry 7 (/bin/c): no runtime set knows it");
	assert_true(err.hint[0] != 0);
}

static void one_name_may_have_several_digests_and_several_sets_add_up(void **s)
{
	static const char *const others[] = {"/opt/x", NULL};
	char body[512], a[65], b[65];
	uint8_t digest[SHA_LEN] = {1};

	(void)s;
	hex_put(a, digest, SHA_LEN);
	digest[0] = 2;
	hex_put(b, digest, SHA_LEN);
	snprintf(body, sizeof body, "{\"files\":{\"/bin/a\":[\"%s\",\"%s\"]}}", a, b);
	AUTO(runtime_free) struct runtime *r = imported(body);
	AUTO(runtime_free) struct runtime *o = set_of(others, "");
	const struct runtime *both[] = {r, NULL, o};
	for (uint8_t i = 1; i <= 3; i++) {
		struct wr w = wr_to(buf, sizeof buf);
		digest[0] = i;
		imamaker_ng(&w, "/bin/a", digest);
		struct ima_entry x = only(&w);
		assert_int_equal(runtime_allows(both, 3, &x, &err), i < 3 ? 0 : -1);
	}
	struct ima_entry x = file("/opt/x");
	assert_accepted(runtime_allows(both, 3, &x, &err), &err);
	assert_int_equal(allows(r, &x), -1);
}

static void a_verity_digest_is_not_a_digest_of_bytes(void **s)
{
	char body[256], hex[65];
	uint8_t digest[SHA_LEN] = {5}, data[256];
	struct wr w = wr_to(buf, sizeof buf), d = wr_to(data, sizeof data);

	(void)s;
	snprintf(body, sizeof body, "{\"files\":{\"/a\":\"verity:%s\"}}", hex_put(hex, digest, SHA_LEN));
	AUTO(runtime_free) struct runtime *r = imported(body);
	imamaker_digest(&d, "verity:sha256:", digest);
	imamaker_name(&d, "/a");
	imamaker_record(&w, "ima-ngv2", wr_done(&d), false);
	struct ima_entry x = only(&w);
	assert_accepted(allows(r, &x), &err);
	w = wr_to(buf, sizeof buf);
	imamaker_ng(&w, "/a", digest);
	x = only(&w);
	assert_int_equal(allows(r, &x), -1);
}

static void attack_A72_a_visible_violation_is_refused_even_of_an_approved_file(void **s)
{
	AUTO(runtime_free) struct runtime *r = set_of(names, ",\"exclude\":[\"/var/log/**\"]");
	struct wr w = wr_to(buf, sizeof buf);

	(void)s;
	imamaker_violation(&w, "/bin/a");
	struct ima_entry x = only(&w);
	assert_int_equal(allows(r, &x), -1);
	says(WHY_UNTRUSTED, "entry 7 (/bin/a): a violation");
	w = wr_to(buf, sizeof buf);
	imamaker_violation(&w, "/var/log/messages");
	x = only(&w);
	assert_accepted(allows(r, &x), &err);
}

static void what_is_excluded_is_not_asked_about_unless_a_set_knows_it(void **s)
{
	AUTO(runtime_free) struct runtime *r = set_of(names, ",\"exclude\":[\"/var/tmp/*.log\",\"/bin/*\"]");
	struct wr w = wr_to(buf, sizeof buf);
	uint8_t digest[SHA_LEN] = {0};

	(void)s;
	struct ima_entry x = file("/var/tmp/x.log");
	assert_accepted(allows(r, &x), &err);
	x = file("/var/tmp/sub/x.log");
	assert_int_equal(allows(r, &x), -1);
	x = file("/bin/other");
	assert_accepted(allows(r, &x), &err);
	imamaker_ng(&w, "/bin/a", digest);
	x = only(&w);
	assert_int_equal(allows(r, &x), -1);
	says(WHY_UNTRUSTED, "the runtime set has");
}

/* Nothing that runs from memory or a scratch file system is approved by what it is called. */
static void attack_A75_files_of_scratch_file_systems_are_unknown(void **s)
{
	static const char *const scratch[] = {
	        "/dev/shm/x", "/memfd:x (deleted)", "memfd:x", "/tmp/x.sh", "/proc/self/exe"};
	AUTO(runtime_free) struct runtime *r = set_of(names, "");

	(void)s;
	for (size_t i = 0; i < COUNT(scratch); i++) {
		struct ima_entry x = file(scratch[i]);
		assert_int_equal(allows(r, &x), -1);
		assert_int_equal(err.why, WHY_UNKNOWN);
	}
}

static void keys_and_buffers_are_approved_by_digest(void **s)
{
	AUTO(runtime_free) struct runtime *r = set_of(names, "");
	struct wr w = wr_to(buf, sizeof buf);
	uint8_t digest[SHA_LEN];

	(void)s;
	sha256(digest, VIEW(".ima", 4)); /* the set's digest of this keyring's only key */
	imamaker_more(&w, "ima-buf", ".ima", digest, VIEW(".ima", 4));
	struct ima_entry x = only(&w);
	assert_accepted(allows(r, &x), &err);
	w = wr_to(buf, sizeof buf);
	imamaker_more(&w, "ima-buf", ".ima", digest, VIEW("evil", 4));
	x = only(&w);
	assert_int_equal(allows(r, &x), -1);
	says(WHY_UNTRUSTED, "its bytes are not those that were measured");
}

static void attack_A76_a_keyring_entry_with_an_unlisted_certificate_is_refused(void **s)
{
	AUTO(runtime_free) struct runtime *r = set_of(names, "");
	struct wr w = wr_to(buf, sizeof buf);
	uint8_t digest[SHA_LEN];

	(void)s;
	sha256(digest, VIEW("another certificate", 19));
	imamaker_more(&w, "ima-buf", ".ima", digest, VIEW("another certificate", 19));
	struct ima_entry x = only(&w);
	assert_int_equal(allows(r, &x), -1);
	says(WHY_UNTRUSTED, "entry 7 (.ima): its digest is");
}

/* ---- Signatures ---- */

struct signer {
	EVP_PKEY *key;
	char pem[2048];
	uint8_t id[4];
};

static void signer_make(struct signer *m, EVP_PKEY *key)
{
	uint8_t der[1024], *p = der, digest[SHA1_LEN];
	BIO *b = BIO_new(BIO_s_mem());
	char *out;

	assert_non_null(key);
	m->key = key;
	struct view v = VIEW(der, (size_t)i2d_PublicKey(key, &p));
	sha1_n(digest, &v, 1);
	memcpy(m->id, digest + 16, 4);
	assert_int_equal(PEM_write_bio_PUBKEY(b, key), 1);
	long n = BIO_get_mem_data(b, &out);
	size_t at = 0;
	for (long i = 0; i < n; i++) { /* as JSON has it */
		if (out[i] == '\n')
			m->pem[at++] = '\\';
		m->pem[at++] = out[i] == '\n' ? 'n' : out[i];
	}
	m->pem[at] = 0;
	BIO_free(b);
}

/* security.ima over a digest: version 2. */
static size_t signer_sign(const struct signer *m, const uint8_t digest[SHA_LEN], uint8_t out[600])
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(m->key, NULL);
	size_t n = 512;
	uint8_t sig[512];
	struct wr w = wr_to(out, 600);

	assert_true(EVP_PKEY_sign_init(c) == 1 && EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1);
	assert_int_equal(EVP_PKEY_sign(c, sig, &n, digest, SHA_LEN), 1);
	EVP_PKEY_CTX_free(c);
	wr_bytes(&w, "\x03\x02\x04", 3);
	wr_bytes(&w, m->id, 4);
	wr_be16(&w, (uint16_t)n);
	wr_bytes(&w, sig, n);
	return w.n;
}

static struct runtime *set_with_key(const struct signer *m)
{
	struct wr w = wr_to(text, sizeof text);

	wr_fmt(&w, "{\"keys\":[\"%s\"]}", m->pem);
	wr_u8(&w, 0);
	struct runtime *r = imported(text);
	if (!r)
		fail_msg("%s", err.text);
	return r;
}

static struct ima_entry signed_file(const uint8_t digest[SHA_LEN], struct view sig)
{
	struct wr w = wr_to(buf, sizeof buf);

	imamaker_more(&w, "ima-sig", "/bin/signed", digest, sig);
	return only(&w);
}

static void signatures_of(EVP_PKEY *mine, EVP_PKEY *theirs)
{
	struct signer m, t;
	uint8_t digest[SHA_LEN] = {4}, other[SHA_LEN] = {5}, sig[600];

	signer_make(&m, mine);
	signer_make(&t, theirs);
	AUTO(runtime_free) struct runtime *r = set_with_key(&m);
	size_t n = signer_sign(&m, digest, sig);
	for (int twice = 0; twice < 2; twice++) {
		struct ima_entry x = signed_file(digest, VIEW(sig, n));
		assert_accepted(allows(r, &x), &err);
		x = signed_file(other, VIEW(sig, n));
		assert_int_equal(allows(r, &x), -1);
		says(WHY_UNTRUSTED, "is not good");
	}
	sig[n - 1] ^= 1;
	struct ima_entry x = signed_file(digest, VIEW(sig, n));
	assert_int_equal(allows(r, &x), -1);
	n = signer_sign(&t, digest, sig);
	x = signed_file(digest, VIEW(sig, n));
	assert_int_equal(allows(r, &x), -1);
	says(WHY_UNTRUSTED, "entry 7 (/bin/signed): it is signed by key ");
	memcpy(sig + 3, m.id, 4); /* says that it is ours */
	x = signed_file(digest, VIEW(sig, n));
	assert_int_equal(allows(r, &x), -1);
	EVP_PKEY_free(mine);
	EVP_PKEY_free(theirs);
}

static void attack_A76_only_a_key_of_the_set_signs_files_p256(void **s)
{
	(void)s;
	signatures_of(EVP_EC_gen("P-256"), EVP_EC_gen("P-256"));
}

static void attack_A76_only_a_key_of_the_set_signs_files_rsa(void **s)
{
	(void)s;
	signatures_of(EVP_RSA_gen(2048), EVP_RSA_gen(2048));
}

static void a_signature_of_a_wrong_form_is_refused(void **s)
{
	struct signer m;
	uint8_t digest[SHA_LEN] = {4}, sig[600];

	(void)s;
	signer_make(&m, EVP_EC_gen("P-256"));
	AUTO(runtime_free) struct runtime *r = set_with_key(&m);
	size_t n = signer_sign(&m, digest, sig);
	for (size_t at = 0; at < 9; at++) { /* type, version, algorithm, key, length */
		sig[at] ^= 1;
		struct ima_entry x = signed_file(digest, VIEW(sig, n));
		assert_int_equal(allows(r, &x), -1);
		sig[at] ^= 1;
	}
	for (size_t cut = 1; cut < n; cut++) {
		struct ima_entry x = signed_file(digest, VIEW(sig, cut));
		assert_int_equal(allows(r, &x), -1);
	}
	EVP_PKEY_free(m.key);
}

/* ---- Documents ---- */

static void a_set_that_approves_nothing_or_says_what_is_not_known_is_refused(void **s)
{
	static const char *const bad[] = {"{}", "{\"files\":{}}", "{\"exclude\":[\"/tmp/**\"]}", "{\"files\":[]}",
	        "{\"files\":{\"/a\":\"00\"}}", "{\"files\":{\"/a\":[]}}", "{\"files\":{\"/a\":7}}",
	        "{\"files\":{\"\":\"00\"}}", "{\"keys\":[]}", "{\"keys\":[\"nonsense\"]}", "{\"keys\":[1]}",
	        "{\"more\":1,\"files\":{}}", "{\"exclude\":\"/tmp\"}", "{\"exclude\":[1]}"};

	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++) {
		err = (struct err){0};
		if (imported(bad[i]))
			fail_msg("%s", bad[i]);
		assert_int_equal(err.why, WHY_MALFORMED);
	}
}

static void small_keys_are_refused(void **s)
{
	struct signer m;
	struct wr w = wr_to(text, sizeof text);

	(void)s;
	signer_make(&m, EVP_RSA_gen(1024));
	wr_fmt(&w, "{\"keys\":[\"%s\"]}", m.pem);
	wr_u8(&w, 0);
	assert_null(imported(text));
	assert_int_equal(err.why, WHY_MALFORMED);
	EVP_PKEY_free(m.key);
}

static void what_was_learnt_from_a_list_approves_it(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);
	struct pcrs pcrs = {0};
	struct ima_entry x;

	(void)s;
	imamaker_aggregate(&w, &pcrs);
	imamaker_file(&w, "/bin/a");
	imamaker_file(&w, "/bin/\"quoted\"");
	imamaker_file(&w, "/bin/a");
	AUTO(json_free) json_t *body = runtime_learn(wr_done(&w), &err);
	if (!body)
		fail_msg("%s", err.text);
	assert_int_equal(json_object_size(json_object_get(body, "files")), 2);
	AUTO(runtime_free) struct runtime *r = runtime_import(body, &err);
	assert_non_null(r);
	struct ima l = ima_open(wr_done(&w), 0);
	assert_int_equal(ima_next(&l, &x, &err), 1);
	while (ima_next(&l, &x, &err) == 1)
		assert_accepted(allows(r, &x), &err);
}

static void a_hundred_thousand_files_load_and_are_found(void **s)
{
	enum { MANY = 100 * 1000 };
	AUTO(json_free) json_t *body = json_object();
	json_t *files = json_object();
	char name[64], hex[65];
	uint8_t digest[SHA_LEN];

	(void)s;
	json_object_set_new(body, "files", files);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "/usr/lib/%d/lib%d.so", i % 97, i);
		sha256(digest, VIEW(name, strlen(name)));
		json_object_set_new(files, name, json_string(hex_put(hex, digest, SHA_LEN)));
	}
	AUTO(runtime_free) struct runtime *r = runtime_import(body, &err);
	if (!r)
		fail_msg("%s", err.text);
	for (int i = 0; i < MANY; i += 7) {
		snprintf(name, sizeof name, "/usr/lib/%d/lib%d.so", i % 97, i);
		struct ima_entry x = file(name);
		assert_accepted(allows(r, &x), &err);
	}
	struct ima_entry x = file("/usr/lib/0/lib");
	assert_int_equal(allows(r, &x), -1);
}

static void names_that_crowd_in_the_table_are_found_all_the_same(void **s)
{
	enum { CROWD = RUNTIME_PROBES + 8, SLOTS = 128 }; /* what so many files get */
	static char name[CROWD][24];
	const char *all[CROWD + 1] = {NULL};
	size_t n = 0;

	(void)s;
	for (unsigned i = 0; n < CROWD; i++) {
		snprintf(name[n], sizeof name[n], "/bin/chosen-%u", i);
		if (runtime_hash(VIEW(name[n], strlen(name[n]))) % SLOTS == 7) {
			all[n] = name[n];
			n++;
		}
	}
	AUTO(runtime_free) struct runtime *r = set_of(all, "");
	assert_null(r->slot);
	for (size_t i = 0; i < CROWD; i++) {
		struct ima_entry x = file(all[i]);
		assert_accepted(allows(r, &x), &err);
	}
	all[RUNTIME_PROBES] = NULL;
	AUTO(runtime_free) struct runtime *just = set_of(all, "");
	assert_non_null(just->slot);
	for (size_t i = 0; i < CROWD; i++) {
		struct ima_entry x = file(name[i]);
		assert_int_equal(allows(just, &x), i < RUNTIME_PROBES ? 0 : -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_file_is_approved_by_its_name_and_digest_together),
	        cmocka_unit_test(one_name_may_have_several_digests_and_several_sets_add_up),
	        cmocka_unit_test(a_verity_digest_is_not_a_digest_of_bytes),
	        cmocka_unit_test(attack_A72_a_visible_violation_is_refused_even_of_an_approved_file),
	        cmocka_unit_test(what_is_excluded_is_not_asked_about_unless_a_set_knows_it),
	        cmocka_unit_test(attack_A75_files_of_scratch_file_systems_are_unknown),
	        cmocka_unit_test(keys_and_buffers_are_approved_by_digest),
	        cmocka_unit_test(attack_A76_a_keyring_entry_with_an_unlisted_certificate_is_refused),
	        cmocka_unit_test(attack_A76_only_a_key_of_the_set_signs_files_p256),
	        cmocka_unit_test(attack_A76_only_a_key_of_the_set_signs_files_rsa),
	        cmocka_unit_test(a_signature_of_a_wrong_form_is_refused),
	        cmocka_unit_test(a_set_that_approves_nothing_or_says_what_is_not_known_is_refused),
	        cmocka_unit_test(small_keys_are_refused),
	        cmocka_unit_test(what_was_learnt_from_a_list_approves_it),
	        cmocka_unit_test(a_hundred_thousand_files_load_and_are_found),
	        cmocka_unit_test(names_that_crowd_in_the_table_are_found_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
