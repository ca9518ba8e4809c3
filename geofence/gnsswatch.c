/* The rules of the stream: each that is broken is a doubt. A receiver may be believed again when the rule holds again, and
 * for what happens in one moment (a jump) when nothing more has happened for a while. */
#include "geofence/gnsswatch.h"

#include <math.h>
#include <string.h>

enum {
	HELD_MS = 5 * 60 * 1000, /* a doubt about what happened */
	SAME_MAX_MS = 60 * 1000, /* no receiver gives the same digits for a minute */
	SAME_EPOCHS = 10,        /* and not by chance, when it speaks seldom */
	AHEAD_MAX_MS = 1000,     /* its time before the machine's clock */
	BEHIND_MAX_MS = 2000,    /* a report takes up to a second to come through a serial line */
	CLOCK_EPOCHS = 3,        /* in a row: the machine itself may have been held up */
	SATELLITES_LEAST = 5,    /* with four nothing is left over to check against */
	FEW_REPORTS = 3,         /* in a row: a bird is no attack */
	FLAT_REPORTS = 10,       /* in a row */
	SKY_MAX_AGE_MS = 30 * 1000,
	GAP_MAX_MS = 60 * 1000, /* without a fix; a receiver wanders, so what is older is not compared with */
	SPOOFING_INDICATED = 2, /* UBX-NAV-STATUS: 2 indicated, 3 multiple indications; 1 does not mean there is none */
	JAMMING_WARNING = 2,    /* UBX-MON-RF: 2 interference visible, 3 and no fix */
};
#define FLAT_SPREAD_DB  1.5   /* genuine skies have 5.7, one transmitter has 0 */
#define FLAT_MEAN_DB    40.0  /* weak ones are alike because they are all at the floor */
#define SPEED_MAX_M_S   100.0 /* faster than any train */
#define EPS_MAX_M_S     60.0  /* a receiver that knows its speed worse than that excuses nothing more */
#define CLIMB_MAX_M_S   20.0  /* faster than any lift */
#define ALTITUDE_ERRORS 5.0

static void doubt(struct gnss_watch *w, enum gnss_doubt d, bool on)
{
	w->state = on ? w->state | GNSS_BIT(d) : w->state & ~GNSS_BIT(d);
}

static void hold(struct gnss_watch *w, enum gnss_doubt d, const struct gnss_moment *now)
{
	w->held_until[d] = now->mono_ms + HELD_MS;
}

void gnss_watch_start(struct gnss_watch *w, bool fixed)
{
	memset(w, 0, sizeof *w);
	w->fixed = fixed;
	w->state = GNSS_BIT(GNSS_NO_FIX) | GNSS_BIT(GNSS_FEW);
}

void gnss_watch_site(struct gnss_watch *w, const struct fix *site)
{
	w->site.has_site = site != NULL;
	if (site != NULL)
		w->site.site = *site;
}

/* Against the epoch before. */
static void rule_of_motion(struct gnss_watch *w, const struct gnss_tpv *t, const struct gnss_moment *at)
{
	const struct gnss *before = &w->fix;
	struct fix a = {.lat_deg = before->lat_deg, .lon_deg = before->lon_deg};
	struct fix b = {.lat_deg = t->lat_deg, .lon_deg = t->lon_deg};
	double far = apart_m(&a, &b), slack = GNSS_K * hypot(before->eph_m, t->eph_m);
	double seconds = fmax((double)(t->time_ms - before->time_ms) / 1000, 1);
	double fastest = fmax(SPEED_MAX_M_S, 5 * fmin(fmax(w->eps_m_s, t->eps_m_s), EPS_MAX_M_S));

	if (t->time_ms < before->time_ms)
		hold(w, GNSS_CLOCK, at);
	if (far > slack && far / seconds > fastest)
		hold(w, GNSS_JUMP, at);
	if (!before->has_alt || !t->has_alt)
		return;
	double climb = fabs(t->alt_m - before->alt_m);
	if (climb > ALTITUDE_ERRORS * hypot(before->epv_m, t->epv_m) && climb / seconds > CLIMB_MAX_M_S)
		hold(w, GNSS_ALTITUDE, at);
}

static void rule_of_digits(struct gnss_watch *w, const struct gnss_tpv *t)
{
	if (w->same == 0 || t->lat_deg != w->fix.lat_deg || t->lon_deg != w->fix.lon_deg) {
		w->same = 0;
		w->same_since_ms = t->time_ms;
	}
	w->same++;
	doubt(w, GNSS_FROZEN, w->same >= SAME_EPOCHS && t->time_ms - w->same_since_ms > SAME_MAX_MS);
}

static void rule_of_time(struct gnss_watch *w, const struct gnss_tpv *t, const struct gnss_moment *at)
{
	int64_t behind = at->wall_ms - t->time_ms;

	w->clock_off = behind < -AHEAD_MAX_MS || behind > BEHIND_MAX_MS ? w->clock_off + 1 : 0;
	doubt(w, GNSS_CLOCK, w->clock_off >= CLOCK_EPOCHS);
}

static void rule_of_place(struct gnss_watch *w, const struct gnss_tpv *t, const struct gnss_moment *at)
{
	if (!w->fixed)
		return;
	if (t->time_ms - w->fix.time_ms > GAP_MAX_MS)
		w->site.n = 0;
	if (sitewatch_feed(&w->site, t->lat_deg, t->lon_deg))
		hold(w, GNSS_MOVED, at);
	doubt(w, GNSS_MOVED, t->has_eph && sitewatch_away(&w->site, t->eph_m, GNSS_K));
}

/* gpsd reports several times within an epoch, the first time often without errors: the last one counts. */
static void close_epoch(struct gnss_watch *w)
{
	const struct gnss_tpv *t = &w->open;
	const struct gnss_moment *at = &w->open_at;

	if (!w->is_open)
		return;
	w->is_open = false;
	bool fix = t->mode >= 2 && t->has_time && t->has_place && t->status != GPSD_STATUS_RECKONED;
	doubt(w, GNSS_NO_FIX, !fix);
	doubt(w, GNSS_SIMULATED, t->status == GPSD_STATUS_SIMULATED);
	if (!fix)
		return;
	doubt(w, GNSS_NO_ESTIMATE, !t->has_eph);
	if (w->fix.has_fix)
		rule_of_motion(w, t, at);
	rule_of_digits(w, t);
	rule_of_time(w, t, at);
	rule_of_place(w, t, at);
	w->fix = (struct gnss){t->time_ms, t->lat_deg, t->lon_deg, t->alt_m, t->eph_m, t->epv_m, 0, w->fix.satellites,
	        0, true, t->has_alt, t->has_eph, t->has_epv};
	w->fix_at_ms = at->mono_ms;
	w->eps_m_s = t->eps_m_s;
}

static void feed_fix(struct gnss_watch *w, const struct gnss_tpv *t, struct gnss_moment now)
{
	bool same = w->is_open && t->has_time && w->open.has_time && t->time_ms == w->open.time_ms;

	if (!same) {
		close_epoch(w);
		w->open_at = now;
	}
	w->open = *t;
	w->is_open = true;
}

static void feed_sky(struct gnss_watch *w, const struct gnss_sky *s, struct gnss_moment now)
{
	bool flat = s->strengths >= SATELLITES_LEAST && s->spread_db < FLAT_SPREAD_DB && s->mean_db > FLAT_MEAN_DB;
	bool few = s->used < SATELLITES_LEAST;

	w->sky_flat = flat ? w->sky_flat + 1 : 0;
	w->sky_few = few ? w->sky_few + 1 : 0;
	w->sky_at_ms = now.mono_ms;
	w->fix.satellites = s->used;
	doubt(w, GNSS_FLAT, w->sky_flat >= FLAT_REPORTS);
	if (!few || w->sky_few >= FEW_REPORTS)
		doubt(w, GNSS_FEW, few);
}

static void feed_receiver(struct gnss_watch *w, const struct gnss_receiver *r)
{
	if (r->has_spoofing)
		doubt(w, GNSS_SPOOFED, r->spoofing >= SPOOFING_INDICATED);
	if (r->has_jamming)
		doubt(w, GNSS_JAMMED, r->jamming >= JAMMING_WARNING);
}

void gnss_feed(struct gnss_watch *w, const struct gnss_report *r, struct gnss_moment now)
{
	switch (r->kind) {
	case REPORT_FIX:
		feed_fix(w, &r->tpv, now);
		break;
	case REPORT_SKY:
		feed_sky(w, &r->sky, now);
		break;
	case REPORT_RECEIVER:
		feed_receiver(w, &r->receiver);
		break;
	case REPORT_OTHER:
		break;
	}
}

void gnss_now(const struct gnss_watch *w, struct gnss_moment now, struct gnss *out)
{
	int64_t age = now.mono_ms - w->fix_at_ms;

	*out = w->fix;
	out->doubts = w->state;
	for (unsigned d = 0; d < GNSS_DOUBTS; d++)
		if (now.mono_ms < w->held_until[d])
			out->doubts |= GNSS_BIT(d);
	if (now.mono_ms - w->sky_at_ms > SKY_MAX_AGE_MS)
		out->doubts |= GNSS_BIT(GNSS_FEW);
	if (!w->fix.has_fix)
		return;
	out->age_ms = age > 0 ? (uint32_t)(age < UINT32_MAX ? age : UINT32_MAX) : 0;
	if (age > GNSS_AGE_MAX_MS)
		out->doubts |= GNSS_BIT(GNSS_STALE);
}
