/* What of a CoRIM is refused, with the path to it. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/corimmaker.h"

static struct corim corim;

static void an_envelope_that_is_not_exact_is_refused(void **s)
{
	(void)s;
	refused(SIGNED("{1: -7, 3: \"application/rim+cbor\"}", "<<" WHOLE ">>"),
	        "protected headers: the algorithm, the content");
	refused(SIGNED("{3: \"application/rim+cbor\", 8: h''}", "<<" WHOLE ">>"),
	        "protected headers: the algorithm, the content");
	refused(SIGNED("{1: -7, 3: \"text/plain\", 8: h''}", "<<" WHOLE ">>"),
	        "header 3 is not that of a signed CoRIM");
	refused(SIGNED("{1: \"ES256\", 3: \"application/rim+cbor\", 8: h''}", "<<" WHOLE ">>"), "header 1 is not");
	refused(SIGNED("{1: -7, 2: [99], 3: \"application/rim+cbor\", 8: h''}", "<<" WHOLE ">>"), "crit");
	refused(SIGNED(HEADERS, "null"), "COSE_Sign1: payload: it is not in the file");
	refused(SIGNED(HEADERS, WHOLE), "COSE_Sign1: payload: CBOR: expected bytes");
	refused(SIGNED(HEADERS, "<<" SIGNED(HEADERS, "<<" WHOLE ">>") ">>"), "tag 18 is not that of a CoRIM");
	refused(SIGNED(HEADERS, "<<" WHOLE ", 0>>"), "payload: CBOR: something follows behind the end");
	refused("18([<<" HEADERS ">>, {}, <<" WHOLE ">>])", "COSE_Sign1: expected an array of 4");
	refused("18([<<" HEADERS ">>, {}, <<" WHOLE ">>, h''])", "signature: it is empty");
	refused("18([<<" HEADERS ">>, [], <<" WHOLE ">>, ~64])", "unprotected headers: expected a map");
	refused("500(" WHOLE ")", "tag 500 is that of an old draft");
	refused("502(" WHOLE ")", "tag 502 is that of an old draft");
	refused("506(<<" WHOLE ">>)", "tag 506 is not that of a CoRIM");
	refused("[" WHOLE "]", "CoRIM: CBOR: expected a tag");
}

/* ---- What would weaken a value ---- */

static void attack_values_of_two_kinds_of_machine_make_no_set(void **s)
{
	(void)s;
	refused(OF_TRIPLES(TRIPLES(
	                TRIPLE(REGISTERS(EVERY_PCR)) ", [{1: 550(h'01')}, [" REGISTERS("4: [[1, #evil]]") "]]")),
	        "triple 2: environment: another one than before");
	refused(CORIM(GOOD_TAG ", " COMID("\"two\"", TRIPLES("[{1: 550(h'01')}, [" REGISTERS("4: [[1, #evil]]") "]]")),
	                ""),
	        "tags: entry 2: triples: reference-triples: triple 1: environment: another one than before");
}

static void attack_a_tag_that_was_put_aside_stays_approved(void **s)
{
	static const char link[] = "501({0: \"test\", 1: [" COMID("\"old\"",
	        TRIPLES(TRIPLE(REGISTERS("4: [[1, #old]]")))) ", 506(<<{1: {0: \"new\"}, 3: [{0: \"%s\", 1: %d}], "
	                                                      "4: " EVERY_TRIPLE "}>>)]})";
	static char text[4096];

	(void)s;
	snprintf(text, sizeof text, link, "old", 1);
	refused(text, "tags: one of them replaces another");
	snprintf(text, sizeof text, link, "older", 1);
	accepted(text);
	snprintf(text, sizeof text, link, "old", 0);
	accepted(text);
	snprintf(text, sizeof text, link, "old", 2);
	refused(text, "linked-tags: entry 1: tag-rel: relation 2 is unknown");
	refused(CORIM(GOOD_TAG ", " GOOD_TAG, ""), "entry 1: another tag has the same tag-id");
}

static void what_would_narrow_a_value_is_not_left_out(void **s)
{
	(void)s;
	refused(OF_MEASUREMENTS("{1: {1: 552(3), 14: {" EVERY_PCR "}}}"),
	        "measurement 1: mval: key 1: it is none that can be");
	refused(OF_MEASUREMENTS("{1: {14: {" EVERY_PCR "}}, 2: [554(\"key\")]}"),
	        "authorized-by: who may sign evidence");
	refused(OF_MEASUREMENTS("{1: {2: [[1, #a]]}}"),
	        "mval: digests: without a profile they are not those of a register");
	refused(OF_MEASUREMENTS("{0: 4, 1: {14: {" EVERY_PCR "}}}"), "integrity-registers: the measurement has a key");
	refused(OF_MEASUREMENTS("{1: {11: \"nothing else\"}}"), "measurement 1: it has no value of a register");
	refused(OF_TRIPLES("{0: [" TRIPLE(REGISTERS(EVERY_PCR)) "], 8: [0]}"),
	        "triples: key 8: it is none that can be");
	refused(CORIM("505(h'a0')", ""), "tags: entry 1: tag 505 (a CoSWID)");
	refused(CORIM("508(h'a0')", ""), "tags: entry 1: tag 508 (a list of tags)");
	refused(WITH(", 3: 32(\"https://example.com/mine\")"),
	        "profile: \"https://example.com/mine\" is none that we know");
	refused(WITH(", 3: 111(h'2a')"), "profile: tag 111");
	refused(WITH(", 7: 0"), "CoRIM: key 7: it is none that can be");
}

static void a_composite_digest_is_no_value_of_a_register(void **s)
{
	(void)s;
	refused("501({0: \"00000000-0000-0000-768e-0000000000001\", 1: [506(<<{1: {0: " ID "}, 4: {0: [[{1: 37("
	        "h'7df7714eaa044638bcbf434b1dd720f1')}, [{1: {2: [[1, #quote]]}}]]]}}>>)], "
	        "3: 32(\"https://enacttrust.com/veraison/1.0.0\")})",
	        "CoRIM: profile: that of EnactTrust gives one digest of all registers together");
}

static void the_number_of_a_register_is_a_number_of_a_tpm(void **s)
{
	(void)s;
	refused(OF_REGISTERS("\"5\": [[1, #a]]"), "integrity-registers: a register's number: CBOR: expected a number");
	refused(OF_REGISTERS("24: [[1, #a]]"), "register 24: a TPM has registers 0 to 23");
	refused(OF_REGISTERS("18446744073709551615: [[1, #a]]"), "a TPM has registers 0 to 23");
	refused(OF_REGISTERS("-1: [[1, #a]]"), "expected a number");
	refused(OF_REGISTERS("4: [[1, #a]], 4: [[1, #b]]"), "one comes twice");
}

static void a_digest_is_as_long_as_its_algorithm_says(void **s)
{
	(void)s;
	refused(OF_REGISTERS("4: [[1, ~31]]"), "register 4: digest 1: 31 bytes are not what its algorithm gives");
	refused(OF_REGISTERS("4: [[1, ~48]]"), "48 bytes are not");
	refused(OF_REGISTERS("4: [[7, ~32]]"), "32 bytes are not");
	refused(OF_REGISTERS("4: [[8, ~32]]"), "32 bytes are not");
	refused(OF_REGISTERS("4: [[1, #a], [\"x\", h'']]"), "digest 2: 0 bytes are not");
	refused(OF_REGISTERS("4: [[1, #a], [\"x\", ~65]]"), "digest 2: 65 bytes are not");
	refused(OF_REGISTERS("4: [[1, #a], [1, #b]]"), "register 4: algorithm 1 comes twice");
	refused(OF_REGISTERS("4: [[1, #a, 0]]"), "digest 1: expected an array of 2");
	refused(OF_REGISTERS("4: []"), "register 4: the array is empty");
	refused(OF_REGISTERS("4: #a"), "register 4: CBOR: expected an array");
}

static void what_must_be_there_is_missed_by_its_path(void **s)
{
	(void)s;
	refused("501({1: [" GOOD_TAG "]})", "CoRIM: id: it is missing");
	refused("501({0: \"test\"})", "CoRIM: tags: it is missing");
	refused("501({})", "CoRIM: id: it is missing");
	refused("501({0: h'00', 1: [0]})", "CoRIM: id: expected a text or the 16 bytes of a UUID");
	refused(CORIM("", ""), "CoRIM: tags: the array is empty");
	refused(CORIM("506(<<{4: {0: [0]}}>>)", ""),
	        "CoRIM: tags: entry 1: triples: reference-triples: triple 1: CBOR: expected");
	refused(CORIM("506(<<{1: {0: \"a\"}}>>)", ""), "tags: entry 1: triples: it is missing");
	refused(CORIM("506(<<{1: {1: 0}, 4: " EVERY_TRIPLE "}>>)", ""), "tag-identity: tag-id: it is missing");
	refused(OF_TRIPLES("{}"), "triples: the map is empty");
	refused(OF_TRIPLES("{0: []}"), "reference-triples: the array is empty");
	refused(OF_TRIPLES(TRIPLES("[" CLASS ", []]")), "triple 1: the array is empty");
	refused(OF_TRIPLES(TRIPLES("[{}, [" REGISTERS(EVERY_PCR) "]]")), "triple 1: environment: the map is empty");
	refused(OF_TRIPLES(TRIPLES("[" CLASS "]")), "triple 1: expected an array of 2");
	refused(OF_MEASUREMENTS("{0: 1}"), "measurement 1: mval: it is missing");
	refused(OF_MEASUREMENTS("{1: {14: {}}}"), "it has no value of a register");
}

/* ---- Bytes that want more ---- */

static void attack_a_flood_of_values_is_refused(void **s)
{
	static char text[8192];
	size_t n = 0;

	(void)s;
	n += (size_t)snprintf(text, sizeof text, "501({0: \"test\", 1: [506(<<{1: {0: \"a\"}, 4: {0: [[{1: 1}, [");
	for (int i = 0; i <= REFERENCE_VALUES_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "{1: {14: {4: [[1, #v%d]]}}},", i);
	snprintf(text + n, sizeof text - n, "]]]}}>>)]})");
	refused(text, "register 4 has more than 64 values");
}

static void attack_a_flood_of_tags_is_refused(void **s)
{
	static char text[8192];
	size_t n = 0;

	(void)s;
	n += (size_t)snprintf(text, sizeof text, "501({0: \"test\", 1: [");
	for (int i = 0; i <= CORIM_TAGS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "506(<<{1: {0: \"t%d\"}, 4: {3: [0]}}>>),", i);
	snprintf(text + n, sizeof text - n, "]})");
	refused(text, "tags: entry 65: tag-identity: tag-id: more than 64 tags");
}

static void a_file_that_is_too_long_is_refused(void **s)
{
	uint8_t *p = calloc(1, CORIM_MAX + 1);

	(void)s;
	assert_non_null(p);
	assert_refused(corim_read(VIEW(p, CORIM_MAX + 1), &corim, &err), &err, WHY_MALFORMED);
	assert_string_equal(err.text, "CoRIM: 1048577 bytes, at most 1048576 are read");
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_envelope_that_is_not_exact_is_refused),
	        cmocka_unit_test(attack_values_of_two_kinds_of_machine_make_no_set),
	        cmocka_unit_test(attack_a_tag_that_was_put_aside_stays_approved),
	        cmocka_unit_test(what_would_narrow_a_value_is_not_left_out),
	        cmocka_unit_test(a_composite_digest_is_no_value_of_a_register),
	        cmocka_unit_test(the_number_of_a_register_is_a_number_of_a_tpm),
	        cmocka_unit_test(a_digest_is_as_long_as_its_algorithm_says),
	        cmocka_unit_test(what_must_be_there_is_missed_by_its_path),
	        cmocka_unit_test(attack_a_flood_of_values_is_refused),
	        cmocka_unit_test(attack_a_flood_of_tags_is_refused),
	        cmocka_unit_test(a_file_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
