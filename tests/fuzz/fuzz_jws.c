/* b64_get and both forms of JWS. What is accepted has one form: it is encoded again and compared. */
#include <stdlib.h>
#include <string.h>

#include "base/b64.h"
#include "base/jws.h"

enum { INPUT_MAX = 1 << 14 };

static void one_base64(struct view text)
{
	static uint8_t bytes[INPUT_MAX], again[INPUT_MAX];
	struct wr w = wr_to(again, sizeof again);
	long n = b64_get(bytes, sizeof bytes, text);

	if (n < 0)
		return;
	b64_put(&w, VIEW(bytes, (size_t)n));
	if (!view_equal(wr_done(&w), text))
		abort();
}

static void one_payload(const struct jws *j, struct view text)
{
	static uint8_t again[INPUT_MAX];
	struct wr w = wr_to(again, sizeof again);

	b64_put(&w, j->payload);
	if (j->payload.n > text.n || !memmem(text.p, text.n, again, w.n))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t scratch[INPUT_MAX];
	struct view text = VIEW(data, size);
	struct err e;
	struct jws j;

	if (size > INPUT_MAX)
		return 0;
	one_base64(text);
	if (jws_parse(text, NULL, scratch, sizeof scratch, &j, &e) == 0)
		one_payload(&j, text);
	if (jws_flat_parse(text, NULL, scratch, sizeof scratch, &j, &e) == 0)
		one_payload(&j, text);
	return 0;
}
