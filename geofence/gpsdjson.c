/* gpsd's reports: gps_json(5), protocol 3. What we do not ask for is not looked at; what we ask for is right or the whole
 * report is refused. */
#include <math.h>

#include "geofence/geotext.h"
#include "geofence/gnsswatch.h"

/* A member that may be missing. */
static int number(const struct geotext_slot *s, double min, double max, double *out, bool *has, struct err *e)
{
	struct geotext t = geotext_of(s->value);

	*has = s->value.n > 0;
	if (!*has)
		return 0;
	double x = geotext_number(&t);
	if (geotext_end(&t, e) != 0)
		return err_in(e, "%s", s->name);
	if (!(x >= min && x <= max))
		return err_set(e, WHY_MALFORMED, "%s: %.9g is not between %.9g and %.9g", s->name, x, min, max);
	*out = x;
	return 0;
}

static int whole(const struct geotext_slot *s, uint32_t max, uint32_t *out, struct err *e)
{
	double x = 0;
	bool has;

	if (number(s, 0, max, &x, &has, e) != 0)
		return -1;
	if (x != floor(x))
		return err_set(e, WHY_MALFORMED, "%s: %.9g is not a whole number", s->name, x);
	*out = (uint32_t)x;
	return 0;
}

/* n digits, then the character behind them. */
static int64_t digits(struct rd *r, unsigned n, char behind)
{
	int64_t x = 0;

	while (n-- > 0) {
		uint8_t c = rd_u8(r);
		rd_require(r, c >= '0' && c <= '9');
		x = 10 * x + (c - '0');
	}
	rd_require(r, rd_u8(r) == (uint8_t)behind);
	return x;
}

/* Days since 1970 of a date in the calendar of today, which is asked for years from 0 on only. */
static int64_t days(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month > 2 ? year : year - 1, m = (month + 9) % 12; /* the year begins in March */

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* "2026-11-25T01:02:03.250Z", with or without the part of a second; gpsd writes three digits of it. */
static int time_of(const struct geotext_slot *s, int64_t *out, bool *has, struct err *e)
{
	struct geotext t = geotext_of(s->value);

	*has = s->value.n > 0;
	if (!*has)
		return 0;
	struct rd r = rd_of(geotext_string(&t));
	bool part = r.n != 20;
	int64_t year = digits(&r, 4, '-'), month = digits(&r, 2, '-'), day = digits(&r, 2, 'T');
	int64_t hour = digits(&r, 2, ':'), minute = digits(&r, 2, ':'), second = digits(&r, 2, part ? '.' : 'Z');
	int64_t ms = part ? digits(&r, 3, 'Z') : 0;
	rd_require(&r, year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 31);
	rd_require(&r, hour <= 23 && minute <= 59 && second <= 60);
	if (geotext_end(&t, e) != 0 || !rd_end(&r))
		return err_set(e, WHY_MALFORMED, "time: expected YYYY-MM-DDTHH:MM:SS.sssZ");
	*out = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60000 + second * 1000 + ms;
	return 0;
}

static int read_fix(struct view line, struct gnss_tpv *out, struct err *e)
{
	enum { MODE, STATUS, TIME, LAT, LON, ALT, EPH, EPV, EPS, SLOTS };
	struct geotext_slot s[SLOTS] = {{.name = "mode"}, {.name = "status"}, {.name = "time"}, {.name = "lat"},
	        {.name = "lon"}, {.name = "altHAE"}, {.name = "eph"}, {.name = "epv"}, {.name = "eps"}};
	bool lat, lon;

	if (geotext_members(line, s, SLOTS, e) != 0 || whole(&s[MODE], 3, &out->mode, e) != 0 ||
	        whole(&s[STATUS], UINT8_MAX, &out->status, e) != 0 ||
	        time_of(&s[TIME], &out->time_ms, &out->has_time, e) != 0)
		return -1;
	if (number(&s[LAT], -90, 90, &out->lat_deg, &lat, e) != 0 ||
	        number(&s[LON], -180, 180, &out->lon_deg, &lon, e) != 0 ||
	        number(&s[ALT], GNSS_ALT_MIN_M, GNSS_ALT_MAX_M, &out->alt_m, &out->has_alt, e) != 0)
		return -1;
	out->has_place = lat && lon;
	if (number(&s[EPH], 0, FIX_UNCERTAINTY_MAX_M, &out->eph_m, &out->has_eph, e) != 0 ||
	        number(&s[EPV], 0, FIX_UNCERTAINTY_MAX_M, &out->epv_m, &out->has_epv, e) != 0)
		return -1;
	return number(&s[EPS], 0, HUGE_VAL, &out->eps_m_s, &out->has_eps, e);
}

struct sums {
	uint32_t used, n;
	double sum, squares;
};

static int add_satellite(struct sums *a, struct geotext *t, struct err *e)
{
	enum { USED, SS, SLOTS };
	struct geotext_slot s[SLOTS] = {{.name = "used"}, {.name = "ss"}};
	double ss = 0;
	bool has;

	if (geotext_fields(t, s, SLOTS, e) != 0 || number(&s[SS], 0, 254, &ss, &has, e) != 0)
		return -1;
	if (!view_is(s[USED].value, "true"))
		return 0;
	a->used++;
	if (has && ss > 0) {
		a->n++;
		a->sum += ss;
		a->squares += ss * ss;
	}
	return 0;
}

/* A SKY without satellites says only how good their places are: it is none for us. */
static int read_sky(struct view line, struct gnss_report *out, struct err *e)
{
	struct geotext_slot s[] = {{.name = "satellites"}};
	struct sums a = {0};
	unsigned count = 0;

	if (geotext_members(line, s, COUNT(s), e) != 0)
		return -1;
	if (s[0].value.n == 0) {
		out->kind = REPORT_OTHER;
		return 0;
	}
	struct geotext t = geotext_of(s[0].value);
	geotext_enter(&t, '[');
	while (geotext_more(&t, ']')) {
		if (++count > SKY_MAX)
			return err_set(e, WHY_MALFORMED, "satellites: more than %d", SKY_MAX);
		if (add_satellite(&a, &t, e) != 0)
			return err_in(e, "satellite %u", count);
	}
	if (geotext_end(&t, e) != 0)
		return err_in(e, "satellites");
	double n = a.n > 0 ? a.n : 1, mean = a.sum / n, spread2 = a.squares / n - mean * mean;
	out->sky = (struct gnss_sky){a.used, a.n, mean, spread2 > 0 ? sqrt(spread2) : 0};
	return 0;
}

int gpsdjson_read(struct view line, struct gnss_report *out, struct err *e)
{
	struct geotext_slot s[] = {{.name = "class"}};
	struct gnss_report got = {.kind = REPORT_OTHER};

	if (line.n > GPSD_LINE_MAX)
		return err_set(e, WHY_MALFORMED, "gpsd: a report of more than %d bytes", GPSD_LINE_MAX);
	if (geotext_members(line, s, COUNT(s), e) != 0)
		return err_in(e, "gpsd");
	if (view_is(s[0].value, "\"TPV\"")) {
		got.kind = REPORT_FIX;
		if (read_fix(line, &got.tpv, e) != 0)
			return err_in(e, "gpsd: TPV");
	} else if (view_is(s[0].value, "\"SKY\"")) {
		got.kind = REPORT_SKY;
		if (read_sky(line, &got, e) != 0)
			return err_in(e, "gpsd: SKY");
	}
	*out = got;
	return 0;
}
