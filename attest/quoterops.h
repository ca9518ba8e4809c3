/* quoterops: what the quoter does when asked; quoter.c has the loop and the sandbox. */
#ifndef ATTEST_QUOTEROPS_H
#define ATTEST_QUOTEROPS_H

#include "attest/quoterwire.h"
#include "attest/tpm.h"

struct quoterops {
	struct tpm tpm;
	struct tpmkeys keys;
	bool suspect;         /* the last use of the TPM failed in an unclear way */
	int lock;             /* held around each use of the TPM: a one-shot command may run beside the daemon */
	int session;          /* file for a session that waits for an officer */
	int log;              /* the boot log, or -1 */
	int ima;              /* the runtime list, or -1 */
	const char *log_path; /* for sentences */
	int socket;           /* where descriptors come from */
};

/* One request to the body of its reply, which always fits into QUOTER_REPLY_MAX. */
void quoterops_answer(struct quoterops *q, struct view request, struct wr *reply);
/* quoterima.c: PART_IMA from byte `at` of the list on, at most `room` bytes of whole entries; *n is 0 when none are new. The
 * caller frees. Read behind the quote: the list then reaches at least as far as the quoted register. */
int quoterima_read(int fd, uint64_t at, size_t room, uint8_t **part, size_t *n, struct err *e);
void quoterops_refuse(struct wr *reply, const struct err *e);

/* Of the requests, those about NV memory (quotertag.c). */
int quotertag_request(struct quoterops *q, struct rd *r, struct wr *w, struct err *e);
int quotertag_write(struct quoterops *q, struct rd *r, struct wr *w, struct err *e);
int quotertag_end_leases(struct quoterops *q, struct rd *r, struct wr *w, struct err *e);

#endif
