/* ekpub: what the files about endorsement keys share. Private to attest/. */
#ifndef ATTEST_EKPUB_H
#define ATTEST_EKPUB_H

#include "attest/attest.h"

/* roca.c: the modulus has the mark of a prime generator whose keys can be factored (CVE-2017-15361, A29). */
bool roca_suspect(struct view modulus);

/* ekseed.c: a fresh seed of the length of ek's name hash, and TPM2B_ENCRYPTED_SECRET that only ek can read it from. The
 * caller wipes the seed. */
enum { EK_HASH_MAX = 48 };
int ekseed_make(const struct ek_pub *ek, uint8_t seed[EK_HASH_MAX], struct wr *secret, struct err *e);

#endif
