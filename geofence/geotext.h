/* geotext: JSON read as it comes, for maps of many megabytes. Strict (RFC 8259), nothing allocated, never recursive;
 * sticky like rd: after the first wrong byte every read gives nothing and geotext_ok() says no. */
#ifndef GEOFENCE_GEOTEXT_H
#define GEOFENCE_GEOTEXT_H

#include "base/err.h"
#include "base/rd.h"

enum { GEOTEXT_DEPTH_MAX = 63 }; /* a bit of `fresh` for each; a GeometryCollection in a Feature has about 9 */

struct geotext {
	struct rd r;
	unsigned depth;
	uint64_t fresh; /* bit per level: no element was read yet, so no comma is due */
};

struct geotext geotext_of(struct view v);

/* What comes next: '{' '[' '"' '0' (a number) 't' 'f' 'n'; 0 when none of these. */
char geotext_kind(struct geotext *t);
/* Into an object or array. Then `while (geotext_more(t, close))` reads one element, or key and value, each time and
 * leaves behind the closing bracket. */
void geotext_enter(struct geotext *t, char open);
bool geotext_more(struct geotext *t, char close);
struct view geotext_key(struct geotext *t);    /* and its colon; escapes are left as they are */
struct view geotext_string(struct geotext *t); /* without the quotes; escapes are left as they are */
double geotext_number(struct geotext *t);      /* correctly rounded; may be infinite when past every double */
struct view geotext_value(struct geotext *t);  /* any one value, checked whole: its bytes */

bool geotext_ok(const struct geotext *t);
/* 0 when all was well and only blanks are left, or else the sentence with the byte where it stopped. Ask once. */
int geotext_end(struct geotext *t, struct err *e);

struct geotext_slot { /* a member that the reader of an object wants */
	const char *name;
	struct view value; /* empty when it is not there */
};

/* Fills the slots from the object that comes next. WHY_MALFORMED when it is none, is broken, or has a wanted member twice; a
 * slot whose value is broken then holds the text from there on, so that reading it finds the place. */
int geotext_fields(struct geotext *t, struct geotext_slot *slots, size_t n, struct err *e);
/* The same for a text that is one object and nothing else. */
int geotext_members(struct view object, struct geotext_slot *slots, size_t n, struct err *e);

/* WHY_MALFORMED for a value that could not be read: where, and whether the text ends there. Always -1. */
int geotext_broken(const struct geotext *t, struct err *e);

#endif
