#include <string.h>

#include "federation/federation.h"
#include "tests/unit/mangle.h"
#include "tests/unit/unit.h"

static int find(enum method m, const char *target, const struct route **r, struct route_args *a)
{
	struct err e = {0};
	int status = route_find(m, VIEW(target, strlen(target)), r, a, &e);

	if (status)
		assert_true(e.text[0]);
	return status;
}

static int status_of(enum method m, const char *target)
{
	const struct route *r;
	struct route_args a;

	return find(m, target, &r, &a);
}

static void attack_A43_only_enrol_activate_and_health_are_public(void **s)
{
	(void)s;
	unsigned public = 0;

	for (size_t i = 0; route_at(i); i++)
	public += route_public(route_at(i));
	assert_int_equal(public, 3);
	assert_true(route_public(route_peek(METHOD_POST, VIEW("/v1/enrol", 9))));
	assert_true(route_public(route_peek(METHOD_POST, VIEW("/v1/activate", 12))));
	assert_true(route_public(route_peek(METHOD_GET, VIEW("/v1/health", 10))));
}

static void attack_A43_every_other_route_refuses_who_has_no_certificate(void **s)
{
	(void)s;
	const struct peer nobody = {0};
	struct err e;

	for (size_t i = 0; route_at(i); i++)
		assert_int_equal(peer_may(&nobody, route_at(i), &e), route_public(route_at(i)) ? 0 : 401);
}

static void every_route_refuses_each_role_it_does_not_name(void **s)
{
	(void)s;
	struct err e;

	for (size_t i = 0; route_at(i); i++) {
		for (enum role r = ROLE_CLOUDLET; r < ROLE_COUNT; r++) {
			const struct peer p = {.role = r};
			int want = route_at(i)->roles & (1u << r) ? 0 : 403;
			assert_int_equal(peer_may(&p, route_at(i), &e), want);
		}
	}
}

static void machines_cannot_read_and_people_cannot_attest(void **s)
{
	(void)s;
	for (size_t i = 0; route_at(i); i++) {
		const struct route *r = route_at(i);
		if (route_public(r) || r->does == DOES_UPDATE_GET) /* a release is no secret of either */
			continue;
		bool machine = r->roles & (1u << ROLE_CLOUDLET);
		assert_true(machine == ((r->roles & ~(1u << ROLE_CLOUDLET)) == 0));
	}
	assert_int_equal(route_peek(METHOD_POST, VIEW("/v1/documents", 13))->roles, 1u << ROLE_OFFICER);
	assert_int_equal(route_peek(METHOD_PUT, VIEW("/v1/updates/x", 13))->roles, 1u << ROLE_OFFICER);
}

static void every_pattern_is_found_by_an_example_of_it(void **s)
{
	(void)s;
	static const char *const good[] = {"/v1/enrol", "/v1/activate", "/v1/attest", "/v1/documents",
	        "/v1/list/fences", "/v1/list/fences/geoA", "/v1/report/17", "/v1/explain/17", "/v1/document/fence/geoa",
	        "/v1/blobs/geoa?upload=0123456789abcdef&offset=0", "/v1/blobs/geoa?offset=5", "/v1/update/cloud",
	        "/v1/updates/cloud-2-root?upload=0123456789abcdef&offset=0", "/v1/updates/cloud-2-root?offset=5",
	        "/v1/health"};
	const struct route *r;
	struct route_args a;

	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(find(route_at(i)->method, good[i], &r, &a), 0);
		assert_ptr_equal(r, route_at(i));
	}
	assert_null(route_at(COUNT(good)));
}

static void a_query_is_what_the_path_says(void **s)
{
	(void)s;
	const struct route *r;
	struct route_args a;

	assert_int_equal(find(METHOD_GET, "/v1/document/reference/edge-1", &r, &a), 0);
	assert_true(view_is(a.query, "document/reference/edge-1"));
	assert_string_equal(a.name, "edge-1");
}

static void an_upload_says_which_where_and_at_its_end_what(void **s)
{
	(void)s;
	const struct route *r;
	struct route_args a;

	assert_int_equal(find(METHOD_PUT,
	                         "/v1/blobs/x?offset=1048576&upload=00000000000000Ab&last=1&sha256="
	                         "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	                         &r, &a),
	        0);
	assert_int_equal(a.offset, 1048576);
	assert_string_equal(a.upload, "00000000000000ab");
	assert_true(a.last && a.has_sha256 && a.sha256[31] == 0xff);
}

static void a_method_without_route_is_405_and_a_path_without_one_is_404(void **s)
{
	(void)s;
	assert_int_equal(status_of(METHOD_GET, "/v1/enrol"), 405);
	assert_int_equal(status_of(METHOD_OTHER, "/v1/health"), 405);
	assert_int_equal(status_of(METHOD_POST, "/v1/blobs/x"), 405);
	static const char *const none[] = {"", "/", "v1/health", "/v1/health/", "/v1//health", "//v1/health",
	        "/v1/list/", "/v1/list/fences/x/y", "/v1/blobs/../x", "/V1/health"};
	for (size_t i = 0; i < COUNT(none); i++)
		assert_int_equal(status_of(METHOD_GET, none[i]), 404);
	assert_int_equal(status_of(METHOD_GET, "/v1/list/keys"), 404);
	assert_int_equal(status_of(METHOD_GET, "/v1/document/key/x"), 404);
}

static void attack_A90_a_name_outside_the_alphabet_is_refused(void **s)
{
	(void)s;
	static const char *const bad[] = {"/v1/blobs/..", "/v1/blobs/..%2fx", "/v1/blobs/a%00", "/v1/blobs/A_",
	        "/v1/blobs/-a", "/v1/blobs/a.part", "/v1/blobs/\xc0\xaf", "/v1/blobs/a;b", "/v1/document/fence/a_b"};

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(status_of(METHOD_GET, bad[i]), 400);
}

static void a_case_is_a_plain_positive_number(void **s)
{
	(void)s;
	static const char *const bad[] = {"0", "01", "+1", "-1", "1.0", "9223372036854775808", "18446744073709551617"};
	char target[64];

	for (size_t i = 0; i < COUNT(bad); i++) {
		(void)snprintf(target, sizeof target, "/v1/report/%s", bad[i]);
		assert_int_equal(status_of(METHOD_GET, target), 400);
	}
	assert_int_equal(status_of(METHOD_GET, "/v1/report/9223372036854775807"), 0);
}

static void a_query_with_anything_else_is_refused(void **s)
{
	(void)s;
	static const char *const bad[] = {"/v1/health?", "/v1/health?a=1", "/v1/list/fences?offset=0", "/v1/blobs/x?",
	        "/v1/blobs/x?offset", "/v1/blobs/x?offset=", "/v1/blobs/x?offset=1&offset=1", "/v1/blobs/x?offset=1&",
	        "/v1/blobs/x?upload=0123456789abcdef", "/v1/blobs/x?offset=%31"};

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(status_of(METHOD_GET, bad[i]), 400);
}

static void a_target_that_is_too_long_is_refused(void **s)
{
	(void)s;
	char target[TARGET_MAX + 2];

	memset(target, 'a', sizeof target);
	target[sizeof target - 1] = '\0';
	assert_int_equal(status_of(METHOD_GET, target), 400);
}

/* What still finds a route names a dataset that is a name. */
static void mangled_target(struct view v, void *arg)
{
	const struct route *r;
	struct route_args a;
	struct err e;

	if (route_find(*(enum method *)arg, v, &r, &a, &e) != 0)
		return;
	assert_true(!strstr(r->pattern, "{name}") || name_ok(a.name));
	assert_true(r->does != DOES_BLOB_PUT || (strlen(a.upload) == 16 && a.has_offset));
}

static void a_mangled_target_is_refused_or_is_another_good_one(void **s)
{
	(void)s;
	static const char put[] = "/v1/blobs/geoa?upload=0123456789abcdef&offset=77&last=1&sha256="
	                          "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	static const char get[] = "/v1/document/fence/geoa";
	enum method m = METHOD_PUT;

	mangle_each(VIEW(put, sizeof put - 1), mangled_target, &m);
	m = METHOD_GET;
	mangle_each(VIEW(get, sizeof get - 1), mangled_target, &m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(attack_A43_only_enrol_activate_and_health_are_public),
	        cmocka_unit_test(attack_A43_every_other_route_refuses_who_has_no_certificate),
	        cmocka_unit_test(every_route_refuses_each_role_it_does_not_name),
	        cmocka_unit_test(machines_cannot_read_and_people_cannot_attest),
	        cmocka_unit_test(every_pattern_is_found_by_an_example_of_it),
	        cmocka_unit_test(a_query_is_what_the_path_says),
	        cmocka_unit_test(an_upload_says_which_where_and_at_its_end_what),
	        cmocka_unit_test(a_method_without_route_is_405_and_a_path_without_one_is_404),
	        cmocka_unit_test(attack_A90_a_name_outside_the_alphabet_is_refused),
	        cmocka_unit_test(a_case_is_a_plain_positive_number),
	        cmocka_unit_test(a_query_with_anything_else_is_refused),
	        cmocka_unit_test(a_target_that_is_too_long_is_refused),
	        cmocka_unit_test(a_mangled_target_is_refused_or_is_another_good_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
