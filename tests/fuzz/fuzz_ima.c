#include <stdlib.h>

#include "base/json.h"
#include "firmware/firmware.h"

/* A set with a file, a pattern and a key, so that every way through runtime_allows() is open. */
static const char body[] =
        "{\"files\":{\"/mod/virtio.ko\":\"3e4e318d2a961f1bde18e2e404bb1ac0a8e83b65c28dd5290543bce6b96e3f47\"},"
        "\"exclude\":[\"/usr/**\"],\"keys\":[\"-----BEGIN PUBLIC KEY-----\\n"
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\\n"
        "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\\n-----END PUBLIC KEY-----\\n\"]}";

static const struct runtime *set(void)
{
	static struct runtime *r;
	struct err e;

	if (r)
		return r;
	AUTO(json_free) json_t *j = json_read(VIEW(body, sizeof body - 1), sizeof body, &e);
	r = j ? runtime_import(j, &e) : NULL;
	if (!r)
		abort();
	return r;
}

static void walk(struct view list)
{
	struct ima l = ima_open(list, 0);
	struct ima_run r = imarun_start();
	const struct runtime *one = set();
	struct pcrs pcrs = {0};
	struct ima_entry x;
	struct err e;

	while (ima_next(&l, &x, &e) == 1) {
		imarun_add(&r, &x);
		(void)imarun_aggregate(&x, &pcrs, &e);
		(void)runtime_allows(&one, 1, &x, &e);
	}
	if (ima_whole(list) > list.n)
		abort();
}

static void walk_ascii(struct view list)
{
	static uint8_t record[2 * IMA_ENTRY_MAX];
	struct err e;

	for (uint64_t n = 1;; n++) {
		struct wr w = wr_to(record, sizeof record);
		if (imaascii_next(&list, n, &w, &e) != 1)
			return;
		walk(wr_done(&w));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;

	walk(VIEW(data, size));
	walk_ascii(VIEW(data, size));
	json_free(runtime_learn(VIEW(data, size), &e));
	return 0;
}
