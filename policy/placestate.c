/* Where a machine was, as one column of its row holds it. */
#include <string.h>

#include "policy/store.h"

enum { FORM = 1 };
enum { INSIDE = 1, DWELT = 2, STALE = 4 };

static void write_presence(struct wr *w, const struct presence *p)
{
	wr_text16(w, p->domain);
	wr_text16(w, p->fence);
	wr_u8(w, (uint8_t)(p->inside * INSIDE | p->dwelt * DWELT | p->stale * STALE));
	wr_be64(w, (uint64_t)p->since);
	wr_be64(w, (uint64_t)p->seen);
	fixwire_put(w, &p->at);
}

static void read_presence(struct rd *r, struct presence *p)
{
	*p = (struct presence){0};
	rd_text16(r, p->domain, sizeof p->domain);
	rd_text16(r, p->fence, sizeof p->fence);
	unsigned said = (unsigned)rd_upto(r, rd_u8(r), INSIDE | DWELT | STALE);
	p->inside = said & INSIDE;
	p->dwelt = said & DWELT;
	p->stale = said & STALE;
	p->since = (int64_t)rd_upto(r, rd_be64(r), INT64_MAX);
	p->seen = (int64_t)rd_upto(r, rd_be64(r), INT64_MAX);
	fixwire_get(r, &p->at);
}

void placestate_write(struct wr *w, const struct placestate *p)
{
	if (!p->has_fix && p->n == 0)
		return;
	wr_u8(w, FORM);
	wr_u8(w, p->has_fix);
	if (p->has_fix) {
		fixwire_put(w, &p->fix);
		wr_be64(w, (uint64_t)p->fix_ms);
		wr_be64(w, p->fix_tag);
	}
	for (uint32_t i = 0; i < p->n; i++)
		write_presence(w, &p->presence[i]);
}

bool placestate_read(struct view v, struct placestate *out)
{
	struct rd r = rd_of(v);

	placestate_clear(out);
	if (v.n == 0)
		return true;
	rd_require(&r, rd_u8(&r) == FORM);
	out->has_fix = rd_upto(&r, rd_u8(&r), 1) == 1;
	if (out->has_fix) {
		fixwire_get(&r, &out->fix);
		out->fix_ms = (int64_t)rd_upto(&r, rd_be64(&r), INT64_MAX);
		out->fix_tag = rd_be64(&r);
	}
	for (; rd_left(&r) > 0 && out->n < DOMAINS_MAX; out->n++)
		read_presence(&r, &out->presence[out->n]);
	return rd_end(&r);
}

struct presence *placestate_of(struct placestate *p, const char *domain)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (strcmp(p->presence[i].domain, domain) == 0)
			return &p->presence[i];
	if (p->n == DOMAINS_MAX)
		return NULL;
	struct presence *made = &p->presence[p->n++];
	*made = (struct presence){0};
	memcpy(made->domain, domain, strlen(domain) + 1);
	return made;
}
