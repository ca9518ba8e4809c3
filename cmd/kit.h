/* kit: the directory a person carries: who they are, whom they ask, and whose signatures they believe. */
#ifndef CMD_KIT_H
#define CMD_KIT_H

#include "base/es256.h"
#include "base/json.h"
#include "federation/federation.h"

struct kit {
	char dir[1024];
	char url[512];
	char trust_domain[256];
	struct es256 *authority; /* verifies listings and reports */
	struct client *client;   /* NULL until kit_ask or kit_post */
};

int kit_open(const char *dir, struct kit *k, struct err *e);
void kit_close(struct kit *k);
/* The officer's signing key, officer.key in the kit. The caller frees. */
struct es256 *kit_officer(const struct kit *k, struct err *e);
/* GET path; the answer must be a JWS of that typ by the authority, its "what" as asked and no older than five minutes.
 * Gives its payload; the caller frees. */
json_t *kit_ask(struct kit *k, const char *path, const char *what, struct err *e);
/* A whole listing ("fences", "cloudlets"): its pages one after the other, as one array. The caller frees. */
json_t *kit_list(struct kit *k, const char *what, struct err *e);
/* GET path; gives the answer's bytes as they are, for reports that are verified elsewhere. Valid until the next call.
 */
int kit_get(struct kit *k, const char *path, struct view *body, struct err *e);
/* PUT of one part of an upload. */
int kit_put(struct kit *k, const char *path, struct view part, struct err *e);
/* POST a signed document; gives the receipt. The caller frees. */
json_t *kit_post(struct kit *k, struct view jws, struct err *e);

#endif
