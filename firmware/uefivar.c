#include "firmware/firmware.h"

#include <string.h>

#include "base/rd.h"

/* The first three fields of a stored GUID are little-endian. */
const uint8_t UEFI_GLOBAL[UEFI_GUID_LEN] = {
        0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
const uint8_t UEFI_SECURITY[UEFI_GUID_LEN] = {
        0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f};
const uint8_t UEFI_SHIM[UEFI_GUID_LEN] = {
        0x50, 0xab, 0x5d, 0x60, 0x46, 0xe0, 0x00, 0x43, 0xab, 0xb6, 0x3d, 0xd8, 0x10, 0xdd, 0x8b, 0x23};

int uefivar_parse(struct view v, struct uefivar *out, struct err *e)
{
	struct rd r = rd_of(v);
	struct uefivar u = {.guid = rd_view(&r, UEFI_GUID_LEN)};
	/* Bounded before it is doubled: a name of 2^63 characters must not become one of 0 bytes. */
	uint64_t chars = rd_upto(&r, rd_le64(&r), v.n / 2);
	uint64_t bytes = rd_upto(&r, rd_le64(&r), v.n);

	u.name = rd_view(&r, 2 * chars);
	u.data = rd_view(&r, bytes);
	if (!rd_end(&r))
		return err_set(e, WHY_MALFORMED, "TCG PFP 10.2.6: %zu bytes are not one UEFI_VARIABLE_DATA", v.n);
	*out = u;
	return 0;
}

bool uefivar_is(const struct uefivar *u, const uint8_t guid[UEFI_GUID_LEN], const char *ascii)
{
	size_t n = strlen(ascii);

	if (!view_equal(u->guid, VIEW(guid, UEFI_GUID_LEN)) || u->name.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (u->name.p[2 * i] != (uint8_t)ascii[i] || u->name.p[2 * i + 1] != 0)
			return false;
	return true;
}
