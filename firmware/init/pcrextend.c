/* One command to the TPM without a library, and its record in our copy of the boot log. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "firmware/init/init.h"

enum { COMMAND_MAX = 2048 };

static int transmit(const char *tpm, struct view command, struct err *e)
{
	AUTO(fd_close) int fd = open(tpm, O_RDWR | O_CLOEXEC);
	uint8_t answer[COMMAND_MAX];
	ssize_t n;

	if (fd < 0 || write(fd, command.p, command.n) != (ssize_t)command.n)
		return err_sys(e, "the TPM %s", tpm);
	n = read(fd, answer, sizeof answer);
	return n < 0 ? err_sys(e, "the TPM %s", tpm) : pcrevent_response(VIEW(answer, (size_t)n), e);
}

static int append(const char *log, struct view record, struct err *e)
{
	AUTO(fd_close) int fd = open(log, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 || fd_write_all(fd, record.p, record.n) != 0 ? err_sys(e, "%s", log) : 0;
}

int pcrextend(const char *tpm, const char *log, const struct pcrevent *ev, struct err *e)
{
	AUTO(mem_free) char *bytes = NULL;
	uint8_t command[COMMAND_MAX], record[COMMAND_MAX], *p = NULL;
	struct wr c = wr_to(command, sizeof command), r = wr_to(record, sizeof record);
	size_t n = 0;

	if (file_read(AT_FDCWD, log, EVENTLOG_MAX, &p, &n, e) != 0 && errno != ENOENT)
		return -1;
	bytes = (char *)p;
	pcrevent_command(&c, ev, VIEW(bytes, n));
	if (n > 0 && pcrevent_record(&r, ev, VIEW(bytes, n), e) != 0)
		return -1;
	if (!wr_ok(&c) || !wr_ok(&r))
		return err_set(e, WHY_SYSTEM, "the event for register %u is too large", (unsigned)ev->pcr);
	if (transmit(tpm, wr_done(&c), e) != 0)
		return -1;
	return n > 0 ? append(log, wr_done(&r), e) : 0;
}
