/* cli: what the verbs of merestone share. A verb gives 0 for yes, -1 with a filled err, or CLI_USAGE. */
#ifndef CMD_CLI_H
#define CMD_CLI_H

#include "base/err.h"
#include "base/json.h"

enum { CLI_USAGE = 2, CLI_FILE_MAX = 16 * 1024 * 1024 };

struct cli {
	const char *kit; /* --kit DIR or MERESTONE_KIT; may be NULL */
	bool json;       /* --json */
	int argc;        /* what is left behind the noun and the verb */
	char **argv;
};

/* Takes "--name VALUE" (or "--name=VALUE") out of the arguments; false when it is not there. */
bool cli_option(struct cli *c, const char *name, const char **value);
bool cli_flag(struct cli *c, const char *name);
/* True when between min and max arguments are left and none of them is an option we do not know. */
bool cli_args(const struct cli *c, int min, int max, struct err *e);
/* A whole file as bytes, NUL behind it; "-" is standard input. The caller frees. */
int cli_read(const char *path, uint8_t **out, size_t *n, struct err *e);
/* A file that holds one JSON object. The caller frees. */
json_t *cli_read_json(const char *path, struct err *e);
int cli_number(const char *text, double min, double max, const char *what, double *out, struct err *e);
/* Digits and nothing else, from 1 to max. */
int cli_whole(const char *text, uint64_t max, const char *what, uint64_t *out, struct err *e);
/* Prints JSON as one indented text. */
void cli_print_json(const json_t *j);

/* The verbs (cmd*.c). */
int cmd_init(struct cli *c, struct err *e);
int cmd_fence_put(struct cli *c, struct err *e);
int cmd_reference_put(struct cli *c, struct err *e);
int cmd_runtime_put(struct cli *c, struct err *e);
int cmd_domain_put(struct cli *c, struct err *e);
int cmd_landmark_put(struct cli *c, struct err *e);
int cmd_dataset_create(struct cli *c, struct err *e);
int cmd_cloudlet_add(struct cli *c, struct err *e);
int cmd_cloudlet_revoke(struct cli *c, struct err *e);
int cmd_ek_approve(struct cli *c, struct err *e);
int cmd_ek_import_roots(struct cli *c, struct err *e);
int cmd_fence_list(struct cli *c, struct err *e);
int cmd_reference_list(struct cli *c, struct err *e);
int cmd_runtime_list(struct cli *c, struct err *e);
int cmd_domain_list(struct cli *c, struct err *e);
int cmd_landmark_list(struct cli *c, struct err *e);
int cmd_dataset_list(struct cli *c, struct err *e);
int cmd_cloudlet_list(struct cli *c, struct err *e);
int cmd_ek_list(struct cli *c, struct err *e);
int cmd_ek_roots(struct cli *c, struct err *e);
int cmd_fence_import(struct cli *c, struct err *e);
int cmd_fence_check(struct cli *c, struct err *e);
int cmd_fence_compile(struct cli *c, struct err *e);
int cmd_reference_learn(struct cli *c, struct err *e);
int cmd_runtime_learn(struct cli *c, struct err *e);
int cmd_reference_import(struct cli *c, struct err *e);
int cmd_log(struct cli *c, struct err *e);
int cmd_image_flash(struct cli *c, struct err *e);
int cmd_image_keys(struct cli *c, struct err *e);
int cmd_image_predict(struct cli *c, struct err *e);
int cmd_image_pcrsig(struct cli *c, struct err *e);
int cmd_image_recover(struct cli *c, struct err *e);
int cmd_image_manifest(struct cli *c, struct err *e);
int cmd_tag_issue(struct cli *c, struct err *e);
int cmd_image_site(struct cli *c, struct err *e);
int cmd_tag_show(struct cli *c, struct err *e);
int cmd_report_pull(struct cli *c, struct err *e);
int cmd_report_verify(struct cli *c, struct err *e);
int cmd_update_pack(struct cli *c, struct err *e);
int cmd_update_publish(struct cli *c, struct err *e);
int cmd_update_approve(struct cli *c, struct err *e);
int cmd_update_status(struct cli *c, struct err *e);
int cmd_explain(struct cli *c, struct err *e);

#endif
