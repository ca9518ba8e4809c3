#include "tests/unit/policymaker.h"

static struct rig *r;

static int before(void **s)
{
	(void)s;
	r = rig_open();
	return 0;
}

static int after(void **s)
{
	(void)s;
	rig_close(r);
	return 0;
}

#define DATASET "{\"domain\":\"inner\",\"epoch\":1}"

static void refused_at_start(const char *says)
{
	struct err e;

	assert_null(decider_open("edge.example", &e));
	assert_int_equal(e.why, WHY_SYSTEM);
	if (!strstr(e.text, says))
		fail_msg("%s", e.text);
}

static void a_missing_store_is_made(void **s)
{
	(void)s;
	assert_int_equal(access("trust.db", F_OK), 0);
	assert_int_equal(r->d->head.case_no, 0);
}

static void a_second_decider_on_one_store_is_refused(void **s)
{
	(void)s;
	refused_at_start("another process uses the store");
}

static void a_file_that_is_no_database_is_refused(void **s)
{
	(void)s;
	rig_stop(r);
	assert_accepted(file_write(AT_FDCWD, "trust.db",
	                        VIEW("this is not a database, it only is long enough to be read "
	                             "as the header of one, which has a hundred bytes.....",
	                                110),
	                        0600, &r->e),
	        &r->e);
	refused_at_start("damaged");
}

static void a_database_of_someone_else_is_refused(void **s)
{
	sqlite3 *db;

	(void)s;
	rig_stop(r);
	unlink("trust.db");
	assert_int_equal(sqlite3_open("trust.db", &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE a (b)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	refused_at_start("not a store of Merestone");
}

static void attack_A41_a_store_of_another_version_is_refused_with_a_sentence(void **s)
{
	sqlite3 *db;

	(void)s;
	rig_stop(r);
	assert_int_equal(sqlite3_open("trust.db", &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	refused_at_start("version 99");
}

static void damage_anywhere_in_the_file_is_noticed_or_harmless(void **s)
{
	struct box box;
	uint8_t *bytes;
	size_t n, noticed = 0;

	(void)s;
	box_make(&box, "cloudlet1");
	rig_domain(r, &box);
	rig_join(r, &box);
	rig_stop(r);
	assert_accepted(file_read(AT_FDCWD, "trust.db", 1 << 24, &bytes, &n, &r->e), &r->e);
	for (size_t at = 0; at < n; at += 509) {
		uint8_t was = bytes[at];
		bytes[at] ^= 0xff;
		assert_accepted(file_write(AT_FDCWD, "trust.db", VIEW(bytes, n), 0600, &r->e), &r->e);
		r->d = decider_open("edge.example", &r->e);
		noticed += r->d == NULL;
		assert_true(r->d || r->e.text[0] != 0);
		rig_stop(r);
		bytes[at] = was;
	}
	assert_true(noticed > 0);
	free(bytes);
	box_drop(&box);
}

static void a_changed_document_in_the_store_is_noticed(void **s)
{
	(void)s;
	rig_accept(r, DOC_DATASET, "maps", 1, DATASET);
	assert_int_equal(
	        sqlite3_exec(r->d->store.db, "UPDATE document SET jws = CAST(jws || 'A' AS BLOB)", NULL, NULL, NULL),
	        SQLITE_OK);
	rig_stop(r);
	refused_at_start("a document and its digest differ");
}

static void a_full_disk_refuses_and_forgets(void **s)
{
	struct facts f;
	bool full = false;

	(void)s;
	rig_accept(r, DOC_DATASET, "maps", 1, DATASET);
	uint64_t head = r->d->head.case_no;
	assert_int_equal(sqlite3_exec(r->d->store.db, "PRAGMA max_page_count = 1", NULL, NULL, NULL), SQLITE_OK);
	for (int i = 0; i < 64 && !full; i++) {
		char name[NAME_CAP];
		snprintf(name, sizeof name, "d%d", i);
		f = facts_of_text(ASK_DOCUMENT, ROLE_OFFICER, rig_sign(r, r->officer, DOC_DATASET, name, 1, DATASET));
		full = rig_try(r, &f) != 0;
		if (full) {
			assert_int_equal(r->e.why, WHY_SYSTEM);
			assert_non_null(strstr(r->e.text, "disk is full"));
			assert_null(book_find(&r->d->book, DOC_DATASET, name));
			assert_int_equal(r->d->head.case_no, head + (uint64_t)i);
		}
	}
	assert_true(full);
	/* Room again: it goes on where it was. */
	head = r->d->head.case_no;
	assert_int_equal(sqlite3_exec(r->d->store.db, "PRAGMA max_page_count = 100000", NULL, NULL, NULL), SQLITE_OK);
	rig_accept(r, DOC_DATASET, "after", 1, DATASET);
	assert_int_equal(r->d->head.case_no, head + 1);
}

static void attack_A102_a_store_put_back_in_time_is_noticed(void **s)
{
	uint8_t *old;
	size_t n;

	(void)s;
	rig_accept(r, DOC_DATASET, "maps", 1, DATASET);
	rig_stop(r);
	assert_accepted(file_read(AT_FDCWD, "trust.db", 1 << 24, &old, &n, &r->e), &r->e);
	rig_start(r);
	rig_accept(r, DOC_CLOUDLET, "thief", 1, "{\"state\":\"revoked\"}");
	int fd = anchor_open(&r->d->store, &r->d->head, &r->e);
	assert_true(fd >= 0);
	anchor_move(fd, &r->d->head);
	close(fd);
	rig_stop(r);
	assert_accepted(file_write(AT_FDCWD, "trust.db", VIEW(old, n), 0600, &r->e), &r->e);
	free(old);
	rig_start(r);
	assert_int_equal(anchor_open(&r->d->store, &r->d->head, &r->e), -1);
	assert_non_null(strstr(r->e.text, "ends at case 1 and does not hold case 2"));
	/* Nor does another history of the same length do. */
	rig_accept(r, DOC_CLOUDLET, "thief", 1, "{\"state\":\"admitted\"}");
	assert_int_equal(anchor_open(&r->d->store, &r->d->head, &r->e), -1);
}

static void an_anchor_that_lags_is_fine_and_a_broken_one_is_not(void **s)
{
	(void)s;
	rig_accept(r, DOC_DATASET, "maps", 1, DATASET);
	int fd = anchor_open(&r->d->store, &r->d->head, &r->e);
	anchor_move(fd, &r->d->head);
	close(fd);
	rig_accept(r, DOC_DATASET, "maps", 2, DATASET);
	fd = anchor_open(&r->d->store, &r->d->head, &r->e);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "x", 1, 3), 1);
	close(fd);
	assert_int_equal(anchor_open(&r->d->store, &r->d->head, &r->e), -1);
	assert_non_null(strstr(r->e.text, "trust.head"));
}

static void a_boot_log_is_kept_once_and_given_back(void **s)
{
	static uint8_t room[BOOTLOG_MAX];
	struct box box;
	struct measured back[64];
	size_t n;

	(void)s;
	box_make(&box, "x");
	assert_int_equal(bootlog_has(&r->d->store, box.boot.digest, &r->e), 0);
	assert_accepted(bootlog_put(&r->d->store, box.boot.digest, box.measured, box.nmeasured, &r->e), &r->e);
	assert_accepted(bootlog_put(&r->d->store, box.boot.digest, box.measured, 0, &r->e), &r->e);
	assert_int_equal(bootlog_has(&r->d->store, box.boot.digest, &r->e), 1);
	assert_int_equal(bootlog_get(&r->d->store, box.boot.digest, room, back, COUNT(back), &n, &r->e), 1);
	assert_int_equal(n, box.nmeasured);
	for (size_t i = 0; i < n; i++) {
		assert_memory_equal(back[i].digest, box.measured[i].digest, PCR_LEN);
		assert_true(view_equal(back[i].data, box.measured[i].data));
	}
	box_drop(&box);
}

static void boot_logs_that_no_machine_has_make_room_for_new_ones(void **s)
{
	static uint8_t room[BOOTLOG_MAX];
	struct measured m = {.pcr = 4}, back;
	uint8_t digest[SHA_LEN] = {0};
	size_t n;

	(void)s;
	assert_accepted(store_begin(&r->d->store, &r->e), &r->e);
	for (uint32_t i = 0; i <= BOOTLOGS_MAX; i++) {
		memcpy(digest, &i, sizeof i);
		assert_accepted(bootlog_put(&r->d->store, digest, &m, 1, &r->e), &r->e);
	}
	assert_accepted(store_commit(&r->d->store, &r->e), &r->e);
	assert_int_equal(bootlog_get(&r->d->store, digest, room, &back, 1, &n, &r->e), 1);
	memset(digest, 0, sizeof digest);
	assert_int_equal(bootlog_get(&r->d->store, digest, room, &back, 1, &n, &r->e), 0);
}

/* A41: rows of an older form must not be misread, and what machines can not send again must survive. */
static void attack_A41_a_store_of_the_first_version_is_brought_to_this_one(void **s)
{
	static uint8_t room[BOOTLOG_MAX];
	struct box box;
	struct measured back[64];
	struct machine m;
	sqlite3 *db;
	size_t n;

	(void)s;
	box_make(&box, "x");
	rig_join(r, &box);
	rig_stop(r);
	assert_int_equal(sqlite3_open("trust.db", &db), SQLITE_OK);
	assert_int_equal(
	        sqlite3_exec(db,
	                "UPDATE bootlog SET measured = x'0400'; DROP TABLE runtime; DROP INDEX machine_tag;"
	                "ALTER TABLE machine DROP COLUMN tag; ALTER TABLE machine DROP COLUMN tag_serial;"
	                "ALTER TABLE machine DROP COLUMN place;"
	                "ALTER TABLE machine DROP COLUMN counter; ALTER TABLE machine DROP COLUMN ended_register;"
	                "ALTER TABLE machine DROP COLUMN lease_until; ALTER TABLE machine DROP COLUMN ended_case;"
	                "DROP TABLE rollout;"
	                "PRAGMA user_version = 1",
	                NULL, NULL, NULL),
	        SQLITE_OK);
	sqlite3_close(db);
	rig_start(r);
	assert_int_equal(bootlog_get(&r->d->store, box.boot.digest, room, back, COUNT(back), &n, &r->e), 0);
	assert_int_equal(machine_get(&r->d->store, "x", &m, &r->e), 1);
	assert_true(m.tag_serial == 0);
	rig_stop(r);
	rig_start(r);
	rig_attest(r, &box);
	assert_verdict(r, VERDICT_RESULT);
	box_drop(&box);
}

static void officers_without_a_key_are_refused(void **s)
{
	(void)s;
	rig_stop(r);
	assert_accepted(file_write(AT_FDCWD, "officers.pem", VIEW("nothing\n", 8), 0600, &r->e), &r->e);
	refused_at_start("no public key");
}

static void two_officers_may_both_sign(void **s)
{
	AUTO(es256_free) struct es256 *second = es256_generate(&r->e);
	uint8_t *first, both[1024];
	char *pem;
	size_t n, m;

	(void)s;
	rig_stop(r);
	assert_accepted(file_read(AT_FDCWD, "officers.pem", 4096, &first, &n, &r->e), &r->e);
	assert_accepted(es256_public_pem(second, &pem, &m, &r->e), &r->e);
	struct wr w = wr_to(both, sizeof both);
	wr_bytes(&w, first, n);
	wr_bytes(&w, pem, m);
	assert_accepted(file_write(AT_FDCWD, "officers.pem", wr_done(&w), 0600, &r->e), &r->e);
	free(first);
	free(pem);
	rig_start(r);
	rig_accept(r, DOC_DATASET, "maps", 1, DATASET);
	rig_put_signed(r, rig_sign(r, second, DOC_DATASET, "maps", 2, DATASET));
	assert_verdict(r, VERDICT_RECEIPT);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, before, after)
	const struct CMUnitTest tests[] = {
	        T(a_missing_store_is_made),
	        T(a_second_decider_on_one_store_is_refused),
	        T(a_file_that_is_no_database_is_refused),
	        T(a_database_of_someone_else_is_refused),
	        T(attack_A41_a_store_of_another_version_is_refused_with_a_sentence),
	        T(attack_A41_a_store_of_the_first_version_is_brought_to_this_one),
	        T(damage_anywhere_in_the_file_is_noticed_or_harmless),
	        T(a_changed_document_in_the_store_is_noticed),
	        T(a_full_disk_refuses_and_forgets),
	        T(attack_A102_a_store_put_back_in_time_is_noticed),
	        T(an_anchor_that_lags_is_fine_and_a_broken_one_is_not),
	        T(a_boot_log_is_kept_once_and_given_back),
	        T(boot_logs_that_no_machine_has_make_room_for_new_ones),
	        T(officers_without_a_key_are_refused),
	        T(two_officers_may_both_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
