/* Reports and explanations: what was decided, why, and a proof that needs one public key. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cmd/cli.h"
#include "cmd/kit.h"
#include "policy/policy.h"

enum { TEXT_MAX = 256 * 1024 };

static int case_path(const char *number, const char *what, char out[64], struct err *e)
{
	uint64_t n;

	if (cli_whole(number, INT64_MAX, "CASE", &n, e))
		return -1;
	snprintf(out, 64, "/v1/%s/%llu", what, (unsigned long long)n);
	return 0;
}

int cmd_report_pull(struct cli *c, struct err *e)
{
	const char *to = "-";
	char path[64];
	struct kit kit = {0};
	struct view body;
	int rc = -1;

	(void)cli_option(c, "-o", &to);
	if (!cli_args(c, 1, 1, e))
		return CLI_USAGE;
	if (case_path(c->argv[0], "report", path, e))
		return -1;
	if (kit_open(c->kit, &kit, e) == 0 && kit_get(&kit, path, &body, e) == 0) {
		AUTO(mem_free) char *text = malloc(TEXT_MAX);
		struct wr w = wr_to(text, text ? TEXT_MAX : 0);

		/* what does not verify is not kept */
		rc = report_verify(body, kit.authority, &w, e);
		if (rc == 0 && strcmp(to, "-") == 0)
			rc = fwrite(body.p, 1, body.n, stdout) == body.n ? 0 : err_sys(e, "standard output");
		else if (rc == 0)
			rc = file_write(AT_FDCWD, to, body, 0644, e);
	}
	kit_close(&kit);
	return rc;
}

int cmd_report_verify(struct cli *c, struct err *e)
{
	const char *key_file = NULL;
	AUTO(mem_free) char *report = NULL, *pem = NULL, *text = NULL;
	AUTO(es256_free) struct es256 *key = NULL;
	uint8_t *bytes = NULL, *pem_bytes = NULL;
	size_t n = 0, pem_n = 0;
	struct wr w;

	if (!cli_option(c, "--key", &key_file) || !cli_args(c, 1, 1, e))
		return CLI_USAGE;
	if (cli_read(c->argv[0], &bytes, &n, e))
		return -1;
	report = (char *)bytes;
	if (cli_read(key_file, &pem_bytes, &pem_n, e))
		return -1;
	pem = (char *)pem_bytes;
	key = es256_from_pem(VIEW(pem_bytes, pem_n), VIEW("", 0), e);
	if (!key)
		return err_in(e, "%s", key_file);
	text = malloc(TEXT_MAX);
	if (!text)
		return err_sys(e, "memory for a report");
	w = wr_to(text, TEXT_MAX);
	if (report_verify(VIEW(bytes, n), key, &w, e))
		return err_in(e, "%s", c->argv[0]);
	if (c->json)
		printf("{\"verified\":true,\"bytes\":%zu}\n", n);
	else
		fwrite(text, 1, w.n, stdout);
	return 0;
}

static void print_member(const json_t *record, const char *member, const char *label)
{
	const json_t *v = json_object_get(record, member);

	if (json_is_string(v) && *json_string_value(v) && strcmp(json_string_value(v), "none") != 0)
		printf("%-10s %s\n", label, json_string_value(v));
	else if (json_is_integer(v))
		printf("%-10s %lld\n", label, (long long)json_integer_value(v));
}

static void print_domains(const json_t *record)
{
	const json_t *ear = json_object_get(record, "ear");
	const char *domain;
	json_t *sub;

	json_object_foreach(json_object_get(ear, "submods"), domain, sub)
	{
		const json_t *d = json_object_get(sub, "merestone_decision");

		if (json_is_true(json_object_get(d, "allow")))
			printf("\n%s: allowed\n", domain);
		else
			printf("\n%s: denied (%s)\n  %s\n", domain, json_text(d, "reason"), json_text(d, "sentence"));
		if (*json_text(d, "hint"))
			printf("  the way out: %s\n", json_text(d, "hint"));
	}
}

static void print_events(const json_t *record)
{
	json_t *event;
	size_t i;

	json_array_foreach(json_object_get(record, "events"), i, event)
	{
		printf("%-10s %s: fence %s, domain %s\n", "Event", json_text(event, "event"), json_text(event, "fence"),
		        json_text(event, "domain"));
	}
}

static void print_document(const json_t *d)
{
	if (json_is_object(d))
		printf("%-10s %s %s version %lld\n", "Document", json_string_value(json_object_get(d, "kind")),
		        json_string_value(json_object_get(d, "name")),
		        (long long)json_integer_value(json_object_get(d, "version")));
}

int cmd_explain(struct cli *c, struct err *e)
{
	char path[64];
	struct kit kit = {0};
	AUTO(json_free) json_t *j = NULL;
	json_t *record;

	if (!cli_args(c, 1, 1, e))
		return CLI_USAGE;
	if (case_path(c->argv[0], "explain", path, e))
		return -1;
	if (kit_open(c->kit, &kit, e) == 0)
		j = kit_ask(&kit, path, path + strlen("/v1/"), e);
	kit_close(&kit);
	if (!j)
		return -1;
	record = json_object_get(j, "record");
	if (c->json) {
		cli_print_json(record);
		return 0;
	}
	print_member(record, "case", "Case");
	print_member(record, "machine", "Machine");
	print_member(record, "kind", "Kind");
	print_member(record, "peer", "Peer");
	print_member(record, "outcome", "Outcome");
	print_member(record, "reason", "Reason");
	print_member(record, "sentence", "Sentence");
	print_member(record, "hint", "Way out");
	print_document(json_object_get(record, "document"));
	print_events(record);
	print_domains(record);
	return 0;
}
