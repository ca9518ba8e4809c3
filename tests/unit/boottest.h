/* boottest: what the tests of boot.c share: one log under construction, and what was read of it. */
#ifndef UNIT_BOOTTEST_H
#define UNIT_BOOTTEST_H

#include "tests/unit/logmaker.h"
#include "tests/unit/unit.h"

static uint8_t buf[64 * 1024];
static struct err err;
static struct boot boot;

static inline struct wr fresh(void)
{
	return wr_to(buf, sizeof buf);
}

static inline int reading(const struct wr *w)
{
	assert_true(wr_ok(w));
	err = (struct err){0};
	boot = (struct boot){0};
	return boot_read(wr_done(w), &boot, &err);
}

static inline void accepted(const struct wr *w)
{
	if (reading(w))
		fail_msg("%s", err.text);
}

static inline void refused(const struct wr *w, enum why why, const char *sentence)
{
	static const struct boot untouched;

	assert_int_equal(reading(w), -1);
	assert_memory_equal(&boot, &untouched, sizeof boot);
	if (err.why != why || !strstr(err.text, sentence))
		fail_msg("%s: \"%s\" does not say \"%s\"", why_name(err.why), err.text, sentence);
}

/* What a quote of an honest machine with the log of logmaker_boot has. */
static inline struct pcrs honest(void)
{
	struct wr w = fresh();

	logmaker_boot(&w);
	accepted(&w);
	return boot.pcrs;
}

static inline int explained(const struct pcrs *quoted)
{
	return boot_explains(&boot, quoted, PCR_MASK, &err);
}

/* A boot with the records of extra put behind its firmware version. */
static inline struct wr boot_with(void (*extra)(struct wr *w))
{
	struct wr w = fresh();

	logmaker_open(&w);
	logmaker_version(&w);
	extra(&w);
	logmaker_separators(&w, 0xff);
	return w;
}

/* The offset of a payload's last byte in the log of logmaker_boot; event numbers from 1. */
static inline size_t last_byte(struct view log, uint32_t number)
{
	struct eventlog l;
	struct event ev = {0};

	assert_int_equal(eventlog_open(&l, log, &err), 0);
	while (ev.number < number)
		assert_int_equal(eventlog_next(&l, &ev, &err), 1);
	return (size_t)(ev.data.p - log.p) + ev.data.n - 1;
}

#endif
