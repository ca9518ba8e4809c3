/* The compiled form: the arrays of a fence one behind the other, as they lie in memory, under a hash. */
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "base/sha.h"
#include "geofence/shape.h"

enum {
	VERSION = 1,
	ORDER = 0x01020304, /* in the order of the machine */
	HEAD = 56,          /* magic, version, order, length, hash of all behind */
	FIELDS = 7 + FLAT_ARRAYS + 6,
};
static const char magic[8] = {'m', 'e', 'r', 'e', 'f', 'n', 'c', '\n'};

_Static_assert(sizeof(struct polygon) == 40 && sizeof(struct loop) == 40 && sizeof(struct ball) == 40 &&
                       sizeof(struct span) == 16 && sizeof(union word) == 8,
        "the arrays have no padding");

void flat_arrays(struct fence *f, struct flat out[FLAT_ARRAYS])
{
	struct grid *g = &f->grid;
	const struct flat arrays[FLAT_ARRAYS] = {
	        {(void **)&f->polygons, &f->n_polygons, sizeof(struct polygon)},
	        {(void **)&f->loops, &f->n_loops, sizeof(struct loop)},
	        {(void **)&f->at, &f->n_points, sizeof(struct lonlat)},
	        {(void **)&f->balls.b, &f->balls.n, sizeof(struct ball)},
	        {(void **)&f->inside[0].s, &f->inside[0].n, sizeof(struct span)},
	        {(void **)&f->inside[1].s, &f->inside[1].n, sizeof(struct span)},
	        {(void **)&f->inside[2].s, &f->inside[2].n, sizeof(struct span)},
	        {(void **)&f->inside[3].s, &f->inside[3].n, sizeof(struct span)},
	        {(void **)&g->cells, &g->n_cells, sizeof(uint32_t)},
	        {(void **)&g->leaves, &g->n_leaves, sizeof(union word)},
	};

	memcpy(out, arrays, sizeof arrays);
}

static size_t padded(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* Every number of a part that is not in an array, in the order of the file; read and written alike. */
struct fields {
	uint64_t word[FIELDS];
};

static uint64_t bits_of(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof bits);
	return bits;
}

static double double_of(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

static struct fields fields_of(struct fence *f)
{
	const struct grid *g = &f->grid;
	struct fields t = {{f->circle, bits_of(f->map_accuracy_m), bits_of(f->centre.lon), bits_of(f->centre.lat),
	        bits_of(f->radius_m), bits_of(f->half_width_m), f->n_positions, bits_of(g->west), bits_of(g->south),
	        bits_of(g->cell_lon), bits_of(g->cell_lat), g->cols, g->rows}};
	struct flat arrays[FLAT_ARRAYS];

	flat_arrays(f, arrays);
	for (size_t i = 0; i < FLAT_ARRAYS; i++)
		t.word[FIELDS - FLAT_ARRAYS + i] = *arrays[i].n;
	return t;
}

static void set_fields(struct fence *f, const struct fields *t)
{
	struct grid *g = &f->grid;

	f->circle = t->word[0] == 1;
	f->map_accuracy_m = double_of(t->word[1]);
	f->centre = (struct lonlat){double_of(t->word[2]), double_of(t->word[3])};
	f->radius_m = double_of(t->word[4]);
	f->half_width_m = double_of(t->word[5]);
	f->n_positions = t->word[6];
	g->west = double_of(t->word[7]);
	g->south = double_of(t->word[8]);
	g->cell_lon = double_of(t->word[9]);
	g->cell_lat = double_of(t->word[10]);
	g->cols = (uint32_t)t->word[11];
	g->rows = (uint32_t)t->word[12];
}

/* ---- Writing ---- */

static size_t part_size(struct fence *f)
{
	struct flat arrays[FLAT_ARRAYS];
	size_t n = sizeof(struct fields);

	flat_arrays(f, arrays);
	for (size_t i = 0; i < FLAT_ARRAYS; i++)
		n += padded(*arrays[i].n * arrays[i].size);
	return n;
}

/* out is zeroed; gives where the next part begins. */
static uint8_t *put_part(struct fence *f, uint8_t *out)
{
	struct fields t = fields_of(f);
	struct flat arrays[FLAT_ARRAYS];

	memcpy(out, &t, sizeof t);
	out += sizeof t;
	flat_arrays(f, arrays);
	for (size_t i = 0; i < FLAT_ARRAYS; i++) {
		size_t n = *arrays[i].n * arrays[i].size;
		if (n > 0)
			memcpy(out, *arrays[i].array, n);
		out += padded(n);
	}
	return out;
}

static void put_head(const struct fence *f, uint8_t *out, size_t n)
{
	const uint32_t numbers[2] = {VERSION, ORDER};
	const uint64_t length = n, parts = f->n_parts;

	memcpy(out, magic, sizeof magic);
	memcpy(out + 8, numbers, sizeof numbers);
	memcpy(out + 16, &length, sizeof length);
	memcpy(out + HEAD, &parts, sizeof parts);
	memcpy(out + HEAD + sizeof parts, f->digest, FENCE_DIGEST_LEN);
}

/* Nothing is changed: the parts are not const only so that one table of arrays serves both ways. */
static struct fence *part_of(const struct fence *f, size_t i)
{
	return f->n_parts > 0 ? f->parts[i] : (struct fence *)(uintptr_t)f;
}

int fence_compile(const struct fence *f, uint8_t **out, size_t *n, struct err *e)
{
	size_t count = f->n_parts > 0 ? f->n_parts : 1;
	size_t size = HEAD + sizeof(uint64_t) + FENCE_DIGEST_LEN;

	for (size_t i = 0; i < count; i++)
		size += part_size(part_of(f, i));
	uint8_t *bytes = calloc(1, size);
	if (bytes == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the compiled fence");
	put_head(f, bytes, size);
	uint8_t *at = bytes + HEAD + sizeof(uint64_t) + FENCE_DIGEST_LEN;
	for (size_t i = 0; i < count; i++)
		at = put_part(part_of(f, i), at);
	sha256(bytes + HEAD - SHA_LEN, VIEW(bytes + HEAD, size - HEAD));
	*out = bytes;
	*n = size;
	return 0;
}

/* ---- Reading ---- */

static int malformed(const char *what, struct err *e)
{
	return err_set(e, WHY_MALFORMED, "compiled fence: %s", what);
}

static uint64_t rd_native64(struct rd *r)
{
	uint64_t v = 0;

	rd_copy(r, &v, sizeof v);
	return v;
}

static int read_head(struct rd *r, struct view v, struct err *e)
{
	uint32_t numbers[2];
	uint8_t hash[SHA_LEN];
	struct view name = rd_view(r, sizeof magic);

	if (!view_equal(name, VIEW_OF(magic)))
		return malformed("it is not one", e);
	rd_copy(r, numbers, sizeof numbers);
	if (numbers[1] != ORDER)
		return malformed("it was made for machines with another byte order", e);
	if (numbers[0] != VERSION)
		return malformed("it is of another version", e);
	uint64_t length = rd_native64(r);
	struct view wanted = rd_view(r, SHA_LEN);
	if (!rd_ok(r) || length != v.n)
		return malformed("it is not whole", e);
	sha256(hash, VIEW(v.p + HEAD, v.n - HEAD));
	return mem_equal(wanted.p, hash, SHA_LEN) ? 0 : malformed("it is damaged: its hash is another", e);
}

static void read_array(struct rd *r, struct flat *a, uint64_t n)
{
	*a->n = rd_upto(r, n, rd_left(r) / a->size);
	struct view bytes = rd_view(r, padded(*a->n * a->size));

	*a->array = (void *)(uintptr_t)
	                    bytes.p; /* aligned: everything before has a multiple of 8 bytes; never written to */
}

/* Runs come first; how many levels are above them follows from their number. */
static void set_levels(struct balls *t)
{
	size_t runs = 0;

	while (runs < t->n && t->b[runs].count > 0)
		runs++;
	t->levels = border_levels(runs, t->first);
}

static struct fence *read_part(struct rd *r, struct err *e)
{
	AUTO(fence_free) struct fence *f = calloc(1, sizeof(*f));
	struct flat arrays[FLAT_ARRAYS];
	struct fields t;

	if (f == NULL) {
		err_set(e, WHY_SYSTEM, "no memory for the fence");
		return NULL;
	}
	f->borrowed = true;
	rd_copy(r, &t, sizeof t);
	set_fields(f, &t);
	flat_arrays(f, arrays);
	for (size_t i = 0; i < FLAT_ARRAYS; i++)
		read_array(r, &arrays[i], t.word[FIELDS - FLAT_ARRAYS + i]);
	if (!rd_ok(r) || t.word[0] > 1 || t.word[11] > UINT32_MAX || t.word[12] > UINT32_MAX) {
		malformed("it is not whole", e);
		return NULL;
	}
	set_levels(&f->balls);
	return flatcheck(f, e) == 0 ? TAKE(f) : NULL;
}

static int read_parts(struct rd *r, struct fence *f, uint64_t n, struct err *e)
{
	n = rd_upto(r, n, FENCE_PARTS_MAX);
	f->parts = calloc(n + 1, sizeof(struct fence *));
	if (f->parts == NULL)
		return err_set(e, WHY_SYSTEM, "no memory for the fence");
	while (f->n_parts < n) {
		struct fence *part = read_part(r, e);
		if (part == NULL)
			return -1;
		f->parts[f->n_parts++] = part;
		f->n_positions += part->n_positions;
	}
	return n > 0 ? 0 : malformed("it has too many parts", e);
}

static struct fence *read_body(struct rd *r, struct err *e)
{
	AUTO(fence_free) struct fence *f = NULL;
	uint64_t parts = rd_native64(r);
	struct view digest = rd_view(r, FENCE_DIGEST_LEN);

	f = parts == 0 ? read_part(r, e) : calloc(1, sizeof(*f));
	if (f == NULL || (parts > 0 && read_parts(r, f, parts, e) != 0))
		return NULL;
	if (!rd_end(r)) {
		malformed("it goes on behind its end", e);
		return NULL;
	}
	memcpy(f->digest, digest.p, FENCE_DIGEST_LEN);
	f->borrowed = true;
	return TAKE(f);
}

bool fence_is_compiled(struct view v)
{
	return v.n >= sizeof magic && memcmp(v.p, magic, sizeof magic) == 0;
}

struct fence *fence_open(struct view v, struct err *e)
{
	struct rd r = rd_of(v);

	if ((uintptr_t)v.p % 8 != 0) {
		err_set(e, WHY_SYSTEM, "compiled fence: the bytes are not aligned");
		return NULL;
	}
	return read_head(&r, v, e) == 0 ? read_body(&r, e) : NULL;
}
