/* The predictor beside a boot that was measured: OVMF with Secure Boot, systemd-boot, the stub of systemd 252, a kernel. The
 * vectors have its log, its keys, its command line and its os-release; the other files are too large to keep, so what only
 * they decide is compared in image.bats. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/file.h"
#include "firmware/init/init.h"
#include "tests/unit/pemaker.h"

#define VECTORS "tests/vectors/predict/"

struct bytes {
	uint8_t *p;
	size_t n;
};

static struct bytes pk, kek, db, line, osrel, eventlog;
static struct pemaker uki, loader;
static struct image_parts parts;
static struct predicted got;
static struct err err;

static void load(struct bytes *b, const char *path)
{
	assert_accepted(file_read(AT_FDCWD, path, EVENTLOG_MAX, &b->p, &b->n, &err), &err);
}

static int vectors_load(void **s)
{
	(void)s;
	load(&pk, VECTORS "PK.esl");
	load(&kek, VECTORS "KEK.esl");
	load(&db, VECTORS "db.esl");
	load(&line, VECTORS "cmdline");
	load(&osrel, VECTORS "os-release");
	load(&eventlog, VECTORS "eventlog");
	return 0;
}

static int vectors_free(void **s)
{
	(void)s;
	free(pk.p);
	free(kek.p);
	free(db.p);
	free(line.p);
	free(osrel.p);
	free(eventlog.p);
	return 0;
}

static void make(const char *extra, const char *text)
{
	pemaker_start(&uki);
	pemaker_section(&uki, ".osrel", VIEW(osrel.p, osrel.n));
	pemaker_section(&uki, ".cmdline", VIEW(line.p, line.n));
	pemaker_text(&uki, ".uname", "6.1.0");
	pemaker_text(&uki, ".initrd", "initrd");
	if (extra)
		pemaker_text(&uki, extra, text);
	pemaker_text(&uki, ".linux", "kernel");
	pemaker_start(&loader);
	pemaker_text(&loader, ".text", "loader");
	parts = (struct image_parts){.uki = pemaker_view(&uki),
	        .loader = pemaker_view(&loader),
	        .pk = VIEW(pk.p, pk.n),
	        .kek = VIEW(kek.p, kek.n),
	        .db = VIEW(db.p, db.n)};
}

static int fresh(void **s)
{
	(void)s;
	make(NULL, NULL);
	return 0;
}

static int answer(void)
{
	return predict(&parts, &got, &err);
}

/* The k-th event of a register; NULL behind the last. */
static const struct measured *nth(const struct measured *ev, size_t n, unsigned pcr, size_t k)
{
	for (size_t i = 0; i < n; i++)
		if (ev[i].pcr == pcr && k-- == 0)
			return &ev[i];
	return NULL;
}

static void a_boot_measures_the_predicted_events_in_the_predicted_order(void **s)
{
	static const unsigned registers[] = {4, 7, 9, 11, 12};
	static struct measured real[MEASURED_MAX];
	const struct measured *a, *b;
	size_t n = 0;

	(void)s;
	assert_accepted(answer(), &err);
	assert_accepted(boot_measured(VIEW(eventlog.p, eventlog.n), real, MEASURED_MAX, &n, &err), &err);
	for (size_t i = 0; i < COUNT(registers); i++)
		for (size_t k = 0; (a = nth(got.event, got.n, registers[i], k)); k++) {
			b = nth(real, n, registers[i], k);
			if (registers[i] == 11 &&
			        !b) /* that boot was of a prototype, which said nothing when it was up */
				continue;
			assert_non_null(b);
			assert_int_equal(a->type, b->type);
		}
}

static void register_7_is_the_one_of_the_boot(void **s)
{
	static struct boot boot;

	(void)s;
	assert_accepted(answer(), &err);
	assert_accepted(boot_read(VIEW(eventlog.p, eventlog.n), &boot, &err), &err);
	assert_memory_equal(got.pcrs.v[7], boot.pcrs.v[7], PCR_LEN);
	assert_memory_equal(got.pcrs.v[12], boot.pcrs.v[12], PCR_LEN);
}

static void the_command_line_and_the_release_are_measured_as_the_boot_measured_them(void **s)
{
	static struct measured real[MEASURED_MAX];
	static const size_t same[] = {0, 2, 3, 4, 5, 6}; /* names, .osrel, .cmdline; not .linux and .initrd */
	size_t n = 0;

	(void)s;
	assert_accepted(answer(), &err);
	assert_accepted(boot_measured(VIEW(eventlog.p, eventlog.n), real, MEASURED_MAX, &n, &err), &err);
	for (size_t i = 0; i < COUNT(same); i++)
		assert_memory_equal(
		        nth(got.event, got.n, 11, same[i])->digest, nth(real, n, 11, same[i])->digest, PCR_LEN);
	assert_memory_equal(nth(got.event, got.n, 9, 0)->digest, nth(real, n, 9, 0)->digest, PCR_LEN);
}

static void the_registers_are_what_their_events_give(void **s)
{
	struct pcrs again = {0};

	(void)s;
	assert_accepted(answer(), &err);
	for (size_t i = 0; i < got.n; i++) {
		uint8_t *v = again.v[got.event[i].pcr];
		sha256_2(v, VIEW(v, PCR_LEN), VIEW_OF(got.event[i].digest));
	}
	assert_memory_equal(&again, &got.pcrs, sizeof again);
}

static void the_state_opens_before_the_machine_is_up(void **s)
{
	uint8_t up[SHA_LEN], then[PCR_LEN], alone[PCR_LEN];

	(void)s;
	assert_accepted(answer(), &err);
	sha256(up, VIEW(UP_EVENT, strlen(UP_EVENT)));
	sha256_2(then, VIEW_OF(got.sealed), VIEW_OF(up));
	assert_memory_equal(then, got.pcrs.v[11], PCR_LEN);
	assert_accepted(predict_sealed(parts.uki, alone, &err), &err);
	assert_memory_equal(alone, got.sealed, PCR_LEN);
}

static void a_signature_of_register_11_changes_4_and_9_and_not_11(void **s)
{
	struct predicted without;

	(void)s;
	assert_accepted(answer(), &err);
	without = got;
	make(".pcrsig", "{\"sha256\":[]}");
	assert_accepted(answer(), &err);
	assert_memory_equal(got.pcrs.v[11], without.pcrs.v[11], PCR_LEN);
	assert_memory_equal(got.pcrs.v[7], without.pcrs.v[7], PCR_LEN);
	assert_memory_not_equal(got.pcrs.v[4], without.pcrs.v[4], PCR_LEN);
	assert_memory_not_equal(got.pcrs.v[9], without.pcrs.v[9], PCR_LEN);
}

static void an_image_that_the_firmware_starts_itself_measures_no_loader_and_no_line(void **s)
{
	static const uint8_t zeros[PCR_LEN];

	(void)s;
	parts.loader = VIEW(NULL, 0);
	assert_accepted(answer(), &err);
	assert_memory_equal(got.pcrs.v[12], zeros, PCR_LEN);
	assert_non_null(nth(got.event, got.n, 4, 2));
	assert_null(nth(got.event, got.n, 4, 3));
}

static void a_section_that_is_measured_and_not_modelled_is_refused(void **s)
{
	(void)s;
	make(".splash", "picture");
	assert_refused(answer(), &err, WHY_UNKNOWN);
	assert_non_null(strstr(err.text, ".splash"));
}

static void an_image_without_its_sections_is_refused(void **s)
{
	(void)s;
	parts.uki = pemaker_view(&loader);
	assert_refused(answer(), &err, WHY_MALFORMED);
}

static void a_command_line_that_is_no_text_is_refused(void **s)
{
	uint8_t saved = line.p[3];

	(void)s;
	line.p[3] = 0xe4;
	make(NULL, NULL);
	line.p[3] = saved;
	assert_refused(answer(), &err, WHY_MALFORMED);
}

static void a_db_of_two_certificates_is_refused(void **s)
{
	struct bytes two = {.p = malloc(2 * db.n), .n = 2 * db.n};

	(void)s;
	memcpy(two.p, db.p, db.n);
	memcpy(two.p + db.n, db.p, db.n);
	parts.db = VIEW(two.p, two.n);
	assert_int_equal(answer(), -1);
	free(two.p);
	assert_int_equal(err.why, WHY_MALFORMED);
	parts.db = VIEW(NULL, 0);
	assert_refused(answer(), &err, WHY_MALFORMED);
}

/* Written by hand: cpio(5), "newc". */
static void the_stub_hands_the_signature_on_as_an_archive(void **s)
{
	static const char expected[] = "070701"
	                               "00000001"
	                               "0000416d"
	                               "00000000"
	                               "00000000"
	                               "00000001"
	                               "00000000"
	                               "00000000"
	                               "00000000"
	                               "00000000"
	                               "00000000"
	                               "00000000"
	                               "00000007"
	                               "00000000"
	                               ".extra\0\0\0\0"
	                               "070701"
	                               "00000002"
	                               "00008124"
	                               "00000000"
	                               "00000000"
	                               "00000001"
	                               "00000000"
	                               "00000003"
	                               "00000000"
	                               "00000000"
	                               "00000000"
	                               "00000000"
	                               "0000001f"
	                               "00000000"
	                               ".extra/tpm2-pcr-signature.json\0\0\0\0"
	                               "abc\0";
	uint8_t room[STUBCPIO_EXTRA + 8];
	struct wr w = wr_to(room, sizeof room);

	(void)s;
	stubcpio_write(&w, VIEW("abc", 3));
	assert_true(wr_ok(&w));
	assert_memory_equal(room, expected, sizeof expected - 1);
	assert_int_equal(w.n % 4, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(a_boot_measures_the_predicted_events_in_the_predicted_order, fresh),
	        cmocka_unit_test_setup(register_7_is_the_one_of_the_boot, fresh),
	        cmocka_unit_test_setup(the_command_line_and_the_release_are_measured_as_the_boot_measured_them, fresh),
	        cmocka_unit_test_setup(the_registers_are_what_their_events_give, fresh),
	        cmocka_unit_test_setup(the_state_opens_before_the_machine_is_up, fresh),
	        cmocka_unit_test_setup(a_signature_of_register_11_changes_4_and_9_and_not_11, fresh),
	        cmocka_unit_test_setup(an_image_that_the_firmware_starts_itself_measures_no_loader_and_no_line, fresh),
	        cmocka_unit_test_setup(a_section_that_is_measured_and_not_modelled_is_refused, fresh),
	        cmocka_unit_test_setup(an_image_without_its_sections_is_refused, fresh),
	        cmocka_unit_test_setup(a_command_line_that_is_no_text_is_refused, fresh),
	        cmocka_unit_test_setup(a_db_of_two_certificates_is_refused, fresh),
	        cmocka_unit_test_setup(the_stub_hands_the_signature_on_as_an_archive, fresh),
	};
	return cmocka_run_group_tests(tests, vectors_load, vectors_free);
}
