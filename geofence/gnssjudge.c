/* What is believed of a fix: the decider's rules. */
#include <math.h>
#include <stdlib.h>

#include "base/wr.h"
#include "geofence/geofence.h"

/* "no-fix, jump" */
static int doubted(uint32_t doubts, struct err *e)
{
	char text[GNSS_DOUBTS * 14];
	struct wr w = wr_to(text, sizeof text);

	for (unsigned d = 0; d < GNSS_DOUBTS; d++) {
		if (!(doubts & GNSS_BIT(d)))
			continue;
		wr_str(&w, w.n > 0 ? ", " : "");
		wr_str(&w, gnss_doubt_name((enum gnss_doubt)d));
	}
	err_set(e, WHY_OUTSIDE, "the GNSS fix is doubtful: %.*s", (int)wr_done(&w).n, text);
	return err_hint(e, "merestone-locator(8) says what each doubt means");
}

static int in_time(const struct gnss *g, int64_t now_ms, struct err *e)
{
	int64_t away = now_ms - g->time_ms;

	if (g->age_ms > GNSS_AGE_MAX_MS)
		return err_set(e, WHY_STALE, "the GNSS fix was %u ms old when it was put into the evidence",
		        (unsigned)g->age_ms);
	if (away > GNSS_AWAY_MAX_MS || away < -GNSS_AWAY_MAX_MS)
		return err_set(e, WHY_STALE, "the GNSS fix is of %lld s %s now", (long long)(llabs(away) / 1000),
		        away > 0 ? "before" : "after");
	return 0;
}

static int near_tag(const struct gnss *g, const struct fix *tag, double k, struct err *e)
{
	struct fix here = {.lat_deg = g->lat_deg, .lon_deg = g->lon_deg};
	double away = apart_m(&here, tag), most = k * hypot(tag->uncertainty_m, g->eph_m);

	if (away <= most)
		return 0;
	return err_set(
	        e, WHY_OUTSIDE, "the GNSS fix is %.0f m from where the geo tag says, more than %.0f m", away, most);
}

int gnss_judge(const struct gnss *g, const struct fix *tag, double k, int64_t now_ms, struct fix *out, struct err *e)
{
	if (gnss_ok(g, e) != 0 || fix_ok(tag, e) != 0)
		return -1;
	if (!(k >= GNSS_K_MIN && k <= GNSS_K_MAX))
		return err_set(e, WHY_MALFORMED, "the factor of the GNSS error is not between 1 and 100");
	uint32_t doubts = g->doubts | (g->has_fix ? 0 : GNSS_BIT(GNSS_NO_FIX)) |
	                  (g->has_eph ? 0 : GNSS_BIT(GNSS_NO_ESTIMATE));
	if (doubts != 0)
		return doubted(doubts, e);
	if (in_time(g, now_ms, e) != 0 || near_tag(g, tag, k, e) != 0)
		return -1;
	struct fix at = {g->lat_deg, g->lon_deg, k * g->eph_m};
	if (fix_ok(&at, e) != 0)
		return -1;
	*out = at;
	return 0;
}

int gnss_follows(const struct fix *before, int64_t before_ms, const struct fix *now, int64_t now_ms, struct err *e)
{
	double far = apart_m(before, now), seconds = (double)(now_ms - before_ms) / 1000;

	if (now_ms < before_ms)
		return err_set(e, WHY_STALE, "the GNSS fix is older than that of the attestation before");
	if (far <= hypot(before->uncertainty_m, now->uncertainty_m) || far <= GNSS_SPEED_MAX_M_S * seconds)
		return 0;
	return err_set(e, WHY_OUTSIDE, "jump: the GNSS fix is %.0f m from that of the attestation %.0f s before", far,
	        seconds);
}
