#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/b64.h"
#include "base/jws.h"
#include "tests/unit/mangle.h"

enum { TEXT_MAX = 1024 };

static const char typ[] = "merestone-test+jws";
static struct es256 *key;

static int set_up(void **s)
{
	struct err e;

	(void)s;
	key = es256_generate(&e);
	return key ? 0 : -1;
}

static int tear_down(void **s)
{
	(void)s;
	es256_free(key);
	return 0;
}

typedef int parse_fn(struct view, const char *, void *, size_t, struct jws *, struct err *);

static struct view compact(uint8_t buf[TEXT_MAX])
{
	struct wr w = wr_to(buf, TEXT_MAX);
	struct err e;

	assert_accepted(jws_sign(&w, key, typ, VIEW("{\"a\":1}", 7), &e), &e);
	return wr_done(&w);
}

static struct view flat(uint8_t buf[TEXT_MAX])
{
	struct wr w = wr_to(buf, TEXT_MAX);
	struct err e;

	assert_accepted(jws_flat_sign(&w, key, typ, VIEW("{\"a\":1}", 7), &e), &e);
	return wr_done(&w);
}

/* Parsed and verified, with the payload that was signed. */
static bool holds(struct view text, parse_fn *parse)
{
	uint8_t scratch[TEXT_MAX];
	struct err e;
	struct jws j;

	return parse(text, typ, scratch, sizeof scratch, &j, &e) == 0 && jws_verify(&j, key, &e) == 0 &&
	       view_is(j.payload, "{\"a\":1}");
}

static void what_was_signed_reads_back_and_holds(void **s)
{
	uint8_t buf[TEXT_MAX], scratch[TEXT_MAX];
	struct err e;
	struct jws j;

	(void)s;
	assert_true(holds(compact(buf), jws_parse));
	assert_true(holds(flat(buf), jws_flat_parse));
	assert_accepted(jws_parse(compact(buf), NULL, scratch, sizeof scratch, &j, &e), &e);
	assert_string_equal(j.typ, typ);
	assert_string_equal(j.kid, key->kid);
}

static void an_empty_payload_can_be_signed(void **s)
{
	uint8_t buf[TEXT_MAX];
	struct wr w = wr_to(buf, sizeof buf);
	struct err e;
	struct jws j;

	(void)s;
	assert_accepted(jws_sign(&w, key, typ, VIEW(NULL, 0), &e), &e);
	assert_accepted(jws_parse(wr_done(&w), typ, NULL, 0, &j, &e), &e);
	assert_accepted(jws_verify(&j, key, &e), &e);
	assert_int_equal(j.payload.n, 0);
}

static void does_not_hold(struct view v, void *parse)
{
	assert_false(holds(v, *(parse_fn **)parse));
}

static void a_jws_cut_short_or_with_any_bit_flipped_does_not_hold(void **s)
{
	uint8_t buf[TEXT_MAX];
	parse_fn *parse = jws_parse;

	(void)s;
	mangle_each(compact(buf), does_not_hold, &parse);
	parse = jws_flat_parse;
	mangle_each(flat(buf), does_not_hold, &parse);
}

/* Signs whatever header it is given, so that only the header's form can be the reason. */
static int header_verdict(const char *header)
{
	uint8_t buf[TEXT_MAX], scratch[TEXT_MAX], sig[ES256_SIG];
	struct wr w = wr_to(buf, sizeof buf);
	struct err e = {0};
	struct jws j;

	b64_put(&w, VIEW(header, strlen(header)));
	wr_str(&w, ".e30");
	assert_accepted(es256_sign(key, wr_done(&w), sig, &e), &e);
	wr_str(&w, ".");
	b64_put(&w, VIEW_OF(sig));
	if (jws_parse(wr_done(&w), typ, scratch, sizeof scratch, &j, &e) == 0)
		return 0;
	assert_int_equal(e.why, WHY_MALFORMED);
	return -1;
}

/* The first KID in the form is replaced. */
static int header_of(const char *form, const char *kid)
{
	char header[512];
	const char *at = strstr(form, "KID");

	snprintf(header, sizeof header, "%.*s%s%s", (int)(at - form), form, kid, at + 3);
	return header_verdict(header);
}

static void attack_A80_no_algorithm_is_no_header(void **s)
{
	(void)s;
	assert_int_equal(header_of("{\"alg\":\"ES256\",\"kid\":\"KID\",\"typ\":\"merestone-test+jws\"}", key->kid), 0);
	assert_int_equal(header_of("{\"alg\":\"none\",\"kid\":\"KID\",\"typ\":\"merestone-test+jws\"}", key->kid), -1);
	assert_int_equal(header_of("{\"alg\":\"nOnE\",\"kid\":\"KID\",\"typ\":\"merestone-test+jws\"}", key->kid), -1);
	assert_int_equal(header_of("{\"alg\":\"es256\",\"kid\":\"KID\",\"typ\":\"merestone-test+jws\"}", key->kid), -1);
	assert_int_equal(header_of("{\"kid\":\"KID\",\"typ\":\"merestone-test+jws\"}", key->kid), -1);
}

static void attack_A81_no_mac_is_taken_for_a_signature(void **s)
{
	(void)s;
	assert_int_equal(header_of("{\"alg\":\"HS256\",\"kid\":\"KID\",\"typ\":\"merestone-test+jws\"}", key->kid), -1);
}

static void attack_A82_a_header_cannot_bring_its_own_key(void **s)
{
	(void)s;
	assert_int_equal(
	        header_of("{\"alg\":\"ES256\",\"kid\":\"KID\",\"typ\":\"merestone-test+jws\",\"jwk\":{}}", key->kid),
	        -1);
	assert_int_equal(
	        header_of("{\"alg\":\"ES256\",\"jku\":\"http://x\",\"kid\":\"KID\",\"typ\":\"merestone-test+jws\"}",
	                key->kid),
	        -1);
	assert_int_equal(
	        header_of("{\"alg\":\"ES256\",\"kid\":\"KID\",\"typ\":\"merestone-test+jws\",\"x5c\":[]}", key->kid),
	        -1);
}

static void attack_A83_a_header_cannot_demand_anything(void **s)
{
	(void)s;
	assert_int_equal(
	        header_of("{\"alg\":\"ES256\",\"crit\":[\"x\"],\"kid\":\"KID\",\"typ\":\"merestone-test+jws\"}",
	                key->kid),
	        -1);
	assert_int_equal(
	        header_of("{\"alg\":\"ES256\",\"b64\":false,\"kid\":\"KID\",\"typ\":\"merestone-test+jws\"}", key->kid),
	        -1);
}

static void a_header_has_one_form(void **s)
{
	(void)s;
	assert_int_equal(header_of("{\"kid\":\"KID\",\"alg\":\"ES256\",\"typ\":\"merestone-test+jws\"}", key->kid), -1);
	assert_int_equal(
	        header_of("{\"alg\":\"ES256\", \"kid\":\"KID\",\"typ\":\"merestone-test+jws\"}", key->kid), -1);
	assert_int_equal(
	        header_of("{\"alg\":\"ES256\",\"kid\":\"KID\",\"typ\":\"merestone-test+jws\"}\n", key->kid), -1);
	assert_int_equal(
	        header_of("{\"alg\":\"ES256\",\"kid\":\"KID\",\"typ\":\"merestone-test+jws\",\"typ\":\"x\"}", key->kid),
	        -1);
	assert_int_equal(header_of("{\"alg\":\"ES256\",\"kid\":\"KID\",\"typ\":\"\"}", key->kid), -1);
	assert_int_equal(header_of("{\"alg\":\"ES256\",\"kid\":\"KID\",\"typ\":\"merestone-test+jws\"}", "short"), -1);
	assert_int_equal(header_of("{\"alg\":\"ES256\",\"kid\":\"KID\",\"typ\":\"merestone-test+jws\"}",
	                         "a\",\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	        -1);
	assert_int_equal(header_verdict(""), -1);
}

static void a_jws_of_another_type_is_refused(void **s)
{
	uint8_t buf[TEXT_MAX], scratch[TEXT_MAX];
	struct wr w = wr_to(buf, sizeof buf);
	struct err e;
	struct jws j;

	(void)s;
	assert_refused(
	        jws_parse(compact(buf), "merestone-other+jws", scratch, sizeof scratch, &j, &e), &e, WHY_MALFORMED);
	assert_refused(jws_sign(&w, key, "With \"quotes\"", VIEW(NULL, 0), &e), &e, WHY_SYSTEM);
	assert_refused(jws_sign(&w, key, "", VIEW(NULL, 0), &e), &e, WHY_SYSTEM);
}

static void a_jws_of_another_key_is_unknown_and_under_its_name_forged(void **s)
{
	uint8_t buf[TEXT_MAX], scratch[TEXT_MAX];
	struct err e;
	struct jws j;
	AUTO(es256_free) struct es256 *other = es256_generate(&e);

	(void)s;
	assert_accepted(jws_parse(compact(buf), typ, scratch, sizeof scratch, &j, &e), &e);
	assert_refused(jws_verify(&j, other, &e), &e, WHY_UNKNOWN);
	memcpy(j.kid, other->kid, sizeof j.kid);
	assert_refused(jws_verify(&j, other, &e), &e, WHY_FORGED);
}

static void the_forms_are_not_taken_for_each_other(void **s)
{
	uint8_t buf[TEXT_MAX];

	(void)s;
	assert_false(holds(compact(buf), jws_flat_parse));
	assert_false(holds(flat(buf), jws_parse));
}

static void bytes_before_or_behind_are_refused(void **s)
{
	uint8_t buf[TEXT_MAX], more[TEXT_MAX + 2];
	struct view text = compact(buf);

	(void)s;
	for (int form = 0; form < 2; form++) {
		memcpy(more + 1, text.p, text.n);
		more[0] = ' ';
		more[text.n + 1] = form == 0 ? '.' : ' ';
		assert_false(holds(VIEW(more, text.n + 1), form == 0 ? jws_parse : jws_flat_parse));
		assert_false(holds(VIEW(more + 1, text.n + 1), form == 0 ? jws_parse : jws_flat_parse));
		assert_true(holds(VIEW(more + 1, text.n), form == 0 ? jws_parse : jws_flat_parse));
		text = flat(buf);
	}
}

static void what_does_not_fit_is_neither_signed_nor_parsed(void **s)
{
	uint8_t buf[TEXT_MAX], scratch[6];
	struct view text = compact(buf);
	struct err e;
	struct jws j = {.typ = "untouched"};

	(void)s;
	assert_refused(jws_parse(text, typ, scratch, sizeof scratch, &j, &e), &e, WHY_MALFORMED);
	assert_string_equal(j.typ, "untouched");
	for (size_t cap = 0; cap < text.n; cap++) {
		uint8_t *small = malloc(cap + 1);
		struct wr w = wr_to(small, cap);
		assert_refused(jws_sign(&w, key, typ, VIEW("{\"a\":1}", 7), &e), &e, WHY_SYSTEM);
		w = wr_to(small, cap);
		assert_refused(jws_flat_sign(&w, key, typ, VIEW("{\"a\":1}", 7), &e), &e, WHY_SYSTEM);
		free(small);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_was_signed_reads_back_and_holds),
	        cmocka_unit_test(an_empty_payload_can_be_signed),
	        cmocka_unit_test(a_jws_cut_short_or_with_any_bit_flipped_does_not_hold),
	        cmocka_unit_test(attack_A80_no_algorithm_is_no_header),
	        cmocka_unit_test(attack_A81_no_mac_is_taken_for_a_signature),
	        cmocka_unit_test(attack_A82_a_header_cannot_bring_its_own_key),
	        cmocka_unit_test(attack_A83_a_header_cannot_demand_anything),
	        cmocka_unit_test(a_header_has_one_form),
	        cmocka_unit_test(a_jws_of_another_type_is_refused),
	        cmocka_unit_test(a_jws_of_another_key_is_unknown_and_under_its_name_forged),
	        cmocka_unit_test(the_forms_are_not_taken_for_each_other),
	        cmocka_unit_test(bytes_before_or_behind_are_refused),
	        cmocka_unit_test(what_does_not_fit_is_neither_signed_nor_parsed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
