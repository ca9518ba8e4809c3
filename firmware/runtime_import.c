#include "firmware/runtime.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/json.h"

enum { FILE_BYTES_MAX = 64 * 1024 * 1024 };

static const char *const digest_forms = "expected sha256, sha384 or sha512 in hexadecimal, perhaps behind \"verity:\"";

struct importer {
	struct runtime *r;
	uint32_t files; /* room */
	size_t used, cap;
};

/* ---- Files ---- */

static size_t digests_in(const json_t *v)
{
	return json_is_array(v) ? json_array_size(v) : 1;
}

/* How much all of it takes, so that it is allocated once. */
static int measure(const json_t *files, struct importer *m, struct err *e)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)files, name, v)
	{
		size_t n = digests_in(v), length = strlen(name);
		if (length == 0 || length > IMA_NAME_MAX)
			return err_set(e, WHY_MALFORMED, "files: a name of %zu bytes", length);
		if (n == 0 || n > RUNTIME_FILES_MAX - m->files)
			return err_set(
			        e, WHY_MALFORMED, "files: no digest, or more than %d of them all", RUNTIME_FILES_MAX);
		m->files += (uint32_t)n;
		m->cap += length + n * IMA_DIGEST_MAX;
	}
	return m->cap <= FILE_BYTES_MAX ? 0 : err_set(e, WHY_MALFORMED, "files: the names are too long");
}

static int add_digest(struct importer *m, uint32_t name_at, size_t name_n, const json_t *v, struct err *e)
{
	const char *hex = json_string_value(v);
	struct runtime_file f = {.name_at = name_at, .name_n = (uint16_t)name_n, .digest_at = (uint32_t)m->used};

	if (!hex)
		return err_set(e, WHY_MALFORMED, "%s", digest_forms);
	f.verity = strncmp(hex, "verity:", 7) == 0;
	hex += f.verity ? 7 : 0;
	size_t n = strlen(hex) / 2;
	if ((n != 32 && n != 48 && n != 64) || hex_get(m->r->bytes + m->used, n, hex))
		return err_set(e, WHY_MALFORMED, "%s", digest_forms);
	f.digest_n = (uint8_t)n;
	m->used += n;
	m->r->file[m->r->files++] = f;
	return 0;
}

static int add_file(struct importer *m, const char *name, const json_t *v, struct err *e)
{
	uint32_t at = (uint32_t)m->used;
	size_t n = strlen(name);

	memcpy(m->r->bytes + at, name, n);
	m->used += n;
	if (!json_is_array(v))
		return add_digest(m, at, n, v, e);
	for (size_t i = 0; i < json_array_size(v); i++)
		if (add_digest(m, at, n, json_array_get(v, i), e))
			return -1;
	return 0;
}

static int compare(const void *a, const void *b, void *bytes)
{
	const struct runtime_file *x = a, *y = b;

	int order = runtime_order(bytes, x, VIEW((uint8_t *)bytes + y->name_at, y->name_n));
	return order != 0 ? order : x->digest_at < y->digest_at ? -1 : 1;
}

/* false: there is no room near where it belongs. */
static bool place(struct runtime *r, uint32_t file)
{
	const struct runtime_file *f = &r->file[file];
	uint32_t hash = runtime_hash(VIEW(r->bytes + f->name_at, f->name_n));

	for (uint32_t i = 0; i < RUNTIME_PROBES; i++) {
		struct runtime_slot *s = &r->slot[(hash + i) & (r->slots - 1)];
		if (s->file != 0)
			continue;
		*s = (struct runtime_slot){.hash = hash, .file = file + 1};
		return true;
	}
	return false;
}

static int table(struct runtime *r, struct err *e)
{
	r->slots = 1;
	while (r->slots < 2 * r->files)
		r->slots *= 2;
	r->slot = calloc(r->slots, sizeof r->slot[0]);
	if (!r->slot)
		return err_sys(e, "no memory for a runtime set");
	for (uint32_t i = 0; i < r->files; i++) {
		if ((i > 0 && r->file[i].name_at == r->file[i - 1].name_at) || place(r, i))
			continue;
		free(r->slot);
		r->slot = NULL;
		break;
	}
	return 0;
}

static int files_import(struct runtime *r, const json_t *files, struct err *e)
{
	struct importer m = {.r = r};
	const char *name;
	json_t *v;

	if (!files)
		return 0;
	if (!json_is_object(files))
		return err_set(e, WHY_MALFORMED, "files: expected an object of names and digests");
	if (measure(files, &m, e))
		return -1;
	r->file = calloc(m.files + 1, sizeof r->file[0]);
	r->bytes = malloc(m.cap + 1);
	if (!r->file || !r->bytes)
		return err_sys(e, "no memory for a runtime set");
	json_object_foreach((json_t *)(uintptr_t)files, name, v)
	{
		if (add_file(&m, name, v, e))
			return err_in(e, "files: %s", ima_text(VIEW(name, strlen(name))).s);
	}
	qsort_r(r->file, r->files, sizeof r->file[0], compare, r->bytes);
	return table(r, e);
}

/* ---- Patterns and keys ---- */

static int list_of(const json_t *body, const char *key, size_t max, const json_t **out, struct err *e)
{
	*out = json_object_get(body, key);
	if (*out && (!json_is_array(*out) || json_array_size(*out) == 0 || json_array_size(*out) > max))
		return err_set(e, WHY_MALFORMED, "%s: expected an array of 1 to %zu strings", key, max);
	return 0;
}

static int excludes_import(struct runtime *r, const json_t *body, struct err *e)
{
	const json_t *list;

	if (list_of(body, "exclude", RUNTIME_EXCLUDES_MAX, &list, e))
		return -1;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));
		if (!s)
			return err_set(e, WHY_MALFORMED, "exclude: entry %zu is no string", i + 1);
		if (pathglob_parse(s, &r->exclude[r->excludes], e))
			return err_in(e, "exclude: entry %zu", i + 1);
		r->excludes++;
	}
	return 0;
}

static int keys_import(struct runtime *r, const json_t *body, struct err *e)
{
	const json_t *list;

	if (list_of(body, "keys", RUNTIME_KEYS_MAX, &list, e))
		return -1;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));
		if (imasig_key_import(s ? s : "", &r->key[r->keys], e))
			return err_in(e, "keys: entry %zu", i + 1);
		r->keys++;
	}
	r->seen = r->keys > 0 ? calloc(IMASIG_SEEN, sizeof r->seen[0]) : NULL;
	return r->keys == 0 || r->seen ? 0 : err_sys(e, "no memory for a runtime set");
}

struct runtime *runtime_import(const struct json_t *body, struct err *e)
{
	static const char *const members[] = {"files", "exclude", "keys", NULL};
	AUTO(runtime_free) struct runtime *r = NULL;

	if (json_only(body, members, e))
		return NULL;
	r = calloc(1, sizeof *r);
	if (!r) {
		err_sys(e, "no memory for a runtime set");
		return NULL;
	}
	if (files_import(r, json_object_get(body, "files"), e) || excludes_import(r, body, e) ||
	        keys_import(r, body, e))
		return NULL;
	if (r->files == 0 && r->keys == 0) {
		err_set(e, WHY_MALFORMED, "the runtime set approves nothing: it has neither files nor keys");
		return NULL;
	}
	return TAKE(r);
}

void runtime_free(struct runtime *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->keys; i++)
		imasig_key_free(&r->key[i]);
	free(r->slot);
	free(r->file);
	free(r->bytes);
	free(r->seen);
	free(r);
}
