#include "cmd/fencesource.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jws.h"
#include "base/name.h"
#include "cmd/kit.h"
#include "policy/policy.h"

/* The document as the officer signed it; the listing that carries it is signed by the authority. */
static json_t *body_of(const char *text, struct err *e)
{
	AUTO(mem_free) char *scratch = malloc(DOCUMENT_MAX);
	AUTO(json_free) json_t *document = NULL;
	struct jws jws;

	if (!scratch) {
		err_sys(e, "memory for a document");
		return NULL;
	}
	if (jws_parse(VIEW(text, strlen(text)), TYP_DOCUMENT, scratch, DOCUMENT_MAX, &jws, e))
		return NULL;
	document = json_read(jws.payload, DOCUMENT_MAX, e);
	return document ? json_incref(json_object_get(document, "body")) : NULL;
}

static json_t *fetch(struct cli *c, const char *name, struct err *e)
{
	AUTO(json_free) json_t *j = NULL;
	struct kit kit = {0};
	char path[160];
	const char *text = NULL;

	snprintf(path, sizeof path, "/v1/document/fence/%s", name);
	if (kit_open(c->kit, &kit, e) == 0)
		j = kit_ask(&kit, path, path + strlen("/v1/"), e);
	kit_close(&kit);
	if (!j || json_get_str(j, "document", &text, e))
		return NULL;
	return body_of(text, e);
}

static int from_body(json_t *body, struct fencesource *s, struct err *e)
{
	if (!body)
		return -1;
	s->body = body;
	s->fence = fence_import(body, e);
	return s->fence ? 0 : -1;
}

/* Whether a file is one or the other is said by its first bytes. */
static int from_file(const char *path, struct fencesource *s, struct err *e)
{
	struct err no_map = {0};

	if (strcmp(path, "-") != 0 && filemap_open(path, &s->mapped, &no_map) == 0 && fence_is_compiled(s->mapped)) {
		s->fence = fence_open(s->mapped, e);
		return s->fence ? 0 : -1;
	}
	return from_body(cli_read_json(path, e), s, e);
}

int fencesource_open(struct cli *c, const char *name, struct fencesource *out, struct err *e)
{
	AUTO(fencesource_close) struct fencesource s = {0};
	bool known = name_ok(name);

	if (known ? from_body(fetch(c, name, e), &s, e) : from_file(name, &s, e))
		return s.body || s.mapped.n ? err_in(e, "%s", name) : -1;
	*out = s;
	s = (struct fencesource){0};
	return 0;
}

void fencesource_close(struct fencesource s)
{
	fence_free(s.fence);
	json_decref(s.body);
	filemap_close(s.mapped);
}
