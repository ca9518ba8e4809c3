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

static void each_link_hashes_the_one_before_and_its_record(void **s)
{
	uint8_t hash[SHA_LEN] = {0}, previous[SHA_LEN], shown[SHA_LEN], digest[SHA_LEN];
	struct view record;

	(void)s;
	for (uint32_t v = 1; v <= 3; v++)
		rig_accept(r, DOC_DATASET, "maps", v, DATASET);
	for (uint64_t n = 1; n <= 3; n++) {
		assert_int_equal(audit_get(&r->d->store, n, &record, previous, shown, &r->e), 1);
		assert_memory_equal(previous, hash, SHA_LEN);
		sha256(digest, record);
		sha256_2(hash, VIEW_OF(hash), VIEW_OF(digest));
		assert_memory_equal(shown, hash, SHA_LEN);
	}
	assert_memory_equal(r->d->head.hash, hash, SHA_LEN);
}

static void a_record_says_who_asked_what_and_what_came_of_it(void **s)
{
	uint8_t previous[SHA_LEN], hash[SHA_LEN];
	struct view record;

	(void)s;
	rig_put(r, DOC_DATASET, "maps", 2, DATASET);
	rig_put(r, DOC_DATASET, "maps", 1, DATASET);
	assert_int_equal(audit_get(&r->d->store, 2, &record, previous, hash, &r->e), 1);
	AUTO(json_free) json_t *j = json_read(record, RECORD_MAX, &r->e);
	assert_int_equal(json_integer_value(json_object_get(j, "case")), 2);
	assert_int_equal(json_integer_value(json_object_get(j, "time")), NOW);
	assert_string_equal(json_string_value(json_object_get(j, "kind")), "document");
	assert_string_equal(json_string_value(json_object_get(j, "peer")), "alice");
	assert_string_equal(json_string_value(json_object_get(j, "role")), "security-officer");
	assert_string_equal(json_string_value(json_object_get(j, "outcome")), "refusal");
	assert_string_equal(json_string_value(json_object_get(j, "reason")), "stale");
	assert_string_equal(json_string_value(json_object_get(j, "sentence")), r->v.refusal.text);
}

static void the_chain_goes_on_after_a_restart(void **s)
{
	(void)s;
	rig_accept(r, DOC_DATASET, "maps", 1, DATASET);
	struct audit_head was = r->d->head;
	rig_stop(r);
	rig_start(r);
	assert_memory_equal(&r->d->head, &was, sizeof was);
	rig_accept(r, DOC_DATASET, "maps", 2, DATASET);
	assert_int_equal(r->v.case_no, 2);
}

static void attack_A114_a_changed_last_record_stops_the_start(void **s)
{
	struct err e;

	(void)s;
	rig_accept(r, DOC_DATASET, "maps", 1, DATASET);
	assert_int_equal(sqlite3_exec(r->d->store.db, "UPDATE audit SET record = CAST('{}' AS BLOB)", NULL, NULL, NULL),
	        SQLITE_OK);
	rig_stop(r);
	assert_null(decider_open("edge.example", &e));
	assert_non_null(strstr(e.text, "a record and its hash differ"));
}

/* ---- Groups ---- */

struct group {
	struct batch b;
	int to[2];
};

static void group_open(struct group *g)
{
	assert_int_equal(pipe2(g->to, O_NONBLOCK), 0);
	fcntl(g->to[1], F_SETPIPE_SZ, 1 << 20);
	assert_accepted(batch_open(&g->b, r->d, -1, &r->e), &r->e);
}

static void group_close(struct group *g)
{
	batch_close(&g->b);
	close(g->to[0]);
	close(g->to[1]);
}

static void group_add(struct group *g, uint64_t ticket, const char *name, uint32_t version)
{
	struct facts f = facts_of_text(
	        ASK_DOCUMENT, ROLE_OFFICER, rig_sign(r, r->officer, DOC_DATASET, name, version, DATASET));
	struct wr w = wr_to(r->message, sizeof r->message);

	f.ticket = ticket;
	assert_int_equal(facts_write(&w, &f), 0);
	batch_add(&g->b, wr_done(&w));
}

static void group_read(struct group *g, struct ring_in *in)
{
	struct view body;

	assert_int_equal(ring_read(in, &body, &r->e), 1);
	assert_accepted(verdict_read(body, &r->v, &r->e), &r->e);
	(void)g;
}

static void nothing_leaves_before_the_commit_and_all_after_it_in_order(void **s)
{
	struct group g;
	struct ring_in in;

	(void)s;
	group_open(&g);
	ring_open(&in, g.to[0]);
	group_add(&g, 11, "maps", 1);
	group_add(&g, 12, "maps", 1);
	group_add(&g, 13, "maps", 2);
	assert_false(ring_ready(&in));
	assert_accepted(batch_end(&g.b, g.to[1], &r->e), &r->e);
	for (uint64_t ticket = 11; ticket <= 13; ticket++) {
		group_read(&g, &in);
		assert_int_equal(r->v.ticket, ticket);
		assert_int_equal(r->v.case_no, ticket - 10);
	}
	ring_close(&in);
	group_close(&g);
}

static void a_full_disk_answers_everyone_in_the_group_and_releases_nothing(void **s)
{
	struct group g;
	struct ring_in in;
	char name[NAME_CAP];

	(void)s;
	rig_accept(r, DOC_DATASET, "before", 1, DATASET);
	group_open(&g);
	ring_open(&in, g.to[0]);
	assert_int_equal(sqlite3_exec(r->d->store.db, "PRAGMA max_page_count = 1", NULL, NULL, NULL), SQLITE_OK);
	for (uint64_t i = 0; i < BATCH_MAX && !batch_full(&g.b); i++) {
		snprintf(name, sizeof name, "d%d", (int)i);
		group_add(&g, 100 + i, name, 1);
	}
	assert_true(g.b.failed);
	uint32_t n = g.b.n;
	assert_accepted(batch_end(&g.b, g.to[1], &r->e), &r->e);
	for (uint32_t i = 0; i < n; i++) {
		group_read(&g, &in);
		assert_int_equal(r->v.ticket, 100 + i);
		assert_denied(r, WHY_SYSTEM, "the record could not be written");
		assert_int_equal(r->v.ngrants, 0);
	}
	assert_false(ring_ready(&in));
	assert_null(book_find(&r->d->book, DOC_DATASET, "d0"));
	assert_int_equal(r->d->head.case_no, 1);
	/* It serves on as soon as there is room. */
	assert_int_equal(sqlite3_exec(r->d->store.db, "PRAGMA max_page_count = 100000", NULL, NULL, NULL), SQLITE_OK);
	group_add(&g, 7, "d0", 1);
	assert_accepted(batch_end(&g.b, g.to[1], &r->e), &r->e);
	group_read(&g, &in);
	assert_verdict(r, VERDICT_RECEIPT);
	assert_int_equal(r->v.case_no, 2);
	ring_close(&in);
	group_close(&g);
}

static void a_message_that_is_not_facts_is_dropped_and_the_rest_served(void **s)
{
	struct group g;
	struct ring_in in;

	(void)s;
	group_open(&g);
	ring_open(&in, g.to[0]);
	batch_add(&g.b, VIEW("nonsense", 8));
	group_add(&g, 1, "maps", 1);
	assert_accepted(batch_end(&g.b, g.to[1], &r->e), &r->e);
	group_read(&g, &in);
	assert_verdict(r, VERDICT_RECEIPT);
	assert_false(ring_ready(&in));
	ring_close(&in);
	group_close(&g);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, before, after)
	const struct CMUnitTest tests[] = {
	        T(each_link_hashes_the_one_before_and_its_record),
	        T(a_record_says_who_asked_what_and_what_came_of_it),
	        T(the_chain_goes_on_after_a_restart),
	        T(attack_A114_a_changed_last_record_stops_the_start),
	        T(nothing_leaves_before_the_commit_and_all_after_it_in_order),
	        T(a_full_disk_answers_everyone_in_the_group_and_releases_nothing),
	        T(a_message_that_is_not_facts_is_dropped_and_the_rest_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
