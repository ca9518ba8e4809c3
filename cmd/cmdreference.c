/* Reference sets from what there is: a boot log, or what another verifier was told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/cli.h"
#include "firmware/firmware.h"

enum { BODY_MAX = 512 * 1024, NOTES_MAX = 2048 };

/* The caller frees. */
static char *body_room(struct wr *w, struct err *e)
{
	char *text = malloc(BODY_MAX);

	if (!text)
		err_sys(e, "memory for a reference set");
	*w = wr_to(text, text ? BODY_MAX : 0);
	return text;
}

/* What is printed can be put: it is read again first. */
static int print_body(struct wr *w, struct err *e)
{
	AUTO(json_free) json_t *body = json_read(wr_done(w), BODY_MAX, e);
	AUTO(reference_free) struct reference *r = body ? reference_import(body, e) : NULL;

	if (!r)
		return err_in(e, "the set that this would give is not one");
	fwrite(w->p, 1, w->n, stdout);
	putchar('\n');
	return 0;
}

static int read_bytes(const char *path, char **owner, struct view *out, struct err *e)
{
	uint8_t *p = NULL;
	size_t n = 0;

	if (cli_read(path, &p, &n, e))
		return -1;
	*owner = (char *)p;
	*out = VIEW(p, n);
	return 0;
}

int cmd_reference_learn(struct cli *c, struct err *e)
{
	AUTO(mem_free) char *bytes = NULL, *text = NULL;
	bool semantic = cli_flag(c, "--semantic");
	struct view log;
	struct wr w;

	if (!cli_args(c, 1, 1, e))
		return CLI_USAGE;
	if (read_bytes(c->argv[0], &bytes, &log, e))
		return -1;
	text = body_room(&w, e);
	if (!text)
		return -1;
	if (semantic ? reference_learn_meaning(log, &w, e) : reference_learn(log, &w, e))
		return err_in(e, "%s", c->argv[0]);
	return print_body(&w, e);
}

static bool says_command_line(const json_t *state)
{
	const json_t *list = json_object_get(state, "kernels");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_object_get(json_array_get(list, i), "kernel_cmdline"))
			return true;
	return false;
}

struct import {
	const char *keylime, *corim;
	struct view log;
};

static int import_keylime(const struct import *in, struct wr *w, struct err *e)
{
	AUTO(json_free) json_t *state = cli_read_json(in->keylime, e);

	if (!state)
		return -1;
	if (refstate_import(state, in->log, w, e))
		return err_in(e, "%s", in->keylime);
	if (says_command_line(state))
		log_warn("kernel_cmdline is not carried over: it speaks of register 8, which is not quoted");
	return 0;
}

static int import_corim(const struct import *in, struct wr *w, struct err *e)
{
	AUTO(mem_free) char *bytes = NULL;
	char notes[NOTES_MAX + 1];
	struct wr n = wr_to(notes, NOTES_MAX);
	struct view file;

	if (read_bytes(in->corim, &bytes, &file, e))
		return -1;
	if (corim_import(file, in->log, w, &n, e))
		return err_in(e, "%s", in->corim);
	notes[n.n] = 0;
	for (char *line = notes, *end; (end = strchr(line, '\n')); line = end + 1)
		log_info("%.*s", (int)(end - line), line);
	return 0;
}

int cmd_reference_import(struct cli *c, struct err *e)
{
	AUTO(mem_free) char *bytes = NULL, *text = NULL;
	struct import in = {0};
	const char *path = NULL;
	struct wr w;

	(void)cli_option(c, "--keylime", &in.keylime);
	(void)cli_option(c, "--corim", &in.corim);
	(void)cli_option(c, "--log", &path);
	if (!cli_args(c, 0, 0, e) || !in.keylime == !in.corim)
		return CLI_USAGE;
	if (path && read_bytes(path, &bytes, &in.log, e))
		return -1;
	text = body_room(&w, e);
	if (!text)
		return -1;
	if (in.corim ? import_corim(&in, &w, e) : import_keylime(&in, &w, e))
		return -1;
	return print_body(&w, e);
}
