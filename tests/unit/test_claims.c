#include "tests/unit/mangle.h"
#include "tests/unit/tpmmaker.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define LOCATION(lat, lon, radius)                                                                                     \
	"\"location\":{\"latitude_deg\":" lat ",\"longitude_deg\":" lon ",\"uncertainty_m\":" radius "},"
#define HEADER(machine, version, location)                                                                             \
	"{\"machine\":\"" machine "\",\"version\":\"" version "\"," location "\"tls_key\":\"" ZEROS                    \
	"\",\"eventlog\":\"" ZEROS "\",\"certificate\":false,\"holds\":[]}"

#define WITH_IMA(ima)                                                                                                  \
	"{\"machine\":\"a\",\"version\":\"1\",\"tls_key\":\"" ZEROS "\",\"eventlog\":\"" ZEROS                         \
	"\",\"certificate\":false,\"holds\":[],\"ima\":" ima "}"

static struct err e;
static struct claims got;

static int parse(const char *text)
{
	e = (struct err){0};
	return claims_parse(VIEW(text, strlen(text)), &got, &e);
}

static struct claims example(void)
{
	struct claims c = {.machine = "cloudlet1",
	        .version = "1.0.0",
	        .has_fix = true,
	        .fix = {52.52, 13.405, 1000},
	        .wants_certificate = true,
	        .nholds = 2};

	memset(c.tls_key, 0xab, SHA_LEN);
	memset(c.eventlog, 0xcd, SHA_LEN);
	memset(c.holds[0], 1, SHA_LEN);
	memset(c.holds[1], 2, SHA_LEN);
	return c;
}

static void what_is_written_is_read(void **s)
{
	uint8_t buf[4096];
	struct wr w = wr_to(buf, sizeof buf);
	struct claims c = example();

	(void)s;
	assert_accepted(claims_write(&w, &c, &e), &e);
	assert_accepted(claims_parse(wr_done(&w), &got, &e), &e);
	assert_string_equal(got.machine, c.machine);
	assert_string_equal(got.version, c.version);
	assert_true(got.has_fix && got.wants_certificate);
	assert_true(got.fix.lat_deg == c.fix.lat_deg && got.fix.lon_deg == c.fix.lon_deg);
	assert_memory_equal(got.tls_key, c.tls_key, SHA_LEN);
	assert_memory_equal(got.eventlog, c.eventlog, SHA_LEN);
	assert_int_equal(got.nholds, 2);
	assert_memory_equal(got.holds, c.holds, 2 * SHA_LEN);
}

static void a_machine_may_keep_its_position_to_itself(void **s)
{
	(void)s;
	assert_accepted(parse(HEADER("a", "1", "")), &e);
	assert_false(got.has_fix);
}

static void the_most_keys_a_machine_can_hold_fit(void **s)
{
	static uint8_t buf[CLAIMS_MAX];
	struct wr w = wr_to(buf, sizeof buf);
	struct claims c = example();

	(void)s;
	c.nholds = CLAIMS_HOLDS_MAX;
	assert_accepted(claims_write(&w, &c, &e), &e);
	assert_accepted(claims_parse(wr_done(&w), &got, &e), &e);
	assert_int_equal(got.nholds, CLAIMS_HOLDS_MAX);
	c.nholds++;
	assert_refused(claims_write(&w, &c, &e), &e, WHY_MALFORMED);
}

static void a_place_in_the_runtime_list_is_a_number_and_nothing_else(void **s)
{
	static const char *const bad[] = {WITH_IMA("{}"), WITH_IMA("7"), WITH_IMA("{\"offset\":-1}"),
	        WITH_IMA("{\"offset\":1.5}"), WITH_IMA("{\"offset\":01}"), WITH_IMA("{\"offset\":1e3}"),
	        WITH_IMA("{\"offset\":}"), WITH_IMA("{\"offset\":1099511627777}"),
	        WITH_IMA("{\"offset\":99999999999999999999}"), WITH_IMA("{\"offset\":1,\"more\":1}")};

	(void)s;
	assert_accepted(parse(HEADER("a", "1", "")), &e);
	assert_false(got.has_ima);
	assert_int_equal(claims_mask(&got), QUOTE_MASK);
	assert_accepted(parse(WITH_IMA("{\"offset\":1099511627776}")), &e);
	assert_true(got.has_ima && got.ima_offset == UINT64_C(1) << 40);
	assert_int_equal(claims_mask(&got), (IMA_MASK | ENDED_MASK));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(parse(bad[i]), &e, WHY_MALFORMED);
}

/* ---- What a receiver says ---- */

#define GNSS(body) HEADER("a", "1", "\"gnss\":{" body "},")
#define RECEIVED   "\"time_ms\":1800000000000,\"latitude_deg\":52.5,\"longitude_deg\":13.4,"
#define ERRORS     "\"altitude_m\":80.5,\"eph_m\":2.5,\"epv_m\":4,"
#define OF(doubts) "\"age_ms\":200,\"satellites\":9,\"doubts\":[" doubts "]"

static struct claims example_with_gnss(void)
{
	struct claims c = example();

	c.has_gnss = true;
	c.gnss = (struct gnss){.time_ms = 1800000000123,
	        .lat_deg = 52.5200067,
	        .lon_deg = 13.404954,
	        .alt_m = 34.2,
	        .eph_m = 2.5,
	        .epv_m = 4.25,
	        .age_ms = 314,
	        .satellites = 11,
	        .doubts = GNSS_BIT(GNSS_JUMP) | GNSS_BIT(GNSS_MOVED),
	        .has_fix = true,
	        .has_alt = true,
	        .has_eph = true,
	        .has_epv = true};
	return c;
}

static void what_a_receiver_says_is_read_back(void **s)
{
	uint8_t buf[4096];
	struct wr w = wr_to(buf, sizeof buf);
	struct claims c = example_with_gnss();

	(void)s;
	assert_accepted(claims_write(&w, &c, &e), &e);
	assert_accepted(claims_parse(wr_done(&w), &got, &e), &e);
	assert_memory_equal(&got.gnss, &c.gnss, sizeof c.gnss);
	assert_true(got.has_gnss);
}

static void a_receiver_may_lack_estimates_or_a_fix(void **s)
{
	(void)s;
	assert_accepted(parse(GNSS(RECEIVED ERRORS OF(""))), &e);
	assert_true(got.gnss.has_fix && got.gnss.has_alt && got.gnss.has_eph && got.gnss.has_epv);
	assert_true(got.gnss.eph_m == 2.5 && got.gnss.age_ms == 200 && got.gnss.satellites == 9);
	assert_accepted(parse(GNSS(RECEIVED OF("\"no-estimate\""))), &e);
	assert_true(got.gnss.has_fix && !got.gnss.has_alt && !got.gnss.has_eph && !got.gnss.has_epv);
	assert_int_equal(got.gnss.doubts, GNSS_BIT(GNSS_NO_ESTIMATE));
	assert_accepted(parse(GNSS(OF("\"no-fix\",\"stale\""))), &e);
	assert_true(got.has_gnss && !got.gnss.has_fix);
	assert_int_equal(got.gnss.doubts, GNSS_BIT(GNSS_NO_FIX) | GNSS_BIT(GNSS_STALE));
}

static void doubts_have_names_and_an_order(void **s)
{
	static const char *const bad[] = {GNSS(RECEIVED OF("\"nonsense\"")), GNSS(RECEIVED OF("\"jump\",\"jump\"")),
	        GNSS(RECEIVED OF("\"stale\",\"no-fix\"")), GNSS(RECEIVED OF("\"jump\"\"moved\"")),
	        GNSS(RECEIVED OF(",\"jump\"")), GNSS(RECEIVED OF("7")), GNSS(RECEIVED OF("\"\"")),
	        GNSS(RECEIVED "\"age_ms\":200,\"satellites\":9")};

	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (parse(bad[i]) == 0)
			fail_msg("%s", bad[i]);
}

static void a_receiver_off_the_earth_or_out_of_form_is_refused(void **s)
{
	static const char *const bad[] = {
	        GNSS("\"time_ms\":1,\"latitude_deg\":91,\"longitude_deg\":0," OF("")),
	        GNSS("\"time_ms\":-1,\"latitude_deg\":0,\"longitude_deg\":0," OF("")),
	        GNSS("\"time_ms\":9007199254740993,\"latitude_deg\":0,\"longitude_deg\":0," OF("")),
	        GNSS("\"latitude_deg\":0,\"longitude_deg\":0," OF("")),
	        GNSS(RECEIVED "\"eph_m\":-1," OF("")),
	        GNSS(RECEIVED "\"eph_m\":1e300," OF("")),
	        GNSS(RECEIVED "\"eph_m\":null," OF("")),
	        GNSS(RECEIVED "\"epv_m\":1,\"eph_m\":1," OF("")),
	        GNSS("\"eph_m\":1," OF("")),
	        GNSS(RECEIVED "\"age_ms\":4294967296,\"satellites\":9,\"doubts\":[]"),
	        GNSS(RECEIVED "\"age_ms\":1,\"satellites\":256,\"doubts\":[]"),
	        GNSS(RECEIVED OF("") ",\"osnma\":1"),
	        HEADER("a", "1", "\"gnss\":null,"),
	};

	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (parse(bad[i]) == 0)
			fail_msg("%s", bad[i]);
}

static void attack_A87_a_name_that_is_said_twice_is_refused(void **s)
{
	(void)s;
	assert_refused(
	        parse("{\"machine\":\"a\"," /* and again */ "\"machine\":\"b\",\"version\":\"1\",\"tls_key\":\"" ZEROS
	              "\",\"eventlog\":\"" ZEROS "\",\"certificate\":false,\"holds\":[]}"),
	        &e, WHY_MALFORMED);
}

static void attack_A90_a_machine_has_a_plain_name(void **s)
{
	(void)s;
	assert_refused(parse(HEADER("../a", "1", "")), &e, WHY_MALFORMED);
	assert_refused(parse(HEADER("a.b", "1", "")), &e, WHY_MALFORMED);
	assert_refused(parse(HEADER("", "1", "")), &e, WHY_MALFORMED);
}

static void attack_A94_a_version_cannot_move_a_terminal(void **s)
{
	(void)s;
	assert_refused(parse(HEADER("a", "1\\u001b[2J", "")), &e, WHY_MALFORMED);
	assert_refused(parse(HEADER("a", "", "")), &e, WHY_MALFORMED);
	assert_refused(parse(HEADER("a", "12345678901234567890123456789012", "")), &e, WHY_MALFORMED);
}

static void a_position_off_the_earth_is_refused(void **s)
{
	static const char *const bad[] = {
	        HEADER("a", "1", LOCATION("90.1", "0", "1")),
	        HEADER("a", "1", LOCATION("-91", "0", "1")),
	        HEADER("a", "1", LOCATION("0", "180.5", "1")),
	        HEADER("a", "1", LOCATION("0", "0", "-1")),
	        HEADER("a", "1", LOCATION("0", "0", "1e9")),
	        HEADER("a", "1", LOCATION("\"0\"", "0", "1")),
	        HEADER("a", "1", LOCATION("null", "0", "1")),
	        HEADER("a", "1", LOCATION("1e999", "0", "1")),
	        HEADER("a", "1", "\"location\":null,"),
	        HEADER("a", "1", "\"location\":{\"latitude_deg\":0,\"longitude_deg\":0},"),
	        HEADER("a", "1",
	                "\"location\":{\"latitude_deg\":0,\"longitude_deg\":0,\"uncertainty_m\":1,\"altitude_m\":1},"),
	};

	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(parse(bad[i]), &e, WHY_MALFORMED);
}

static void members_that_are_missing_or_unknown_are_refused(void **s)
{
	(void)s;
	assert_refused(parse("{}"), &e, WHY_MALFORMED);
	assert_refused(parse("[]"), &e, WHY_MALFORMED);
	assert_refused(parse(""), &e, WHY_MALFORMED);
	assert_refused(parse(HEADER("a", "1", "\"admin\":true,")), &e, WHY_MALFORMED);
}

static void claims_have_one_form(void **s)
{
	static const char *const bad[] = {
	        " " HEADER("a", "1", ""),
	        HEADER("a", "1", "") "\n",
	        HEADER("a", "1", " "),
	        HEADER("\\u0061", "1", ""),
	        HEADER("a", "1\\\\", ""),
	        "{\"version\":\"1\",\"machine\":\"a\",\"tls_key\":\"" ZEROS "\",\"eventlog\":\"" ZEROS
	        "\",\"certificate\":false,\"holds\":[]}",
	        HEADER("a", "1", LOCATION("01", "0", "1")),
	        HEADER("a", "1", LOCATION("+1", "0", "1")),
	        HEADER("a", "1", LOCATION(".5", "0", "1")),
	        HEADER("a", "1", LOCATION("1.", "0", "1")),
	        HEADER("a", "1", LOCATION("1.e1", "0", "1")),
	        HEADER("a", "1", LOCATION("1e", "0", "1")),
	        HEADER("a", "1", LOCATION("-", "0", "1")),
	        HEADER("a", "1", LOCATION("1e1e1", "0", "1")),
	        HEADER("a", "1", LOCATION("0x1", "0", "1")),
	        HEADER("a", "1", LOCATION("1.00000000000000000000000000000001", "0", "1")),
	};

	(void)s;
	assert_accepted(parse(HEADER("a", "1", LOCATION("-1.5e1", "0.5", "1e+3"))), &e);
	assert_true(got.fix.lat_deg == -15 && got.fix.uncertainty_m == 1000);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (parse(bad[i]) == 0)
			fail_msg("%s", bad[i]);
}

static void too_many_or_strange_holds_are_refused(void **s)
{
	static char text[CLAIMS_MAX];
	struct wr w = wr_to(text, sizeof text);

	(void)s;
	wr_str(&w, "{\"machine\":\"a\",\"version\":\"1\",\"tls_key\":\"" ZEROS "\",\"eventlog\":\"" ZEROS
	           "\",\"certificate\":false,\"holds\":[\"" ZEROS "\"");
	size_t head = w.n;
	for (size_t i = 0; i < CLAIMS_HOLDS_MAX; i++)
		wr_str(&w, ",\"" ZEROS "\"");
	wr_str(&w, "]}");
	assert_refused(claims_parse(wr_done(&w), &got, &e), &e, WHY_MALFORMED);
	w = (struct wr){.p = (uint8_t *)text, .cap = sizeof text, .n = head};
	wr_str(&w, ",\"00\"]}");
	assert_refused(claims_parse(wr_done(&w), &got, &e), &e, WHY_MALFORMED);
	w.n = head;
	wr_str(&w, ",7]}");
	assert_refused(claims_parse(wr_done(&w), &got, &e), &e, WHY_MALFORMED);
}

static void attack_A88_claims_past_their_size_are_refused(void **s)
{
	static char deep[CLAIMS_MAX + 2];

	(void)s;
	memset(deep, '[', CLAIMS_MAX);
	assert_refused(parse(deep), &e, WHY_MALFORMED);
	memset(deep, ' ', CLAIMS_MAX + 1);
	assert_refused(parse(deep), &e, WHY_MALFORMED);
}

static void changed(struct view v, void *arg)
{
	static uint8_t buf[CLAIMS_MAX];
	struct wr w = wr_to(buf, sizeof buf);
	struct claims c, again;

	(void)arg;
	if (claims_parse(v, &c, &e) != 0)
		return;
	assert_accepted(claims_write(&w, &c, &e), &e);
	assert_accepted(claims_parse(wr_done(&w), &again, &e), &e);
	assert_memory_equal(&c, &again, sizeof c);
}

static void mangled_claims_are_refused_or_can_be_written_again(void **s)
{
	uint8_t buf[1024];
	struct wr w = wr_to(buf, sizeof buf);
	struct claims c = example_with_gnss();

	(void)s;
	assert_accepted(claims_write(&w, &c, &e), &e);
	mangle_each(wr_done(&w), changed, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_written_is_read),
	        cmocka_unit_test(a_machine_may_keep_its_position_to_itself),
	        cmocka_unit_test(the_most_keys_a_machine_can_hold_fit),
	        cmocka_unit_test(a_place_in_the_runtime_list_is_a_number_and_nothing_else),
	        cmocka_unit_test(what_a_receiver_says_is_read_back),
	        cmocka_unit_test(a_receiver_may_lack_estimates_or_a_fix),
	        cmocka_unit_test(doubts_have_names_and_an_order),
	        cmocka_unit_test(a_receiver_off_the_earth_or_out_of_form_is_refused),
	        cmocka_unit_test(attack_A87_a_name_that_is_said_twice_is_refused),
	        cmocka_unit_test(attack_A90_a_machine_has_a_plain_name),
	        cmocka_unit_test(attack_A94_a_version_cannot_move_a_terminal),
	        cmocka_unit_test(a_position_off_the_earth_is_refused),
	        cmocka_unit_test(members_that_are_missing_or_unknown_are_refused),
	        cmocka_unit_test(claims_have_one_form),
	        cmocka_unit_test(too_many_or_strange_holds_are_refused),
	        cmocka_unit_test(attack_A88_claims_past_their_size_are_refused),
	        cmocka_unit_test(mangled_claims_are_refused_or_can_be_written_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
