/* Tests of agentstate: what a cloudlet keeps between its attestations. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "federation/agent.h"

/* 64 and 32 bytes of zero */
#define ZERO64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define HEX32  "0000000000000000000000000000000000000000000000000000000000000000"

#define TERMS(dataset, epoch) "\"domain\":\"geoa\",\"dataset\":\"" dataset "\",\"epoch\":" epoch ",\"generation\":1"
#define LEASE(dataset, epoch, deadline)                                                                                \
	"{" TERMS(dataset, epoch) ",\"pcr_digest\":\"" HEX32 "\",\"reset_count\":3,\"restart_count\":0,\"counter\":5," \
	                          "\"deadline_ms\":" deadline ",\"signature\":\"" ZERO64 "\"}"
#define KEY(dataset, epoch) "{" TERMS(dataset, epoch) ",\"public\":\"AAAA\",\"duplicate\":\"AAAA\",\"seed\":\"AAAA\"}"
#define ANSWER(leases, keys)                                                                                           \
	"{\"case\":1,\"result\":\"a.e30.c\",\"lease_key\":\"" ZERO64 "\",\"leases\":[" leases "],\"keys\":[" keys "]}"

struct bench {
	char path[64];
	int dir;
};

/* Each test has a state directory of its own. */
static int setup(void **s)
{
	static struct bench b;
	struct err e = {0};

	snprintf(b.path, sizeof b.path, "/tmp/test_agentstate.XXXXXX");
	*s = &b;
	return mkdtemp(b.path) ? state_open(b.path, &b.dir, &e) : -1;
}

static int teardown(void **s)
{
	static const char *const names[] = {"lease/first.json", "lease/second.json", "lease/stray.json",
	        "key/first.json", "key/second.json", "result.jwt", "next.nonce", "outside.json", "lease", "key",
	        "cache", "quoter"};
	struct bench *b = *s;

	for (size_t i = 0; i < COUNT(names); i++)
		if (unlinkat(b->dir, names[i], 0))
			(void)unlinkat(b->dir, names[i], AT_REMOVEDIR);
	close(b->dir);
	return rmdir(b->path); /* nothing else was left behind */
}

static int take_in(const struct bench *b, const char *answer, struct err *e)
{
	AUTO(json_free) json_t *j = json_loads(answer, 0, NULL);

	assert_non_null(j);
	return state_put_result(b->dir, j, e);
}

static size_t leases_in(const struct bench *b)
{
	char names[8][NAME_CAP];
	uint64_t deadlines[8];

	return state_leases(b->dir, names, deadlines, 8);
}

static void put(const struct bench *b, const char *name, const char *text)
{
	struct err e = {0};

	assert_accepted(state_put(b->dir, name, VIEW(text, strlen(text)), &e), &e);
}

static void the_state_is_the_owners_alone(void **s)
{
	struct bench *b = *s;
	struct stat st;
	static const char *const dirs[] = {".", "lease", "key", "cache", "quoter"};
	for (size_t i = 0; i < COUNT(dirs); i++) {
		assert_int_equal(fstatat(b->dir, dirs[i], &st, 0), 0);
		assert_int_equal(st.st_mode & 0777, 0700);
	}
	put(b, "result.jwt", "x");
	assert_int_equal(fstatat(b->dir, "result.jwt", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_nonce_is_taken_once(void **s)
{
	struct bench *b = *s;
	uint8_t nonce[NONCE_LEN] = {0}, put_in[NONCE_LEN];
	struct err e = {0};
	memset(put_in, 0x5a, sizeof put_in);
	assert_false(state_take_nonce(b->dir, nonce, &e));
	assert_accepted(state_put_nonce(b->dir, put_in, &e), &e);
	assert_true(state_take_nonce(b->dir, nonce, &e));
	assert_memory_equal(nonce, put_in, NONCE_LEN);
	assert_false(state_take_nonce(b->dir, nonce, &e));
}

static void a_damaged_nonce_is_none_and_is_gone(void **s)
{
	struct bench *b = *s;
	static const char *const bad[] = {"", "5a", "zz", HEX32 "00", HEX32 "\n"};
	uint8_t nonce[NONCE_LEN] = {7};
	struct err e = {0};
	for (size_t i = 0; i < COUNT(bad); i++) {
		put(b, "next.nonce", bad[i]);
		assert_false(state_take_nonce(b->dir, nonce, &e));
		assert_null(state_text(b->dir, "next.nonce"));
	}
	assert_int_equal(nonce[0], 7);
}

static void a_lease_and_its_key_come_back_as_they_were_given(void **s)
{
	struct bench *b = *s;
	struct lease_use u;
	struct err e = {0};
	assert_accepted(take_in(b, ANSWER(LEASE("first", "2", "60000"), KEY("first", "2")), &e), &e);
	assert_accepted(state_lease(b->dir, "first", &u, &e), &e);
	assert_string_equal(u.domain, "geoa");
	assert_string_equal(u.dataset, "first");
	assert_int_equal(u.epoch, 2);
	assert_int_equal(u.generation, 1);
	assert_int_equal(u.terms.deadline_ms, 60000);
	assert_int_equal(u.terms.reset_count, 3);
	assert_int_equal(u.terms.counter, 5);
	assert_int_equal(u.terms.pcr_mask, PCR_MASK);
	assert_int_equal(u.sealed.nseed, 3);
}

#define LEASE_AND(more)                                                                                                \
	"{" TERMS("first", "2") ",\"pcr_digest\":\"" HEX32                                                             \
	                        "\",\"reset_count\":3,\"restart_count\":0,\"counter\":5," more                         \
	                        "\"deadline_ms\":1,\"signature\":\"" ZERO64 "\"}"
#define TAG      "\"tag\":\"" HEX32 "\","
#define TAG_NAME "\"tag_name\":\"000b" HEX32 "\","

static void leases_of_one_domain_name_it_once(void **s)
{
	const struct bench *b = *s;
	char domains[4][NAME_CAP];
	struct err e = {0};

	assert_int_equal(state_lease_domains(b->dir, domains, 4), 0);
	assert_accepted(take_in(b, ANSWER(LEASE("first", "1", "1") "," LEASE("second", "1", "2"), ""), &e), &e);
	assert_int_equal(state_lease_domains(b->dir, domains, 4), 1);
	assert_true(name_ok(domains[0]));
	assert_int_equal(state_lease_domains(b->dir, domains, 0), 0);
}

static void a_lease_may_demand_a_tag(void **s)
{
	struct bench *b = *s;
	struct lease_use u;
	struct err e = {0};
	assert_accepted(take_in(b, ANSWER(LEASE_AND(TAG TAG_NAME), KEY("first", "2")), &e), &e);
	assert_accepted(state_lease(b->dir, "first", &u, &e), &e);
	assert_true(u.terms.has_tag);
	assert_int_equal(u.terms.tag_name[1], 0x0b);
	assert_refused(take_in(b, ANSWER(LEASE_AND(TAG), ""), &e), &e, WHY_MALFORMED);
	assert_refused(take_in(b, ANSWER(LEASE_AND(TAG_NAME), ""), &e), &e, WHY_MALFORMED);
}

static void a_result_replaces_all_leases_and_keeps_the_keys(void **s)
{
	struct bench *b = *s;
	struct lease_use u;
	uint8_t refs[CLAIMS_HOLDS_MAX][SHA_LEN];
	struct err e = {0};
	assert_accepted(take_in(b,
	                        ANSWER(LEASE("first", "1", "1") "," LEASE("second", "1", "2"),
	                                KEY("first", "1") "," KEY("second", "1")),
	                        &e),
	        &e);
	assert_int_equal(leases_in(b), 2);
	assert_accepted(take_in(b, ANSWER(LEASE("second", "1", "3"), ""), &e), &e);
	assert_int_equal(leases_in(b), 1);
	assert_refused(state_lease(b->dir, "first", &u, &e), &e, WHY_UNKNOWN);
	assert_accepted(state_lease(b->dir, "second", &u, &e), &e);
	assert_int_equal(u.terms.deadline_ms, 3);
	assert_int_equal(state_holds(b->dir, refs), 2);
}

static void what_is_held_is_named_by_its_policy_reference(void **s)
{
	struct bench *b = *s;
	uint8_t refs[CLAIMS_HOLDS_MAX][SHA_LEN], expected[SHA_LEN];
	struct err e = {0};
	assert_int_equal(state_holds(b->dir, refs), 0);
	assert_accepted(take_in(b, ANSWER("", KEY("first", "2")), &e), &e);
	assert_int_equal(state_holds(b->dir, refs), 1);
	policyref(expected, "geoa", "first", 2, 1);
	assert_memory_equal(refs[0], expected, SHA_LEN);
}

static void half_a_result_is_not_taken_in(void **s)
{
	struct bench *b = *s;
	static const char *const bad[] = {
	        "{}",
	        ANSWER(LEASE("second", "1", "2") "," LEASE("third", "0", "2"), KEY("second", "1")),
	        ANSWER(LEASE("second", "1", "2"), KEY("second", "1") ",{}"),
	        ANSWER(LEASE("second", "1", "2") ",7", ""),
	        ANSWER(LEASE("../second", "1", "2"), ""),
	        ANSWER("", KEY("se/cond", "1")),
	        "{\"result\":\"a.b.c\",\"lease_key\":\"" ZERO64 "\"}",
	        "{\"result\":\"a.b.c\",\"lease_key\":\"AAAA\",\"leases\":[],\"keys\":[]}",
	        "{\"lease_key\":\"" ZERO64 "\",\"leases\":[],\"keys\":[]}",
	};
	struct lease_use u;
	struct err e = {0};
	assert_accepted(take_in(b, ANSWER(LEASE("first", "1", "1"), KEY("first", "1")), &e), &e);
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_refused(take_in(b, bad[i], &e), &e, WHY_MALFORMED);
		assert_int_equal(leases_in(b), 1);
		assert_accepted(state_lease(b->dir, "first", &u, &e), &e);
	}
}

static void a_key_of_another_epoch_does_not_serve_a_lease(void **s)
{
	struct bench *b = *s;
	struct lease_use u;
	struct err e = {0};
	assert_accepted(take_in(b, ANSWER(LEASE("first", "1", "1"), KEY("first", "1")), &e), &e);
	assert_accepted(take_in(b, ANSWER(LEASE("first", "2", "1"), ""), &e), &e);
	assert_refused(state_lease(b->dir, "first", &u, &e), &e, WHY_STALE);
	assert_accepted(take_in(b, ANSWER(LEASE("first", "2", "1"), KEY("first", "2")), &e), &e);
	assert_accepted(state_lease(b->dir, "first", &u, &e), &e);
}

static void a_lease_without_its_key_is_none(void **s)
{
	struct bench *b = *s;
	struct lease_use u;
	struct err e = {0};
	assert_accepted(take_in(b, ANSWER(LEASE("first", "1", "1"), ""), &e), &e);
	assert_refused(state_lease(b->dir, "first", &u, &e), &e, WHY_UNKNOWN);
}

static void a_damaged_lease_is_refused_and_counts_for_nothing(void **s)
{
	struct bench *b = *s;
	static const char *const bad[] = {"", "{", "[]", "{}", "{\"deadline_ms\":\"soon\"}", "{\"deadline_ms\":-1}"};
	struct lease_use u;
	struct err e = {0};
	assert_accepted(take_in(b, ANSWER(LEASE("first", "1", "1"), KEY("first", "1")), &e), &e);
	for (size_t i = 0; i < COUNT(bad); i++) {
		put(b, "lease/first.json", bad[i]);
		assert_int_equal(state_lease(b->dir, "first", &u, &e), -1);
		assert_int_equal(leases_in(b), 0);
	}
}

static void a_lease_under_another_name_is_refused(void **s)
{
	struct bench *b = *s;
	struct lease_use u;
	struct err e = {0};
	assert_accepted(take_in(b, ANSWER(LEASE("first", "1", "1"), KEY("first", "1")), &e), &e);
	assert_int_equal(linkat(b->dir, "lease/first.json", b->dir, "lease/second.json", 0), 0);
	assert_int_equal(linkat(b->dir, "key/first.json", b->dir, "key/second.json", 0), 0);
	assert_refused(state_lease(b->dir, "second", &u, &e), &e, WHY_MALFORMED);
}

static void a_name_with_a_slash_leads_nowhere(void **s)
{
	struct bench *b = *s;
	static const char *const names[] = {"../outside", "/etc/passwd", "..", "", "a/b", "a_b"};
	struct lease_use u;
	struct err e = {0};
	put(b, "outside.json", LEASE("first", "1", "1"));
	for (size_t i = 0; i < COUNT(names); i++)
		assert_refused(state_lease(b->dir, names[i], &u, &e), &e, WHY_UNKNOWN);
}

static void a_stray_file_among_the_leases_is_dropped_with_the_next_result(void **s)
{
	struct bench *b = *s;
	struct err e = {0};
	put(b, "lease/stray.json", "not JSON");
	assert_accepted(take_in(b, ANSWER("", ""), &e), &e);
	assert_null(state_text(b->dir, "lease/stray.json"));
}

static void dropping_what_is_not_there_is_fine(void **s)
{
	struct bench *b = *s;
	struct err e = {0};
	assert_accepted(state_drop(b->dir, "certificate.pem", &e), &e);
	assert_null(state_text(b->dir, "certificate.pem"));
}

static void a_state_that_is_a_file_or_a_link_is_refused(void **s)
{
	struct bench *b = *s;
	char other[96];
	int dir = -1;
	struct err e = {0};
	snprintf(other, sizeof other, "%s/outside.json", b->path);
	assert_int_equal(symlinkat(b->path, b->dir, "outside.json"), 0);
	assert_refused(state_open(other, &dir, &e), &e, WHY_SYSTEM);
	assert_int_equal(unlinkat(b->dir, "outside.json", 0), 0);
	put(b, "outside.json", "");
	assert_refused(state_open(other, &dir, &e), &e, WHY_SYSTEM);
	assert_int_equal(dir, -1);
}

static void leases_that_ended_are_dropped_and_keys_kept(void **s)
{
	struct bench *b = *s;
	uint8_t refs[CLAIMS_HOLDS_MAX][SHA_LEN];
	struct err e = {0};
	assert_accepted(take_in(b, ANSWER(LEASE("first", "2", "60000"), KEY("first", "2")), &e), &e);
	assert_int_equal(leases_in(b), 1);
	state_drop_leases(b->dir);
	assert_int_equal(leases_in(b), 0);
	assert_int_equal(state_holds(b->dir, refs), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(the_state_is_the_owners_alone),
	        TEST(a_nonce_is_taken_once),
	        TEST(a_damaged_nonce_is_none_and_is_gone),
	        TEST(a_lease_and_its_key_come_back_as_they_were_given),
	        TEST(leases_of_one_domain_name_it_once),
	        TEST(a_lease_may_demand_a_tag),
	        TEST(a_result_replaces_all_leases_and_keeps_the_keys),
	        TEST(what_is_held_is_named_by_its_policy_reference),
	        TEST(half_a_result_is_not_taken_in),
	        TEST(a_key_of_another_epoch_does_not_serve_a_lease),
	        TEST(a_lease_without_its_key_is_none),
	        TEST(a_damaged_lease_is_refused_and_counts_for_nothing),
	        TEST(a_lease_under_another_name_is_refused),
	        TEST(a_name_with_a_slash_leads_nowhere),
	        TEST(a_stray_file_among_the_leases_is_dropped_with_the_next_result),
	        TEST(dropping_what_is_not_there_is_fine),
	        TEST(leases_that_ended_are_dropped_and_keys_kept),
	        TEST(a_state_that_is_a_file_or_a_link_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
