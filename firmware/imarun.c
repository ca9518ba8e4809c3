#include "firmware/firmware.h"

#include <string.h>

#include "base/hex.h"
#include "base/sha.h"

enum { OWN, PADDED };

struct ima_run imarun_start(void)
{
	return (struct ima_run){.banks = IMA_OWN | IMA_PADDED};
}

static void extend(uint8_t pcr[PCR_LEN], const uint8_t with[PCR_LEN])
{
	sha256_2(pcr, VIEW(pcr, PCR_LEN), VIEW(with, PCR_LEN));
}

/* Only kernels before 5.8 pad, and those make their boot_aggregate of SHA-1. */
static bool may_pad(const struct ima_entry *x)
{
	return x->template == IMA_OLD || view_is(x->alg, "sha1");
}

void imarun_add(struct ima_run *r, const struct ima_entry *x)
{
	uint8_t with[PCR_LEN];

	if (r->entries == 0 && !may_pad(x))
		r->banks = IMA_OWN;
	if (r->banks & IMA_OWN) {
		if (x->violation)
			memset(with, 0xff, PCR_LEN);
		else
			ima_sha256(with, x);
		extend(r->pcr[OWN], with);
	}
	if (r->banks & IMA_PADDED) {
		memset(with, 0, PCR_LEN);
		if (x->violation)
			memset(with, 0xff, IMA_SHA1);
		else
			ima_sha1(with, x);
		extend(r->pcr[PADDED], with);
	}
	r->entries++;
}

bool imarun_reaches(struct ima_run *r, const uint8_t quoted[PCR_LEN])
{
	static const uint8_t banks[] = {[OWN] = IMA_OWN, [PADDED] = IMA_PADDED};

	for (size_t i = 0; i < COUNT(banks); i++) {
		if (!(r->banks & banks[i]) || memcmp(r->pcr[i], quoted, PCR_LEN) != 0)
			continue;
		if (r->entries > 0)
			r->banks = banks[i];
		return true;
	}
	return false;
}

static bool is_digest_of(const struct ima_entry *x, const struct pcrs *quoted, size_t registers)
{
	uint8_t digest[SHA_LEN];

	sha256(digest, VIEW(quoted->v, registers * PCR_LEN));
	return memcmp(digest, x->digest.p, SHA_LEN) == 0;
}

int imarun_aggregate(const struct ima_entry *x, const struct pcrs *quoted, struct err *e)
{
	uint8_t digest[SHA_LEN];
	char want[17], got[17];

	if (x->violation || !view_is(x->name, "boot_aggregate"))
		return err_set(e, WHY_UNTRUSTED, "entry %llu (%s): the runtime list does not begin with boot_aggregate",
		        (unsigned long long)x->number, ima_text(x->name).s);
	if (!view_is(x->alg, "sha256")) {
		err_set(e, WHY_UNTRUSTED,
		        "entry %llu (boot_aggregate): it is made of registers of another bank than sha256",
		        (unsigned long long)x->number);
		return err_hint(e, "boot a kernel of 5.8 or later with ima_hash=sha256");
	}
	if (is_digest_of(x, quoted, 10) || is_digest_of(x, quoted, 8))
		return 0;
	sha256(digest, VIEW(quoted->v, 10 * PCR_LEN));
	return err_set(e, WHY_UNTRUSTED,
	        "entry %llu (boot_aggregate): it is %s.., the quoted registers 0 to 9 give %s..: the list is of "
	        "another boot",
	        (unsigned long long)x->number, hex_put(got, x->digest.p, 8), hex_put(want, digest, 8));
}
