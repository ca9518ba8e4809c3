/* tagmaker: a geo tag as an officer signs it, for tests. */
#ifndef UNIT_TAGMAKER_H
#define UNIT_TAGMAKER_H

#include "tests/unit/tpmmaker.h"

struct made_tag {
	struct tag t;
	uint8_t bytes[TAG_MAX];
	size_t n;
};

static inline struct view tagmaker_view(const struct made_tag *m)
{
	return VIEW(m->bytes, m->n);
}

/* Berlin, within a kilometre, from 1000 s before `now` to 1000 s behind it. */
static inline struct tag tagmaker_plain(const char *machine, const struct tpm_key *ek, uint64_t serial, int64_t now)
{
	struct tag t = {.serial = serial,
	        .not_before = now - 1000,
	        .not_after = now + 1000,
	        .fix = {52.52, 13.405, 1000},
	        .site = "berlin-hall-7"};

	memcpy(t.machine, machine, strlen(machine) + 1);
	if (ek)
		sha256(t.ek, tpmmaker_view(ek));
	return t;
}

static inline void tagmaker_sign(struct made_tag *m, const struct es256 *officer, const struct tag *t)
{
	struct wr w = wr_to(m->bytes, sizeof m->bytes);
	struct err e = {0};

	m->t = *t;
	assert_accepted(tag_sign(&w, officer, &m->t, &e), &e);
	m->n = wr_done(&w).n;
}

#endif
