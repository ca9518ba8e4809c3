#include <fcntl.h>
#include <linux/watchdog.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "firmware/init/init.h"

/* Where they are handed on: a device that is closed counts as one that hangs, and cannot be opened twice. */
enum { DOGS_MAX = 4, DOG_FD = 100 };

static void command(int fd, unsigned long what, int *value)
{
	(void)syscall(SYS_ioctl, fd, what, value); /* other libraries' ioctl() takes an int */
}

static void open_one(int i)
{
	char path[32];
	int seconds = WATCHDOG_S, fd;

	(void)snprintf(path, sizeof path, "/dev/watchdog%d", i);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	command(fd, WDIOC_SETTIMEOUT, &seconds);
	(void)dup2(fd, DOG_FD + i);
	(void)close(fd);
}

void watchdog_open(void)
{
	for (int i = 0; i < DOGS_MAX; i++)
		if (fcntl(DOG_FD + i, F_GETFD) < 0)
			open_one(i);
	watchdog_feed();
}

void watchdog_feed(void)
{
	for (int i = 0; i < DOGS_MAX; i++)
		if (fcntl(DOG_FD + i, F_GETFD) >= 0)
			command(DOG_FD + i, WDIOC_KEEPALIVE, NULL);
}
