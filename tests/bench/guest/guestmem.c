/* guestmem: says every second what the agent and the quoter of an appliance take. It stands in the place of the updater, which
 * a machine that is measured does not need: what it says comes out at the console. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { PROC_MAX = 4096 };

static bool status_of(const char *pid, char text[PROC_MAX])
{
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/%.20s/status", pid);
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, PROC_MAX - 1);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static void say(const char *text, const char *comm, const char *name)
{
	char line[64];
	const char *rss = strstr(text, "\nVmRSS:");
	unsigned kib;

	(void)snprintf(line, sizeof line, "Name:\t%s\n", comm);
	if (rss && strncmp(text, line, strlen(line)) == 0 && sscanf(rss, "\nVmRSS: %u", &kib) == 1)
		printf("bench: %s %u KiB\n", name, kib);
}

int main(void)
{
	char text[PROC_MAX];
	struct dirent *d;
	DIR *proc;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (;; sleep(1)) {
		proc = opendir("/proc");
		while (proc && (d = readdir(proc)))
			if (isdigit((unsigned char)d->d_name[0]) && status_of(d->d_name, text)) {
				say(text, "merestone-agent", "agent");
				say(text, "quoter", "quoter");
			}
		if (proc)
			closedir(proc);
	}
}
