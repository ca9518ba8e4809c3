#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "firmware/init/supervisor.h"

/* All files of the image bear the time of its sources. */
int clockset_check(struct err *e)
{
	struct timespec now;
	struct stat st;

	if (stat("/sbin/init", &st) != 0 || clock_gettime(CLOCK_REALTIME, &now) != 0 || now.tv_sec >= st.st_mtim.tv_sec)
		return 0;
	if (clock_settime(CLOCK_REALTIME, &st.st_mtim) != 0)
		return err_sys(e, "the clock is unset and cannot be set");
	err_set(e, WHY_STALE, "the clock of this machine was unset; the date of the image is taken instead");
	return err_hint(e, "set the clock in the firmware's setup, or change its battery: certificates need the date");
}
