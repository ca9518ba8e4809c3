#include "policy/store.h"

#include <stdio.h>
#include <string.h>

enum {
	APPLICATION_ID = 0x4d455253, /* "MERS": file(1) and we know the file by it */
	SCHEMA_VERSION = 7,
};

#define RUNTIME_TABLE                                                                                                  \
	"CREATE TABLE runtime (machine TEXT PRIMARY KEY, reset_count INTEGER, restart_count INTEGER, entries INTEGER," \
	" banks INTEGER, pcrs BLOB, complete INTEGER, standing BLOB) STRICT, WITHOUT ROWID;"

#define ROLLOUT_TABLE                                                                                                  \
	"CREATE TABLE rollout (machine TEXT PRIMARY KEY, variant TEXT, approval INTEGER, time INTEGER,"                \
	" reset_count INTEGER, state INTEGER, case_no INTEGER) STRICT, WITHOUT ROWID;"                                 \
	"CREATE INDEX rollout_state ON rollout (state);"

static const char SCHEMA[] =
        "CREATE TABLE document (kind INTEGER, name TEXT, version INTEGER, issued INTEGER, digest BLOB, jws BLOB,"
        " PRIMARY KEY (kind, name)) STRICT;"
        "CREATE TABLE cloudlet (name TEXT PRIMARY KEY, version INTEGER, revoked INTEGER, ek BLOB, reason TEXT)"
        " STRICT, WITHOUT ROWID;"
        "CREATE TABLE ek (name TEXT PRIMARY KEY, version INTEGER, issued INTEGER, digest BLOB, ek BLOB)"
        " STRICT, WITHOUT ROWID;"
        "CREATE TABLE machine (name TEXT PRIMARY KEY, ek BLOB UNIQUE NOT NULL, endorsed INTEGER, ak BLOB, id BLOB,"
        " srk BLOB, generation INTEGER, nonce BLOB, nonce_time INTEGER, clock_ms INTEGER, reset_count INTEGER,"
        " restart_count INTEGER, clock_safe INTEGER, pcrs BLOB, secure_boot INTEGER, eventlog BLOB, last_case INTEGER,"
        " last_time INTEGER, status TEXT, allowed TEXT, tag_serial INTEGER NOT NULL DEFAULT 0, tag BLOB, place BLOB,"
        " counter INTEGER NOT NULL DEFAULT 0, ended_register BLOB, lease_until INTEGER NOT NULL DEFAULT 0,"
        " ended_case INTEGER NOT NULL DEFAULT 0) STRICT;"
        "CREATE UNIQUE INDEX machine_generation ON machine (generation);"
        "CREATE INDEX machine_tag ON machine (tag_serial);"
        "CREATE TABLE pending (name TEXT, ak_name BLOB, ek BLOB, endorsed INTEGER, ak BLOB, id BLOB, srk BLOB, nonce "
        "BLOB,"
        " time INTEGER, PRIMARY KEY (name, ak_name)) STRICT;"
        "CREATE TABLE bootlog (digest BLOB PRIMARY KEY, measured BLOB) STRICT;" RUNTIME_TABLE ROLLOUT_TABLE
        "CREATE TABLE audit (case_no INTEGER PRIMARY KEY, time INTEGER, record BLOB, hash BLOB) STRICT;";

static const char *const sql[SQL_COUNT] = {
        [SQL_BEGIN] = "BEGIN IMMEDIATE",
        [SQL_COMMIT] = "COMMIT",

#define MACHINE_COLUMNS                                                                                                \
	"name, ek, endorsed, ak, id, srk, generation, nonce, nonce_time, clock_ms, reset_count, restart_count,"        \
	" clock_safe, pcrs, secure_boot, eventlog, last_case, last_time, status, allowed, tag_serial, tag, place,"     \
	" counter, ended_register, lease_until, ended_case"
        [SQL_MACHINE_GET] = "SELECT " MACHINE_COLUMNS " FROM machine WHERE name = ?1",
        [SQL_MACHINE_OF_EK] = "SELECT name FROM machine WHERE ek = ?1",
        /* A machine's row is never deleted, so the highest number is the last one given. */
        [SQL_MACHINE_NEWEST] = "SELECT coalesce(max(generation), 0) FROM machine",
        /* Not OR REPLACE: that would throw out another machine that holds the same EK (A40). */
        [SQL_MACHINE_PUT] =
                "INSERT INTO machine (" MACHINE_COLUMNS ") VALUES"
                " (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?24,?25,?26,"
                " ?27,?28)"
                " ON CONFLICT (name) DO UPDATE SET ek = ?2, endorsed = ?3, ak = ?4, id = ?5, srk = ?6,"
                " generation = ?7, nonce = ?8, nonce_time = ?9, clock_ms = ?10, reset_count = ?11,"
                " restart_count = ?12, clock_safe = ?13, pcrs = ?14, secure_boot = ?15, eventlog = ?16,"
                " last_case = ?17, last_time = ?18, status = ?19, allowed = ?20, tag_serial = ?21, tag = ?22,"
                " place = ?24, counter = ?25, ended_register = ?26, lease_until = ?27, ended_case = ?28",
        /* Same numbers as above. The nonce that was used is the condition: once, and not after a revocation. */
        [SQL_MACHINE_SEEN] =
                "UPDATE machine SET nonce = ?8, nonce_time = ?9, clock_ms = ?10, reset_count = ?11,"
                " restart_count = ?12, clock_safe = ?13, pcrs = ?14, secure_boot = ?15, eventlog = ?16,"
                " last_case = ?17, last_time = ?18, status = ?19, allowed = ?20, tag_serial = ?21, tag = ?22,"
                " place = ?24, counter = ?25, ended_register = ?26, lease_until = ?27, ended_case = ?28"
                " WHERE name = ?1 AND nonce = ?23"
                " AND EXISTS (SELECT 1 FROM cloudlet c WHERE c.name = ?1 AND c.revoked = 0)",
        [SQL_MACHINE_ENDED] = "UPDATE machine SET nonce = ?8, nonce_time = ?9, clock_ms = ?10, reset_count = ?11,"
                              " restart_count = ?12, clock_safe = ?13, counter = ?25, ended_register = ?26, "
                              "lease_until = ?27, ended_case = ?28"
                              " WHERE name = ?1 AND nonce = ?23",
        [SQL_MACHINE_NONCE] = "UPDATE machine SET nonce = ?2, nonce_time = ?3 WHERE name = ?1",
        [SQL_MACHINE_OF_TAG] = "SELECT name FROM machine WHERE tag_serial = ?1 AND name <> ?2",
        [SQL_MACHINE_LIST] = "SELECT c.name, c.version, c.revoked, m.generation, m.last_case, m.last_time, m.status,"
                             " m.allowed, m.lease_until, m.ended_case FROM cloudlet c"
                             " LEFT JOIN machine m ON m.name = c.name WHERE c.name > ?1 ORDER BY c.name",

        [SQL_PENDING_GET] = "SELECT ek, endorsed, ak, id, srk, nonce, time FROM pending"
                            " WHERE name = ?1 AND ak_name = ?2 AND time > ?3",
        [SQL_PENDING_PUT] = "INSERT OR REPLACE INTO pending (name, ak_name, ek, endorsed, ak, id, srk, nonce, time)"
                            " VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)",
        [SQL_PENDING_TAKE] = "DELETE FROM pending WHERE name = ?1 AND ak_name = ?2 AND nonce = ?3",
        [SQL_PENDING_PRUNE] = "DELETE FROM pending WHERE time <= ?1",
        [SQL_PENDING_COUNT] = "SELECT count(*) FROM pending",
        [SQL_PENDING_CROWD] = "DELETE FROM pending WHERE name = ?1 AND ak_name NOT IN (SELECT ak_name FROM pending"
                              " WHERE name = ?1 ORDER BY time DESC, rowid DESC LIMIT ?2)",
        [SQL_PENDING_FORGET] = "DELETE FROM pending WHERE name = ?1",

        [SQL_BOOTLOG_GET] = "SELECT measured FROM bootlog WHERE digest = ?1",
        [SQL_BOOTLOG_PUT] = "INSERT OR IGNORE INTO bootlog (digest, measured) VALUES (?1, ?2)",
        [SQL_BOOTLOG_COUNT] = "SELECT count(*) FROM bootlog",
        [SQL_BOOTLOG_PRUNE] = "DELETE FROM bootlog WHERE digest NOT IN (SELECT eventlog FROM machine)",

        [SQL_DOCUMENT_GET] = "SELECT version, issued, digest, jws FROM document WHERE kind = ?1 AND name = ?2",
        [SQL_DOCUMENT_PUT] = "INSERT OR REPLACE INTO document (kind, name, version, issued, digest, jws)"
                             " VALUES (?1,?2,?3,?4,?5,?6)",
        [SQL_DOCUMENT_OF_KIND] = "SELECT digest, jws FROM document WHERE kind = ?1 ORDER BY name",
        [SQL_CLOUDLET_GET] = "SELECT version, revoked, ek, reason FROM cloudlet WHERE name = ?1",
        [SQL_CLOUDLET_PUT] = "INSERT OR REPLACE INTO cloudlet (name, version, revoked, ek, reason)"
                             " VALUES (?1,?2,?3,?4,?5)",
        [SQL_EK_GET] = "SELECT ek FROM ek WHERE name = ?1",
        [SQL_EK_PUT] = "INSERT OR REPLACE INTO ek (name, version, issued, digest, ek) VALUES (?1,?2,?3,?4,?5)",
        [SQL_EK_LIST] = "SELECT name, version, issued, digest, ek FROM ek WHERE name > ?1 ORDER BY name",

        [SQL_RUNTIME_GET] = "SELECT reset_count, restart_count, entries, banks, pcrs, complete, standing FROM runtime"
                            " WHERE machine = ?1",
        [SQL_RUNTIME_PUT] = "INSERT OR REPLACE INTO runtime (machine, reset_count, restart_count, entries, banks, pcrs,"
                            " complete, standing) VALUES (?1,?2,?3,?4,?5,?6,?7,?8)",

        [SQL_ROLLOUT_GET] = "SELECT variant, approval, reset_count, state, case_no FROM rollout WHERE machine = ?1",
        [SQL_ROLLOUT_PUT] = "INSERT OR REPLACE INTO rollout (machine, variant, approval, time, reset_count, state,"
                            " case_no) VALUES (?1,?2,?3,?4,?5,?6,?7)",
        [SQL_ROLLOUT_FAILED] = "SELECT 1 FROM rollout WHERE variant = ?1 AND approval = ?2 AND state = ?3 LIMIT 1",

        [SQL_AUDIT_PUT] = "INSERT INTO audit (case_no, time, record, hash) VALUES (?1,?2,?3,?4)",
        [SQL_AUDIT_GET] = "SELECT record, hash, (SELECT hash FROM audit WHERE case_no = ?1 - 1) FROM audit"
                          " WHERE case_no = ?1",
        [SQL_AUDIT_LAST] = "SELECT max(case_no) FROM audit",
};

static int fail(struct store *s, const char *doing, struct err *e)
{
	int rc = s->db ? sqlite3_errcode(s->db) : SQLITE_NOMEM;

	s->failed = true;
	switch (rc & 0xff) {
	case SQLITE_FULL:
		err_set(e, WHY_SYSTEM, "cannot %s: the disk is full", doing);
		return err_hint(e, "make room for the store; nothing that was answered is lost");
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		err_set(e, WHY_SYSTEM, "cannot %s: another process uses the store", doing);
		return err_hint(e, "one authority runs on one directory");
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return store_damaged(s, doing, e);
	default:
		return err_set(e, WHY_SYSTEM, "cannot %s: %s", doing, s->db ? sqlite3_errmsg(s->db) : "no memory");
	}
}

int store_damaged(struct store *s, const char *what, struct err *e)
{
	s->failed = true;
	err_set(e, WHY_SYSTEM, "the store is damaged (%s)", what);
	return err_hint(e, "put the last good copy of trust.db in its place; nothing is decided on a damaged one");
}

static int pragma(struct store *s, const char *text, int64_t *out, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(s->db, text, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW && out)
		*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : fail(s, "open the store", e);
}

static int set_up(struct store *s, struct err *e)
{
	/* Exclusive: no second decider, and no shared memory file. FULL: a commit is on the disk (facts: 5). */
	static const char *const modes[] = {"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL",
	        "PRAGMA synchronous = FULL", "PRAGMA temp_store = MEMORY", "PRAGMA cache_size = -6000",
	        "PRAGMA trusted_schema = OFF"};

	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	for (size_t i = 0; i < COUNT(modes); i++)
		if (pragma(s, modes[i], NULL, e))
			return -1;
	return 0;
}

static int create(struct store *s, struct err *e)
{
	char ids[96];

	snprintf(ids, sizeof ids, "PRAGMA application_id = %d; PRAGMA user_version = %d;", APPLICATION_ID,
	        SCHEMA_VERSION);
	if (sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) || sqlite3_exec(s->db, SCHEMA, NULL, NULL, NULL) ||
	        sqlite3_exec(s->db, ids, NULL, NULL, NULL) || sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL))
		return fail(s, "make the store", e);
	return 0;
}

/* One step for each version behind: what SCHEMA gives when it is made new. Boot logs are only remembered: machines send
 * them again. */
static const char *const migrations[SCHEMA_VERSION + 1] = {
        [2] = "DELETE FROM bootlog", /* its events now have payloads */
        [3] = RUNTIME_TABLE,
        [4] = "ALTER TABLE machine ADD COLUMN tag_serial INTEGER NOT NULL DEFAULT 0;"
              "ALTER TABLE machine ADD COLUMN tag BLOB; CREATE INDEX machine_tag ON machine (tag_serial)",
        [5] = "ALTER TABLE machine ADD COLUMN place BLOB",
        [6] = "ALTER TABLE machine ADD COLUMN counter INTEGER NOT NULL DEFAULT 0;"
              "ALTER TABLE machine ADD COLUMN ended_register BLOB;"
              "ALTER TABLE machine ADD COLUMN lease_until INTEGER NOT NULL DEFAULT 0;"
              "ALTER TABLE machine ADD COLUMN ended_case INTEGER NOT NULL DEFAULT 0",
        [7] = ROLLOUT_TABLE,
};

static int migrate(struct store *s, int64_t version, struct err *e)
{
	char text[512];

	for (int64_t to = version + 1; to <= SCHEMA_VERSION; to++) {
		snprintf(text, sizeof text, "BEGIN IMMEDIATE; %s; PRAGMA user_version = %d; COMMIT", migrations[to],
		        (int)to);
		if (sqlite3_exec(s->db, text, NULL, NULL, NULL) != SQLITE_OK)
			return fail(s, "bring the store to this version", e);
	}
	return 0;
}

/* Ours, of our version, or empty and then made. */
static int identify(struct store *s, struct err *e)
{
	int64_t id = 0, version = 0, tables = 0;

	if (pragma(s, "PRAGMA application_id", &id, e) || pragma(s, "PRAGMA user_version", &version, e) ||
	        pragma(s, "SELECT count(*) FROM sqlite_schema", &tables, e))
		return -1;
	if (id == 0 && version == 0 && tables == 0)
		return create(s, e);
	if (id != APPLICATION_ID || version < 1)
		return err_set(e, WHY_SYSTEM, "trust.db is a database, but not a store of Merestone");
	if (version > SCHEMA_VERSION) {
		err_set(e, WHY_SYSTEM, "the store is of version %d, this program knows %d", (int)version,
		        SCHEMA_VERSION);
		return err_hint(e, "start the newer program that made it");
	}
	return migrate(s, version, e);
}

/* The audit table may be large; its last link is checked by audit_last(). */
static int inspect(struct store *s, struct err *e)
{
	static const char *const tables[] = {
	        "document", "cloudlet", "ek", "machine", "pending", "bootlog", "runtime", "rollout"};

	for (size_t i = 0; i < COUNT(tables); i++) {
		char text[64];
		sqlite3_stmt *st = NULL;
		snprintf(text, sizeof text, "PRAGMA quick_check('%s')", tables[i]);
		bool good = sqlite3_prepare_v2(s->db, text, -1, &st, NULL) == SQLITE_OK &&
		            sqlite3_step(st) == SQLITE_ROW && view_is(store_view(st, 0), "ok");
		sqlite3_finalize(st);
		if (!good)
			return store_damaged(s, tables[i], e);
	}
	return 0;
}

static int prepare(struct store *s, struct err *e)
{
	for (size_t i = 0; i < SQL_COUNT; i++)
		if (sqlite3_prepare_v3(s->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &s->st[i], NULL) != SQLITE_OK)
			return store_damaged(s, sqlite3_errmsg(s->db), e);
	return 0;
}

int store_open(struct store *s, const char *name, struct err *e)
{
	char seed[4];
	const char *vfs = sqlite3_initialize() == SQLITE_OK ? storevfs_name() : NULL;

	memset(s, 0, sizeof *s);
	if (!vfs)
		return err_set(e, WHY_SYSTEM, "SQLite does not start");
	sqlite3_randomness(sizeof seed, seed); /* reads /dev/urandom now: later a sandbox would silently deny it */
	if (sqlite3_open_v2(name, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, vfs))
		fail(s, "open the store", e);
	else if (set_up(s, e) == 0 && identify(s, e) == 0 && inspect(s, e) == 0 && prepare(s, e) == 0)
		return 0;
	store_close(s);
	return -1;
}

void store_close(struct store *s)
{
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(s->st[i]);
	sqlite3_close(s->db);
	memset(s, 0, sizeof *s);
}

sqlite3_stmt *store_use(struct store *s, enum store_sql id)
{
	sqlite3_reset(s->st[id]);
	sqlite3_clear_bindings(s->st[id]);
	return s->st[id];
}

static void bound(struct store *s, int rc)
{
	if (rc != SQLITE_OK)
		s->failed = true;
}

void store_int(struct store *s, sqlite3_stmt *st, int at, int64_t v)
{
	bound(s, sqlite3_bind_int64(st, at, v));
}

/* SQLITE_STATIC: the caller's bytes outlive the step, and the next use forgets them. */
void store_text(struct store *s, sqlite3_stmt *st, int at, const char *text)
{
	bound(s, sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC));
}

void store_blob(struct store *s, sqlite3_stmt *st, int at, struct view v)
{
	bound(s, sqlite3_bind_blob64(st, at, v.n > 0 ? (const void *)v.p : "", v.n, SQLITE_STATIC));
}

int store_step(struct store *s, sqlite3_stmt *st, struct err *e)
{
	if (s->failed)
		return err_set(e, WHY_SYSTEM, "the store has failed within this group of cases");
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE) {
		fail(s, "use the store", e);
		sqlite3_reset(st);
		return -1;
	}
	sqlite3_reset(st);
	return 0;
}

int store_run(struct store *s, sqlite3_stmt *st, int *changed, struct err *e)
{
	int rc;

	while ((rc = store_step(s, st, e)) == 1)
		;
	if (rc == 0 && changed)
		*changed = sqlite3_changes(s->db);
	return rc;
}

int store_begin(struct store *s, struct err *e)
{
	return store_run(s, store_use(s, SQL_BEGIN), NULL, e);
}

int store_commit(struct store *s, struct err *e)
{
	for (size_t i = 0; i < SQL_COUNT; i++) /* a statement that still reads would keep the group open */
		sqlite3_reset(s->st[i]);
	return store_run(s, s->st[SQL_COMMIT], NULL, e);
}

void store_rollback(struct store *s)
{
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_reset(s->st[i]);
	/* SQLite has already rolled back when the disk was full. */
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	s->failed = !sqlite3_get_autocommit(s->db);
}

struct view store_view(sqlite3_stmt *st, int column)
{
	const void *p = sqlite3_column_blob(st, column);
	int n = sqlite3_column_bytes(st, column);

	return p && n > 0 ? VIEW(p, (size_t)n) : VIEW(NULL, 0);
}

bool store_get(sqlite3_stmt *st, int column, void *to, size_t n)
{
	struct view v = store_view(st, column);

	if (v.n != n)
		return false;
	memcpy(to, v.p, n);
	return true;
}

bool store_get_text(sqlite3_stmt *st, int column, char *to, size_t cap)
{
	struct view v = store_view(st, column);

	if (v.n >= cap || (v.n > 0 && memchr(v.p, 0, v.n)))
		return false;
	if (v.n > 0)
		memcpy(to, v.p, v.n);
	to[v.n] = 0;
	return true;
}
