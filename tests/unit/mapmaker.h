/* mapmaker: maps of a few features and what the import says of them. */
#ifndef TESTS_MAPMAKER_H
#define TESTS_MAPMAKER_H

#include "tests/unit/fencemaker.h"

#define SQUARE(w, s, e, n) "[[" #w "," #s "],[" #e "," #s "],[" #e "," #n "],[" #w "," #n "],[" #w "," #s "]]"
#define FEATURE(name, rings)                                                                                           \
	"{\"type\":\"Feature\",\"properties\":{\"name\":\"" name                                                       \
	"\"},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[" rings "]}}"
#define MAP(features) "{\"type\":\"FeatureCollection\",\"features\":[" features "]}"

static struct fence_report report;

static inline struct fence_wish wish_of(const char *map)
{
	return (struct fence_wish){.map = VIEW(map, strlen(map)), .map_accuracy_m = 100, .edges = EDGES_RFC7946};
}

/* The fence that a map gives; fails the test when there is none. */
static inline struct fence *fence_wished(const struct fence_wish *w)
{
	AUTO(mem_free) char *body = NULL;

	err = (struct err){0};
	if (fence_from_map(w, &body, &report, &err) != 0)
		fail_msg("%s", err.text);
	struct fence *f = fence_from(body);

	assert_non_null(f);
	return f;
}

static inline struct fence *fence_mapped(const char *map)
{
	struct fence_wish w = wish_of(map);

	return fence_wished(&w);
}

static inline void wish_refused(const struct fence_wish *w, const char *sentence)
{
	char *body = NULL;

	err = (struct err){0};
	assert_int_equal(fence_from_map(w, &body, &report, &err), -1);
	assert_null(body);
	if (strstr(err.text, sentence) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
}

static inline void map_refused(const char *map, const char *sentence)
{
	struct fence_wish w = wish_of(map);

	wish_refused(&w, sentence);
}

static inline void reported(enum fence_finding_kind kind, const char *sentence)
{
	for (size_t i = 0; i < report.n; i++)
		if (report.findings[i].kind == kind && strstr(report.findings[i].text, sentence) != NULL)
			return;
	for (size_t i = 0; i < report.n; i++)
		print_message("%s\n", report.findings[i].text);
	fail_msg("the report does not say \"%s\"", sentence);
}

#endif
