/* Tests of what a fence tells of a machine, from one decision to the next. */
#include <string.h>

#include "base/json.h"
#include "policy/store.h"
#include "tests/unit/unit.h"

#define START 1800000000

static struct fence *fence;
static struct doc_domain domain;
static struct rules rules;
static struct presence known;
static struct decision says;
static struct fence_event told[FENCE_EVENTS_MAX];
static int64_t now;

/* 10 km around Berlin's middle, on a map of 100 m. */
static int before(void **s)
{
	static const char circle[] = "{\"geometry\":{\"type\":\"Circle\",\"center\":[13.4,52.5],\"radius_m\":10000},"
	                             "\"map_accuracy_m\":100}";
	struct err e;

	(void)s;
	AUTO(json_free) json_t *j = json_read(VIEW(circle, sizeof circle - 1), sizeof circle, &e);
	fence = fence_import(j, &e);
	assert_non_null(fence);
	domain = (struct doc_domain){.fence = "berlin", .lease_s = 60};
	rules = (struct rules){.name = "inner", .domain = &domain, .fence = fence};
	known = (struct presence){.domain = "inner"};
	says = (struct decision){.state_good = true};
	now = START;
	return 0;
}

static int after(void **s)
{
	(void)s;
	fence_free(fence);
	return 0;
}

/* `later` seconds on, the machine is there. */
static size_t seen(int later, double lat, double lon)
{
	struct err e;

	now += later;
	says.at = (struct fix){lat, lon, 50};
	says.placed = true;
	assert_accepted(fence_decide(fence, &says.at, &says.place, &e), &e);
	return fenceevent_next(&known, &rules, &says, now, told);
}

static size_t unseen(int later)
{
	now += later;
	says.placed = false;
	return fenceevent_next(&known, &rules, &says, now, told);
}

static void is_told(size_t n, enum fence_event_kind kind, int64_t since)
{
	assert_int_equal(n, 1);
	assert_string_equal(fenceevent_name(told[0].kind), fenceevent_name(kind));
	assert_int_equal(told[0].since, since);
}

static void who_is_first_seen_inside_enters_once(void **s)
{
	(void)s;
	is_told(seen(0, 52.5, 13.4), EVENT_ENTER, START);
	assert_int_equal(seen(30, 52.5, 13.4), 0);
	assert_int_equal(seen(30, 52.51, 13.41), 0);
}

static void who_is_first_seen_outside_does_nothing(void **s)
{
	(void)s;
	assert_int_equal(seen(0, 48.8566, 2.3522), 0);
	assert_int_equal(seen(30, 48.8566, 2.3522), 0);
}

static void who_leaves_exits_and_may_enter_again(void **s)
{
	(void)s;
	seen(0, 52.5, 13.4);
	is_told(seen(40, 52.5, 14.4), EVENT_EXIT, START);
	assert_int_equal(seen(40, 52.5, 14.4), 0);
	is_told(seen(40, 52.5, 13.4), EVENT_ENTER, START + 120);
}

static void an_edge_that_may_be_either_side_tells_nothing(void **s)
{
	(void)s;
	seen(0, 52.5, 13.4);
	assert_int_equal(seen(30, 52.5, 13.4 + 0.1473), 0);
	assert_int_equal(says.place.place, PLACE_AMBIGUOUS);
	assert_true(known.inside && known.seen == START);
	is_told(seen(20, 52.5, 14.4), EVENT_EXIT, START);
}

static void who_passes_between_two_sightings_crosses(void **s)
{
	(void)s;
	seen(0, 52.5, 13.0);
	is_told(seen(50, 52.5, 13.8), EVENT_CROSS, START);
	assert_int_equal(seen(50, 52.9, 13.8), 0);               /* past it */
	assert_int_equal(seen(50, 52.9, 13.0), 0);               /* north of it */
	is_told(seen(50, 52.1, 13.8), EVENT_CROSS, START + 150); /* through it from corner to corner */
}

static void a_way_across_the_date_line_does_not_cross_berlin(void **s)
{
	(void)s;
	seen(0, 52.5, 179.0);
	assert_int_equal(seen(50, 52.5, -179.0), 0);
}

static void who_stays_dwells_once_in_each_stay(void **s)
{
	(void)s;
	domain.dwell_s = 60;
	seen(0, 52.5, 13.4);
	assert_int_equal(seen(59, 52.5, 13.4), 0);
	is_told(seen(1, 52.5, 13.4), EVENT_DWELL, START);
	assert_int_equal(seen(60, 52.5, 13.4), 0);
	seen(10, 52.5, 14.4);
	seen(10, 52.5, 13.4);
	is_told(seen(60, 52.5, 13.4), EVENT_DWELL, START + 140);
}

static void nobody_dwells_where_nobody_asks(void **s)
{
	(void)s;
	seen(0, 52.5, 13.4);
	for (int i = 0; i < 100; i++)
		assert_int_equal(seen(50, 52.5, 13.4), 0);
}

static void a_place_unknown_for_longer_than_a_lease_is_stale_once(void **s)
{
	(void)s;
	seen(0, 52.5, 13.4);
	assert_int_equal(unseen(60), 0);
	is_told(unseen(1), EVENT_STALE, START);
	assert_int_equal(unseen(500), 0);
	is_told(seen(10, 52.5, 13.4), EVENT_ENTER, START + 571);
}

static void a_silence_ends_with_what_it_ends_with(void **s)
{
	(void)s;
	seen(0, 52.5, 13.4);
	assert_int_equal(seen(1000, 52.5, 14.4), 2);
	assert_int_equal(told[0].kind, EVENT_STALE);
	assert_int_equal(told[1].kind, EVENT_EXIT);
	assert_int_equal(told[1].since, START);
}

static void a_machine_in_an_unapproved_state_is_nowhere(void **s)
{
	(void)s;
	says.state_good = false;
	assert_int_equal(seen(0, 52.5, 13.4), 0);
	assert_int_equal(known.seen, 0);
	says.state_good = true;
	is_told(seen(1, 52.5, 13.4), EVENT_ENTER, START + 1);
	says.state_good = false;
	assert_int_equal(seen(1, 52.5, 14.4), 0);
	assert_true(known.inside);
}

static void another_fence_begins_anew(void **s)
{
	(void)s;
	seen(0, 52.5, 13.4);
	memcpy(domain.fence, "other", 6);
	is_told(seen(1, 52.5, 13.4), EVENT_ENTER, START + 1);
	assert_string_equal(known.fence, "other");
	assert_string_equal(known.domain, "inner");
}

/* ---- As it is stored ---- */

static struct placestate kept(void)
{
	struct placestate p = {.has_fix = true, .fix = {52.5, 13.4, 2.5}, .fix_ms = 1800000000123, .fix_tag = 7};

	placestate_of(&p, "inner")->inside = true;
	placestate_of(&p, "inner")->seen = START;
	placestate_of(&p, "outer")->stale = true;
	return p;
}

static void what_is_known_is_stored_and_read_back(void **s)
{
	static struct placestate back;
	uint8_t buf[PLACESTATE_MAX];
	struct wr w = wr_to(buf, sizeof buf);
	struct placestate p = kept();

	(void)s;
	placestate_write(&w, &p);
	assert_true(placestate_read(wr_done(&w), &back));
	assert_true(back.has_fix && back.fix_ms == p.fix_ms && back.fix_tag == 7 && back.fix.uncertainty_m == 2.5);
	assert_int_equal(back.n, 2);
	assert_true(placestate_of(&back, "inner")->inside && placestate_of(&back, "outer")->stale);
	assert_int_equal(placestate_of(&back, "inner")->seen, START);
	assert_true(placestate_read(VIEW(NULL, 0), &back));
	assert_true(!back.has_fix && back.n == 0);
}

static void bytes_that_were_cut_or_went_on_are_not_read(void **s)
{
	static struct placestate back;
	uint8_t buf[PLACESTATE_MAX];
	struct wr w = wr_to(buf, sizeof buf);
	struct placestate p = kept();

	(void)s;
	placestate_write(&w, &p);
	size_t n = w.n, good = 0;
	buf[n] = 0;
	assert_false(placestate_read(VIEW(buf, n + 1), &back));
	for (size_t i = 1; i < n; i++)
		good += placestate_read(VIEW(buf, i), &back);
	assert_int_equal(good, 2); /* behind the fix, and behind the first domain */
	buf[0] = 2;
	assert_false(placestate_read(VIEW(buf, n), &back));
}

static void every_domain_has_room_and_no_more(void **s)
{
	static struct placestate p;
	static uint8_t buf[PLACESTATE_MAX];
	struct wr w = wr_to(buf, sizeof buf);
	char name[NAME_CAP];

	(void)s;
	for (int i = 0; i < DOMAINS_MAX; i++) {
		snprintf(name, sizeof name, "a%062d", i);
		struct presence *q = placestate_of(&p, name);
		assert_non_null(q);
		memcpy(q->fence, name, sizeof name);
	}
	assert_null(placestate_of(&p, "another"));
	placestate_write(&w, &p);
	assert_true(wr_ok(&w));
	assert_true(placestate_read(wr_done(&w), &p));
	assert_int_equal(p.n, DOMAINS_MAX);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, before, after)
	const struct CMUnitTest tests[] = {
	        T(who_is_first_seen_inside_enters_once),
	        T(who_is_first_seen_outside_does_nothing),
	        T(who_leaves_exits_and_may_enter_again),
	        T(an_edge_that_may_be_either_side_tells_nothing),
	        T(who_passes_between_two_sightings_crosses),
	        T(a_way_across_the_date_line_does_not_cross_berlin),
	        T(who_stays_dwells_once_in_each_stay),
	        T(nobody_dwells_where_nobody_asks),
	        T(a_place_unknown_for_longer_than_a_lease_is_stale_once),
	        T(a_silence_ends_with_what_it_ends_with),
	        T(a_machine_in_an_unapproved_state_is_nowhere),
	        T(another_fence_begins_anew),
	        T(what_is_known_is_stored_and_read_back),
	        T(bytes_that_were_cut_or_went_on_are_not_read),
	        T(every_domain_has_room_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
