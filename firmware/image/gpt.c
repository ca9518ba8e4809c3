#include "firmware/image/image.h"

#include <string.h>

#include "base/rd.h"
#include "firmware/firmware.h"

enum {
	HEADER = 92,           /* UEFI 2.10 table 5.5 without what is reserved behind it */
	HEADER_CRC_AT = 16,    /* of which the sum is taken as if it were 0 */
	ENTRY = 128,           /* larger ones are allowed, and made by nobody */
	NAME_BYTES = 72,       /* table 5.6 */
	PROTECTIVE = 0xee,     /* 5.2.3 */
	MBR_TYPE_AT = 446 + 4, /* of the first entry */
	MBR_SIZE_AT = 446 + 12,
	MBR_END_AT = 510,
};

struct header {
	uint32_t sum, entries, array_sum;
	uint64_t me, other, first, last, array;
	struct view disk;
};

/* ISO 3309, as PNG and gzip have it. */
static uint32_t crc32_add(uint32_t crc, struct view v)
{
	for (size_t i = 0; i < v.n; i++) {
		crc ^= v.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
	}
	return crc;
}

uint32_t gpt_crc(struct view a, struct view b, struct view c)
{
	return ~crc32_add(crc32_add(crc32_add(~0U, a), b), c);
}

static uint32_t header_crc(struct view sector)
{
	static const uint8_t none[4];

	return gpt_crc(VIEW(sector.p, HEADER_CRC_AT), VIEW_OF(none),
	        VIEW(sector.p + HEADER_CRC_AT + 4, HEADER - HEADER_CRC_AT - 4));
}

static bool has_table(struct view head)
{
	return head.n >= (size_t)2 * GPT_SECTOR && head.p[MBR_END_AT] == 0x55 && head.p[MBR_END_AT + 1] == 0xaa &&
	       head.p[MBR_TYPE_AT] == PROTECTIVE && view_is(VIEW(head.p + GPT_SECTOR, 8), "EFI PART");
}

static bool header_get(struct view sector, struct header *h)
{
	struct rd r = rd_of(sector);

	(void)rd_view(&r, 8);
	rd_require(&r, rd_le32(&r) == 0x10000);
	rd_require(&r, rd_le32(&r) == HEADER);
	h->sum = rd_le32(&r);
	rd_require(&r, rd_le32(&r) == 0);
	h->me = rd_le64(&r);
	h->other = rd_le64(&r);
	h->first = rd_le64(&r);
	h->last = rd_le64(&r);
	h->disk = rd_view(&r, GUID_LEN);
	h->array = rd_le64(&r);
	h->entries = (uint32_t)rd_upto(&r, rd_le32(&r), GPT_PARTS_MAX);
	rd_require(&r, rd_le32(&r) == ENTRY);
	h->array_sum = rd_le32(&r);
	rd_require(&r, h->me == 1 && h->array == 2 && h->first <= h->last && h->last < h->other);
	return rd_ok(&r);
}

/* What is shown on a terminal comes from a disk that anybody may have written. */
static void name_get(struct view wide, char out[GPT_NAME_MAX])
{
	size_t n = 0;

	while (n + 1 < wide.n && (wide.p[n] | wide.p[n + 1]) != 0)
		n += 2;
	if (text16_get(out, GPT_NAME_MAX, VIEW(wide.p, n)) != 0)
		out[0] = 0;
	for (char *c = out; *c; c++)
		if ((uint8_t)*c < ' ' || (uint8_t)*c >= 0x7f)
			*c = '?';
}

static bool part_get(struct rd *r, const struct header *h, struct gpt *out)
{
	static const uint8_t unused[GUID_LEN];
	struct gpt_part *p = &out->part[out->n];
	struct view type = rd_view(r, GUID_LEN);

	(void)rd_view(r, GUID_LEN);
	p->first = rd_le64(r);
	p->last = rd_le64(r);
	(void)rd_view(r, 8);
	name_get(rd_view(r, NAME_BYTES), p->name);
	if (!rd_ok(r) || view_equal(type, VIEW_OF(unused)))
		return rd_ok(r);
	out->n++;
	return p->first >= h->first && p->first <= p->last && p->last <= h->last;
}

int gpt_read(struct view head, struct gpt *out, struct err *e)
{
	struct header h = {0};
	struct view array;
	struct rd r;

	if (!has_table(head))
		return err_set(e, WHY_UNKNOWN, "there is no GPT");
	struct view sector = VIEW(head.p + GPT_SECTOR, GPT_SECTOR);
	if (!header_get(sector, &h) || h.sum != header_crc(sector))
		return err_set(e, WHY_MALFORMED, "UEFI 5.3.2: the header of the GPT does not hold together");
	r = rd_of(VIEW(head.p + 2 * GPT_SECTOR, head.n - 2 * GPT_SECTOR));
	array = rd_view(&r, (uint64_t)h.entries * ENTRY);
	if (!rd_ok(&r) || gpt_crc(array, VIEW(NULL, 0), VIEW(NULL, 0)) != h.array_sum)
		return err_set(e, WHY_MALFORMED, "UEFI 5.3.3: the entries of the GPT are not those of its header");
	out->n = 0;
	out->sectors = h.other + 1;
	r = rd_of(array);
	while (rd_left(&r) > 0)
		if (!part_get(&r, &h, out))
			return err_set(e, WHY_MALFORMED, "UEFI 5.3.3: a partition of the GPT is outside of the disk");
	return 0;
}

static void put(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* Of table 5.5: MyLBA at 24, AlternateLBA at 32, LastUsableLBA at 48, PartitionEntryLBA at 72. */
static void header_put(uint8_t *sector, uint64_t me, uint64_t other, uint64_t array, uint64_t last)
{
	put(sector + 24, me, 8);
	put(sector + 32, other, 8);
	put(sector + 48, last, 8);
	put(sector + 72, array, 8);
	put(sector + HEADER_CRC_AT, header_crc(VIEW(sector, GPT_SECTOR)), 4);
}

int gpt_fit(uint8_t head[GPT_HEAD], uint64_t sectors, uint8_t tail[GPT_TAIL], struct err *e)
{
	const uint8_t *entries = head + (size_t)2 * GPT_SECTOR;
	struct header h = {0};
	uint8_t *second = tail + (GPT_TAIL - GPT_SECTOR);
	uint64_t last = sectors - 1 - GPT_TAIL / GPT_SECTOR;

	if (!has_table(VIEW(head, GPT_HEAD)) || !header_get(VIEW(head + GPT_SECTOR, GPT_SECTOR), &h) ||
	        h.entries != GPT_PARTS_MAX)
		return err_set(e, WHY_MALFORMED, "the GPT has not the room for entries that a disk's has");
	if (sectors <= h.other)
		return err_set(e, WHY_REFUSED, "the disk is smaller than its GPT says");
	put(head + MBR_SIZE_AT, sectors - 1 < UINT32_MAX ? sectors - 1 : UINT32_MAX, 4);
	header_put(head + GPT_SECTOR, 1, sectors - 1, 2, last);
	memcpy(tail, entries, GPT_TAIL - GPT_SECTOR);
	memcpy(second, head + GPT_SECTOR, GPT_SECTOR);
	header_put(second, sectors - 1, 1, last + 1, last);
	return 0;
}
