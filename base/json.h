/* json: jansson with our strictness for reading, and a streaming writer on wr for what we send.
 * Reading refuses duplicate names (A87), depth past JSON_DEPTH_MAX, trailing bytes, NUL and anything past the given
 * size. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/wr.h"

enum { JSON_DEPTH_MAX = 32 }; /* our deepest document has 9 levels (MultiPolygon in a fence in a document) */

static inline void json_free(json_t *j)
{
	json_decref(j);
}
AUTO_DEFINE(json_t *, json_free)

/* Parses v (at most max bytes) as one JSON object. NULL with WHY_MALFORMED otherwise; the caller frees. */
json_t *json_read(struct view v, size_t max, struct err *e);

/* The same of a file of at most max bytes, opened as file_read does. */
json_t *json_file(int dirfd, const char *path, size_t max, struct err *e);

/* Typed members of an object. A missing or wrongly typed one is WHY_MALFORMED: "NAME: expected a string". */
int json_get_str(const json_t *o, const char *key, const char **out, struct err *e); /* borrowed */
int json_get_name(const json_t *o, const char *key, char out[64], struct err *e);    /* name_ok() */
int json_get_int(const json_t *o, const char *key, int64_t min, int64_t max, int64_t *out, struct err *e);
int json_get_num(const json_t *o, const char *key, double min, double max, double *out, struct err *e);
int json_get_bool(const json_t *o, const char *key, bool *out, struct err *e);
int json_get_hex(const json_t *o, const char *key, void *out, size_t n, struct err *e);
int json_get_b64(const json_t *o, const char *key, void *out, size_t cap, size_t *n, struct err *e);
/* For printing: the string, or "" when there is none of that name. Borrowed. */
const char *json_text(const json_t *o, const char *key);
/* Refuses members that are not in the NULL-terminated list: nothing in our documents is ignored. */
int json_only(const json_t *o, const char *const keys[], struct err *e);

/* Writer: commas are put by the calls themselves. Strings are escaped; they must be UTF-8 (bad bytes become '?'). */
struct jw {
	struct wr *w;
	unsigned depth;
	uint64_t more; /* bit per level: something was written at this level */
};

struct jw jw_to(struct wr *w);
void jw_obj(struct jw *j, const char *key); /* key NULL inside an array or at the top */
void jw_arr(struct jw *j, const char *key);
void jw_end_obj(struct jw *j);
void jw_end_arr(struct jw *j);
void jw_str(struct jw *j, const char *key, const char *s);
void jw_text(struct jw *j, const char *key, struct view v);
void jw_hex(struct jw *j, const char *key, struct view v);
void jw_b64(struct jw *j, const char *key, struct view v);
void jw_int(struct jw *j, const char *key, int64_t v);
void jw_num(
        struct jw *j, const char *key, double v); /* shortest form that reads back the same; NaN and infinity: null */
void jw_bool(struct jw *j, const char *key, bool v);
void jw_raw(struct jw *j, const char *key, struct view json); /* already JSON */

#endif
