#include "cmd/kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/jws.h"
#include "policy/policy.h"

enum { KIT_FILE_MAX = 64 * 1024, LISTING_AGE_S = 300, KIT_PATH_MAX = 1200 };

static int kit_path(const struct kit *k, const char *name, char out[KIT_PATH_MAX], struct err *e)
{
	if (snprintf(out, KIT_PATH_MAX, "%s/%s", k->dir, name) >= KIT_PATH_MAX)
		return err_set(e, WHY_MALFORMED, "the path of the kit is too long");
	return 0;
}

static int read_settings(struct kit *k, struct err *e)
{
	static const char *const members[] = {"url", "trust_domain", "name", NULL};
	AUTO(json_free) json_t *j = NULL;
	const char *url, *domain;
	char path[KIT_PATH_MAX];

	if (kit_path(k, "kit.json", path, e))
		return -1;
	j = json_file(AT_FDCWD, path, KIT_FILE_MAX, e);
	if (!j)
		return -1;
	if (json_only(j, members, e) || json_get_str(j, "url", &url, e) || json_get_str(j, "trust_domain", &domain, e))
		return err_in(e, "kit.json");
	if (snprintf(k->url, sizeof k->url, "%s", url) >= (int)sizeof k->url ||
	        snprintf(k->trust_domain, sizeof k->trust_domain, "%s", domain) >= (int)sizeof k->trust_domain)
		return err_set(e, WHY_MALFORMED, "kit.json: url or trust_domain is too long");
	return 0;
}

static struct es256 *read_key(const struct kit *k, const char *name, struct err *e)
{
	char path[KIT_PATH_MAX];
	uint8_t *pem = NULL;
	size_t n = 0;
	struct es256 *key;

	if (kit_path(k, name, path, e) || file_read(AT_FDCWD, path, KIT_FILE_MAX, &pem, &n, e))
		return NULL;
	key = es256_from_pem(VIEW(pem, n), VIEW("", 0), e);
	mem_wipe(pem, n);
	free(pem);
	if (!key)
		err_in(e, "%s", path);
	return key;
}

int kit_open(const char *dir, struct kit *k, struct err *e)
{
	memset(k, 0, sizeof *k);
	if (!dir || !*dir) {
		err_set(e, WHY_MALFORMED, "no kit is named");
		return err_hint(e, "say --kit DIR or set MERESTONE_KIT; merestone init makes one in DIR/officer");
	}
	if (snprintf(k->dir, sizeof k->dir, "%s", dir) >= (int)sizeof k->dir)
		return err_set(e, WHY_MALFORMED, "the path of the kit is too long");
	if (read_settings(k, e))
		return err_in(e, "kit %s", dir);
	k->authority = read_key(k, "authority.pub", e);
	return k->authority ? 0 : -1;
}

void kit_close(struct kit *k)
{
	client_close(k->client);
	es256_free(k->authority);
	memset(k, 0, sizeof *k);
}

struct es256 *kit_officer(const struct kit *k, struct err *e)
{
	struct es256 *key = read_key(k, "officer.key", e);

	if (!key)
		err_hint(e, "documents are signed on the officer's side: use the officer's kit");
	return key;
}

static int connect_kit(struct kit *k, struct err *e)
{
	char ca[KIT_PATH_MAX], cert[KIT_PATH_MAX], key[KIT_PATH_MAX];
	const struct client_config c = {.url = k->url, .ca_file = ca, .cert_file = cert, .key_file = key};

	if (k->client)
		return 0;
	if (kit_path(k, "ca.pem", ca, e) || kit_path(k, "tls.pem", cert, e) || kit_path(k, "tls.key", key, e))
		return -1;
	k->client = client_open(&c, e);
	return k->client ? 0 : -1;
}

int kit_get(struct kit *k, const char *path, struct view *body, struct err *e)
{
	struct reply r;

	if (connect_kit(k, e) || client_call(k->client, "GET", path, NULL, VIEW("", 0), &r, e) || client_refusal(&r, e))
		return -1;
	*body = r.body;
	return 0;
}

static int check_listing(const json_t *j, const char *what, struct err *e)
{
	const char *said;
	int64_t issued, now = (int64_t)time(NULL);

	if (json_get_str(j, "what", &said, e) || json_get_int(j, "issued", 0, INT64_MAX, &issued, e))
		return -1;
	if (strcmp(said, what) != 0)
		return err_set(e, WHY_FORGED, "the authority's answer is about %s, not %s", said, what);
	if (issued < now - LISTING_AGE_S || issued > now + LISTING_AGE_S)
		return err_set(e, WHY_STALE, "the authority's answer was signed at another time (%lld, it is %lld)",
		        (long long)issued, (long long)now);
	return 0;
}

json_t *kit_ask(struct kit *k, const char *path, const char *what, struct err *e)
{
	AUTO(mem_free) char *scratch = NULL;
	AUTO(json_free) json_t *j = NULL;
	struct view body;
	struct jws jws;

	if (kit_get(k, path, &body, e))
		return NULL;
	scratch = malloc(body.n * 2 + 1);
	if (!scratch) {
		err_sys(e, "memory for a listing");
		return NULL;
	}
	if (jws_flat_parse(body, TYP_LISTING, scratch, body.n * 2 + 1, &jws, e) || jws_verify(&jws, k->authority, e)) {
		err_in(e, "the answer of %s", k->url);
		return NULL;
	}
	j = json_read(jws.payload, REPLY_MAX, e);
	if (!j || check_listing(j, what, e))
		return NULL;
	return TAKE(j);
}

/* One page onto items; after becomes the name to go on from, or "". Each page must go on, or it would never end. */
static int add_page(struct kit *k, const char *what, char after[NAME_CAP], json_t *items, struct err *e)
{
	AUTO(json_free) json_t *page = NULL;
	char path[2 * NAME_CAP + 32], next[NAME_CAP] = "";

	snprintf(path, sizeof path, "/v1/list/%s%s%s", what, *after ? "/" : "", after);
	page = kit_ask(k, path, what, e);
	if (!page)
		return -1;
	if (json_array_extend(items, json_object_get(page, "items")))
		return err_set(e, WHY_FORGED, "the authority's answer has no items");
	if (json_object_get(page, "more_after") && json_get_name(page, "more_after", next, e))
		return -1;
	if (*next && strcmp(next, after) <= 0)
		return err_set(e, WHY_FORGED, "the authority's list of %s does not go on after %s", what, next);
	memcpy(after, next, NAME_CAP);
	return 0;
}

json_t *kit_list(struct kit *k, const char *what, struct err *e)
{
	AUTO(json_free) json_t *items = json_array();
	char after[NAME_CAP] = "";

	do
		if (!items || add_page(k, what, after, items, e))
			return NULL;
	while (*after);
	return TAKE(items);
}

int kit_put(struct kit *k, const char *path, struct view part, struct err *e)
{
	struct reply r;

	if (connect_kit(k, e) || client_call(k->client, "PUT", path, "application/octet-stream", part, &r, e))
		return -1;
	return client_refusal(&r, e);
}

json_t *kit_post(struct kit *k, struct view jws, struct err *e)
{
	struct reply r;

	if (connect_kit(k, e) || client_call(k->client, "POST", "/v1/documents", "application/jose", jws, &r, e) ||
	        client_refusal(&r, e))
		return NULL;
	return json_read(r.body, REPLY_MAX, e);
}
