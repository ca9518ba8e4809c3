#include "firmware/firmware.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/json.h"

/* "HEX" or "verity:HEX", once in the list of its name. */
static int learn_entry(json_t *files, const struct ima_entry *x, struct err *e)
{
	char text[8 + 2 * IMA_DIGEST_MAX] = "verity:";
	size_t at = x->verity ? 7 : 0;

	if (x->violation || view_is(x->name, "boot_aggregate"))
		return 0;
	if (x->digest.n < 32)
		return err_set(e, WHY_MALFORMED, "entry %llu (%s): its digest is SHA-1, which approves nothing",
		        (unsigned long long)x->number, ima_text(x->name).s);
	hex_put(text + at, x->digest.p, x->digest.n);
	AUTO(json_free) json_t *name = json_stringn((const char *)x->name.p, x->name.n);
	if (!name || strlen(json_string_value(name)) != x->name.n)
		return err_set(e, WHY_MALFORMED, "entry %llu (%s): its name is not text in UTF-8",
		        (unsigned long long)x->number, ima_text(x->name).s);
	json_t *list = json_object_get(files, json_string_value(name));
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
			return 0;
	if (!list) {
		list = json_array();
		json_object_set_new(files, json_string_value(name), list);
	}
	json_array_append_new(list, json_string(text));
	return 0;
}

static int learn_binary(struct view list, json_t *files, uint64_t before, struct err *e)
{
	struct ima l = ima_open(list, before);
	struct ima_entry x;
	int got;

	while ((got = ima_next(&l, &x, e)) == 1)
		if (learn_entry(files, &x, e))
			return -1;
	return got;
}

static int learn_ascii(struct view list, json_t *files, struct err *e)
{
	AUTO(mem_free) char *room = malloc(2 * IMA_ENTRY_MAX);
	int got = 1;

	if (!room)
		return err_sys(e, "no memory for a runtime list");
	for (uint64_t n = 0; got == 1; n++) {
		struct wr w = wr_to(room, 2 * IMA_ENTRY_MAX);
		got = imaascii_next(&list, n + 1, &w, e);
		if (got == 1 && learn_binary(wr_done(&w), files, n, e))
			return -1;
	}
	return got;
}

struct json_t *runtime_learn(struct view list, struct err *e)
{
	AUTO(json_free) json_t *body = json_object();
	json_t *files = json_object();
	bool ascii = list.n > 3 && memcmp(list.p, "10 ", 3) == 0;

	json_object_set_new(body, "files", files);
	if (ascii ? learn_ascii(list, files, e) : learn_binary(list, files, 0, e))
		return NULL;
	if (json_object_size(files) == 0) {
		err_set(e, WHY_MALFORMED, "the runtime list approves nothing: it has no file");
		return NULL;
	}
	return TAKE(body);
}
