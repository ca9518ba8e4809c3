#include "base/file.h"
#include "base/hex.h"
#include "tests/unit/imamaker.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

static uint8_t buf[1024 * 1024];
static struct err err;

static struct view load(const char *path)
{
	uint8_t *p = NULL;
	size_t n = 0;

	if (file_read(AT_FDCWD, path, sizeof buf, &p, &n, &err))
		return VIEW(NULL, 0);
	memcpy(buf, p, n);
	free(p);
	return VIEW(buf, n);
}

/* "sha256:N: HEX" */
static void load_pcrs(const char *path, struct pcrs *out)
{
	char hex[80];
	unsigned i;
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	memset(out, 0, sizeof *out);
	while (fscanf(f, "sha256:%u: %64s\n", &i, hex) == 2)
		assert_int_equal(hex_get(out->v[i], PCR_LEN, hex), 0);
	fclose(f);
}

static struct view real(struct pcrs *pcrs)
{
	load_pcrs("tests/vectors/eventlog/ovmf-secureboot.pcrs", pcrs);
	struct view list = load("tests/vectors/ima/ovmf-secureboot.ima");
	assert_true(list.n > 0);
	return list;
}

static void a_real_list_gives_the_register_of_its_quote_and_not_before_its_last_entry(void **s)
{
	struct pcrs pcrs;
	struct ima l = ima_open(real(&pcrs), 0);
	struct ima_run r = imarun_start();
	struct ima_entry x;
	uint8_t sha1[IMA_SHA1];

	(void)s;
	while (ima_next(&l, &x, &err) == 1) {
		assert_false(imarun_reaches(&r, pcrs.v[IMA_PCR]));
		ima_sha1(sha1, &x);
		assert_memory_equal(sha1, x.sha1.p, IMA_SHA1);
		if (x.number == 1)
			assert_accepted(imarun_aggregate(&x, &pcrs, &err), &err);
		imarun_add(&r, &x);
	}
	assert_int_equal(r.entries, 16);
	assert_true(imarun_reaches(&r, pcrs.v[IMA_PCR]));
	assert_int_equal(r.banks, IMA_OWN);
}

static void attack_A71_an_entry_removed_moved_or_altered_never_reaches_the_register(void **s)
{
	struct pcrs pcrs;
	struct view list = real(&pcrs);
	struct ima_entry all[32];
	struct ima l = ima_open(list, 0);
	size_t n = 0;

	(void)s;
	while (ima_next(&l, &all[n], &err) == 1)
		n++;
	for (size_t out = 0; out < n; out++) { /* removed, and exchanged with the next */
		struct ima_run r = imarun_start(), t = imarun_start();
		for (size_t i = 0; i < n; i++) {
			size_t k = i == out ? i + 1 : i == out + 1 ? i - 1 : i;
			if (i != out)
				imarun_add(&r, &all[i]);
			if (out + 1 < n)
				imarun_add(&t, &all[k]);
			assert_false(imarun_reaches(&r, pcrs.v[IMA_PCR]) || imarun_reaches(&t, pcrs.v[IMA_PCR]));
		}
	}
}

static void a_violation_extends_ones(void **s)
{
	uint8_t want[PCR_LEN] = {0}, ones[PCR_LEN];
	struct wr w = wr_to(buf, sizeof buf);
	struct ima_run r = imarun_start();
	struct ima_entry x;

	(void)s;
	memset(ones, 0xff, sizeof ones);
	sha256_2(want, VIEW_OF(want), VIEW_OF(ones));
	imamaker_violation(&w, "/var/x");
	struct ima l = ima_open(wr_done(&w), 0);
	assert_int_equal(ima_next(&l, &x, &err), 1);
	imarun_add(&r, &x);
	assert_true(imarun_reaches(&r, want));
}

/* An older kernel: its own entries are SHA-1, and so is its boot_aggregate. */
static void the_bank_of_an_old_kernel_is_found_once_and_kept(void **s)
{
	static const char line[] = "10 1d8d532d463c9f8c205d0df7787669a85f93e260 ima-ng "
	                           "sha1:0000000000000000000000000000000000000000 boot_aggregate\n";
	struct wr w = wr_to(buf, sizeof buf);
	struct view rest = VIEW(line, sizeof line - 1);
	struct ima_run r = imarun_start();
	uint8_t pcr[PCR_LEN] = {0}, with[PCR_LEN] = {0};
	struct pcrs pcrs = {0};
	struct ima_entry x;

	(void)s;
	assert_int_equal(imaascii_next(&rest, 1, &w, &err), 1);
	struct ima l = ima_open(wr_done(&w), 0);
	assert_int_equal(ima_next(&l, &x, &err), 1);
	memcpy(with, x.sha1.p, IMA_SHA1);
	sha256_2(pcr, VIEW_OF(pcr), VIEW_OF(with));
	imarun_add(&r, &x);
	assert_int_equal(r.banks, IMA_OWN | IMA_PADDED);
	assert_true(imarun_reaches(&r, pcr));
	assert_int_equal(r.banks, IMA_PADDED);
	assert_refused(imarun_aggregate(&x, &pcrs, &err), &err, WHY_UNTRUSTED);
	assert_non_null(strstr(err.text, "another bank"));
}

static void attack_A78_a_boot_aggregate_of_another_boot_is_refused(void **s)
{
	struct pcrs pcrs;
	struct ima l = ima_open(real(&pcrs), 0);
	struct ima_entry x;

	(void)s;
	assert_int_equal(ima_next(&l, &x, &err), 1);
	for (unsigned pcr = 0; pcr < 10; pcr++) {
		pcrs.v[pcr][31] ^= 1;
		assert_refused(imarun_aggregate(&x, &pcrs, &err), &err, WHY_UNTRUSTED);
		pcrs.v[pcr][31] ^= 1;
	}
	pcrs.v[10][0] ^= 1;
	assert_accepted(imarun_aggregate(&x, &pcrs, &err), &err);
	assert_int_equal(ima_next(&l, &x, &err), 1);
	assert_refused(imarun_aggregate(&x, &pcrs, &err), &err, WHY_UNTRUSTED);
}

/* Every hash in a long list that others wrote is the one that we compute. */
static void a_long_real_ascii_list_has_the_hashes_that_we_compute(void **s)
{
	static uint8_t record[2 * IMA_ENTRY_MAX];
	struct view rest = load("../shared/fixtures/ima/rust-keylime-ascii_runtime_measurements");
	uint8_t sha1[IMA_SHA1];
	struct ima_entry x;
	uint64_t n = 0;
	int got;

	(void)s;
	if (rest.n == 0) {
		print_message("the fixture is not here\n");
		skip();
	}
	for (;; n++) {
		struct wr w = wr_to(record, sizeof record);
		got = imaascii_next(&rest, n + 1, &w, &err);
		if (got != 1)
			break;
		struct ima l = ima_open(wr_done(&w), n);
		assert_int_equal(ima_next(&l, &x, &err), 1);
		assert_int_equal(x.number, n + 1);
		ima_sha1(sha1, &x);
		if (!x.violation)
			assert_memory_equal(sha1, x.sha1.p, IMA_SHA1);
	}
	assert_int_equal(got, 0);
	assert_int_equal(n, 826);
}

static void lines_that_are_no_entries_are_refused_with_their_number(void **s)
{
	static const char *const bad[] = {"", "10", "11 00 ima-ng sha256:00 /x", "10 zz ima-ng sha256:00 /x",
	        "10 1d8d532d463c9f8c205d0df7787669a85f93e260 ima-ng nocolon /x",
	        "10 1d8d532d463c9f8c205d0df7787669a85f93e260 ima-ng sha1:00 /x more",
	        "10 1d8d532d463c9f8c205d0df7787669a85f93e260 ima-sig sha1:00 /x 0g"};

	(void)s;
	for (size_t i = 0; i < COUNT(bad); i++) {
		char line[200];
		struct wr w = wr_to(buf, sizeof buf);
		snprintf(line, sizeof line, "%s\n", bad[i]);
		struct view rest = VIEW(line, strlen(line));
		assert_refused(imaascii_next(&rest, 7, &w, &err), &err, WHY_MALFORMED);
		assert_non_null(strstr(err.text, "line 7"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_real_list_gives_the_register_of_its_quote_and_not_before_its_last_entry),
	        cmocka_unit_test(attack_A71_an_entry_removed_moved_or_altered_never_reaches_the_register),
	        cmocka_unit_test(a_violation_extends_ones),
	        cmocka_unit_test(the_bank_of_an_old_kernel_is_found_once_and_kept),
	        cmocka_unit_test(attack_A78_a_boot_aggregate_of_another_boot_is_refused),
	        cmocka_unit_test(a_long_real_ascii_list_has_the_hashes_that_we_compute),
	        cmocka_unit_test(lines_that_are_no_entries_are_refused_with_their_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
