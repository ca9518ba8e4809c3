#include "tests/unit/mangle.h"
#include "tests/unit/tagmaker.h"

static struct es256 *officer;
static struct made_tag good;
static struct err e;

static int make(void **s)
{
	(void)s;
	officer = es256_generate(&e);
	return officer ? 0 : -1;
}

static int drop(void **s)
{
	(void)s;
	es256_free(officer);
	return 0;
}

static struct tag plain(void)
{
	struct tag t = tagmaker_plain("cloudlet1", NULL, 7, 1800000000);

	memset(t.ek, 0xee, sizeof t.ek);
	memset(t.map, 0x3a, sizeof t.map);
	return t;
}

static int sign_one(void **s)
{
	struct tag t = plain();

	(void)s;
	tagmaker_sign(&good, officer, &t);
	return 0;
}

static void a_tag_says_what_the_officer_said(void **s)
{
	struct tag t;
	uint8_t digest[SHA_LEN];

	(void)s;
	assert_accepted(tag_parse(tagmaker_view(&good), &t, &e), &e);
	assert_accepted(tag_signed(&t, &e), &e);
	assert_true(t.serial == 7 && t.not_before == 1799999000 && t.not_after == 1800001000);
	assert_true(t.fix.lat_deg > 52.51999 && t.fix.lat_deg < 52.52001);
	assert_true(t.fix.lon_deg > 13.40499 && t.fix.lon_deg < 13.40501);
	assert_true(t.fix.uncertainty_m > 999.9 && t.fix.uncertainty_m < 1000.1);
	assert_string_equal(t.machine, "cloudlet1");
	assert_string_equal(t.site, "berlin-hall-7");
	assert_int_equal(t.ek[31], 0xee);
	assert_int_equal(t.map[31], 0x3a);
	assert_memory_equal(t.officer, officer->pub, ES256_PUB);
	sha256(digest, tagmaker_view(&good));
	assert_memory_equal(t.digest, digest, SHA_LEN);
	assert_memory_equal(t.digest, good.t.digest, SHA_LEN);
}

static void the_southern_and_western_half_of_the_earth_have_tags_too(void **s)
{
	struct tag t = plain();

	(void)s;
	t.fix = (struct fix){-54.8019, -68.303, 12.0001};
	tagmaker_sign(&good, officer, &t);
	assert_true(good.t.fix.lat_deg < -54.80189 && good.t.fix.lat_deg > -54.80191);
	assert_true(good.t.fix.lon_deg < -68.30299 && good.t.fix.lon_deg > -68.30301);
	assert_true(good.t.fix.uncertainty_m >= 12.0001); /* a radius is never rounded down */
	t.fix = (struct fix){-90, -180, 1};
	tagmaker_sign(&good, officer, &t);
	t.fix = (struct fix){90, 180, 1};
	tagmaker_sign(&good, officer, &t);
}

static void the_longest_names_fit(void **s)
{
	struct tag t = plain();

	(void)s;
	memset(t.machine, 'm', NAME_CAP - 1);
	memset(t.site, 's', NAME_CAP - 1);
	tagmaker_sign(&good, officer, &t);
	assert_int_equal(good.n, TAG_MAX);
}

static void refused_to_sign(const struct tag *t)
{
	uint8_t buf[TAG_MAX];
	struct wr w = wr_to(buf, sizeof buf);
	struct tag copy = *t;

	assert_refused(tag_sign(&w, officer, &copy, &e), &e, WHY_MALFORMED);
	assert_int_equal(w.n, 0);
}

static void what_is_no_place_or_no_time_is_not_signed(void **s)
{
	struct tag t = plain();

	(void)s;
	t.fix.lat_deg = 90.0001;
	refused_to_sign(&t);
	t = plain();
	t.fix.uncertainty_m = 0;
	refused_to_sign(&t);
	t.fix.uncertainty_m = 5e6;
	refused_to_sign(&t);
	t = plain();
	t.not_after = t.not_before;
	refused_to_sign(&t);
	t = plain();
	t.not_after = TAG_TIME_MAX + 1;
	refused_to_sign(&t);
	t = plain();
	t.serial = 0;
	refused_to_sign(&t);
	t.serial = UINT64_MAX;
	refused_to_sign(&t);
	t = plain();
	memcpy(t.site, "not a name", 11);
	refused_to_sign(&t);
}

static void never_both(struct view v, void *arg)
{
	struct tag t;

	(void)arg;
	if (tag_parse(v, &t, &e) == 0 && tag_signed(&t, &e) == 0)
		fail_msg("a mangled tag is believed");
}

static void a_mangled_tag_is_refused(void **s)
{
	uint8_t longer[TAG_MAX + 1];

	(void)s;
	mangle_each(tagmaker_view(&good), never_both, NULL);
	memcpy(longer, good.bytes, good.n);
	longer[good.n] = 0;
	assert_refused(tag_parse(VIEW(longer, good.n + 1), &good.t, &e), &e, WHY_MALFORMED);
}

static void a_tag_signed_by_another_key_than_it_names_is_forged(void **s)
{
	AUTO(es256_free) struct es256 *other = es256_generate(&e);

	(void)s;
	memcpy(good.bytes + good.n - ES256_SIG - ES256_PUB, other->pub, ES256_PUB);
	assert_accepted(tag_parse(tagmaker_view(&good), &good.t, &e), &e);
	assert_refused(tag_signed(&good.t, &e), &e, WHY_FORGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(a_tag_says_what_the_officer_said, sign_one),
	        cmocka_unit_test_setup(the_southern_and_western_half_of_the_earth_have_tags_too, sign_one),
	        cmocka_unit_test_setup(the_longest_names_fit, sign_one),
	        cmocka_unit_test_setup(what_is_no_place_or_no_time_is_not_signed, sign_one),
	        cmocka_unit_test_setup(a_mangled_tag_is_refused, sign_one),
	        cmocka_unit_test_setup(a_tag_signed_by_another_key_than_it_names_is_forged, sign_one),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
