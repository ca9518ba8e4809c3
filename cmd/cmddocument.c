/* Trust documents from the officer's side: read the body, find the next version, sign here, send. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/name.h"
#include "base/wr.h"
#include "cmd/cmddocument.h"
#include "cmd/kit.h"

/* The version that the authority holds now, 0 for none. A dropped or old answer costs a refusal (stale), never a change. */
static int current_version(struct kit *k, enum doc_kind kind, const char *name, uint32_t *out, struct err *e)
{
	AUTO(json_free) json_t *items = NULL;
	json_t *item;
	char what[32];
	size_t i;

	snprintf(what, sizeof what, "%ss", doc_kind_name(kind));
	items = kit_list(k, what, e);
	if (!items)
		return -1;
	*out = 0;
	json_array_foreach(items, i, item)
	{
		const char *found = json_string_value(json_object_get(item, "name"));

		if (found && strcmp(found, name) == 0)
			*out = (uint32_t)json_integer_value(json_object_get(item, "version"));
	}
	return 0;
}

static int next_version(
        struct kit *k, const char *given, enum doc_kind kind, const char *name, uint32_t *out, struct err *e)
{
	uint64_t v;

	if (!given) {
		if (current_version(k, kind, name, out, e))
			return -1;
		*out += 1;
		return 0;
	}
	if (cli_whole(given, UINT32_MAX, "--version", &v, e))
		return -1;
	*out = (uint32_t)v;
	return 0;
}

static int sign_and_send(struct kit *k, enum doc_kind kind, const char *name, uint32_t version, const char *body,
        json_t **receipt, struct err *e)
{
	AUTO(es256_free) struct es256 *officer = kit_officer(k, e);
	AUTO(mem_free) char *buf = NULL;
	struct wr w;

	if (!officer)
		return -1;
	buf = malloc(DOCUMENT_MAX);
	if (!buf)
		return err_sys(e, "memory for a document");
	w = wr_to(buf, DOCUMENT_MAX);
	if (document_sign(&w, officer, kind, name, version, (int64_t)time(NULL), VIEW(body, strlen(body)), e))
		return -1;
	*receipt = kit_post(k, wr_done(&w), e);
	return *receipt ? 0 : -1;
}

int cmddocument_put(
        struct cli *c, enum doc_kind kind, const char *name, const char *version, const json_t *body, struct err *e)
{
	AUTO(mem_free) char *text = json_dumps(body, JSON_COMPACT | JSON_PRESERVE_ORDER);
	AUTO(json_free) json_t *receipt = NULL;
	struct kit kit = {0};
	uint32_t v = 0;
	int rc = -1;

	if (!text)
		return err_set(e, WHY_MALFORMED, "an argument is not text in UTF-8");
	if (!name_ok(name))
		return err_set(e, WHY_MALFORMED, "\"%s\" is not a name: letters, digits and dashes, at most 63", name);
	if (kit_open(c->kit, &kit, e) == 0 && next_version(&kit, version, kind, name, &v, e) == 0)
		rc = sign_and_send(&kit, kind, name, v, text, &receipt, e);
	kit_close(&kit);
	if (rc)
		return -1;
	if (c->json)
		cli_print_json(receipt);
	else
		printf("%s %s is at version %u (case %lld)\n", doc_kind_name(kind), name, v,
		        (long long)json_integer_value(json_object_get(receipt, "case")));
	return 0;
}

static int put_file(struct cli *c, enum doc_kind kind, struct err *e)
{
	AUTO(json_free) json_t *body = NULL;
	const char *version = NULL;

	(void)cli_option(c, "--version", &version);
	if (!cli_args(c, 2, 2, e))
		return CLI_USAGE;
	body = cli_read_json(c->argv[1], e);
	return body ? cmddocument_put(c, kind, c->argv[0], version, body, e) : -1;
}

int cmd_reference_put(struct cli *c, struct err *e)
{
	return put_file(c, DOC_REFERENCE, e);
}

int cmd_runtime_put(struct cli *c, struct err *e)
{
	return put_file(c, DOC_RUNTIME, e);
}

int cmd_domain_put(struct cli *c, struct err *e)
{
	return put_file(c, DOC_DOMAIN, e);
}

int cmd_landmark_put(struct cli *c, struct err *e)
{
	return put_file(c, DOC_LANDMARK, e);
}

/* How lines between vertices run; a circle has none. */
static const char *edges_of(const json_t *geometry)
{
	const char *type = json_string_value(json_object_get(geometry, "type"));

	return type && strcmp(type, "Circle") == 0 ? NULL : "rfc7946";
}

/* A fence body as it is, or plain GeoJSON with --map-accuracy: a map without an accuracy decides nothing. */
static json_t *fence_body(json_t *file, const char *accuracy, struct err *e)
{
	AUTO(json_free) json_t *geometry = NULL;
	double metres;

	if (json_object_get(file, "map_accuracy_m") && !accuracy)
		return json_incref(file);
	if (!accuracy) {
		err_set(e, WHY_MALFORMED, "the file does not say how accurate its map is");
		err_hint(e, "say --map-accuracy METRES: the fence is only as sharp as its map");
		return NULL;
	}
	if (cli_number(accuracy, 0, 1e6, "--map-accuracy", &metres, e))
		return NULL;
	geometry = fence_geometry_of(file, e);
	if (!geometry)
		return NULL;
	return json_pack(
	        "{s:O, s:f, s:s*}", "geometry", geometry, "map_accuracy_m", metres, "edges", edges_of(geometry));
}

int cmd_fence_put(struct cli *c, struct err *e)
{
	const char *version = NULL, *accuracy = NULL;
	AUTO(json_free) json_t *file = NULL;
	AUTO(json_free) json_t *body = NULL;
	AUTO(fence_free) struct fence *fence = NULL;

	(void)cli_option(c, "--version", &version);
	(void)cli_option(c, "--map-accuracy", &accuracy);
	if (!cli_args(c, 2, 2, e))
		return CLI_USAGE;
	file = cli_read_json(c->argv[1], e);
	body = file ? fence_body(file, accuracy, e) : NULL;
	fence = body ? fence_import(body, e) : NULL;
	if (!fence)
		return -1;
	return cmddocument_put(c, DOC_FENCE, c->argv[0], version, body, e);
}

int cmd_dataset_create(struct cli *c, struct err *e)
{
	const char *domain = NULL, *epoch = "1", *version = NULL;
	AUTO(json_free) json_t *body = NULL;
	uint64_t n;

	(void)cli_option(c, "--epoch", &epoch);
	(void)cli_option(c, "--version", &version);
	if (!cli_option(c, "--domain", &domain) || !cli_args(c, 1, 1, e))
		return CLI_USAGE;
	if (cli_whole(epoch, UINT32_MAX, "--epoch", &n, e))
		return -1;
	body = json_pack("{s:s, s:I}", "domain", domain, "epoch", (json_int_t)n);
	return cmddocument_put(c, DOC_DATASET, c->argv[0], version, body, e);
}

int cmd_cloudlet_add(struct cli *c, struct err *e)
{
	const char *ek = NULL, *version = NULL;
	AUTO(json_free) json_t *body = NULL;

	(void)cli_option(c, "--ek", &ek);
	(void)cli_option(c, "--version", &version);
	if (!cli_args(c, 1, 1, e))
		return CLI_USAGE;
	body = json_pack("{s:s, s:s*}", "state", "admitted", "ek_sha256", ek);
	return cmddocument_put(c, DOC_CLOUDLET, c->argv[0], version, body, e);
}

int cmd_cloudlet_revoke(struct cli *c, struct err *e)
{
	const char *reason = NULL, *version = NULL;
	AUTO(json_free) json_t *body = NULL;

	(void)cli_option(c, "--reason", &reason);
	(void)cli_option(c, "--version", &version);
	if (!cli_args(c, 1, 1, e))
		return CLI_USAGE;
	body = json_pack("{s:s, s:s*}", "state", "revoked", "reason", reason);
	return cmddocument_put(c, DOC_CLOUDLET, c->argv[0], version, body, e);
}

int cmd_ek_approve(struct cli *c, struct err *e)
{
	const char *version = NULL;
	AUTO(json_free) json_t *body = NULL;

	(void)cli_option(c, "--version", &version);
	if (!cli_args(c, 2, 2, e))
		return CLI_USAGE;
	body = json_pack("{s:s}", "ek_sha256", c->argv[1]);
	return cmddocument_put(c, DOC_EK, c->argv[0], version, body, e);
}
