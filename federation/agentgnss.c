/* What the receiver says, as the locator has it. */
#include <time.h>

#include "federation/agent.h"

enum { HEAR_MS = 5000, PAUSE_MS = 200 };

/* A machine that is not meant to move stands where its tag says; a tag may come while we run. */
static int tell_site(struct agent *a, struct err *e)
{
	uint8_t buf[TAG_MAX];
	struct view v = agent_tag(a, buf);
	struct err ignored;
	struct tag t;

	if (!a->config.fixed || v.n == 0 || tag_parse(v, &t, &ignored))
		return 0;
	return locator_site(a->locator, &t.fix, e);
}

/* A receiver that is just asked first has no fix yet, and few satellites. */
static int hear(struct agent *a, struct gnss *out, struct err *e)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};

	for (int ms = 0;; ms += PAUSE_MS) {
		if (locator_ask(a->locator, out, e))
			return -1;
		if (a->heard || out->doubts == 0 || ms >= HEAR_MS)
			return 0;
		nanosleep(&pause, NULL);
	}
}

int agent_gnss(struct agent *a, struct claims *c, struct err *e)
{
	if (!a->locator)
		return 0;
	if (tell_site(a, e) || hear(a, &c->gnss, e))
		return -1;
	a->heard = true;
	c->has_gnss = true;
	return 0;
}
