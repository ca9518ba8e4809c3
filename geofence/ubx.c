/* UBX: the frames in which a u-blox receiver says what it thinks of its signals.
 * u-blox M8 receiver description, protocol specification 32.2 to 32.19 and F9 HPG 1.32 3. */
#include "base/rd.h"
#include "geofence/gnsswatch.h"

enum { NAV_STATUS = 0x0103, MON_RF = 0x0a38 };

/* 32.4: the 8-bit Fletcher algorithm over class, id, length and payload. */
static uint16_t checksum(struct view v)
{
	uint8_t a = 0, b = 0;

	for (size_t i = 0; i < v.n; i++) {
		a = (uint8_t)(a + v.p[i]);
		b = (uint8_t)(b + a);
	}
	return (uint16_t)(a | b << 8);
}

/* iTOW, gpsFix, flags, fixStat, flags2 (bits 4..3 spoofDetState), ttff, msss */
static void nav_status(struct rd *r, struct gnss_receiver *out)
{
	(void)rd_view(r, 7);
	out->spoofing = rd_u8(r) >> 3 & 3;
	out->has_spoofing = true;
	(void)rd_view(r, 8);
}

/* version, nBlocks, reserved; each: blockId, flags (bits 1..0 jammingState), 22 that say more about the antenna */
static void mon_rf(struct rd *r, struct gnss_receiver *out)
{
	(void)rd_u8(r);
	size_t blocks = rd_u8(r);
	(void)rd_view(r, 2);
	rd_require(r, blocks > 0);
	for (size_t i = 0; i < blocks && rd_ok(r); i++) {
		(void)rd_u8(r);
		uint8_t jamming = rd_u8(r) & 3;
		(void)rd_view(r, 22);
		out->jamming = jamming > out->jamming ? jamming : out->jamming;
	}
	out->has_jamming = true;
}

int ubx_read(struct view frame, struct gnss_report *out, struct err *e)
{
	struct gnss_report got = {.kind = REPORT_RECEIVER};
	struct rd r = rd_of(frame);

	rd_require(&r, rd_be16(&r) == 0xb562);
	unsigned id = rd_be16(&r);
	struct rd payload = rd_of(rd_view(&r, rd_upto(&r, rd_le16(&r), UBX_PAYLOAD_MAX)));
	uint16_t sum = rd_le16(&r);
	if (!rd_end(&r))
		return err_set(e, WHY_MALFORMED, "UBX: no frame of %zu bytes", frame.n);
	if (sum != checksum(VIEW(frame.p + 2, frame.n - 4)))
		return err_set(e, WHY_MALFORMED, "UBX 32.4: the checksum of frame %04x is wrong", id);
	if (id == NAV_STATUS)
		nav_status(&payload, &got.receiver);
	else if (id == MON_RF)
		mon_rf(&payload, &got.receiver);
	else
		got.kind = REPORT_OTHER;
	if (got.kind != REPORT_OTHER && !rd_end(&payload))
		return err_set(e, WHY_MALFORMED, "UBX: frame %04x has another length than its kind", id);
	*out = got;
	return 0;
}
