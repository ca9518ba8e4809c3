#include "tests/unit/policymaker.h"

static struct rig *r;

static int before(void **s)
{
	(void)s;
	r = rig_open();
	return 0;
}

static int after(void **s)
{
	(void)s;
	rig_close(r);
	return 0;
}

#define DATASET "{\"domain\":\"inner\",\"epoch\":1}"

static void a_document_of_an_officer_is_taken_and_named_in_the_receipt(void **s)
{
	(void)s;
	rig_accept(r, DOC_DATASET, "maps", 1, DATASET);
	AUTO(json_free) json_t *j = json_read(r->v.body, 4096, &r->e);
	assert_string_equal(json_string_value(json_object_get(j, "kind")), "dataset");
	assert_string_equal(json_string_value(json_object_get(j, "name")), "maps");
	assert_int_equal(json_integer_value(json_object_get(j, "version")), 1);
	assert_int_equal(json_integer_value(json_object_get(j, "case")), r->v.case_no);
	assert_non_null(book_find(&r->d->book, DOC_DATASET, "maps"));
}

static void the_same_document_again_gives_a_receipt_again(void **s)
{
	static uint8_t copy[8192];

	(void)s;
	struct view jws = rig_sign(r, r->officer, DOC_DATASET, "maps", 1, DATASET);
	assert_true(jws.n <= sizeof copy);
	memcpy(copy, jws.p, jws.n);
	rig_put_signed(r, VIEW(copy, jws.n));
	assert_verdict(r, VERDICT_RECEIPT);
	rig_put_signed(r, VIEW(copy, jws.n));
	assert_verdict(r, VERDICT_RECEIPT);
}

static void another_document_of_the_same_version_is_refused(void **s)
{
	(void)s;
	rig_accept(r, DOC_DATASET, "maps", 1, DATASET);
	rig_put(r, DOC_DATASET, "maps", 1, "{\"domain\":\"other\",\"epoch\":1}");
	assert_denied(r, WHY_STALE, "at version 1 already");
	assert_string_equal(r->v.refusal.hint, "sign it as version 2");
}

static void documents_survive_a_restart(void **s)
{
	(void)s;
	rig_accept(r, DOC_DATASET, "maps", 3, DATASET);
	rig_accept(r, DOC_FENCE, "berlin", 1, BERLIN_FENCE);
	rig_stop(r);
	rig_start(r);
	assert_int_equal(book_find(&r->d->book, DOC_DATASET, "maps")->version, 3);
	assert_non_null(book_find(&r->d->book, DOC_FENCE, "berlin")->fence);
	rig_put(r, DOC_DATASET, "maps", 2, DATASET);
	assert_denied(r, WHY_STALE, "at version 3 already");
}

static void a_refused_document_leaves_a_record_and_changes_nothing(void **s)
{
	(void)s;
	rig_accept(r, DOC_DATASET, "maps", 2, DATASET);
	uint64_t was = r->d->head.case_no;
	rig_put(r, DOC_DATASET, "maps", 1, "{\"domain\":\"other\",\"epoch\":9}");
	assert_int_equal(r->d->head.case_no, was + 1);
	assert_string_equal(book_find(&r->d->book, DOC_DATASET, "maps")->dataset.domain, "inner");
}

static void a_document_from_the_future_is_refused(void **s)
{
	(void)s;
	r->d->now -= 3600;
	rig_put(r, DOC_DATASET, "maps", 1, DATASET);
	assert_denied(r, WHY_STALE, "issued 3600 s from now");
}

static void there_is_a_most_of_each_kind(void **s)
{
	char name[NAME_CAP];

	(void)s;
	for (int i = 0; i < DATASETS_MAX; i++) {
		snprintf(name, sizeof name, "d%d", i);
		rig_accept(r, DOC_DATASET, name, 1, DATASET);
	}
	rig_put(r, DOC_DATASET, "one-more", 1, DATASET);
	assert_denied(r, WHY_REFUSED, "which is the most");
	rig_accept(r, DOC_DATASET, "d7", 2, DATASET);
}

static void attack_A80_a_document_without_a_signature(void **s)
{
	(void)s;
	rig_put_signed(r, VIEW("eyJhbGciOiJub25lIn0.e30.", 24));
	assert_denied(r, WHY_MALFORMED, "JWS");
}

static void a_document_by_a_key_that_is_no_officers_is_refused(void **s)
{
	AUTO(es256_free) struct es256 *mallory = es256_generate(&r->e);

	(void)s;
	rig_put_signed(r, rig_sign(r, mallory, DOC_DATASET, "maps", 1, DATASET));
	assert_denied(r, WHY_UNTRUSTED, "no security officer's");
	assert_null(book_find(&r->d->book, DOC_DATASET, "maps"));
}

static void a_document_that_was_changed_after_signing_is_refused(void **s)
{
	static uint8_t copy[8192], payload[8192];
	AUTO(es256_free) struct es256 *mallory = es256_generate(&r->e);
	struct jws j;

	(void)s;
	/* An officer's header and signature around another payload. */
	struct view good = rig_sign(r, r->officer, DOC_DATASET, "maps", 1, DATASET);
	memcpy(copy, good.p, good.n);
	assert_accepted(jws_parse(VIEW(copy, good.n), TYP_DOCUMENT, payload, sizeof payload, &j, &r->e), &r->e);
	uint8_t *dot = memchr(copy, '.', good.n);
	dot[20] = dot[20] == 'A' ? 'B' : 'A';
	rig_put_signed(r, VIEW(copy, good.n));
	assert_int_equal(r->v.kind, VERDICT_REFUSAL);
	assert_int_equal(r->v.refusal.why, WHY_FORGED);
}

static void attack_A91_sql_in_a_text_is_only_text(void **s)
{
	struct cloudlet c;

	(void)s;
	rig_accept(r, DOC_CLOUDLET, "x", 1, "{\"state\":\"revoked\",\"reason\":\"'); DROP TABLE cloudlet; --\"}");
	assert_int_equal(shelf_cloudlet(&r->d->store, "x", &c, &r->e), 1);
	assert_string_equal(c.doc.reason, "'); DROP TABLE cloudlet; --");
	rig_ask(r, "document/cloudlet/x' OR '1'='1");
	assert_denied(r, WHY_UNKNOWN, "there is no cloudlet");
}

static void attack_A101_an_older_policy_is_stale(void **s)
{
	static uint8_t copy[8192];

	(void)s;
	struct view old = rig_sign(r, r->officer, DOC_DATASET, "maps", 3, DATASET);
	memcpy(copy, old.p, old.n);
	rig_put_signed(r, VIEW(copy, old.n));
	assert_verdict(r, VERDICT_RECEIPT);
	rig_accept(r, DOC_DATASET, "maps", 5, DATASET);
	rig_put_signed(r, VIEW(copy, old.n));
	assert_denied(r, WHY_STALE, "version 3 came");
}

static void attack_A64_a_reference_set_without_values(void **s)
{
	static uint8_t text[8192];
	struct wr w = wr_to(text, sizeof text);
	static const char payload[] =
	        "{\"kind\":\"reference\",\"name\":\"edge\",\"version\":1,\"issued\":0,\"body\":{\"pcrs\":{}}}";

	(void)s;
	assert_accepted(jws_sign(&w, r->officer, TYP_DOCUMENT, VIEW(payload, sizeof payload - 1), &r->e), &r->e);
	rig_put_signed(r, wr_done(&w));
	assert_denied(r, WHY_MALFORMED, "no value");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, before, after)
	const struct CMUnitTest tests[] = {
	        T(a_document_of_an_officer_is_taken_and_named_in_the_receipt),
	        T(the_same_document_again_gives_a_receipt_again),
	        T(another_document_of_the_same_version_is_refused),
	        T(documents_survive_a_restart),
	        T(a_refused_document_leaves_a_record_and_changes_nothing),
	        T(a_document_from_the_future_is_refused),
	        T(there_is_a_most_of_each_kind),
	        T(attack_A80_a_document_without_a_signature),
	        T(a_document_by_a_key_that_is_no_officers_is_refused),
	        T(a_document_that_was_changed_after_signing_is_refused),
	        T(attack_A91_sql_in_a_text_is_only_text),
	        T(attack_A101_an_older_policy_is_stale),
	        T(attack_A64_a_reference_set_without_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
