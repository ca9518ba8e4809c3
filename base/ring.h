/* ring: messages over a one-way pipe: be32 length, then the body. One writer and one reader per pipe. */
#ifndef BASE_RING_H
#define BASE_RING_H

#include "base/err.h"
#include "base/mem.h"

enum {
	RING_MAX = 640 * 1024, /* the largest message: a document of 512 KiB and its envelope */
	RING_PREFIX = 4,       /* its length in front */
};

/* Descriptors that merestoned hands to each process of the ring. */
enum { RING_IN = 3, RING_OUT = 4 };

struct ring_in {
	int fd;
	uint8_t *buf; /* grows to what is in flight, at most RING_MAX + 4 */
	size_t cap, have, used;
};

void ring_open(struct ring_in *r, int fd);
void ring_close(struct ring_in *r); /* frees the buffer, leaves fd alone */

/* Blocks for the next message. 1: *body is valid until the next call of ring_read or ring_ready; 0: the writer is gone;
 * -1: broken frame or I/O error. */
int ring_read(struct ring_in *r, struct view *body, struct err *e);
/* True when a whole message is already buffered or readable without waiting: lets the decider fill a group commit. */
bool ring_ready(struct ring_in *r);
/* True when the next call of ring_read has its message in the buffer already: asks nobody. */
bool ring_has(const struct ring_in *r);
/* Blocks until the whole message is written. */
int ring_write(int fd, struct view body, struct err *e);
/* The same for messages with their lengths in front, one behind the other, as ring_frame() puts them. */
int ring_flush(int fd, struct view frames, struct err *e);
/* Gives the message that was written behind the RING_PREFIX bytes at p its length. */
void ring_frame(uint8_t *p, size_t n);

#endif
