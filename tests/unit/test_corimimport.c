/* What a CoRIM becomes, and what an officer is told. */
#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "tests/unit/corimmaker.h"
#include "tests/unit/mangle.h"

#define KNOWN    "tests/vectors/corim/known.corim"
#define EVENTLOG "tests/vectors/eventlog/ovmf-secureboot.eventlog"

static struct corim corim;
static uint8_t *log_bytes;

static struct reference *set_of(const char *text)
{
	AUTO(json_free) json_t *j = json_read(VIEW(text, strlen(text)), sizeof body, &err);

	return j ? reference_import(j, &err) : NULL;
}

static void noted(const char *line)
{
	if (!strstr(notes, line))
		fail_msg("\"%s\" does not say \"%s\"", notes, line);
}

static struct view file(const char *path, uint8_t **owner)
{
	size_t n;

	assert_accepted(file_read(AT_FDCWD, path, CORIM_MAX, owner, &n, &err), &err);
	return VIEW(*owner, n);
}

static void hashed(uint32_t pcr, const char *word)
{
	uint8_t digest[SHA_LEN];

	sha256(digest, VIEW(word, strlen(word)));
	assert_int_equal(corim.values[pcr], 1);
	assert_memory_equal(corim.value[pcr][0], digest, SHA_LEN);
}

/* ---- What is read ---- */

static void the_known_answer_is_read(void **s)
{
	uint8_t *p;
	struct view v = file(KNOWN, &p);

	(void)s;
	assert_int_equal(v.n, 214);
	assert_accepted(corim_read(v, &corim, &err), &err);
	assert_true(view_is(corim.id, "merestone-kat-1"));
	hashed(0, "pcr0");
	hashed(4, "pcr4");
	hashed(7, "pcr7");
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++)
		assert_int_equal(corim.values[pcr], pcr == 0 || pcr == 4 || pcr == 7);
	assert_false(corim.is_signed);
	struct view same = diag("501({0: \"merestone-kat-1\", 1: [506(<<{1: {0: " ID "}, 4: {0: [[" CLASS
	                        ", [{1: {14: {0: [[1, #pcr0]], 4: [[1, #pcr4]], 7: [[1, #pcr7]]}}}]]]}}>>)]})");
	assert_true(view_equal(same, v));
	free(p);
}

static void a_corim_of_every_register_becomes_a_set(void **s)
{
	struct pcrs pcrs = {0};
	struct state state = {.pcrs = &pcrs};
	static const uint8_t at[] = {0, 1, 2, 3, 4, 7, 9, 11};

	(void)s;
	accepted(WHOLE);
	AUTO(reference_free) struct reference *r = set_of(body);
	assert_non_null(r);
	for (size_t i = 0; i < COUNT(at); i++)
		sha256(pcrs.v[at[i]], VIEW("abcdefgh" + i, 1));
	assert_accepted(reference_match(r, &state, &err), &err);
	pcrs.v[9][0] ^= 1;
	assert_refused(reference_match(r, &state, &err), &err, WHY_UNTRUSTED);
	noted("CoRIM test, SHA-256 ");
	assert_null(strchr(strchr(notes, '\n') + 1, '\n')); /* there is nothing else to know */
}

static void several_values_of_a_register_are_alternatives_and_equal_ones_are_one(void **s)
{
	(void)s;
	assert_accepted(corim_read(diag(OF_TRIPLES(TRIPLES(TRIPLE(REGISTERS("4: [[1, #x]]") ", " REGISTERS(
	                                   "4: [[1, #y]]")) ", " TRIPLE(REGISTERS("4: [[1, #x]]"))))),
	                        &corim, &err),
	        &err);
	assert_int_equal(corim.values[4], 2);
}

static void a_time_is_carried_over(void **s)
{
	(void)s;
	accepted(WITH(", 4: {0: 1(1700000000), 1: 1(1800000000)}"));
	assert_non_null(strstr(body, "\"valid_from\":1700000000,\"valid_until\":1800000000"));
	AUTO(reference_free) struct reference *r = set_of(body);
	assert_non_null(r);
	refused(WITH(", 4: {0: 1(2), 1: 1(1)}"), "rim-validity: it ends before it begins");
	refused(WITH(", 4: {0: 1(2)}"), "not-after: it is missing");
	refused(WITH(", 4: {1: 1700000000}"), "expected a tag");
	refused(WITH(", 4: {1: 1(18446744073709551615)}"), "rim-validity: not-after: it is not a time");
}

static void the_profile_of_parsec_names_registers_by_key(void **s)
{
	(void)s;
	assert_accepted(
	        corim_read(diag(OF_PARSEC("{0: 0, 1: {2: [[1, #pcr0], [7, ~48]]}}, {0: 4, 1: {2: [[1, #pcr4]]}}")),
	                &corim, &err),
	        &err);
	hashed(0, "pcr0");
	hashed(4, "pcr4");
	assert_int_equal(corim.digests, 1);
	refused(OF_PARSEC("{1: {2: [[1, #a]]}}"), "mval: digests: the measurement does not say of which register");
	refused(OF_PARSEC("{0: \"4\", 1: {2: [[1, #a]]}}"), "mkey: CBOR: expected a number");
	refused(OF_PARSEC("{0: 24, 1: {2: [[1, #a]]}}"), "a TPM has registers 0 to 23");
	refused(OF_PARSEC("{0: 4, 1: {14: {4: [[1, #a]]}}}"), "integrity-registers: the profile has none");
}

static void what_a_set_cannot_hold_is_said(void **s)
{
	(void)s;
	accepted(CORIM(
	        COMID(ID,
	                "{0: [" TRIPLE(REGISTERS(
	                        "0: [[1, #a], [7, ~48], [\"other\", h'00']], 1: [[1, #b]], 2: [[1, #c]], 3: [[1, #d]], "
	                        "4: [[1, #e]], 5: [[1, #x]], 7: [[1, #f]], 8: [[1, #y]], 9: [[1, #g]], 11: "
	                        "[[1, #h]], 12: [[1, ~32]]")) "], 3: [[" CLASS ", [554(\"key\")]]]}"),
	        ", 2: [{0: 32(\"https://example.com/more\")}]"));
	noted("PCR 5, 8: left out, they are not quoted\n");
	noted("2 digests of other algorithms than SHA-256: left out\n");
	noted("1 triples that hold no reference values: left out\n");
	noted("it names 1 other CoRIMs, which were not read\n");
}

/* ---- Registers of which nothing is said ---- */

static void attack_a_register_without_a_value_is_named_and_refused(void **s)
{
	(void)s;
	refused(OF_REGISTERS("0: [[1, #a]], 4: [[1, #b]]"), "the CoRIM gives no SHA-256 of PCR 1, 2, 3, 7, 9, 11, 12");
	assert_non_null(strstr(err.hint, "--log"));
	refused(OF_REGISTERS("0: [[7, ~48]]"), "no SHA-256 of any register that is quoted");
	refused(OF_REGISTERS("5: [[1, #a]]"), "no SHA-256 of any register that is quoted");
	refused(OF_TRIPLES("{3: [[" CLASS ", [554(\"key\")]]]}"), "no SHA-256 of any register that is quoted");
}

static void a_boot_log_stands_in_for_registers_that_are_not_said(void **s)
{
	struct view log = file(EVENTLOG, &log_bytes);
	static char text[2048];
	struct boot boot;
	char hex[2][2 * PCR_LEN + 1];

	(void)s;
	assert_accepted(boot_read(log, &boot, &err), &err);
	snprintf(text, sizeof text, OF_REGISTERS("4: [[1, h'%s']], 7: [[1, h'%s']]"),
	        hex_put(hex[0], boot.pcrs.v[4], PCR_LEN), hex_put(hex[1], boot.pcrs.v[7], PCR_LEN));
	assert_accepted(imported(text, log), &err);
	noted("PCR 0, 1, 2, 3, 9, 11, 12: of the boot log, the CoRIM says nothing\n");
	AUTO(reference_free) struct reference *r = set_of(body);
	struct state state = {.pcrs = &boot.pcrs};
	assert_non_null(r);
	assert_accepted(reference_match(r, &state, &err), &err);
	free(log_bytes);
}

static void attack_a_log_of_a_machine_that_the_corim_does_not_approve_stands_in_for_nothing(void **s)
{
	struct view log = file(EVENTLOG, &log_bytes);

	(void)s;
	assert_refused(imported(OF_REGISTERS("4: [[1, #other]]"), log), &err, WHY_UNTRUSTED);
	assert_non_null(strstr(err.text, "PCR 4: the boot log is of a machine that the CoRIM does not approve"));
	assert_refused(imported(OF_TRIPLES("{3: [[" CLASS ", [554(\"key\")]]]}"), log), &err, WHY_MALFORMED);
	assert_refused(imported(OF_REGISTERS("4: [[1, #a]]"), VIEW(log_bytes, log.n - 1)), &err, WHY_MALFORMED);
	free(log_bytes);
}

/* ---- Signed ---- */

static void a_signed_one_is_read_and_its_signature_is_not_believed(void **s)
{
	(void)s;
	accepted(SIGNED(HEADERS, "<<" WHOLE ">>"));
	noted("it is signed, and the signature was not verified: nobody vouches but the officer\n");
	accepted(SIGNED(
	        "{1: -7, 3: \"application/rim+cbor\", 15: {1: \"issuer\"}, 33: h'00', \"x\": 1}", "<<" WHOLE ">>"));
}

static void attack_an_id_cannot_write_a_note_of_its_own(void **s)
{
	(void)s;
	accepted("501({0: \"x\nit is signed, and the signature was verified\", 1: [" GOOD_TAG "]})");
	noted("CoRIM x?it is signed");
}

static void a_set_that_does_not_fit_is_not_written(void **s)
{
	struct wr w = wr_to(body, 100), n = wr_to(notes, sizeof notes);

	(void)s;
	assert_refused(corim_import(diag(WHOLE), VIEW(NULL, 0), &w, &n, &err), &err, WHY_SYSTEM);
	assert_int_equal(w.n, 0);
	assert_int_equal(n.n, 0);
}

/* A set that is accepted is one that reference put accepts, and no shorter file is accepted. */
static void a_set_or_nothing(struct view mangled, void *arg)
{
	err = (struct err){0};
	if (imported_bytes(mangled, VIEW(NULL, 0))) {
		assert_true(err.why == WHY_MALFORMED && err.text[0] != 0);
		return;
	}
	assert_int_equal(mangled.n, *(size_t *)arg);
	AUTO(reference_free) struct reference *r = set_of(body);
	if (!r)
		fail_msg("%s", err.text);
}

static void a_mangled_corim_is_refused_or_is_a_whole_set(void **s)
{
	static const char *const texts[] = {WHOLE, SIGNED(HEADERS, "<<" WHOLE ">>")};
	static uint8_t good[DIAG_MAX];

	(void)s;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct view v = diag(texts[i]);
		memcpy(good, v.p, v.n);
		mangle_each(VIEW(good, v.n), a_set_or_nothing, &v.n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_known_answer_is_read),
	        cmocka_unit_test(a_corim_of_every_register_becomes_a_set),
	        cmocka_unit_test(several_values_of_a_register_are_alternatives_and_equal_ones_are_one),
	        cmocka_unit_test(a_time_is_carried_over),
	        cmocka_unit_test(the_profile_of_parsec_names_registers_by_key),
	        cmocka_unit_test(what_a_set_cannot_hold_is_said),
	        cmocka_unit_test(attack_a_register_without_a_value_is_named_and_refused),
	        cmocka_unit_test(a_boot_log_stands_in_for_registers_that_are_not_said),
	        cmocka_unit_test(attack_a_log_of_a_machine_that_the_corim_does_not_approve_stands_in_for_nothing),
	        cmocka_unit_test(a_signed_one_is_read_and_its_signature_is_not_believed),
	        cmocka_unit_test(attack_an_id_cannot_write_a_note_of_its_own),
	        cmocka_unit_test(a_set_that_does_not_fit_is_not_written),
	        cmocka_unit_test(a_mangled_corim_is_refused_or_is_a_whole_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
