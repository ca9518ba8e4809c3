/* attestbench DIR LOG...: rows of the benchmark on standard output, a JSON object each. Files go to DIR. The first log
 * is also the one that runtime lists come with. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "tests/bench/attest/attestbench.h"

static int one_log(const struct softbox *m, const char *path, bool first, struct err *e)
{
	uint8_t *bytes = NULL;
	size_t n;

	if (file_read(AT_FDCWD, path, EVENTLOG_MAX, &bytes, &n, e) != 0)
		return -1;
	int bad = bootrow_print(m, VIEW(bytes, n), e) != 0 || (first && runrow_print(m, VIEW(bytes, n), e) != 0);
	free(bytes);
	return bad ? err_in(e, "%s", path) : 0;
}

static int measure(const struct softbox *m, int argc, char **argv, struct err *e)
{
	if (quoterow_print(m, argv[1], e) != 0)
		return -1;
	for (int i = 2; i < argc; i++)
		if (one_log(m, argv[i], i == 2, e) != 0)
			return -1;
	return ekrow_print(e) != 0 ? -1 : boxrow_print(m, e);
}

int main(int argc, char **argv)
{
	struct softbox m;
	struct err e = {0};

	log_name("attestbench");
	if (argc < 3) {
		log_warn("usage: attestbench DIR LOG...");
		return 2;
	}
	int bad = softbox_make(&m, &e) != 0 || measure(&m, argc, argv, &e) != 0;
	softbox_drop(&m);
	if (bad)
		log_err(&e);
	return bad ? 3 : 0;
}
