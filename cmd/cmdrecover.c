/* image recover: the phrase that opens a machine's state without its TPM, by the recovery key. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/cli.h"
#include "cmd/keyfile.h"
#include "firmware/state/state.h"

/* The start of a disk's partition or of its image, or a token alone: a device has no size to ask for. */
static int read_start(const char *path, uint8_t buf[STATE_HEADER_MAX], size_t *n, struct err *e)
{
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 1;

	if (fd < 0)
		return err_sys(e, "%s", path);
	for (*n = 0; *n < STATE_HEADER_MAX && got > 0; *n += got > 0 ? (size_t)got : 0)
		got = read(fd, buf + *n, STATE_HEADER_MAX - *n);
	return got < 0 ? err_sys(e, "%s", path) : 0;
}

/* Into a file or a pipe without a line's end, as cryptsetup takes it. */
static int print_phrase(const struct secret *phrase, struct err *e)
{
	char text[RECOVERY_PHRASE + 1];

	recovery_phrase(phrase, text);
	int bad = fd_write_all(STDOUT_FILENO, text, RECOVERY_PHRASE) != 0 ||
	          (isatty(STDOUT_FILENO) && fd_write_all(STDOUT_FILENO, "\n", 1) != 0);
	mem_wipe(text, sizeof text);
	return bad ? err_sys(e, "standard output") : 0;
}

int cmd_image_recover(struct cli *c, struct err *e)
{
	AUTO(secret_free) struct secret *phrase = NULL;
	uint8_t buf[STATE_HEADER_MAX], box[RECOVERY_BOX];
	const char *path = NULL;
	size_t n = 0;

	if (!cli_option(c, "--key", &path) || !cli_args(c, 1, 1, e))
		return CLI_USAGE;
	AUTO(es256_free) struct es256 *key = keyfile_open(path, e);
	if (!key)
		return -1;
	if (read_start(c->argv[0], buf, &n, e) || statetoken_recovery_read(VIEW(buf, n), box, e) ||
	        recovery_get(key, box, &phrase, e))
		return err_in(e, "%s", c->argv[0]);
	return print_phrase(phrase, e);
}
