/* The listings: a signed answer of the authority, as a table for people or JSON for programs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/cli.h"
#include "cmd/kit.h"

enum { COLUMNS_MAX = 7, CELL_MAX = 64 };

struct column {
	const char *title, *member;
};

static const struct column document_columns[] = {
        {"NAME", "name"}, {"VERSION", "version"}, {"ISSUED", "issued"}, {"DIGEST", "digest"}, {NULL, NULL}};
static const struct column domain_columns[] = {{"NAME", "name"}, {"VERSION", "version"}, {"FENCE", "fence"},
        {"REFERENCES", "references"}, {"LEASE S", "lease_s"}, {NULL, NULL}};
static const struct column dataset_columns[] = {
        {"NAME", "name"}, {"VERSION", "version"}, {"DOMAIN", "domain"}, {"EPOCH", "epoch"}, {NULL, NULL}};
static const struct column vendor_columns[] = {{"NAME", "name"}, {"VERSION", "version"}, {"ISSUED", "issued"},
        {"CERTIFICATES", "certificates"}, {"DIGEST", "digest"}, {NULL, NULL}};
static const struct column landmark_columns[] = {{"NAME", "name"}, {"VERSION", "version"}, {"ADDRESS", "address"},
        {"LATITUDE", "latitude_deg"}, {"LONGITUDE", "longitude_deg"}, {"DIGEST", "digest"}, {NULL, NULL}};
static const struct column cloudlet_columns[] = {{"NAME", "name"}, {"STATE", "state"}, {"STATUS", "status"},
        {"LAST CASE", "last_case"}, {"LAST TIME", "last_time"}, {"DOMAINS", "domains"}, {"LEASES", "leases"}};

static const struct column update_columns[] = {{"VARIANT", "name"}, {"UPDATE", "update"}, {"WAVES", "waves"},
        {"OPEN", "open"}, {"HALTED", "halted"}, {NULL, NULL}};
static const struct column rollout_columns[] = {{"NAME", "name"}, {"VARIANT", "variant"}, {"RUNS", "runs"},
        {"WAVE", "wave"}, {"STATE", "state"}, {"CASE", "case"}, {NULL, NULL}};

static void cell_time(char out[CELL_MAX], json_int_t t)
{
	time_t when = (time_t)t;
	struct tm tm;

	if (t <= 0 || !gmtime_r(&when, &tm) || strftime(out, CELL_MAX, "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
		snprintf(out, CELL_MAX, "-");
}

static void cell_list(char out[CELL_MAX], const json_t *v)
{
	size_t at = 0;

	snprintf(out, CELL_MAX, "-");
	for (size_t i = 0; i < json_array_size(v) && at < CELL_MAX - 1; i++) {
		const char *s = json_string_value(json_array_get(v, i));
		int n = snprintf(out + at, CELL_MAX - at, "%s%s", i ? "," : "", s ? s : "?");

		at += n > 0 ? (size_t)n : 0;
	}
}

/* Of a revoked machine: whether its TPM has said that it honours none any more. */
static void cell_leases(char out[CELL_MAX], const json_t *v)
{
	json_int_t ended = json_integer_value(json_object_get(v, "ended_case"));
	char until[CELL_MAX];

	cell_time(until, json_integer_value(json_object_get(v, "until")));
	if (ended > 0)
		snprintf(out, CELL_MAX, "ended in case %lld", (long long)ended);
	else if (strcmp(until, "-") == 0)
		snprintf(out, CELL_MAX, "none");
	else
		snprintf(out, CELL_MAX, "bounded by the deadline %.24s", until);
}

static void cell(char out[CELL_MAX], const struct column *c, const json_t *item)
{
	const json_t *v = json_object_get(item, c->member);

	if (json_is_integer(v) && (strcmp(c->member, "issued") == 0 || strcmp(c->member, "last_time") == 0))
		cell_time(out, json_integer_value(v));
	else if (json_is_integer(v))
		snprintf(out, CELL_MAX, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		snprintf(out, CELL_MAX, "%.7g", json_real_value(v));
	else if (json_is_string(v) && strcmp(c->member, "digest") == 0)
		snprintf(out, CELL_MAX, "%.16s", json_string_value(v));
	else if (json_is_string(v))
		snprintf(out, CELL_MAX, "%s", json_string_value(v));
	else if (json_is_boolean(v))
		snprintf(out, CELL_MAX, "%s", json_is_true(v) ? "yes" : "no");
	else if (json_is_array(v))
		cell_list(out, v);
	else if (json_is_object(v))
		cell_leases(out, v);
	else
		snprintf(out, CELL_MAX, "-");
}

static void print_cell(const char *text, size_t width, bool last)
{
	if (last)
		printf("%s\n", text);
	else
		printf("%-*s  ", (int)width, text);
}

static void print_table(const struct column *columns, const json_t *items)
{
	size_t n = 0, width[COLUMNS_MAX] = {0};
	char text[CELL_MAX];

	while (n < COLUMNS_MAX && columns[n].title)
		n++;
	for (size_t c = 0; c < n; c++) {
		width[c] = strlen(columns[c].title);
		for (size_t i = 0; i < json_array_size(items); i++) {
			cell(text, &columns[c], json_array_get(items, i));
			if (strlen(text) > width[c])
				width[c] = strlen(text);
		}
	}
	for (size_t c = 0; c < n; c++)
		print_cell(columns[c].title, width[c], c + 1 == n);
	for (size_t i = 0; i < json_array_size(items); i++)
		for (size_t c = 0; c < n; c++) {
			cell(text, &columns[c], json_array_get(items, i));
			print_cell(text, width[c], c + 1 == n);
		}
}

static int list(struct cli *c, const char *what, const struct column *columns, struct err *e)
{
	struct kit kit = {0};
	AUTO(json_free) json_t *items = NULL;

	if (!cli_args(c, 0, 0, e))
		return CLI_USAGE;
	if (kit_open(c->kit, &kit, e) == 0)
		items = kit_list(&kit, what, e);
	kit_close(&kit);
	if (!items)
		return -1;
	if (c->json)
		cli_print_json(items);
	else
		print_table(columns, items);
	return 0;
}

int cmd_fence_list(struct cli *c, struct err *e)
{
	return list(c, "fences", document_columns, e);
}

int cmd_reference_list(struct cli *c, struct err *e)
{
	return list(c, "references", document_columns, e);
}

int cmd_runtime_list(struct cli *c, struct err *e)
{
	return list(c, "runtimes", document_columns, e);
}

int cmd_ek_list(struct cli *c, struct err *e)
{
	return list(c, "eks", document_columns, e);
}

int cmd_ek_roots(struct cli *c, struct err *e)
{
	return list(c, "vendors", vendor_columns, e);
}

int cmd_landmark_list(struct cli *c, struct err *e)
{
	return list(c, "landmarks", landmark_columns, e);
}

int cmd_domain_list(struct cli *c, struct err *e)
{
	return list(c, "domains", domain_columns, e);
}

int cmd_dataset_list(struct cli *c, struct err *e)
{
	return list(c, "datasets", dataset_columns, e);
}

int cmd_cloudlet_list(struct cli *c, struct err *e)
{
	return list(c, "cloudlets", cloudlet_columns, e);
}

int cmd_update_status(struct cli *c, struct err *e)
{
	AUTO(json_free) json_t *updates = NULL;
	AUTO(json_free) json_t *machines = NULL;
	AUTO(json_free) json_t *both = NULL;
	struct kit kit = {0};

	if (!cli_args(c, 0, 0, e))
		return CLI_USAGE;
	if (kit_open(c->kit, &kit, e) == 0)
		updates = kit_list(&kit, "updates", e);
	if (updates)
		machines = kit_list(&kit, "rollouts", e);
	kit_close(&kit);
	if (!machines)
		return -1;
	if (c->json) {
		both = json_pack("{s:O, s:O}", "updates", updates, "machines", machines);
		cli_print_json(both);
		return 0;
	}
	print_table(update_columns, updates);
	putchar('\n');
	print_table(rollout_columns, machines);
	return 0;
}
