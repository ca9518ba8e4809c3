#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rd.h"
#include "firmware/init/init.h"
#include "tests/unit/logmaker.h"

static struct err e;
static uint8_t buf[4096];
static const uint8_t data[] = "merestone-site\0and its digest";

static struct pcrevent event(void)
{
	struct pcrevent ev = {.pcr = PCR_SITE, .data = VIEW_OF(data)};

	memset(ev.digest, 0x5a, sizeof ev.digest);
	return ev;
}

/* A log of three banks with one separator. */
static struct view three_banks(struct wr *w)
{
	static const uint16_t pairs[] = {LOGMAKER_SHA1, 20, LOGMAKER_SHA256, 32, LOGMAKER_SHA384, 48};

	logmaker_header(w, pairs, 3, 3);
	return wr_done(w);
}

static void the_command_is_the_tpms_own(void **s)
{
	static const uint8_t head[] = {0x80, 0x02, 0, 0, 0, 65, 0, 0, 0x01, 0x82, 0, 0, 0, 12, 0, 0, 0, 9, 0x40, 0, 0,
	        9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0x0b, 0x5a};
	const struct pcrevent ev = event();
	struct wr w = wr_to(buf, sizeof buf);

	(void)s;
	pcrevent_command(&w, &ev, VIEW("", 0));
	assert_true(wr_ok(&w));
	assert_int_equal(w.n, 65);
	assert_memory_equal(buf, head, sizeof head);
	assert_int_equal(buf[64], 0x5a);
}

static void each_bank_of_the_log_is_extended(void **s)
{
	uint8_t log[512];
	struct wr l = wr_to(log, sizeof log), w = wr_to(buf, sizeof buf);
	const struct pcrevent ev = event();
	struct view v = three_banks(&l);

	(void)s;
	pcrevent_command(&w, &ev, v);
	struct rd r = rd_of(wr_done(&w));
	rd_view(&r, 27);
	assert_int_equal(rd_be32(&r), 3);
	assert_int_equal(rd_be16(&r), LOGMAKER_SHA1);
	rd_view(&r, 20);
	assert_int_equal(rd_be16(&r), LOGMAKER_SHA256);
	assert_memory_equal(rd_view(&r, 32).p, ev.digest, 32);
	assert_int_equal(rd_be16(&r), LOGMAKER_SHA384);
	struct view longest = rd_view(&r, 48);
	assert_memory_equal(longest.p, ev.digest, 32);
	assert_int_equal(longest.p[47], 0);
	assert_true(rd_end(&r));
}

static void what_is_appended_is_read_and_replayed(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);
	const struct pcrevent ev = event();
	struct eventlog l;
	struct event got = {0};

	(void)s;
	three_banks(&w);
	assert_accepted(pcrevent_record(&w, &ev, VIEW(buf, w.n), &e), &e);
	assert_accepted(eventlog_open(&l, wr_done(&w), &e), &e);
	assert_int_equal(eventlog_next(&l, &got, &e), 1);
	assert_int_equal(got.pcr, PCR_SITE);
	assert_int_equal(got.type, EV_EVENT_TAG);
	assert_memory_equal(got.digest, ev.digest, 32);
	assert_true(view_equal(got.data, ev.data));
	assert_int_equal(eventlog_next(&l, &got, &e), 0);
}

static void padding_is_cut_off_before_anything_is_appended(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);
	struct view whole;
	size_t n;

	(void)s;
	logmaker_open(&w);
	logmaker_event(&w, 0, EV_SEPARATOR, VIEW_OF(logmaker_zero));
	n = w.n;
	assert_accepted(pcrevent_whole(VIEW(buf, n), &whole, &e), &e);
	assert_int_equal(whole.n, n);
	memset(buf + n, 0xff, 100);
	assert_accepted(pcrevent_whole(VIEW(buf, n + 100), &whole, &e), &e);
	assert_int_equal(whole.n, n);
	buf[n + 3] = 0;
	assert_refused(pcrevent_whole(VIEW(buf, n + 100), &whole, &e), &e, WHY_MALFORMED);
}

static void a_log_of_another_form_gets_no_record(void **s)
{
	struct wr w = wr_to(buf, sizeof buf);
	const struct pcrevent ev = event();

	(void)s;
	assert_refused(pcrevent_record(&w, &ev, VIEW("no log at all", 13), &e), &e, WHY_MALFORMED);
	assert_int_equal(w.n, 0);
}

static void an_answer_of_the_tpm_is_yes_or_a_code(void **s)
{
	static const uint8_t yes[] = {0x80, 0x02, 0, 0, 0, 19, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0},
	                     no[] = {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x09, 0x21};

	(void)s;
	assert_accepted(pcrevent_response(VIEW_OF(yes), &e), &e);
	assert_refused(pcrevent_response(VIEW_OF(no), &e), &e, WHY_SYSTEM);
	assert_non_null(strstr(e.text, "0x921"));
	for (size_t n = 0; n < sizeof yes; n++)
		assert_refused(pcrevent_response(VIEW(yes, n), &e), &e, WHY_SYSTEM);
}

static void nothing_is_appended_that_the_tpm_did_not_take(void **s)
{
	char dir[] = "/tmp/pcrevent.XXXXXX", log[64];
	const struct pcrevent ev = event();
	struct wr w = wr_to(buf, sizeof buf);
	uint8_t *left = NULL;
	size_t n = 0;

	(void)s;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(log, sizeof log, "%s/log", dir);
	logmaker_open(&w);
	assert_accepted(file_write(AT_FDCWD, log, wr_done(&w), 0600, &e), &e);
	assert_refused(pcrextend("/dev/full", log, &ev, &e), &e, WHY_SYSTEM);
	assert_refused(pcrextend("/nowhere", log, &ev, &e), &e, WHY_SYSTEM);
	assert_accepted(file_read(AT_FDCWD, log, 4096, &left, &n, &e), &e);
	assert_int_equal(n, w.n);
	mem_free(left);
	(void)unlink(log);
	(void)rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_command_is_the_tpms_own),
	        cmocka_unit_test(each_bank_of_the_log_is_extended),
	        cmocka_unit_test(what_is_appended_is_read_and_replayed),
	        cmocka_unit_test(padding_is_cut_off_before_anything_is_appended),
	        cmocka_unit_test(a_log_of_another_form_gets_no_record),
	        cmocka_unit_test(an_answer_of_the_tpm_is_yes_or_a_code),
	        cmocka_unit_test(nothing_is_appended_that_the_tpm_did_not_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
