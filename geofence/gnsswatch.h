/* gnsswatch: what a receiver reported, and what is doubtful about the whole of it. Internal to the locator. All pure. */
#ifndef GEOFENCE_GNSSWATCH_H
#define GEOFENCE_GNSSWATCH_H

#include "geofence/geofence.h"

/* ---- What comes from gpsd ---- */

enum {
	GPSD_LINE_MAX = 16 * 1024, /* gpsd's own longest report is 10,240 */
	UBX_PAYLOAD_MAX = 4096,    /* RXM-RAWX of 100 signals has 3,216 */
	SKY_MAX = 200,             /* satellites in one report; gpsd knows 184 channels */
};

enum gpsd_item_kind { GPSD_NOTHING, GPSD_JSON, GPSD_UBX }; /* nothing: bytes that mean nothing here */

struct gpsd_item {
	enum gpsd_item_kind kind;
	struct view v; /* the line without its end; or the frame, whole */
};

/* The first item of what came so far (gpsdstream.c): how many bytes it takes, 0 when more must come first. What is longer
 * than the limits is nothing, byte by byte. */
size_t gpsdstream_next(struct view v, struct gpsd_item *out);

enum gnss_report_kind { REPORT_OTHER, REPORT_FIX, REPORT_SKY, REPORT_RECEIVER };

enum { GPSD_STATUS_RECKONED = 5, GPSD_STATUS_SIMULATED = 8 }; /* gps_json(5): TPV status */

struct gnss_report {
	enum gnss_report_kind kind;
	struct gnss_tpv {              /* REPORT_FIX: gps_json(5) TPV */
		uint32_t mode, status; /* 2: no altitude, 3: all; 0: not said */
		int64_t time_ms;
		double lat_deg, lon_deg, alt_m, eph_m, epv_m, eps_m_s;
		bool has_time, has_place, has_alt, has_eph, has_epv, has_eps;
	} tpv;
	struct gnss_sky {                  /* REPORT_SKY: of the satellites in use */
		uint32_t used, strengths;  /* and how many of them have a strength */
		double mean_db, spread_db; /* of those; the standard deviation */
	} sky;
	struct gnss_receiver { /* REPORT_RECEIVER: a u-blox says one of the two */
		bool has_spoofing, has_jamming;
		uint8_t spoofing,
		        jamming; /* UBX-NAV-STATUS spoofDetState; UBX-MON-RF jammingState, of the worst antenna */
	} receiver;
};

/* One JSON object of gpsd (gpsdjson.c). WHY_MALFORMED: broken, or a number that is out of range. */
int gpsdjson_read(struct view line, struct gnss_report *out, struct err *e);
/* One frame: sync, class, id, length, payload, checksum (ubx.c). WHY_MALFORMED. */
int ubx_read(struct view frame, struct gnss_report *out, struct err *e);

/* ---- Does a fixed site stand still? (sitewatch.c) ---- */

enum {
	SITE_SHORT = 5,  /* fixes: a majority of them finds 100 m */
	SITE_LONG = 40,  /* and of these finds 20 m */
	SITE_GAP = 60,   /* fixes from the newest to the newest of what it is compared with: a move fits in between */
	SITE_KEPT = 100, /* SITE_GAP + SITE_LONG */
};

struct sitewatch {
	struct fix site; /* where the tag says */
	bool has_site;
	size_t n; /* fixes ever; the ring holds the last SITE_KEPT */
	struct lonlat at[SITE_KEPT];
};

/* True when the last fixes are elsewhere than those before them, by more than their own spread explains. */
bool sitewatch_feed(struct sitewatch *w, double lat_deg, double lon_deg);
/* True when most of the last SITE_SHORT fixes are farther from the tag than k * sqrt(its radius^2 + eph^2). */
bool sitewatch_away(const struct sitewatch *w, double eph_m, double k);

/* ---- The rules of the stream (gnsswatch.c) ---- */

#define GNSS_K 2.0 /* for what the locator itself compares; the decider has the domain's */

struct gnss_moment {
	int64_t wall_ms; /* the machine's clock, since 1970 */
	int64_t mono_ms; /* runs on whatever the clock is set to */
};

struct gnss_watch {
	bool fixed;
	struct sitewatch site;
	struct gnss_tpv open; /* of the epoch that may still get better reports */
	struct gnss_moment open_at;
	bool is_open;
	struct gnss fix; /* of the last whole epoch that had one; doubts are below */
	int64_t fix_at_ms;
	double eps_m_s;
	uint32_t state;                  /* doubts about what is now */
	int64_t held_until[GNSS_DOUBTS]; /* doubts about what was: mono */
	int64_t same_since_ms;           /* the position is the same to the last digit; time of fix */
	unsigned same, clock_off;        /* epochs in a row */
	unsigned sky_flat, sky_few;      /* reports in a row */
	int64_t sky_at_ms;               /* mono */
};

void gnss_watch_start(struct gnss_watch *w, bool fixed);
/* NULL: no tag is known. */
void gnss_watch_site(struct gnss_watch *w, const struct fix *site);
void gnss_feed(struct gnss_watch *w, const struct gnss_report *r, struct gnss_moment now);
/* The fix and all doubts at that moment. */
void gnss_now(const struct gnss_watch *w, struct gnss_moment now, struct gnss *out);

#endif
