#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void mem_free(void *p)
{
	free(p);
}

bool view_equal(struct view a, struct view b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool view_is(struct view v, const char *text)
{
	return view_equal(v, VIEW(text, strlen(text)));
}

bool mem_equal(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t different = 0;

	for (size_t i = 0; i < n; i++)
		different |= (uint8_t)(x[i] ^ y[i]);
	return different == 0;
}

void mem_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

/* A secret has its page to itself: locking and unlocking one leaves the others alone. */
struct secret *secret_new(void)
{
	void *p = mmap(NULL, sizeof(struct secret), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (mlock(p, sizeof(struct secret)) != 0 || madvise(p, sizeof(struct secret), MADV_DONTDUMP) != 0 ||
	        madvise(p, sizeof(struct secret), MADV_WIPEONFORK) != 0) {
		munmap(p, sizeof(struct secret));
		return NULL;
	}
	return p;
}

void secret_free(struct secret *s)
{
	if (!s)
		return;
	mem_wipe(s, sizeof *s);
	munmap(s, sizeof *s);
}
