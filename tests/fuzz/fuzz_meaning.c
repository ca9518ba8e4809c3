/* The meaning of a boot: any log that is read, told as a story, taught as a set and compared with that set again. */
#include <stdlib.h>

#include "base/json.h"
#include "firmware/firmware.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void compare(const struct state *s, struct view text)
{
	struct err e;
	AUTO(json_free) json_t *body = json_read(text, text.n, &e);
	AUTO(reference_free) struct reference *r = body ? reference_import(body, &e) : NULL;

	/* What some logs teach no set may say: Secure Boot without keys, say. What may be said approves its own log. */
	if (r && reference_match(r, s, &e) && e.text[0] == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct measured m[MEASURED_MAX];
	static struct story story;
	static uint8_t buf[1024 * 1024];
	struct wr w = wr_to(buf, sizeof buf);
	char text[EVENT_TEXT_MAX];
	struct boot b;
	struct err e;
	size_t events;

	if (boot_walk(VIEW(p, n), &b, m, MEASURED_MAX, &events, &e))
		return 0;
	story_tell(&story, m, events, &b.pcrs);
	if (story.explained != PCR_MASK)
		abort();
	for (size_t i = 0; i < story.n; i++)
		(void)meaning_text(&story.meaning[i], text, sizeof text);
	struct state s = {.pcrs = &b.pcrs, .secure_boot = b.secure_boot, .ev = m, .nev = events, .story = &story};
	if (reference_learn_meaning(VIEW(p, n), &w, &e) == 0)
		compare(&s, wr_done(&w));
	return 0;
}
