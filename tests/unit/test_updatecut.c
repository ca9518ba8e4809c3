/* Tests of install: the power is cut at every write, sync, rename and removal, and between any two. What was synced is
 * there; of the rest each write may have landed, or half of it, or nothing, and a rename on FAT may have left both names
 * or none. Whatever the boot loader would then start must be whole. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/releasemaker.h"

enum { OPS_MAX = 64, FILES_MAX = 8, FILE_MAX = 512 * 1024, SLOT_SIZE = 2 * 1024 * 1024, PAGE = 4096 };
enum { UKI_SIZE = 500 * 1000, ROOT_SIZE = 1900 * 1000 };

enum landing { NOTHING, EVERYTHING, ODD_ONES, HALVES, NAMES_LOST, LANDINGS };

struct file {
	char name[2 * UKI_NAME_MAX];
	size_t n;
	uint8_t *p; /* FILE_MAX */
};

struct op {
	enum { SLOT_WRITE, SLOT_SYNC, ESP_WRITE, FILE_SYNC, DIR_SYNC, RENAME, REMOVE } what;
	char name[2 * UKI_NAME_MAX], to[2 * UKI_NAME_MAX];
	uint64_t at;
	uint8_t *p;
	size_t n;
};

struct disk {
	uint8_t *slot;
	struct file file[FILES_MAX];
	struct op op[OPS_MAX]; /* since the disk was made */
	size_t nops, cut_at;   /* op number cut_at does not happen any more */
};

static uint8_t new_uki[UKI_SIZE], new_root[ROOT_SIZE];
static struct release release;
static int uki_fd = -1, root_fd = -1;

/* ---- the disk ---- */

static struct file *find(struct disk *d, const char *name)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		if (strcmp(d->file[i].name, name) == 0)
			return &d->file[i];
	return NULL;
}

static struct file *make(struct disk *d, const char *name)
{
	struct file *f = find(d, name);

	if (!f)
		f = find(d, "");
	assert_non_null(f);
	(void)snprintf(f->name, sizeof f->name, "%s", name);
	return f;
}

static void put(struct disk *d, const char *name, const void *p, size_t n)
{
	struct file *f = make(d, name);

	memcpy(f->p, p, n);
	f->n = n;
}

static struct disk *disk_new(void)
{
	struct disk *d = calloc(1, sizeof *d);

	assert_non_null(d);
	d->slot = calloc(1, SLOT_SIZE);
	assert_non_null(d->slot);
	for (size_t i = 0; i < FILES_MAX; i++) {
		d->file[i].p = malloc(FILE_MAX);
		assert_non_null(d->file[i].p);
	}
	d->cut_at = SIZE_MAX;
	return d;
}

static void disk_free(struct disk *d)
{
	for (size_t i = 0; i < d->nops; i++)
		free(d->op[i].p);
	for (size_t i = 0; i < FILES_MAX; i++)
		free(d->file[i].p);
	free(d->slot);
	free(d);
}

/* One thing more that the disk is asked for, unless the power is gone. */
static struct op *next(struct disk *d, int what, const char *name, struct err *e)
{
	if (d->nops >= d->cut_at) {
		err_set(e, WHY_SYSTEM, "the power is gone");
		return NULL;
	}
	assert_true(d->nops < OPS_MAX);
	struct op *op = &d->op[d->nops++];
	op->what = what;
	(void)snprintf(op->name, sizeof op->name, "%s", name);
	return op;
}

static void note_bytes(struct op *op, uint64_t at, struct view v)
{
	op->at = at;
	op->n = v.n;
	op->p = malloc(v.n);
	assert_non_null(op->p);
	memcpy(op->p, v.p, v.n);
}

/* What an op does: all of it, or of a write its first half. */
static void happen(struct disk *d, const struct op *op, bool half)
{
	size_t n = half ? op->n / 2 : op->n;
	struct file *f;

	switch (op->what) {
	case SLOT_WRITE:
		memcpy(d->slot + op->at, op->p, n);
		break;
	case ESP_WRITE:
		f = make(d, op->name);
		memcpy(f->p + op->at, op->p, n);
		f->n = op->at + n;
		break;
	case RENAME:
		f = find(d, op->to);
		if (f)
			f->name[0] = 0;
		f = find(d, op->name);
		assert_non_null(f);
		memcpy(f->name, op->to, sizeof f->name);
		break;
	case REMOVE:
		f = find(d, op->name);
		assert_non_null(f);
		f->name[0] = 0;
		break;
	case SLOT_SYNC:
	case FILE_SYNC:
	case DIR_SYNC:
		break;
	}
}

/* ---- as install sees it: everything happens at once ---- */

static int slot_write(void *arg, uint64_t at, struct view v, struct err *e)
{
	struct op *op = next(arg, SLOT_WRITE, "", e);

	if (!op)
		return -1;
	if (at + v.n > SLOT_SIZE)
		return err_set(e, WHY_SYSTEM, "the slot is full");
	note_bytes(op, at, v);
	happen(arg, op, false);
	return 0;
}

static int slot_sync(void *arg, struct err *e)
{
	return next(arg, SLOT_SYNC, "", e) ? 0 : -1;
}

static int slot_read(void *arg, uint64_t at, void *p, size_t n, struct err *e)
{
	const struct disk *d = arg;

	(void)e;
	memcpy(p, d->slot + at, n);
	return 0;
}

static int esp_list(void *arg, char names[][UKI_NAME_MAX], size_t cap, size_t *n, struct err *e)
{
	const struct disk *d = arg;

	(void)e;
	*n = 0;
	for (size_t i = 0; i < FILES_MAX; i++) {
		if (!d->file[i].name[0])
			continue;
		assert_true(*n < cap);
		(void)snprintf(names[(*n)++], UKI_NAME_MAX, "%.*s", UKI_NAME_MAX - 1, d->file[i].name);
	}
	return 0;
}

static int esp_write(void *arg, const char *name, uint64_t at, struct view v, struct err *e)
{
	struct op *op = next(arg, ESP_WRITE, name, e);

	if (!op)
		return -1;
	note_bytes(op, at, v);
	happen(arg, op, false);
	return 0;
}

static int esp_read(void *arg, const char *name, uint64_t at, void *p, size_t n, struct err *e)
{
	const struct file *f = find(arg, name);

	if (!f || at + n > f->n)
		return err_set(e, WHY_SYSTEM, "%s: not there", name);
	memcpy(p, f->p + at, n);
	return 0;
}

static int esp_sync(void *arg, const char *name, struct err *e)
{
	return next(arg, name ? FILE_SYNC : DIR_SYNC, name ? name : "", e) ? 0 : -1;
}

static int esp_rename(void *arg, const char *from, const char *to, struct err *e)
{
	struct op *op = next(arg, RENAME, from, e);

	if (!op)
		return -1;
	(void)snprintf(op->to, sizeof op->to, "%s", to);
	happen(arg, op, false);
	return 0;
}

static int esp_remove(void *arg, const char *name, struct err *e)
{
	struct op *op = next(arg, REMOVE, name, e);

	if (!op)
		return -1;
	happen(arg, op, false);
	return 0;
}

static struct updateio io_of(struct disk *d)
{
	return (struct updateio){.arg = d,
	        .slot_write = slot_write,
	        .slot_sync = slot_sync,
	        .slot_read = slot_read,
	        .esp_list = esp_list,
	        .esp_write = esp_write,
	        .esp_read = esp_read,
	        .esp_sync = esp_sync,
	        .esp_rename = esp_rename,
	        .esp_remove = esp_remove};
}

/* ---- as it is found after the cut ---- */

static bool synced(const struct disk *d, size_t i)
{
	for (size_t j = i + 1; j < d->nops; j++) {
		const struct op *op = &d->op[i], *later = &d->op[j];
		if ((op->what == SLOT_WRITE && later->what == SLOT_SYNC) ||
		        (op->what == ESP_WRITE && later->what == FILE_SYNC && strcmp(op->name, later->name) == 0) ||
		        ((op->what == RENAME || op->what == REMOVE) && later->what == DIR_SYNC))
			return true;
	}
	return false;
}

/* The disk `after`, which starts as the other one started, gets what landed of its ops. */
static void land(struct disk *after, const struct disk *cut, enum landing how)
{
	for (size_t i = 0; i < cut->nops; i++) {
		const struct op *op = &cut->op[i];
		bool write = op->what == SLOT_WRITE || op->what == ESP_WRITE;

		if (synced(cut, i) || how == EVERYTHING || (how == ODD_ONES && i % 2))
			happen(after, op, false);
		else if (how == HALVES && write)
			happen(after, op, true);
		else if (how == HALVES && op->what == RENAME) /* both names */
			put(after, op->to, find(after, op->name)->p, find(after, op->name)->n);
		else if (how == NAMES_LOST && op->what == RENAME)
			find(after, op->name)->name[0] = 0;
		else if (how == NAMES_LOST && write)
			happen(after, op, false);
	}
}

/* ---- what the boot loader makes of it ---- */

static void fill(uint8_t *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
}

/* Version 2 is the one that comes; 1 runs, from the slot that nobody writes, and has one block of its number. */
static bool whole(const struct disk *d, const struct file *f, const struct uki *u)
{
	if (u->version == 2)
		return f->n == UKI_SIZE && memcmp(f->p, new_uki, UKI_SIZE) == 0 &&
		       memcmp(d->slot, new_root, ROOT_SIZE) == 0;
	return u->version == 1 && f->n == PAGE && f->p[0] == 1;
}

/* Every file that may be started is whole, and there is one. */
static void assert_boots(const struct disk *d, size_t cut, int how)
{
	unsigned startable = 0;
	struct uki u;

	for (size_t i = 0; i < FILES_MAX; i++) {
		if (!uki_parse(d->file[i].name, &u) || (u.counted && u.left == 0))
			continue;
		startable++;
		if (!whole(d, &d->file[i], &u))
			fail_msg("cut at %zu, landing %d: %s would be started and is not whole", cut, how,
			        d->file[i].name);
	}
	if (startable == 0)
		fail_msg("cut at %zu, landing %d: nothing would be started", cut, how);
}

/* Before an update: 1 runs, 0 was there before it, and an earlier cut left something unfinished. */
static struct disk *before_install(void)
{
	struct disk *d = disk_new();
	uint8_t page[PAGE] = {1}, other[PAGE] = {0};

	put(d, "merestone_1.efi", page, PAGE);
	put(d, "merestone_2+3.efi.tmp", other, PAGE);
	put(d, "something.else", other, PAGE);
	return d;
}

static int install(struct disk *d, struct err *e)
{
	const struct updateio io = io_of(d);
	const struct install x = {.release = &release, .running = 1, .uki = uki_fd, .root = root_fd};

	return install_release(&io, &x, e);
}

/* Before it is kept: 2 runs on trial, 1 is still there. */
static struct disk *before_keep(void)
{
	struct disk *d = disk_new();
	uint8_t page[PAGE] = {1};

	put(d, "merestone_1.efi", page, PAGE);
	put(d, "merestone_2+2-1.efi", new_uki, UKI_SIZE);
	put(d, "merestone_3+0-3.efi", page, PAGE);
	memcpy(d->slot, new_root, ROOT_SIZE);
	return d;
}

static int keep(struct disk *d, struct err *e)
{
	const struct updateio io = io_of(d);

	return install_keep(&io, 2, e) < 0 ? -1 : 0;
}

/* How many ops an uncut run has. */
static size_t count(struct disk *(*start)(void), int (*work)(struct disk *d, struct err *e))
{
	struct disk *d = start();
	struct err e = {0};
	size_t n;

	assert_accepted(work(d, &e), &e);
	assert_boots(d, d->nops, EVERYTHING);
	n = d->nops;
	disk_free(d);
	return n;
}

static void cut_once(struct disk *(*start)(void), int (*work)(struct disk *d, struct err *e), size_t cut, int how)
{
	struct disk *d = start(), *after = start();
	struct err e = {0};

	d->cut_at = cut;
	assert_refused(work(d, &e), &e, WHY_SYSTEM);
	land(after, d, (enum landing)how);
	assert_boots(after, cut, how);
	disk_free(d);
	disk_free(after);
}

static size_t cut_everywhere(struct disk *(*start)(void), int (*work)(struct disk *d, struct err *e))
{
	size_t all = count(start, work);

	for (size_t cut = 0; cut < all; cut++)
		for (int how = 0; how < LANDINGS; how++)
			cut_once(start, work, cut, how);
	return all;
}

static void a_power_cut_at_any_write_of_an_update_leaves_what_boots(void **s)
{
	(void)s;
	assert_true(cut_everywhere(before_install, install) >= 20);
}

static void a_power_cut_while_it_is_kept_leaves_what_boots(void **s)
{
	(void)s;
	assert_true(cut_everywhere(before_keep, keep) >= 2);
}

/* Otherwise FAT has the name on the disk with an empty file until the kernel writes the rest by itself. */
static void each_new_name_has_its_file_synchronized_before_its_directory(void **s)
{
	struct disk *d[] = {before_install(), before_keep()};
	struct err e = {0};

	(void)s;
	assert_accepted(install(d[0], &e), &e);
	assert_accepted(keep(d[1], &e), &e);
	for (size_t k = 0; k < COUNT(d); k++) {
		size_t names = 0;
		for (size_t i = 0; i + 2 < d[k]->nops; i++) {
			const struct op *op = &d[k]->op[i];
			if (op->what != RENAME)
				continue;
			names++;
			assert_int_equal(op[1].what, FILE_SYNC);
			assert_string_equal(op[1].name, op->to);
			assert_int_equal(op[2].what, DIR_SYNC);
		}
		assert_int_equal(names, 1);
		disk_free(d[k]);
	}
}

static void an_update_that_was_cut_is_written_when_it_is_asked_again(void **s)
{
	struct err e = {0};

	(void)s;
	for (size_t cut = 0; cut < 20; cut += 3) {
		struct disk *d = before_install(), *after = before_install();

		d->cut_at = cut;
		assert_refused(install(d, &e), &e, WHY_SYSTEM);
		land(after, d, HALVES);
		assert_accepted(install(after, &e), &e);
		assert_boots(after, cut, HALVES);
		assert_non_null(find(after, "merestone_2+3.efi"));
		assert_non_null(find(after, "something.else"));
		disk_free(d);
		disk_free(after);
	}
}

/* ---- what came ---- */

static int file_of(const void *p, size_t n)
{
	int fd = memfd_create("payload", MFD_CLOEXEC);

	assert_true(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	return fd;
}

static void refused_untouched(int uki, int root, struct release r)
{
	struct disk *d = before_install();
	const struct updateio io = io_of(d);
	const struct install x = {.release = &r, .running = 1, .uki = uki, .root = root};
	struct err e;

	assert_refused(install_release(&io, &x, &e), &e, WHY_FORGED);
	assert_int_equal(d->nops, 0);
	disk_free(d);
}

static void a_payload_that_is_cut_or_grew_or_differs_is_refused_before_anything_is_written(void **s)
{
	(void)s;
	new_root[ROOT_SIZE / 2] ^= 1;
	int changed = file_of(new_root, ROOT_SIZE);
	new_root[ROOT_SIZE / 2] ^= 1;
	int shorter = file_of(new_root, ROOT_SIZE - 1), longer = file_of(new_root, ROOT_SIZE);
	assert_int_equal(pwrite(longer, "x", 1, ROOT_SIZE), 1);

	refused_untouched(uki_fd, changed, release);
	refused_untouched(uki_fd, shorter, release);
	refused_untouched(uki_fd, longer, release);
	refused_untouched(root_fd, root_fd, release);
	refused_untouched(uki_fd, uki_fd, release);
	close(changed);
	close(shorter);
	close(longer);
}

static int forgetful_write(void *arg, uint64_t at, struct view v, struct err *e)
{
	return at == 0 ? 0 : slot_write(arg, at, v, e);
}

static void a_device_that_keeps_something_else_is_noticed(void **s)
{
	struct disk *d = before_install();
	struct updateio io = io_of(d);
	const struct install x = {.release = &release, .running = 1, .uki = uki_fd, .root = root_fd};
	struct err e;

	(void)s;
	io.slot_write = forgetful_write;
	assert_refused(install_release(&io, &x, &e), &e, WHY_FORGED);
	assert_null(find(d, "merestone_2+3.efi"));
	disk_free(d);
}

static void what_runs_is_on_trial_while_its_name_has_a_count(void **s)
{
	struct disk *d = disk_new();
	const struct updateio io = io_of(d);
	struct err e;

	(void)s;
	assert_int_equal(install_trial(&io, 2, &e), -1); /* no file of it */
	put(d, "merestone_2+3.efi", "x", 1);
	assert_int_equal(install_trial(&io, 2, &e), 1);
	put(d, "merestone_2.efi", "x", 1);
	assert_int_equal(install_trial(&io, 2, &e), 0);
	disk_free(d);
}

static int setup(void **s)
{
	(void)s;
	fill(new_uki, UKI_SIZE, 1);
	fill(new_root, ROOT_SIZE, 2);
	uki_fd = file_of(new_uki, UKI_SIZE);
	root_fd = file_of(new_root, ROOT_SIZE);
	release.version = 2;
	release.uki.size = UKI_SIZE;
	release.root.size = ROOT_SIZE;
	sha256(release.uki.sha256, VIEW_OF(new_uki));
	sha256(release.root.sha256, VIEW_OF(new_root));
	return 0;
}

static int teardown(void **s)
{
	(void)s;
	close(uki_fd);
	close(root_fd);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_power_cut_at_any_write_of_an_update_leaves_what_boots),
	        cmocka_unit_test(a_power_cut_while_it_is_kept_leaves_what_boots),
	        cmocka_unit_test(each_new_name_has_its_file_synchronized_before_its_directory),
	        cmocka_unit_test(an_update_that_was_cut_is_written_when_it_is_asked_again),
	        cmocka_unit_test(a_payload_that_is_cut_or_grew_or_differs_is_refused_before_anything_is_written),
	        cmocka_unit_test(a_device_that_keeps_something_else_is_noticed),
	        cmocka_unit_test(what_runs_is_on_trial_while_its_name_has_a_count),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
