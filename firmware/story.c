#include "firmware/firmware.h"

#include <string.h>

#include "base/sha.h"

static void extend(uint8_t pcr[PCR_LEN], const uint8_t digest[PCR_LEN])
{
	sha256_2(pcr, VIEW(pcr, PCR_LEN), VIEW(digest, PCR_LEN));
}

static bool replays(const struct story *s, uint32_t pcr, uint8_t start, const struct pcrs *quoted)
{
	uint8_t v[PCR_LEN] = {0};

	v[PCR_LEN - 1] = start;
	for (size_t i = 0; i < s->n; i++)
		if (s->ev[i].pcr == pcr)
			extend(v, s->ev[i].digest);
	return memcmp(v, quoted->v[pcr], PCR_LEN) == 0;
}

/* Whoever replayed the log before need not be believed: these digests in this order either give what the TPM signed, or
 * they were not measured. PCR 0 starts as its locality says. */
static bool explains(const struct story *s, uint32_t pcr, const struct pcrs *quoted)
{
	static const uint8_t starts[] = {0, 3, 4};

	for (size_t i = 0; i < (pcr == 0 ? COUNT(starts) : 1); i++)
		if (replays(s, pcr, starts[i], quoted))
			return true;
	return false;
}

void story_tell(struct story *s, const struct measured *ev, size_t n, const struct pcrs *quoted)
{
	uint8_t section = SECTION_NONE;

	s->ev = ev;
	s->n = n < MEASURED_MAX ? n : MEASURED_MAX;
	s->explained = 0;
	for (uint32_t pcr = 0; pcr < PCR_COUNT; pcr++)
		if (PCR_MASK & 1u << pcr && explains(s, pcr, quoted))
			s->explained |= 1u << pcr;
	for (size_t i = 0; i < s->n; i++)
		meaning_of(&ev[i], &section, &s->meaning[i]);
}
