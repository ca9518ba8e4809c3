#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/ring.h"

struct ring_pair {
	int in, out;
	struct ring_in r;
};

static int set_up(void **s)
{
	struct ring_pair *p = calloc(1, sizeof *p);
	int fds[2];

	if (!p || pipe(fds) != 0)
		return -1;
	p->in = fds[0];
	p->out = fds[1];
	ring_open(&p->r, p->in);
	*s = p;
	return 0;
}

static int tear_down(void **s)
{
	struct ring_pair *p = *s;

	ring_close(&p->r);
	fd_close(p->in);
	fd_close(p->out);
	free(p);
	return 0;
}

static void hang_up(struct ring_pair *p)
{
	fd_close(p->out);
	p->out = -1;
}

static void messages_come_out_in_order(void **s)
{
	struct ring_pair *p = *s;
	struct view body;
	struct err e;

	assert_accepted(ring_write(p->out, VIEW("one", 3), &e), &e);
	assert_accepted(ring_write(p->out, VIEW("two!", 4), &e), &e);
	assert_int_equal(ring_read(&p->r, &body, &e), 1);
	assert_true(view_is(body, "one"));
	assert_int_equal(ring_read(&p->r, &body, &e), 1);
	assert_true(view_is(body, "two!"));
	hang_up(p);
	assert_int_equal(ring_read(&p->r, &body, &e), 0);
}

static void messages_that_are_written_together_arrive_one_by_one(void **s)
{
	struct ring_pair *p = *s;
	uint8_t out[2 * RING_PREFIX + 7];
	struct view body;
	struct err e;

	memcpy(out + RING_PREFIX, "one", 3);
	ring_frame(out, 3);
	memcpy(out + 2 * RING_PREFIX + 3, "two!", 4);
	ring_frame(out + RING_PREFIX + 3, 4);
	assert_false(ring_has(&p->r));
	assert_accepted(ring_flush(p->out, VIEW_OF(out), &e), &e);
	assert_false(ring_has(&p->r));
	assert_int_equal(ring_read(&p->r, &body, &e), 1);
	assert_true(view_is(body, "one") && ring_has(&p->r));
	assert_int_equal(ring_read(&p->r, &body, &e), 1);
	assert_true(view_is(body, "two!") && !ring_has(&p->r));
}

static void a_ring_is_ready_when_a_whole_message_is(void **s)
{
	struct ring_pair *p = *s;
	struct view body;
	struct err e;

	assert_false(ring_ready(&p->r));
	assert_int_equal(fd_write_all(p->out, "\0\0\0\2a", 5), 0);
	assert_false(ring_ready(&p->r));
	assert_int_equal(fd_write_all(p->out, "b\0\0\0\1c", 6), 0);
	assert_true(ring_ready(&p->r));
	assert_int_equal(ring_read(&p->r, &body, &e), 1);
	assert_true(view_is(body, "ab"));
	assert_true(ring_ready(&p->r));
	assert_int_equal(ring_read(&p->r, &body, &e), 1);
	assert_false(ring_ready(&p->r));
	hang_up(p);
	assert_false(ring_ready(&p->r));
}

static void a_message_without_bytes_or_with_too_many_is_refused(void **s)
{
	struct ring_pair *p = *s;
	struct view body;
	struct err e;

	assert_int_equal(fd_write_all(p->out, "\0\0\0\0", 4), 0);
	assert_refused(ring_read(&p->r, &body, &e), &e, WHY_MALFORMED);
	ring_close(&p->r);
	ring_open(&p->r, p->in);
	assert_int_equal(fd_write_all(p->out, "\0\x0a\0\1", 4), 0); /* RING_MAX + 1 */
	assert_refused(ring_read(&p->r, &body, &e), &e, WHY_MALFORMED);
	assert_refused(ring_write(p->out, VIEW(NULL, 0), &e), &e, WHY_SYSTEM);
	assert_refused(ring_write(p->out, VIEW("", RING_MAX + 1), &e), &e, WHY_SYSTEM);
}

static void a_writer_that_dies_within_a_message_is_noticed(void **s)
{
	struct ring_pair *p = *s;
	struct view body;
	struct err e;

	assert_int_equal(fd_write_all(p->out, "\0\0\0\2a", 5), 0);
	hang_up(p);
	assert_refused(ring_read(&p->r, &body, &e), &e, WHY_MALFORMED);
}

/* The pipe is much smaller than the message, so writer and reader must take turns. */
static void the_largest_message_passes_also_without_blocking_descriptors(void **s)
{
	static uint8_t big[RING_MAX];
	struct ring_pair *p = *s;
	struct view body;
	struct err e;
	int status;

	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (uint8_t)(i * 7 + (i >> 8));
	assert_int_equal(fcntl(p->in, F_SETFL, O_NONBLOCK) | fcntl(p->out, F_SETFL, O_NONBLOCK), 0);
	pid_t child = fork();
	if (child == 0)
		_exit(ring_write(p->out, VIEW("small", 5), &e) != 0 || ring_write(p->out, VIEW_OF(big), &e) != 0);
	assert_int_equal(ring_read(&p->r, &body, &e), 1);
	assert_true(view_is(body, "small"));
	assert_int_equal(ring_read(&p->r, &body, &e), 1);
	assert_true(view_equal(body, VIEW_OF(big)));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(messages_come_out_in_order, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                messages_that_are_written_together_arrive_one_by_one, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_ring_is_ready_when_a_whole_message_is, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_message_without_bytes_or_with_too_many_is_refused, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(a_writer_that_dies_within_a_message_is_noticed, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(
	                the_largest_message_passes_also_without_blocking_descriptors, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
