/* mem: views of bytes, cleanup by scope, secrets that are locked and wiped. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes. Never freed through the view; valid as long as the bytes it was cut from. */
struct view {
	const uint8_t *p;
	size_t n;
};

#define VIEW(ptr, len) ((struct view){(const uint8_t *)(ptr), (len)})
#define VIEW_OF(array) ((struct view){(const uint8_t *)(array), sizeof(array)})
#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))

/* AUTO(x_free) T *v = ...;  calls x_free(v) at the end of the scope. x_free(NULL) must be fine.
 * Declare the adapter once beside the type: AUTO_DEFINE(struct key *, key_free) */
#define AUTO(fn) __attribute__((cleanup(fn##_auto)))
#define AUTO_DEFINE(type, fn)                                                                                          \
	static inline void fn##_auto(type *p)                                                                          \
	{                                                                                                              \
		fn(*p);                                                                                                \
	}
/* Hands a pointer on and leaves NULL behind, so that its cleanup does nothing. */
#define TAKE(p)                                                                                                        \
	__extension__({                                                                                                \
		__typeof__(p) t_ = (p);                                                                                \
		(p) = NULL;                                                                                            \
		t_;                                                                                                    \
	})

void mem_free(void *p);
AUTO_DEFINE(char *, mem_free)
struct fd_owner; /* fds: see file.h */

bool view_equal(struct view a, struct view b);          /* not for secrets */
bool view_is(struct view v, const char *text);          /* v holds exactly the characters of text */
bool mem_equal(const void *a, const void *b, size_t n); /* constant time */
void mem_wipe(void *p, size_t n);                       /* not optimised away */

/* A 32-byte secret in memory that is locked, left out of core dumps and of forked children, and wiped when freed. */
enum { SECRET_LEN = 32 };
struct secret {
	uint8_t b[SECRET_LEN];
};
struct secret *secret_new(void); /* zeroed; NULL when memory cannot be had or locked */
void secret_free(struct secret *s);
AUTO_DEFINE(struct secret *, secret_free)

#endif
