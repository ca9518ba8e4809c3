#include <string.h>

#include "base/sha.h"
#include "geofence/shape.h"

enum { WORDS = 512 };

struct sink { /* little-endian words on their way to the hash */
	struct sha hash;
	uint8_t bytes[8 * WORDS];
	size_t n;
};

static void flush(struct sink *s)
{
	sha_add(&s->hash, VIEW(s->bytes, s->n));
	s->n = 0;
}

static void put_word(struct sink *s, uint64_t v)
{
	if (s->n == sizeof s->bytes)
		flush(s);
	for (int i = 0; i < 8; i++)
		s->bytes[s->n++] = (uint8_t)(v >> 8 * i);
}

static void put_double(struct sink *s, double x)
{
	uint64_t bits;

	x += 0.0; /* -0 is 0 */
	memcpy(&bits, &x, sizeof bits);
	put_word(s, bits);
}

static void put_place(struct sink *s, struct lonlat p)
{
	put_double(s, p.lon);
	put_double(s, p.lat);
}

static void put_shape(struct sink *s, const struct fence *f)
{
	put_word(s, f->circle);
	put_word(s, f->geodesic);
	put_double(s, f->map_accuracy_m);
	put_place(s, f->centre);
	put_double(s, f->radius_m);
	put_double(s, f->half_width_m);
	put_word(s, f->n_polygons);
	for (size_t i = 0; i < f->n_polygons; i++)
		put_word(s, f->polygons[i].count);
	put_word(s, f->n_loops);
	for (size_t i = 0; i < f->n_loops; i++)
		put_word(s, f->loops[i].count);
	for (size_t i = 0; i < f->n_positions; i++)
		put_place(s, f->points[i].at);
}

void digest_fence(struct fence *f)
{
	static const char tag[] = "merestone-fence-shape/1";
	struct sink s;

	s.n = 0;
	sha_start(&s.hash);
	sha_add(&s.hash, VIEW_OF(tag)); /* with its NUL */
	put_word(&s, f->n_parts);
	if (f->n_parts == 0)
		put_shape(&s, f);
	flush(&s);
	for (size_t i = 0; i < f->n_parts; i++)
		sha_add(&s.hash, VIEW_OF(f->parts[i]->digest));
	sha_end(&s.hash, f->digest);
}
