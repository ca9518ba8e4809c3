/* first: from the signed kernel to the verified root. What it cannot do without is said on the console, and the machine
 * starts anew, so that boot counting can choose another image. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "firmware/init/first.h"

enum { READING_TIME_S = 10 };

static void console_open(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);

	if (fd < 0)
		fd = open("/dev/null", O_RDWR);
	for (int i = 0; fd >= 0 && i < 3; i++)
		(void)dup2(fd, i);
	if (fd > 2)
		close(fd);
}

static int line_read(struct bootline *b, struct err *e)
{
	AUTO(mem_free) char *text = NULL;
	uint8_t *p = NULL;
	size_t n = 0;

	if (file_read(AT_FDCWD, "/proc/cmdline", BOOTLINE_MAX, &p, &n, e) != 0)
		return -1;
	text = (char *)p;
	return bootline_parse(VIEW(text, n), b, e);
}

/* The order matters: modules are measured in it, and the site file before anything uses it. */
static int boot(struct err *e)
{
	struct bootline b;
	struct part slot;
	struct err trouble;
	char letter = 0;

	if (firstroot_mounts(e) != 0)
		return -1;
	console_open();
	if (line_read(&b, e) != 0 || firstmodules_load(e) != 0)
		return -1;
	watchdog_open();
	if (firsthand_evidence(&trouble) != 0)
		firstsay_trouble(&trouble);
	if (firstparts_slot(&b, &slot, &letter, e) != 0 || firsthand_places(&slot, letter, e) != 0)
		return -1;
	if (firsthand_site(slot.disk, &trouble) != 0)
		firstsay_trouble(&trouble);
	return firstroot_open(&b, &slot, e) != 0 ? -1 : firstroot_enter(e);
}

int main(void)
{
	struct err e = {0};

	if (getpid() != 1)
		return 2;
	(void)boot(&e);
	firstsay(stderr, "merestone: ", &e);
	(void)fprintf(stderr, "merestone: this machine starts again in %d s\n", READING_TIME_S);
	sleep(READING_TIME_S);
	sync();
	(void)reboot(RB_AUTOBOOT);
	return 1;
}
