/* der: as much of DER as certificates need before OpenSSL sees them. Private to attest/. */
#ifndef ATTEST_DER_H
#define ATTEST_DER_H

#include "base/rd.h"

enum { DER_INTEGER = 0x02, DER_OCTETS = 0x04, DER_SEQUENCE = 0x30 };

/* The contents of the next element, which must have that tag and fewer than 64 KiB. */
struct view der_take(struct rd *r, uint8_t tag);
/* Bytes of the SEQUENCE in front of v, with its head; 0 when there is none. */
size_t der_length(struct view v);

#endif
