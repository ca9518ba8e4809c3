#include "tests/unit/onebox.h"

static json_t *asked(const char *question)
{
	rig_ask(r, question);
	assert_verdict(r, VERDICT_SIGNED);
	json_t *j = json_read(r->v.body, LISTING_MAX, &r->e);
	if (!j)
		fail_msg("%s", r->e.text);
	return j;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void each_kind_is_listed(void **s)
{
	static const char *const kinds[] = {"fences", "references", "domains", "datasets"};

	(void)s;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		char question[32];
		snprintf(question, sizeof question, "list/%s", kinds[i]);
		AUTO(json_free) json_t *j = asked(question);
		const json_t *items = json_object_get(j, "items");
		assert_string_equal(text_of(j, "what"), kinds[i]);
		assert_int_equal(json_array_size(items), 1);
		assert_int_equal(json_integer_value(json_object_get(json_array_get(items, 0), "version")), 1);
		assert_int_equal(strlen(text_of(json_array_get(items, 0), "digest")), 64);
		assert_string_equal(r->v.typ, TYP_LISTING);
	}
}

static void a_cloudlet_is_pending_then_admitted_then_revoked(void **s)
{
	(void)s;
	rig_accept(r, DOC_CLOUDLET, "waiting", 1, "{\"state\":\"admitted\"}");
	rig_join(r, &box);
	AUTO(json_free) json_t *j = asked("list/cloudlets");
	const json_t *items = json_object_get(j, "items"), *first = json_array_get(items, 0);
	assert_string_equal(text_of(first, "name"), "cloudlet1");
	assert_string_equal(text_of(first, "state"), "admitted");
	assert_string_equal(text_of(first, "status"), "affirming");
	assert_string_equal(json_string_value(json_array_get(json_object_get(first, "domains"), 0)), "inner");
	assert_string_equal(text_of(json_array_get(items, 1), "state"), "pending");
	rig_accept(r, DOC_CLOUDLET, "cloudlet1", 2, "{\"state\":\"revoked\"}");
	AUTO(json_free) json_t *after = asked("list/cloudlets");
	first = json_array_get(json_object_get(after, "items"), 0);
	assert_string_equal(text_of(first, "state"), "revoked");
	assert_int_equal(json_array_size(json_object_get(first, "domains")), 0);
}

static void approved_keys_are_listed(void **s)
{
	(void)s;
	rig_accept(r, DOC_EK, "cloudlet1", 1,
	        "{\"ek_sha256\":\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}");
	AUTO(json_free) json_t *j = asked("list/eks");
	assert_string_equal(text_of(json_array_get(json_object_get(j, "items"), 0), "ek_sha256"),
	        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
}

static void a_long_list_comes_in_pages(void **s)
{
	char name[NAME_CAP], question[80];
	size_t seen = 0;
	const char *after = "";

	(void)s;
	assert_accepted(store_begin(&r->d->store, &r->e), &r->e);
	for (int i = 0; i < 4000; i++) {
		struct document d = {.kind = DOC_CLOUDLET, .version = 1};
		snprintf(d.name, sizeof d.name, "machine-%05d", i);
		assert_accepted(shelf_put(&r->d->store, &d, VIEW("x", 1), &r->e), &r->e);
	}
	assert_accepted(store_commit(&r->d->store, &r->e), &r->e);
	for (int pages = 1;; pages++) {
		snprintf(question, sizeof question, "list/cloudlets%s%s", *after ? "/" : "", after);
		AUTO(json_free) json_t *j = asked(question);
		seen += json_array_size(json_object_get(j, "items"));
		snprintf(name, sizeof name, "%s", text_of(j, "more_after"));
		after = name;
		if (!*after) {
			assert_true(pages > 1);
			break;
		}
	}
	assert_int_equal(seen, 4000);
}

static void a_document_is_given_as_it_was_signed(void **s)
{
	static uint8_t payload[DOCUMENT_MAX];
	struct jws jws;

	(void)s;
	AUTO(json_free) json_t *j = asked("document/fence/berlin");
	const char *text = text_of(j, "document");
	assert_accepted(jws_parse(VIEW(text, strlen(text)), TYP_DOCUMENT, payload, sizeof payload, &jws, &r->e), &r->e);
	assert_accepted(jws_verify(&jws, r->officer, &r->e), &r->e);
}

static void a_case_is_explained_by_its_record(void **s)
{
	(void)s;
	rig_enrol(r, &box);
	char question[32];
	snprintf(question, sizeof question, "explain/%d", (int)r->v.case_no);
	AUTO(json_free) json_t *j = asked(question);
	assert_string_equal(text_of(json_object_get(j, "record"), "machine"), "cloudlet1");
	assert_string_equal(text_of(json_object_get(j, "record"), "hint"), "merestone cloudlet add cloudlet1");
}

static void what_is_not_there_is_unknown(void **s)
{
	static const char *const questions[] = {"list/birds", "document/fence/nowhere", "document/bird/x",
	        "document/fence", "explain/99", "explain/0", "explain/x", "explain/9999999999999999999", "report/99",
	        "who/knows", "list"};

	(void)s;
	for (size_t i = 0; i < COUNT(questions); i++) {
		rig_ask(r, questions[i]);
		assert_denied(r, WHY_UNKNOWN, "");
	}
}

static void reading_leaves_no_record(void **s)
{
	uint64_t was = r->d->head.case_no;

	(void)s;
	rig_ask(r, "list/fences");
	rig_ask(r, "list/birds");
	assert_int_equal(r->d->head.case_no, was);
}

static void attack_A43_a_cloudlet_may_not_read(void **s)
{
	struct facts f = facts_of_text(ASK_QUERY, ROLE_CLOUDLET, VIEW("list/fences", 11));

	(void)s;
	rig_case(r, &f);
	assert_denied(r, WHY_REFUSED, "only people with a role");
	f.role = ROLE_NONE;
	rig_case(r, &f);
	assert_denied(r, WHY_REFUSED, "only people with a role");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, onebox_domain, onebox_drop)
	const struct CMUnitTest tests[] = {
	        T(each_kind_is_listed),
	        T(a_cloudlet_is_pending_then_admitted_then_revoked),
	        T(approved_keys_are_listed),
	        T(a_long_list_comes_in_pages),
	        T(a_document_is_given_as_it_was_signed),
	        T(a_case_is_explained_by_its_record),
	        T(what_is_not_there_is_unknown),
	        T(reading_leaves_no_record),
	        T(attack_A43_a_cloudlet_may_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
