#include "cmd/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static void take_out(struct cli *c, int at, int n)
{
	for (int i = at; i + n < c->argc; i++)
		c->argv[i] = c->argv[i + n];
	c->argc -= n;
}

bool cli_option(struct cli *c, const char *name, const char **value)
{
	size_t n = strlen(name);

	for (int i = 0; i < c->argc; i++) {
		if (strcmp(c->argv[i], name) == 0 && i + 1 < c->argc) {
			*value = c->argv[i + 1];
			take_out(c, i, 2);
			return true;
		}
		if (strncmp(c->argv[i], name, n) == 0 && c->argv[i][n] == '=') {
			*value = c->argv[i] + n + 1;
			take_out(c, i, 1);
			return true;
		}
	}
	return false;
}

bool cli_flag(struct cli *c, const char *name)
{
	for (int i = 0; i < c->argc; i++)
		if (strcmp(c->argv[i], name) == 0) {
			take_out(c, i, 1);
			return true;
		}
	return false;
}

bool cli_args(const struct cli *c, int min, int max, struct err *e)
{
	for (int i = 0; i < c->argc; i++)
		if (strncmp(c->argv[i], "--", 2) == 0) {
			err_set(e, WHY_MALFORMED, "%s is not an option here, or lacks its value", c->argv[i]);
			return false;
		}
	if (c->argc < min || c->argc > max) {
		err_set(e, WHY_MALFORMED, "%d arguments are given", c->argc);
		return false;
	}
	return true;
}

static int read_stdin(uint8_t **out, size_t *n, struct err *e)
{
	uint8_t *p = malloc(CLI_FILE_MAX + 1);

	if (!p)
		return err_sys(e, "memory for standard input");
	*n = fread(p, 1, CLI_FILE_MAX + 1, stdin);
	if (*n > CLI_FILE_MAX || ferror(stdin)) {
		free(p);
		return err_set(e, WHY_MALFORMED, "standard input can not be read or is larger than 16 MiB");
	}
	p[*n] = 0;
	*out = p;
	return 0;
}

int cli_read(const char *path, uint8_t **out, size_t *n, struct err *e)
{
	if (strcmp(path, "-") == 0)
		return read_stdin(out, n, e);
	return file_read(AT_FDCWD, path, CLI_FILE_MAX, out, n, e);
}

json_t *cli_read_json(const char *path, struct err *e)
{
	AUTO(mem_free) char *text = NULL;
	uint8_t *bytes = NULL;
	size_t n = 0;
	json_t *j;

	if (cli_read(path, &bytes, &n, e))
		return NULL;
	text = (char *)bytes;
	j = json_read(VIEW(bytes, n), CLI_FILE_MAX, e);
	if (!j)
		err_in(e, "%s", path);
	return j;
}

int cli_number(const char *text, double min, double max, const char *what, double *out, struct err *e)
{
	char *end = NULL;
	double v;

	errno = 0;
	v = strtod(text, &end);
	if (end == text || *end || errno || !isfinite(v) || v < min || v > max)
		return err_set(e, WHY_MALFORMED, "%s is \"%s\", expected a number from %g to %g", what, text, min, max);
	*out = v;
	return 0;
}

int cli_whole(const char *text, uint64_t max, const char *what, uint64_t *out, struct err *e)
{
	uint64_t v = 0;

	errno = 0;
	if (*text && strspn(text, "0123456789") == strlen(text))
		v = strtoull(text, NULL, 10);
	if (v < 1 || v > max || errno)
		return err_set(e, WHY_MALFORMED, "%s is \"%s\", expected a whole number from 1 to %llu", what, text,
		        (unsigned long long)max);
	*out = v;
	return 0;
}

void cli_print_json(const json_t *j)
{
	json_dumpf(j, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	putchar('\n');
}
