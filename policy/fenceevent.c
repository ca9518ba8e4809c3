#include <math.h>
#include <string.h>

#include "policy/policy.h"

enum { HALVINGS = 10 }; /* a way of 10 km is looked at every 10 m */

const char *fenceevent_name(enum fence_event_kind k)
{
	static const char *const names[EVENT_KINDS] = {"enter", "exit", "cross", "dwell", "stale"};

	return k < EVENT_KINDS ? names[k] : "unknown";
}

/* Straight in degrees, as the edges of RFC 7946 are; the circle holds both ends. */
static struct fix middle(const struct fix *a, const struct fix *b)
{
	double lon = a->lon_deg + remainder(b->lon_deg - a->lon_deg, 360) / 2;
	struct fix m = {.lat_deg = (a->lat_deg + b->lat_deg) / 2, .lon_deg = remainder(lon, 360)};

	m.uncertainty_m = fmin(fmax(apart_m(&m, a), apart_m(&m, b)) + 1, FIX_UNCERTAINTY_MAX_M);
	return m;
}

/* Whether the way between two places outside leads through the fence. Halves that its circle keeps out of it are done. */
static bool crosses(const struct fence *f, const struct fix *a, const struct fix *b, unsigned halvings)
{
	struct fix m = middle(a, b);
	enum place place;
	struct err e;

	if (fence_place(f, &m, &place, &e) || place == PLACE_OUTSIDE)
		return false;
	if (fence_covers(f, m.lat_deg, m.lon_deg) == PLACE_INSIDE)
		return true;
	return halvings > 0 && (crosses(f, a, &m, halvings - 1) || crosses(f, &m, b, halvings - 1));
}

struct telling {
	struct fence_event *out;
	size_t n;
};

static void tell(struct telling *t, enum fence_event_kind kind, int64_t since)
{
	t->out[t->n++] = (struct fence_event){.kind = kind, .since = since};
}

static void inside(struct presence *p, const struct rules *r, int64_t now, struct telling *t)
{
	uint32_t dwell_s = r->domain->dwell_s;

	if (!p->inside || p->stale) { /* nobody knows where it was in between */
		tell(t, EVENT_ENTER, now);
		p->since = now;
		p->dwelt = false;
	} else if (dwell_s > 0 && !p->dwelt && now - p->since >= dwell_s) {
		tell(t, EVENT_DWELL, p->since);
		p->dwelt = true;
	}
	p->inside = true;
}

static void outside(struct presence *p, const struct rules *r, const struct fix *at, struct telling *t)
{
	if (p->inside)
		tell(t, EVENT_EXIT, p->since);
	else if (p->seen > 0 && crosses(r->fence, &p->at, at, HALVINGS))
		tell(t, EVENT_CROSS, p->seen);
	p->inside = false;
}

/* What was known of another fence says nothing of this one. */
static void begin(struct presence *p, const char *fence)
{
	char domain[NAME_CAP];

	if (strcmp(p->fence, fence) == 0)
		return;
	memcpy(domain, p->domain, sizeof domain);
	*p = (struct presence){0};
	memcpy(p->domain, domain, sizeof domain);
	memcpy(p->fence, fence, strlen(fence) + 1);
}

size_t fenceevent_next(struct presence *p, const struct rules *r, const struct decision *d, int64_t now,
        struct fence_event out[FENCE_EVENTS_MAX])
{
	struct telling t = {.out = out};
	bool known = d->placed && d->state_good && d->place.place != PLACE_AMBIGUOUS;

	begin(p, r->domain->fence);
	if (p->seen > 0 && !p->stale && now - p->seen > r->domain->lease_s) {
		tell(&t, EVENT_STALE, p->seen);
		p->stale = true;
	}
	if (!known)
		return t.n;
	if (d->place.place == PLACE_INSIDE)
		inside(p, r, now, &t);
	else
		outside(p, r, &d->at, &t);
	p->at = d->at;
	p->seen = now;
	p->stale = false;
	return t.n;
}
