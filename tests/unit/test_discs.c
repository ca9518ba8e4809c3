/* Tests of distances that landmarks measured, against places. */
#include <math.h>
#include <string.h>

#include "geofence/geofence.h"
#include "tests/unit/unit.h"

static const struct fix berlin = {52.52, 13.405, 100}, hamburg = {53.5511, 9.9937, 100}, tokyo = {35.68, 139.69, 100};
static struct err e;

static struct disc disc(const char *name, struct fix at, double radius_m)
{
	return (struct disc){.name = name, .at = at, .radius_m = radius_m};
}

static void a_place_within_every_disc_is_not_contradicted(void **s)
{
	const struct disc d[] = {disc("a", berlin, 5000), disc("b", hamburg, 300e3), disc("c", tokyo, 9000e3)};

	(void)s;
	assert_accepted(discs_hold(d, 3, &berlin, &e), &e);
	assert_accepted(discs_meet(d, 3, &e), &e);
	assert_accepted(discs_hold(NULL, 0, &berlin, &e), &e);
	assert_accepted(discs_meet(NULL, 0, &e), &e);
}

static void a_place_past_one_disc_is_contradicted_by_its_name(void **s)
{
	const struct disc d[] = {disc("spree", berlin, 400e3), disc("elbe", hamburg, 200e3)};

	(void)s;
	assert_refused(discs_hold(d, 2, &berlin, &e), &e, WHY_OUTSIDE);
	assert_string_equal(e.text, "landmark elbe measured the machine within 200 km, and where it is said to be is "
	                            "256 km away");
}

static void landmarks_without_a_common_place_are_a_no(void **s)
{
	const struct disc d[] = {
	        disc("spree", berlin, 100e3), disc("wide", berlin, 1000e3), disc("elbe", hamburg, 100e3)};

	(void)s;
	assert_refused(discs_meet(d, 3, &e), &e, WHY_OUTSIDE);
	assert_string_equal(e.text, "no place is within 100 km of landmark spree and within 100 km of landmark elbe");
}

/* Who is not where the measurement says is a liar only when no point of both circles will do. */
static void every_uncertainty_speaks_for_the_machine(void **s)
{
	struct fix place = berlin, landmark = hamburg;
	double apart = apart_m(&berlin, &hamburg);
	struct disc d;

	(void)s;
	place.uncertainty_m = 700;
	landmark.uncertainty_m = 300;
	d = disc("elbe", landmark, apart - 1000 + 1);
	assert_accepted(discs_hold(&d, 1, &place, &e), &e);
	d.radius_m = apart - 1000 - 1;
	assert_refused(discs_hold(&d, 1, &place, &e), &e, WHY_OUTSIDE);
}

/* Adding delay makes discs wider, and a wider disc holds all that a narrower one does. */
static void a_wider_disc_never_refuses_what_a_narrower_one_allows(void **s)
{
	(void)s;
	for (double radius = 1; radius < 20e6; radius *= 1.7) {
		const struct disc narrow = disc("a", hamburg, radius), wide = disc("a", hamburg, radius * 1.1);
		if (discs_hold(&narrow, 1, &berlin, &e) == 0)
			assert_accepted(discs_hold(&wide, 1, &berlin, &e), &e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_place_within_every_disc_is_not_contradicted),
	        cmocka_unit_test(a_place_past_one_disc_is_contradicted_by_its_name),
	        cmocka_unit_test(landmarks_without_a_common_place_are_a_no),
	        cmocka_unit_test(every_uncertainty_speaks_for_the_machine),
	        cmocka_unit_test(a_wider_disc_never_refuses_what_a_narrower_one_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
