#include <string.h>

#include "attest/attest.h"

static const char MAGIC[4] = {'M', 'S', 'T', '1'};

#define DEGREE 1e7 /* steps of a coordinate in one degree: 11 mm on the ground */

enum { LATITUDE_MAX = 900000000, LONGITUDE_MAX = 1800000000 };

/* Two's complement, as in a TPM's own structures. */
static double read_angle(struct rd *r, int32_t max)
{
	int32_t v = (int32_t)rd_be32(r);

	rd_require(r, v >= -max && v <= max);
	return v / DEGREE;
}

static void read_name(struct rd *r, char out[NAME_CAP])
{
	rd_text16(r, out, NAME_CAP);
	rd_require(r, name_ok(out));
}

static int64_t read_time(struct rd *r)
{
	return (int64_t)rd_upto(r, rd_be64(r), TAG_TIME_MAX);
}

static void read_content(struct rd *r, struct tag *t)
{
	struct view magic = rd_view(r, sizeof MAGIC);

	rd_require(r, view_equal(magic, VIEW_OF(MAGIC)));
	t->serial = rd_be64(r);
	t->not_before = read_time(r);
	t->not_after = read_time(r);
	rd_copy(r, t->ek, sizeof t->ek);
	t->fix.lat_deg = read_angle(r, LATITUDE_MAX);
	t->fix.lon_deg = read_angle(r, LONGITUDE_MAX);
	uint32_t radius_mm = rd_be32(r);
	t->fix.uncertainty_m = radius_mm / 1e3;
	rd_copy(r, t->map, sizeof t->map);
	read_name(r, t->machine);
	read_name(r, t->site);
	rd_copy(r, t->officer, sizeof t->officer);
	/* A place without a size is no measurement. Serials fit SQL's integers. */
	rd_require(r, radius_mm > 0 && t->serial > 0 && t->serial <= INT64_MAX && t->not_before < t->not_after);
}

int tag_parse(struct view v, struct tag *out, struct err *e)
{
	struct rd r = rd_of(v);
	struct tag t = {0};

	read_content(&r, &t);
	size_t n = r.at;
	rd_copy(&r, t.signature, sizeof t.signature);
	if (!rd_end(&r))
		return err_set(e, WHY_MALFORMED, "geo tag: cut short, too long or out of range (merestone-tag(5))");
	sha256(t.content, VIEW(v.p, n));
	sha256(t.digest, v);
	*out = t;
	return 0;
}

int tag_signed(const struct tag *t, struct err *e)
{
	return es256_verify_pub(t->officer, t->content, t->signature, e) == 0 ? 0 : err_in(e, "geo tag");
}

/* Not by libm, which the quoter would then have in its memory. */
static uint32_t nearest(double v)
{
	return (uint32_t)(int32_t)(v < 0 ? v - 0.5 : v + 0.5);
}

static uint32_t not_less(double v)
{
	uint32_t n = (uint32_t)v;

	return n < v ? n + 1 : n;
}

static void write_content(struct wr *w, const struct tag *t)
{
	wr_bytes(w, MAGIC, sizeof MAGIC);
	wr_be64(w, t->serial);
	wr_be64(w, (uint64_t)t->not_before);
	wr_be64(w, (uint64_t)t->not_after);
	wr_bytes(w, t->ek, sizeof t->ek);
	wr_be32(w, nearest(t->fix.lat_deg * DEGREE));
	wr_be32(w, nearest(t->fix.lon_deg * DEGREE));
	wr_be32(w, not_less(t->fix.uncertainty_m * 1e3));
	wr_bytes(w, t->map, sizeof t->map);
	wr_text16(w, t->machine);
	wr_text16(w, t->site);
	wr_bytes(w, t->officer, sizeof t->officer);
}

int tag_sign(struct wr *w, const struct es256 *officer, struct tag *t, struct err *e)
{
	uint8_t buf[TAG_MAX], sig[ES256_SIG];
	struct wr b = wr_to(buf, sizeof buf);

	if (fix_ok(&t->fix, e) != 0 || t->fix.uncertainty_m > UINT32_MAX / 1e3)
		return err_set(e, WHY_MALFORMED, "geo tag: the position is not one, or its radius is past 4294 km");
	memcpy(t->officer, officer->pub, ES256_PUB);
	write_content(&b, t);
	if (es256_sign(officer, wr_done(&b), sig, e) != 0)
		return -1;
	wr_bytes(&b, sig, sizeof sig);
	if (tag_parse(wr_done(&b), t, e) != 0)
		return -1;
	wr_view(w, wr_done(&b));
	return wr_ok(w) ? 0 : err_set(e, WHY_SYSTEM, "geo tag: no room to write it");
}
