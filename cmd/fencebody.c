#include "cmd/fencebody.h"

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

json_t *fencebody_open(struct cli *c, const char *fence, struct err *e)
{
	return name_ok(fence) ? fetch(c, fence, e) : cli_read_json(fence, e);
}
