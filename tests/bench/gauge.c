#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/bench/bench.h"

enum { PROC_MAX = 4096, FIELD_UTIME = 14 };

static const char *const names[GAUGE_COUNT] = {
        [GAUGE_DOOR] = "door",
        [GAUGE_JUDGE] = "judge",
        [GAUGE_WORKER] = "judge worker",
        [GAUGE_DECIDER] = "decider",
        [GAUGE_KEEPER] = "keeper",
};

const char *gauge_name(enum gauge_of g)
{
	return names[g];
}

/* A file of /proc has no size beforehand. */
static bool read_proc(pid_t pid, const char *file, char text[PROC_MAX])
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, PROC_MAX - 1);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Of the fields behind the name in brackets, which may hold spaces, the one with this number in proc(5). */
static const char *field(const char *stat, int number)
{
	const char *at = strrchr(stat, ')');

	for (int i = 2; at && i < number; i++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at;
}

static pid_t parent_of(pid_t pid)
{
	char text[PROC_MAX];
	const char *at = read_proc(pid, "stat", text) ? field(text, 4) : NULL;

	return at ? (pid_t)strtol(at, NULL, 10) : -1;
}

/* schedstat counts nanoseconds; a kernel without it has the ticks of stat. */
static double cpu_us(pid_t pid)
{
	char text[PROC_MAX], *end;
	const char *at;

	if (read_proc(pid, "schedstat", text))
		return (double)strtoull(text, NULL, 10) / 1e3;
	at = read_proc(pid, "stat", text) ? field(text, FIELD_UTIME) : NULL;
	if (!at)
		return 0;
	unsigned long long ticks = strtoull(at, &end, 10);
	ticks += strtoull(end, NULL, 10);
	return (double)ticks * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

static double rss_mib(pid_t pid)
{
	char text[PROC_MAX];
	const char *at = read_proc(pid, "status", text) ? strstr(text, "VmRSS:") : NULL;

	return at ? strtod(at + strlen("VmRSS:"), NULL) / 1024 : 0;
}

/* The first word of its command line: merestoned says there who is who. */
static int member_of(pid_t pid)
{
	char text[PROC_MAX];

	for (int i = 0; read_proc(pid, "cmdline", text) && i < GAUGE_COUNT; i++)
		if (strcmp(text, names[i]) == 0)
			return i;
	return -1;
}

static void count(struct gauge *g, int member, pid_t pid)
{
	double rss = rss_mib(pid);

	g->of[member].cpu_us += cpu_us(pid);
	if (rss > g->of[member].rss_mib)
		g->of[member].rss_mib = rss;
}

/* Children of `of` are counted; gives the judge among them, whose own children are its workers. */
static pid_t scan(DIR *proc, pid_t of, struct gauge *g, bool workers)
{
	struct dirent *entry;
	pid_t judge = 0;

	rewinddir(proc);
	while ((entry = readdir(proc)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (pid <= 0 || parent_of(pid) != of)
			continue;
		int member = workers ? GAUGE_WORKER : member_of(pid);
		if (member < 0)
			continue;
		count(g, member, pid);
		if (member == GAUGE_JUDGE)
			judge = pid;
	}
	return judge;
}

int gauge_read(pid_t pid, struct gauge *out, struct err *e)
{
	struct gauge g = {0};
	DIR *proc = opendir("/proc");

	if (!proc)
		return err_sys(e, "/proc");
	pid_t judge = scan(proc, pid, &g, false);
	if (judge > 0)
		(void)scan(proc, judge, &g, true);
	closedir(proc);
	for (int i = 0; i < GAUGE_COUNT; i++)
		if (g.of[i].rss_mib == 0)
			return err_set(e, WHY_SYSTEM, "process %d has no %s", (int)pid, names[i]);
	*out = g;
	return 0;
}
