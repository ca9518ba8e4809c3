/* geofence: where a machine is, decided from a fence and a fix with its uncertainty.
 * Coordinates are WGS 84 degrees, distances are metres on the ellipsoid. The decision is pure: no I/O, clock or
 * allocation. The document body, the edge model and the boundary rules are in merestone-fence(5). */
#ifndef GEOFENCE_H
#define GEOFENCE_H

#include <jansson.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rd.h"
#include "base/wr.h"
#include "geofence/earth.h"

/* Limits on what a fence document may hold. */
enum {
	FENCE_VERTICES_MAX = 200000, /* the largest country ring at 1:10m has 22,849; 40 bytes each when imported */
	FENCE_RINGS_MAX = 20000,     /* and polygons, which have at least one ring */
	FENCE_PARTS_MAX = 64,        /* of a union: each is asked */
	FENCE_TEXT_MAX = 400,        /* bytes of id, provenance and licence each: a line */
};
#define FENCE_RADIUS_MAX_M    20.0e6  /* a larger circle holds the whole earth: no two places are 20,004 km apart */
#define FENCE_ACCURACY_MAX_M  1.0e6   /* a map worse than this decides nothing */
#define FIX_UNCERTAINTY_MAX_M 20.04e6 /* the whole earth */

enum place { PLACE_OUTSIDE, PLACE_INSIDE, PLACE_AMBIGUOUS };

/* "outside", "inside" or "ambiguous"; never NULL. */
const char *place_name(enum place p);

struct fix {
	double lat_deg, lon_deg;
	double uncertainty_m; /* radius of the circle that holds the machine */
};

/* 0 when every member is finite and in range: |lat| <= 90, |lon| <= 180, 0 <= uncertainty <= FIX_UNCERTAINTY_MAX_M;
 * WHY_MALFORMED otherwise. */
int fix_ok(const struct fix *x, struct err *e);

/* Metres between the centres of two fixes, at the least: short by at most 2 mm, by 70 km near the antipode. Pure. */
double apart_m(const struct fix *a, const struct fix *b);

struct fence; /* immutable after import; may be shared between threads */

/* Reads and checks the body of a fence document. NULL with WHY_MALFORMED and the place in the input (polygon, ring and
 * vertex, counted from 1), or WHY_SYSTEM when memory ends. The caller frees. */
struct fence *fence_import(const json_t *body, struct err *e);
void fence_free(struct fence *f);
AUTO_DEFINE(struct fence *, fence_free)

/* Positions, closing ones and those that were put into geodesics included; 0 for a circle. */
size_t fence_vertices(const struct fence *f);

enum { FENCE_DIGEST_LEN = 32 };

struct place_result {
	enum place place;
	double distance_m; /* from the fix to the nearest edge; a lower bound, short by at most 1 mm + 3e-5 of it within
	                    * 100 km, 0.5 % within 10,000 km, 6 % beyond (circle: 2 mm; 70 km near the antipode) */
	double needed_m; /* uncertainty + map accuracy + numeric bound: inside and outside need distance_m > needed_m */
	double match_rate; /* part of the circle of needed_m that is in the fence: 1 inside, 0 outside, else about */
	uint8_t digest[FENCE_DIGEST_LEN]; /* of the fence: fence_digest() */
	struct lonlat nearest;            /* about where the nearest edge is nearest; of a corridor: its line */
};

/* Decides for the whole circle of the fix: inside or outside only if every point of it is. Pure. -1 only when
 * !fix_ok(). */
int fence_decide(const struct fence *f, const struct fix *x, struct place_result *out, struct err *e);

/* The same place without distance, rate and nearest point, in a fraction of a microsecond. Within 1 mm + 1e-5 of the
 * distance from where the answer changes, one of the two may be more careful. Pure. */
int fence_place(const struct fence *f, const struct fix *x, enum place *out, struct err *e);

/* The point alone: AMBIGUOUS on an edge, and for what is not a place. Pure. */
enum place fence_covers(const struct fence *f, double lat_deg, double lon_deg);

/* SHA-256 over what the fence says, however it was read: merestone-fence(5). */
const uint8_t *fence_digest(const struct fence *f);

/* The compiled form, with its index: merestone-fence-compiled(5). The caller frees. */
int fence_compile(const struct fence *f, uint8_t **out, size_t *n, struct err *e);
bool fence_is_compiled(struct view v); /* by its first bytes; nothing else is looked at */
/* A fence in compiled bytes, which stay where they are (a mapped file) until fence_free(). Refused with WHY_MALFORMED
 * when a bit is wrong. v.p is aligned to 8 bytes. */
struct fence *fence_open(struct view v, struct err *e);

/* Which polygon of a MultiPolygon holds the point, counted from 0; -1 when none, on an edge, on the antimeridian or at a
 * pole, and for other fences. One of them where polygons overlap. Pure. */
long fence_polygon(const struct fence *f, double lat_deg, double lon_deg);

/* Three-valued or: the place in the union of two fences. */
enum place place_or(enum place a, enum place b);

/* The one geometry of a GeoJSON document (geometry, Feature or FeatureCollection) with nothing but the members that a
 * fence body takes; polygons of a collection are gathered in one MultiPolygon. The caller frees; NULL: WHY_MALFORMED.
 */
json_t *fence_geometry_of(const json_t *geojson, struct err *e);

/* ---- Maps: the body of a fence document from GeoJSON or TopoJSON as others publish it ---- */

enum fence_edges { EDGES_UNSAID, EDGES_RFC7946, EDGES_GEODESIC }; /* how a line between two vertices runs */
enum fence_seam { SEAM_UNSAID, SEAM_RFC7946, SEAM_SPHERICAL }; /* an edge of more than 180 degrees: long or short way */

struct fence_wish {
	struct view map;       /* borrowed; may be a mapped file of any size */
	const char *where;     /* "PROPERTY=VALUE": the features that have it ("id" is theirs); NULL */
	const char *countries; /* "DE,FR": the features whose id is that country's ISO 3166-1 number; NULL */
	const char *layer;     /* TopoJSON: which object; NULL for the first */
	double map_accuracy_m; /* what is smaller is noise of the map, and may be repaired */
	enum fence_edges edges;
	enum fence_seam seam;
	const char *id, *provenance, *licence; /* kept in the body; may be NULL */
};

enum { FENCE_FINDINGS_MAX = 64 };

enum fence_finding_kind { FINDING_NOTED, FINDING_REPAIRED, FINDING_KINDS };

struct fence_report {
	struct fence_finding {
		enum fence_finding_kind kind;
		char text[240];         /* "feature 3: polygon 1: ring 2: vertex 7: ..." */
	} findings[FENCE_FINDINGS_MAX]; /* the first ones */
	size_t n;
	size_t count[FINDING_KINDS];      /* all of them */
	uint8_t digest[FENCE_DIGEST_LEN]; /* of the fence */
	size_t features, vertices;        /* chosen, and in the fence */
};

/* Reads, checks, repairs what is smaller than the accuracy, and merges: where two chosen polygons meet there is no border.
 * *body is JSON text, for the caller to free. Refuses with feature, polygon, ring and vertex, as they are in the map. */
int fence_from_map(const struct fence_wish *w, char **body, struct fence_report *r, struct err *e);

/* ---- Distance bounds (discs.c): pure ---- */

struct disc { /* a landmark, and how far from it a machine is at the most */
	const char *name;
	struct fix at;
	double radius_m;
};
/* WHY_OUTSIDE with both names when two of them have no common place: a landmark or its clock is wrong. */
int discs_meet(const struct disc *d, size_t n, struct err *e);
/* WHY_OUTSIDE with the name of the first that has no place in common with the circle of the fix. */
int discs_hold(const struct disc *d, size_t n, const struct fix *place, struct err *e);

/* ---- GNSS: what a receiver says, and what is doubtful about it ---- */

/* What the locator found in the stream (gnsswatch.h has the rules). The numbers are those of the bits on the wire. */
enum gnss_doubt {
	GNSS_NO_FIX,      /* the receiver has none */
	GNSS_NO_ESTIMATE, /* of the horizontal error */
	GNSS_SIMULATED,   /* the receiver says so itself */
	GNSS_STALE,       /* nothing new for GNSS_AGE_MAX_MS */
	GNSS_JUMP,        /* it moved faster than the site allows */
	GNSS_FROZEN,      /* the same to the last digit: a replay */
	GNSS_FLAT,        /* all satellites equally strong: one transmitter */
	GNSS_FEW,         /* satellites */
	GNSS_CLOCK,       /* its time is not the machine's */
	GNSS_ALTITUDE,    /* it rose or fell faster than the errors explain */
	GNSS_SPOOFED,     /* the receiver's own detector */
	GNSS_JAMMED,      /* the same */
	GNSS_MOVED,       /* a fixed site is not where it was */
	GNSS_DOUBTS       /* how many there are */
};
#define GNSS_BIT(doubt) (UINT32_C(1) << (doubt))

const char *gnss_doubt_name(enum gnss_doubt d);     /* "no-fix", ..., "moved"; never NULL */
enum gnss_doubt gnss_doubt_parse(const char *name); /* GNSS_DOUBTS when there is none of that name */

enum {
	GNSS_AGE_MAX_MS = 10 * 1000,  /* receivers speak each second */
	GNSS_AWAY_MAX_MS = 60 * 1000, /* between the fix and the decision: a slow TPM quotes, a slow network carries */
	GNSS_SATELLITES_MAX = 255,    /* in use at once */
};
#define GNSS_TIME_MAX_MS   INT64_C(253402300799999) /* the end of the year 9999 */
#define GNSS_ALT_MIN_M     (-12e3)                  /* below the deepest sea */
#define GNSS_ALT_MAX_M     100e3                    /* where space begins */
#define GNSS_K_MIN         1.0 /* times the receiver's estimate, which "may be 50 %, one sigma or two sigma" */
#define GNSS_K_MAX         100.0
#define GNSS_SPEED_MAX_M_S 300.0 /* between two attestations: no airliner is faster */

struct gnss {
	int64_t time_ms;         /* of the fix, by the satellites: since 1970, UTC */
	double lat_deg, lon_deg; /* WGS 84 */
	double alt_m;            /* above the ellipsoid */
	double eph_m, epv_m;     /* the receiver's estimates of its error, horizontal and vertical */
	uint32_t age_ms;         /* since the fix came, when asked */
	uint32_t satellites;     /* in use */
	uint32_t doubts;         /* GNSS_BIT()s */
	bool has_fix;            /* time and position; without it only doubts mean something, and one is GNSS_NO_FIX */
	bool has_alt, has_eph, has_epv;
};

/* 0 when every member that is there is finite and in range, and no doubt is unknown; WHY_MALFORMED otherwise. What is
 * missing is no fault here: gnss_judge() denies for it. Pure. */
int gnss_ok(const struct gnss *g, struct err *e);

/* ---- fixwire.c: between processes of ours. What is not fix_ok() or gnss_ok() makes the reader bad. Pure. ---- */

void fixwire_put(struct wr *w, const struct fix *x);
void fixwire_get(struct rd *r, struct fix *x);
void fixwire_put_gnss(struct wr *w, const struct gnss *g);
void fixwire_get_gnss(struct rd *r, struct gnss *g);

/* The decider's look at a fix that an attested machine bound to its quote. now_ms is the authority's clock; tag is where
 * the geo tag says that the machine stands; k is in GNSS_K_MIN..GNSS_K_MAX. *out: the position with radius k * eph_m,
 * which the fence must hold too. WHY_MALFORMED: !gnss_ok(); WHY_STALE: too old, or another time than the authority's;
 * WHY_OUTSIDE: doubted (the sentence names each doubt), or farther from the tag than k * sqrt(its radius^2 + eph^2).
 * Pure. */
int gnss_judge(const struct gnss *g, const struct fix *tag, double k, int64_t now_ms, struct fix *out, struct err *e);

/* Against the fix of the machine's last accepted attestation; both have the radius k * eph as gnss_judge() gave it.
 * WHY_OUTSIDE ("jump") when it is farther than the errors explain and would have been faster than GNSS_SPEED_MAX_M_S;
 * WHY_STALE when its time is before that one's. Pure. */
int gnss_follows(const struct fix *before, int64_t before_ms, const struct fix *now, int64_t now_ms, struct err *e);

/* ---- The locator: the process that reads the receiver; merestone-locator(8) ---- */

struct locator;

/* gpsd is "IP:PORT" ("[::1]:2947" in IPv6). fixed: the machine is not meant to move. WHY_MALFORMED, WHY_SYSTEM. */
struct locator *locator_start(const char *libexec_dir, const char *gpsd, bool fixed, struct err *e);
void locator_stop(struct locator *l); /* NULL is fine */
AUTO_DEFINE(struct locator *, locator_stop)
/* Where a fixed machine's tag says that it stands; without it, it is where it stood first. NULL takes it back. */
int locator_site(struct locator *l, const struct fix *site, struct err *e);
/* What is the fix now, gnss_ok(). WHY_SYSTEM when the locator has ended: it must be started again. */
int locator_ask(struct locator *l, struct gnss *out, struct err *e);
/* Becomes readable when a doubt appears (a site that moved is one), and when the locator ends; -1 when it has ended. */
int locator_alarm_fd(const struct locator *l);
/* Takes what is readable, without waiting. 1: a doubt appeared since the last call or locator_ask(); 0: none did;
 * -1 with WHY_SYSTEM: the locator has ended. */
int locator_alarmed(struct locator *l, struct err *e);

#endif
