#include <stdlib.h>
#include <string.h>

#include "attest/attest.h"
#include "base/hex.h"
#include "base/json.h"

#define MEASURE_MAX_M 1e9 /* gnss_ok() says what each may be */

/* ---- Reading: members in the order in which claims_write() has them, no spaces, no escapes. So there is nothing to
 * allocate, to look up or to understand in two ways (A87). ---- */

struct form {
	struct rd r;
	const char *at; /* the member that is read, or was when it went wrong */
};

static bool next_is(const struct form *f, const char *text)
{
	size_t n = strlen(text);

	return rd_left(&f->r) >= n && memcmp(f->r.p + f->r.at, text, n) == 0;
}

static void must(struct form *f, const char *text)
{
	rd_require(&f->r, next_is(f, text));
	(void)rd_view(&f->r, strlen(text));
}

/* before: what stands in front of the name and its quotes. */
static bool has_member(const struct form *f, const char *before, const char *key)
{
	char text[32];
	struct wr w = wr_to(text, sizeof text);

	wr_fmt(&w, "%s\"%s\":", before, key);
	return wr_ok(&w) && next_is(f, text);
}

static void member(struct form *f, const char *before, const char *key)
{
	if (rd_ok(&f->r))
		f->at = key;
	must(f, before);
	must(f, "\"");
	must(f, key);
	must(f, "\":");
}

/* How many of the next bytes are of the set. */
static struct view run(struct form *f, bool (*of)(uint8_t c))
{
	size_t n = 0;

	while (n < rd_left(&f->r) && of(f->r.p[f->r.at + n]))
		n++;
	return rd_view(&f->r, n);
}

/* Shown to people in reports and on terminals, and without an escape. */
static bool plain(uint8_t c)
{
	return c > 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static bool digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool of_number(uint8_t c)
{
	return digit(c) || c == '-' || c == '+' || c == '.' || c == 'e';
}

static void read_text(struct form *f, char *out, size_t cap)
{
	must(f, "\"");
	struct view v = run(f, plain);
	must(f, "\"");
	rd_require(&f->r, v.n > 0 && v.n < cap);
	if (rd_ok(&f->r))
		memcpy(out, v.p, v.n); /* out was zero */
}

static void read_hex(struct form *f, uint8_t out[SHA_LEN])
{
	char text[2 * SHA_LEN + 1] = "";

	read_text(f, text, sizeof text);
	rd_require(&f->r, hex_get(out, SHA_LEN, text) == 0);
}

/* RFC 8259 6 has no 01, +1, .5 or 1. of C's, nor its infinity: of those the set leaves the first four. */
static bool is_number(const char *s)
{
	s += *s == '-';
	size_t whole = strspn(s, "0123456789");
	if (whole == 0 || (whole > 1 && *s == '0'))
		return false;
	s += whole;
	size_t fraction = *s == '.' ? strspn(s + 1, "0123456789") : 1;
	return fraction > 0;
}

static double read_number(struct form *f, double min, double max)
{
	struct view v = run(f, of_number);
	char text[32] = "", *end;

	rd_require(&f->r, v.n > 0 && v.n < sizeof text);
	if (!rd_ok(&f->r))
		return 0;
	memcpy(text, v.p, v.n);
	double d = strtod(text, &end);
	rd_require(&f->r, is_number(text) && *end == '\0' && d >= min && d <= max);
	return d;
}

static uint64_t read_count(struct form *f, uint64_t max)
{
	struct view v = run(f, digit);
	uint64_t n = 0;

	rd_require(&f->r, v.n == 1 || (v.n > 1 && v.n < 20 && v.p[0] != '0'));
	for (size_t i = 0; rd_ok(&f->r) && i < v.n; i++)
		n = n * 10 + (uint64_t)(v.p[i] - '0');
	return rd_upto(&f->r, n, max);
}

static bool read_bool(struct form *f)
{
	bool yes = next_is(f, "true");

	must(f, yes ? "true" : "false");
	return yes;
}

static void read_location(struct form *f, struct claims *c)
{
	member(f, ",", "location");
	member(f, "{", "latitude_deg");
	c->fix.lat_deg = read_number(f, -90, 90);
	member(f, ",", "longitude_deg");
	c->fix.lon_deg = read_number(f, -180, 180);
	member(f, ",", "uncertainty_m");
	c->fix.uncertainty_m = read_number(f, 0, FIX_UNCERTAINTY_MAX_M);
	must(f, "}");
	c->has_fix = true;
}

/* Doubts stand in the order of their numbers, so each is there at most once. */
static void read_doubts(struct form *f, struct gnss *g)
{
	unsigned next = 0;

	member(f, ",", "doubts");
	must(f, "[");
	while (rd_ok(&f->r) && !next_is(f, "]")) {
		char name[16] = "";

		must(f, g->doubts ? "," : "");
		read_text(f, name, sizeof name);
		unsigned doubt = gnss_doubt_parse(name);
		rd_require(&f->r, doubt >= next && doubt < GNSS_DOUBTS);
		if (!rd_ok(&f->r))
			return;
		g->doubts |= GNSS_BIT(doubt);
		next = doubt + 1;
	}
	must(f, "]");
}

static bool read_measure(struct form *f, const char *key, double *out)
{
	if (!has_member(f, ",", key))
		return false;
	member(f, ",", key);
	*out = read_number(f, -MEASURE_MAX_M, MEASURE_MAX_M);
	return true;
}

static void read_receiver_fix(struct form *f, struct gnss *g)
{
	member(f, "{", "time_ms");
	g->time_ms = (int64_t)read_count(f, UINT64_C(1) << 53);
	member(f, ",", "latitude_deg");
	g->lat_deg = read_number(f, -90, 90);
	member(f, ",", "longitude_deg");
	g->lon_deg = read_number(f, -180, 180);
	g->has_alt = read_measure(f, "altitude_m", &g->alt_m);
	g->has_eph = read_measure(f, "eph_m", &g->eph_m);
	g->has_epv = read_measure(f, "epv_m", &g->epv_m);
	g->has_fix = true;
}

static void read_gnss(struct form *f, struct claims *c)
{
	struct gnss *g = &c->gnss;

	member(f, ",", "gnss");
	if (has_member(f, "{", "time_ms"))
		read_receiver_fix(f, g);
	member(f, g->has_fix ? "," : "{", "age_ms");
	g->age_ms = (uint32_t)read_count(f, UINT32_MAX);
	member(f, ",", "satellites");
	g->satellites = (uint32_t)read_count(f, GNSS_SATELLITES_MAX);
	read_doubts(f, g);
	must(f, "}");
	c->has_gnss = true;
}

static void read_holds(struct form *f, struct claims *c)
{
	member(f, ",", "holds");
	must(f, "[");
	while (!next_is(f, "]")) {
		must(f, c->nholds > 0 ? "," : "");
		rd_require(&f->r, c->nholds < CLAIMS_HOLDS_MAX);
		if (!rd_ok(&f->r))
			return;
		read_hex(f, c->holds[c->nholds++]);
	}
	must(f, "]");
}

static void read_ima(struct form *f, struct claims *c)
{
	member(f, ",", "ima");
	member(f, "{", "offset");
	c->ima_offset = read_count(f, UINT64_C(1) << IMA_OFFSET_BITS);
	must(f, "}");
	c->has_ima = true;
}

static void read_members(struct form *f, struct claims *c)
{
	member(f, "{", "machine");
	read_text(f, c->machine, sizeof c->machine);
	rd_require(&f->r, name_ok(c->machine));
	member(f, ",", "version");
	read_text(f, c->version, sizeof c->version);
	if (has_member(f, ",", "location"))
		read_location(f, c);
	if (has_member(f, ",", "gnss"))
		read_gnss(f, c);
	member(f, ",", "tls_key");
	read_hex(f, c->tls_key);
	member(f, ",", "eventlog");
	read_hex(f, c->eventlog);
	member(f, ",", "certificate");
	c->wants_certificate = read_bool(f);
	read_holds(f, c);
	if (has_member(f, ",", "ima"))
		read_ima(f, c);
	must(f, "}");
}

int claims_parse(struct view v, struct claims *out, struct err *e)
{
	struct form f = {.r = rd_of(v), .at = "the beginning"};
	struct claims c = {0};

	if (v.n > CLAIMS_MAX)
		return err_set(e, WHY_MALFORMED, "claims: %zu bytes, at most %d are read", v.n, CLAIMS_MAX);
	read_members(&f, &c);
	if (!rd_end(&f.r))
		return err_set(e, WHY_MALFORMED, "claims: not in the form of merestone-evidence(5) at %s", f.at);
	if (c.has_fix && fix_ok(&c.fix, e) != 0)
		return err_in(e, "claims: location");
	if (c.has_gnss && gnss_ok(&c.gnss, e) != 0)
		return err_in(e, "claims");
	*out = c;
	return 0;
}

/* ---- Writing ---- */

static void write_location(struct jw *j, const struct fix *x)
{
	jw_obj(j, "location");
	jw_num(j, "latitude_deg", x->lat_deg);
	jw_num(j, "longitude_deg", x->lon_deg);
	jw_num(j, "uncertainty_m", x->uncertainty_m);
	jw_end_obj(j);
}

static void write_gnss(struct jw *j, const struct gnss *g)
{
	jw_obj(j, "gnss");
	if (g->has_fix) {
		jw_int(j, "time_ms", g->time_ms);
		jw_num(j, "latitude_deg", g->lat_deg);
		jw_num(j, "longitude_deg", g->lon_deg);
		if (g->has_alt)
			jw_num(j, "altitude_m", g->alt_m);
		if (g->has_eph)
			jw_num(j, "eph_m", g->eph_m);
		if (g->has_epv)
			jw_num(j, "epv_m", g->epv_m);
	}
	jw_int(j, "age_ms", g->age_ms);
	jw_int(j, "satellites", g->satellites);
	jw_arr(j, "doubts");
	for (unsigned i = 0; i < GNSS_DOUBTS; i++)
		if (g->doubts & GNSS_BIT(i))
			jw_str(j, NULL, gnss_doubt_name((enum gnss_doubt)i));
	jw_end_arr(j);
	jw_end_obj(j);
}

int claims_write(struct wr *w, const struct claims *c, struct err *e)
{
	if (!name_ok(c->machine))
		return err_set(e, WHY_MALFORMED, "claims: the machine has no proper name");
	if (c->nholds > CLAIMS_HOLDS_MAX)
		return err_set(e, WHY_MALFORMED, "claims: more than %d keys are held", CLAIMS_HOLDS_MAX);
	if (c->has_fix && fix_ok(&c->fix, e) != 0)
		return err_in(e, "claims");
	if (c->has_gnss && gnss_ok(&c->gnss, e) != 0)
		return err_in(e, "claims");
	struct jw j = jw_to(w);
	jw_obj(&j, NULL);
	jw_str(&j, "machine", c->machine);
	jw_str(&j, "version", c->version);
	if (c->has_fix)
		write_location(&j, &c->fix);
	if (c->has_gnss)
		write_gnss(&j, &c->gnss);
	jw_hex(&j, "tls_key", VIEW_OF(c->tls_key));
	jw_hex(&j, "eventlog", VIEW_OF(c->eventlog));
	jw_bool(&j, "certificate", c->wants_certificate);
	jw_arr(&j, "holds");
	for (size_t i = 0; i < c->nholds; i++)
		jw_hex(&j, NULL, VIEW_OF(c->holds[i]));
	jw_end_arr(&j);
	if (c->has_ima) {
		jw_obj(&j, "ima");
		jw_int(&j, "offset", (int64_t)c->ima_offset);
		jw_end_obj(&j);
	}
	jw_end_obj(&j);
	return wr_ok(w) ? 0 : err_set(e, WHY_SYSTEM, "claims: no room to write them");
}
