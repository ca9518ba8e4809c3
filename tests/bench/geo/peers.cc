// The peers as their manuals advise: GEOS with prepared polygons behind an STRtree, S2 with one index over all polygons.
#include "tests/bench/geo/peers.h"

#include <cmath>
#include <memory>
#include <vector>

#include <geos_c.h>
#include <s2/mutable_s2shape_index.h>
#include <s2/s2closest_edge_query.h>
#include <s2/s2contains_point_query.h>
#include <s2/s2earth.h>
#include <s2/s2latlng.h>
#include <s2/s2lax_polygon_shape.h>

namespace
{

struct Geos {
	GEOSContextHandle_t c;
	GEOSSTRtree *tree;
	std::vector<GEOSGeometry *> polygons;
	std::vector<const GEOSPreparedGeometry *> prepared;
	const uint32_t *owner;
	std::vector<size_t> index;
};

GEOSGeometry *geos_ring(GEOSContextHandle_t c, const struct rings *r, uint32_t k)
{
	size_t n = r->first[k + 1] - r->first[k];
	GEOSCoordSequence *s = GEOSCoordSeq_copyFromBuffer_r(c, r->lonlat + 2 * r->first[k], unsigned(n), 0, 0);
	return GEOSGeom_createLinearRing_r(c, s);
}

void *geos_build(const struct rings *r)
{
	Geos *g = new Geos{GEOS_init_r(), nullptr, {}, {}, r->owner, {}};
	g->tree = GEOSSTRtree_create_r(g->c, 10);
	g->index.resize(r->n_polygons);
	for (size_t i = 0; i < r->n_polygons; i++) {
		std::vector<GEOSGeometry *> holes;
		GEOSGeometry *shell = geos_ring(g->c, r, r->ring_of[i]);
		for (uint32_t k = r->ring_of[i] + 1; k < r->ring_of[i + 1]; k++)
			holes.push_back(geos_ring(g->c, r, k));
		g->polygons.push_back(GEOSGeom_createPolygon_r(g->c, shell, holes.data(), unsigned(holes.size())));
		g->prepared.push_back(GEOSPrepare_r(g->c, g->polygons[i]));
		g->index[i] = i;
		GEOSSTRtree_insert_r(g->c, g->tree, g->polygons[i], &g->index[i]);
	}
	return g;
}

struct Question {
	Geos *g;
	const GEOSGeometry *point;
	long owner;
};

void geos_look(void *item, void *data)
{
	Question *q = static_cast<Question *>(data);
	size_t i = *static_cast<size_t *>(item);
	if (q->owner < 0 && GEOSPreparedContains_r(q->g->c, q->g->prepared[i], q->point))
		q->owner = long(q->g->owner[i]);
}

long geos_owner(void *built, double lon, double lat)
{
	Geos *g = static_cast<Geos *>(built);
	GEOSGeometry *point = GEOSGeom_createPointFromXY_r(g->c, lon, lat);
	Question q = {g, point, -1};
	GEOSSTRtree_query_r(g->c, g->tree, point, geos_look, &q);
	GEOSGeom_destroy_r(g->c, point);
	return q.owner;
}

void geos_drop(void *built)
{
	Geos *g = static_cast<Geos *>(built);
	GEOSSTRtree_destroy_r(g->c, g->tree);
	for (const GEOSPreparedGeometry *p : g->prepared)
		GEOSPreparedGeom_destroy_r(g->c, p);
	for (GEOSGeometry *p : g->polygons)
		GEOSGeom_destroy_r(g->c, p);
	GEOS_finish_r(g->c);
	delete g;
}

struct S2 {
	MutableS2ShapeIndex index;
	const uint32_t *owner;
	std::unique_ptr<S2ContainsPointQuery<MutableS2ShapeIndex>> contains;
	std::unique_ptr<S2ClosestEdgeQuery> closest;
};

// S2 has the inside on the left: outlines run counterclockwise, holes clockwise.
std::vector<S2Point> s2_loop(const struct rings *r, uint32_t k, bool hole)
{
	const double *p = r->lonlat + 2 * r->first[k];
	size_t n = r->first[k + 1] - r->first[k] - 1;
	std::vector<S2Point> loop;
	double area = 0;
	for (size_t i = 0; i < n; i++) {
		area += (p[2 * i] - p[0]) * (p[2 * i + 3] - p[1]) - (p[2 * i + 2] - p[0]) * (p[2 * i + 1] - p[1]);
		loop.push_back(S2LatLng::FromDegrees(p[2 * i + 1], p[2 * i]).ToPoint());
	}
	if ((area < 0) != hole)
		return std::vector<S2Point>(loop.rbegin(), loop.rend());
	return loop;
}

void *s2_build(const struct rings *r)
{
	S2 *s = new S2;
	s->owner = r->owner;
	for (size_t i = 0; i < r->n_polygons; i++) {
		std::vector<std::vector<S2Point>> loops;
		for (uint32_t k = r->ring_of[i]; k < r->ring_of[i + 1]; k++)
			loops.push_back(s2_loop(r, k, k > r->ring_of[i]));
		s->index.Add(std::make_unique<S2LaxPolygonShape>(loops));
	}
	s->index.ForceBuild();
	s->contains = std::make_unique<S2ContainsPointQuery<MutableS2ShapeIndex>>(&s->index);
	S2ClosestEdgeQuery::Options options;
	options.set_include_interiors(false);
	s->closest = std::make_unique<S2ClosestEdgeQuery>(&s->index, options);
	return s;
}

long s2_owner_at(S2 *s, const S2Point &p)
{
	long owner = -1;
	s->contains->VisitContainingShapes(p, [&](S2Shape *shape) {
		owner = long(s->owner[shape->id()]);
		return false;
	});
	return owner;
}

long s2_owner(void *built, double lon, double lat)
{
	return s2_owner_at(static_cast<S2 *>(built), S2LatLng::FromDegrees(lat, lon).ToPoint());
}

int s2_decide(void *built, double lon, double lat, double r_m)
{
	S2 *s = static_cast<S2 *>(built);
	S2Point p = S2LatLng::FromDegrees(lat, lon).ToPoint();
	S2ClosestEdgeQuery::PointTarget target(p);
	if (s->closest->IsDistanceLess(&target, S1ChordAngle(S2Earth::MetersToAngle(r_m))))
		return -1;
	return s2_owner_at(s, p) >= 0;
}

void s2_drop(void *built)
{
	delete static_cast<S2 *>(built);
}

} // namespace

extern "C" const struct peer peer_geos = {"GEOS", geos_build, geos_owner, nullptr, geos_drop};
extern "C" const struct peer peer_s2 = {"S2", s2_build, s2_owner, s2_decide, s2_drop};
