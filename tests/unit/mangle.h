/* mangle: every truncation and every single-bit flip of a good input, each in memory of exactly its size, so that a
 * sanitizer sees a read past its end. What a parser may do with them: refuse, or mean the same as before. */
#ifndef TESTS_MANGLE_H
#define TESTS_MANGLE_H

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

typedef void mangle_fn(struct view mangled, void *arg);

static inline void mangle_one(struct view good, size_t n, size_t bit, mangle_fn *fn, void *arg)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);

	if (!copy)
		abort();
	if (n > 0)
		memcpy(copy, good.p, n);
	if (bit / 8 < n)
		copy[bit / 8] = (uint8_t)(copy[bit / 8] ^ 1u << bit % 8);
	fn(VIEW(copy, n), arg);
	free(copy);
}

static inline void mangle_each(struct view good, mangle_fn *fn, void *arg)
{
	for (size_t n = 0; n < good.n; n++)
		mangle_one(good, n, SIZE_MAX, fn, arg);
	for (size_t bit = 0; bit < good.n * 8; bit++)
		mangle_one(good, good.n, bit, fn, arg);
}

#endif
