/* A stick that somebody put in: a release on it is the updater's to judge, so it is shown to the updater alone. */
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "firmware/init/appliance.h"
#include "firmware/init/first.h"

#define LABEL "MERESTONE"
enum { LOOK_S = 5 };

static struct {
	time_t due;
	bool mounted;
	struct part part; /* the one that is here: a stick that cannot be read is tried once */
} stick;

static void take(struct screen *s, const struct part *p)
{
	char device[PART_NAME_MAX + 8], options[64], line[SCREEN_LINE_MAX];
	struct err e;

	stick.part = *p;
	(void)snprintf(device, sizeof device, "/dev/%s", p->device);
	(void)snprintf(options, sizeof options, "uid=%d,gid=%d,umask=077", UID_UPDATER, UID_UPDATER);
	if (mount(device, RUN_STICK, "vfat", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, options) != 0) {
		err_sys(&e, "the stick %s cannot be read", p->device);
		screen_trouble(s, &e);
		return;
	}
	stick.mounted = true;
	(void)snprintf(line, sizeof line, "merestone: the stick %s is here", p->device);
	screen_say(s, line);
}

static void let_go(void)
{
	if (stick.mounted)
		(void)umount2(RUN_STICK, MNT_DETACH);
	stick.mounted = false;
	memset(&stick.part, 0, sizeof stick.part);
}

void stick_look(struct screen *s)
{
	struct part p;
	bool here;

	if (stick.due > minder_now())
		return;
	stick.due = minder_now() + LOOK_S;
	here = firstparts_find(LABEL, NULL, &p, 1) == 1;
	if (stick.part.device[0] && (!here || strcmp(p.device, stick.part.device) != 0))
		let_go();
	if (here && !stick.part.device[0])
		take(s, &p);
}
