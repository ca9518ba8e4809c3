/* Every watchdog the machine has, of hardware or of the kernel: one that is not fed for a minute starts it anew, and boot
 * counting sees that. */
#include <fcntl.h>
#include <linux/watchdog.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "firmware/init/supervisor.h"

enum { DOGS_MAX = 4 };

static int dogs[DOGS_MAX] = {-1, -1, -1, -1};

void watchdog_open(void)
{
	for (int i = 0; i < DOGS_MAX; i++) {
		char path[32];
		int seconds = WATCHDOG_S;

		(void)snprintf(path, sizeof path, "/dev/watchdog%d", i);
		dogs[i] = open(path, O_WRONLY | O_CLOEXEC);
		if (dogs[i] >= 0)
			(void)ioctl(dogs[i], WDIOC_SETTIMEOUT, &seconds);
	}
	watchdog_feed();
}

void watchdog_feed(void)
{
	for (int i = 0; i < DOGS_MAX; i++)
		if (dogs[i] >= 0)
			(void)ioctl(dogs[i], WDIOC_KEEPALIVE, 0);
}
