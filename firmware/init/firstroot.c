#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"
#include "firmware/init/first.h"

enum { TABLE_MAX = 1024, DEVICE_MAX = 64 };
#define ROOT   "/root"
#define MAPPED "merestone-root"

static const unsigned long CLOSED = MS_NOSUID | MS_NODEV | MS_NOEXEC;

static int mount_at(const char *type, const char *path, unsigned long flags, const char *options, struct err *e)
{
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return err_sys(e, "%s", path);
	return mount(type, path, type, flags, options) != 0 && errno != EBUSY ? err_sys(e, "cannot mount %s", path) : 0;
}

int firstroot_mounts(struct err *e)
{
	umask(022);
	if (mount_at("proc", "/proc", CLOSED, NULL, e) || mount_at("sysfs", "/sys", CLOSED, NULL, e) ||
	        mount_at("devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC, "mode=0755", e) ||
	        mount_at("tmpfs", "/run", CLOSED, "mode=0755,size=50%", e) ||
	        mount_at("securityfs", "/sys/kernel/security", CLOSED, NULL, e))
		return -1;
	return file_mkdir(AT_FDCWD, RUN_DIR, 0755, e);
}

/* ---- device mapper ---- */

struct request {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char table[TABLE_MAX];
};

static struct request request_new(void)
{
	struct request r = {.head = {.version = {DM_VERSION_MAJOR, 0, 0},
	                            .data_size = sizeof r,
	                            .data_start = offsetof(struct request, target),
	                            .flags = DM_READONLY_FLAG},
	        .target = {.status = 0}};

	(void)snprintf(r.head.name, sizeof r.head.name, "%s", MAPPED);
	return r;
}

/* Other libraries' ioctl() takes an int. */
static int ask(int control, unsigned long what, struct request *r)
{
	return (int)syscall(SYS_ioctl, control, what, r);
}

static int verity_load(int control, const struct bootline *b, const struct part *slot, struct err *e)
{
	struct request r = request_new();
	struct wr table = wr_to(r.table, sizeof r.table);
	char device[DEVICE_MAX];

	(void)snprintf(device, sizeof device, "/dev/%s", slot->device);
	r.head.target_count = 1;
	r.target.length = b->blocks * (VERITY_BLOCK / 512);
	(void)snprintf(r.target.target_type, sizeof r.target.target_type, "verity");
	verity_table(b, device, &table);
	if (!wr_ok(&table))
		return err_set(e, WHY_SYSTEM, "the verity table is too long");
	return ask(control, DM_TABLE_LOAD, &r) != 0 ? err_sys(e, "the kernel does not take the root's hash tree") : 0;
}

/* Gives the minor number of the new device. */
static int verity_open(const struct bootline *b, const struct part *slot, unsigned *number, struct err *e)
{
	AUTO(fd_close) int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	struct request make = request_new(), start = request_new();

	if (control < 0 || ask(control, DM_DEV_CREATE, &make) != 0)
		return err_sys(e, "the device mapper");
	if (verity_load(control, b, slot, e) != 0)
		return -1;
	if (ask(control, DM_DEV_SUSPEND, &start) != 0) /* without its flag: resume */
		return err_sys(e, "the device mapper");
	*number = minor((dev_t)make.head.dev);
	return 0;
}

int firstroot_open(const struct bootline *b, const struct part *slot, struct err *e)
{
	char device[DEVICE_MAX];
	unsigned number = 0;

	if (verity_open(b, slot, &number, e) != 0)
		return -1;
	(void)snprintf(device, sizeof device, "/dev/dm-%u", number);
	if (mkdir(ROOT, 0755) != 0 && errno != EEXIST)
		return err_sys(e, ROOT);
	return mount(device, ROOT, "erofs", MS_RDONLY | MS_NODEV, NULL) != 0
	               ? err_sys(e, "cannot mount the root of %s", slot->device)
	               : 0;
}

/* What the initramfs had is of no use behind this, and its memory comes back with it. */
int firstroot_enter(struct err *e)
{
	static const char *const kept[] = {"/proc", "/sys", "/dev", "/run"};
	char to[DEVICE_MAX];

	for (size_t i = 0; i < COUNT(kept); i++) {
		(void)snprintf(to, sizeof to, ROOT "%s", kept[i]);
		if (mount(kept[i], to, NULL, MS_MOVE, NULL) != 0)
			return err_sys(e, "cannot move %s", kept[i]);
	}
	(void)unlink("/init");
	if (chdir(ROOT) != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0 || chdir("/") != 0)
		return err_sys(e, "cannot enter the root");
	char *const argv[] = {"/sbin/init", NULL}, *const environment[] = {"PATH=/usr/sbin:/usr/bin", NULL};
	execve(argv[0], argv, environment);
	return err_sys(e, "/sbin/init of the root");
}
