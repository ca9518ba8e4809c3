/* releasemaker: update manifests for tests, each member replaceable. */
#ifndef TESTS_RELEASEMAKER_H
#define TESTS_RELEASEMAKER_H

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "firmware/update/update.h"

struct releasemaker {
	const char *product, *variant;
	uint32_t version, floor;
	struct payload uki, root;
	uint8_t pcr11[PCR_LEN];
	const struct pcrs *pcrs; /* in place of it, and of register 4 */
};

static inline struct releasemaker releasemaker_of(uint32_t version)
{
	struct releasemaker m = {.product = "merestone", .variant = "cloud", .version = version};

	m.uki.size = 3;
	m.root.size = 4;
	memset(m.pcr11, (int)version, sizeof m.pcr11);
	return m;
}

static inline struct view releasemaker_text(const struct releasemaker *m, char *buf, size_t cap)
{
	char uki[65], root[65], pcr[65], pcr4[80] = "";

	if (m->pcrs)
		(void)snprintf(pcr4, sizeof pcr4, "\"4\":\"%s\",", hex_put(pcr, m->pcrs->v[4], PCR_LEN));
	int n = snprintf(buf, cap,
	        "{\"format\":\"merestone-update/"
	        "1\",\"product\":\"%s\",\"variant\":\"%s\",\"version\":%u,\"issued\":1700000000,"
	        "\"uki\":{\"sha256\":\"%s\",\"size\":%llu},\"root\":{\"sha256\":\"%s\",\"size\":%llu},"
	        "\"root_hash\":\"%064x\",\"pcrs\":{%s\"11\":\"%s\"},\"requires_floor\":%u}",
	        m->product, m->variant, m->version, hex_put(uki, m->uki.sha256, SHA_LEN),
	        (unsigned long long)m->uki.size, hex_put(root, m->root.sha256, SHA_LEN),
	        (unsigned long long)m->root.size, m->version, pcr4,
	        hex_put(pcr, m->pcrs ? m->pcrs->v[11] : m->pcr11, PCR_LEN), m->floor);

	return VIEW(buf, (size_t)n);
}

/* The signed manifest. */
static inline struct view releasemaker_sign(
        const struct releasemaker *m, const struct es256 *key, const char *typ, char *buf, size_t cap)
{
	char text[MANIFEST_MAX];
	struct wr w = wr_to(buf, cap);
	struct err e;

	if (jws_sign(&w, key, typ, releasemaker_text(m, text, sizeof text), &e) != 0)
		abort();
	return wr_done(&w);
}

#endif
