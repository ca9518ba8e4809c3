/* quoterwire: what passes over the socketpair between agent and quoter, for quoterclient.c and quoter*.c only.
 * A message is be32 length and body. A request is u8 op and its arguments; a reply is u8 reason, then the result, or
 * text16 sentence and text16 hint. One request at a time. The first reply needs no request: the quoter is ready, or why
 * not. ENCRYPT and DECRYPT are followed by one byte that carries two descriptors. */
#ifndef ATTEST_QUOTERWIRE_H
#define ATTEST_QUOTERWIRE_H

#include "attest/attest.h"

enum quoter_op {
	QUOTER_STATUS =
	        1,   /* - : be64 clock, be32 resets, be32 restarts, u8 safe, id x || y, log digest, u8 runtime list */
	QUOTER_KEYS, /* view32 claims : container */
	QUOTER_ACTIVATE, /* view16 blob, view16 secret : nonce */
	QUOTER_EVIDENCE, /* u8 flags, nonce, be64 place in the runtime list, be64 counter, view32 claims, view16 tag, view16 bounds : container */
	QUOTER_SIGN,     /* view16 content : signature */
	QUOTER_ENCRYPT,  /* view32 lease use, then descriptors : - */
	QUOTER_DECRYPT,
	QUOTER_TAG_REQUEST, /* - : EK digest, nonce, view16 Name of the index */
	QUOTER_TAG_WRITE,   /* view16 tag, signature : - */
	QUOTER_END_LEASES,  /* - : - */
	QUOTER_OPS
};

enum {
	QUOTER_SOCKET = 3, /* the only descriptor the quoter inherits, beside standard error */
	QUOTER_REQUEST_MAX = CLAIMS_MAX + TAG_MAX + BOUNDS_PART_MAX + 72, /* the largest: evidence */
	QUOTER_REPLY_MAX = EVIDENCE_MAX + 16,                             /* a container behind its reason */
};

#endif
