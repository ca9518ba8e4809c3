#include "firmware/firmware.h"

#include <string.h>

#include "base/rd.h"
#include "base/sha.h"

enum { LIST_HEAD = UEFI_GUID_LEN + 3 * 4 };

const uint8_t SIGLIST_X509[UEFI_GUID_LEN] = {
        0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72};
static const uint8_t type_sha256[UEFI_GUID_LEN] = {
        0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28};

struct siglist siglist_of(struct view lists)
{
	return (struct siglist){.rest = lists};
}

/* Every size is checked against what is left before anything is made of it (A53). */
static int list_open(struct siglist *l, struct err *e)
{
	struct rd r = rd_of(l->rest);
	struct view type = rd_view(&r, UEFI_GUID_LEN);
	uint64_t size = rd_upto(&r, rd_le32(&r), l->rest.n);
	uint64_t head = rd_upto(&r, rd_le32(&r), size);
	uint64_t each = rd_le32(&r);

	rd_require(&r, size >= LIST_HEAD + head && each > UEFI_GUID_LEN);
	rd_view(&r, head);
	if (rd_ok(&r))
		l->entries = rd_view(&r, size - LIST_HEAD - head);
	if (!rd_ok(&r) || l->entries.n % each != 0)
		return err_set(
		        e, WHY_MALFORMED, "UEFI 2.10 32.4.1: a signature list does not have the sizes that it claims");
	if (view_equal(type, VIEW_OF(type_sha256)) && each != UEFI_GUID_LEN + PCR_LEN)
		return err_set(e, WHY_MALFORMED, "UEFI 2.10 32.4.1: a list of SHA-256 has entries of %u bytes",
		        (unsigned)each);
	l->type = type;
	l->size = (size_t)each;
	l->rest = rd_view(&r, rd_left(&r));
	return 0;
}

static void name(struct signature *s)
{
	if (s->kind == SIGNATURE_SHA256)
		memcpy(s->name, s->data.p, PCR_LEN);
	else
		sha256(s->name, s->data);
}

int siglist_next(struct siglist *l, struct signature *s, struct err *e)
{
	if (l->refused)
		return err_set(e, WHY_MALFORMED, "the signature lists were refused");
	while (l->entries.n == 0) {
		if (l->rest.n == 0)
			return 0;
		if (list_open(l, e)) {
			l->refused = true;
			return -1;
		}
	}
	s->kind = view_equal(l->type, VIEW_OF(SIGLIST_X509))  ? SIGNATURE_X509
	          : view_equal(l->type, VIEW_OF(type_sha256)) ? SIGNATURE_SHA256
	                                                      : SIGNATURE_OTHER;
	s->owner = VIEW(l->entries.p, UEFI_GUID_LEN);
	s->data = VIEW(l->entries.p + UEFI_GUID_LEN, l->size - UEFI_GUID_LEN);
	l->entries = VIEW(l->entries.p + l->size, l->entries.n - l->size);
	name(s);
	return 1;
}

/* The form has no length and no type. DER of a certificate begins with a SEQUENCE of two length bytes; shim logs it
 * without an owner. */
void siglist_authority(struct view data, struct signature *s)
{
	bool bare = data.n > 2 && data.p[0] == 0x30 && data.p[1] == 0x82;
	size_t owner = bare || data.n < UEFI_GUID_LEN ? 0 : UEFI_GUID_LEN;

	s->owner = VIEW(data.p, owner);
	s->data = owner > 0 ? VIEW(data.p + owner, data.n - owner) : data;
	s->kind = s->data.n == PCR_LEN ? SIGNATURE_SHA256 : SIGNATURE_X509;
	name(s);
}
