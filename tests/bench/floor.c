#include <openssl/ec.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/bench.h"

enum { TURNS = 5, GROUP = 16, RECORD = 2048, GROUPS = 100 };

struct made { /* what is measured: once */
	EVP_PKEY_CTX *sign, *verify;
	uint8_t digest[SHA_LEN], sig[80], *bytes;
	size_t nsig, n;
};

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Median of five turns of `times` calls. */
static double median(void (*once)(struct made *), struct made *m, unsigned times)
{
	double us[TURNS];

	for (int i = 0; i < TURNS; i++) {
		double from = cpu_us();
		for (unsigned k = 0; k < times; k++)
			once(m);
		us[i] = (cpu_us() - from) / times;
	}
	qsort(us, TURNS, sizeof us[0], compare);
	return us[TURNS / 2];
}

static void sign_once(struct made *m)
{
	m->nsig = sizeof m->sig;
	if (EVP_PKEY_sign(m->sign, m->sig, &m->nsig, m->digest, SHA_LEN) != 1)
		abort();
}

static void verify_once(struct made *m)
{
	if (EVP_PKEY_verify(m->verify, m->sig, m->nsig, m->digest, SHA_LEN) != 1)
		abort();
}

static void hash_once(struct made *m)
{
	sha256(m->digest, VIEW(m->bytes, m->n));
}

void row_print(double value, const char *unit, const char *fmt, ...)
{
	va_list ap;

	printf("{\"name\":\"");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\",\"value\":%.2f,\"unit\":\"%s\"}\n", value, unit);
	fflush(stdout);
}

static int crypto(size_t evidence, struct err *e)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct made m = {.sign = EVP_PKEY_CTX_new(key, NULL),
	        .verify = EVP_PKEY_CTX_new(key, NULL),
	        .bytes = calloc(1, evidence),
	        .n = evidence};
	bool good = m.sign && m.verify && m.bytes && EVP_PKEY_sign_init(m.sign) == 1 &&
	            EVP_PKEY_verify_init(m.verify) == 1;

	if (good) {
		row_print(median(sign_once, &m, 1000), "us", "floor: ECDSA P-256 sign");
		row_print(median(verify_once, &m, 500), "us", "floor: ECDSA P-256 verify");
		row_print(median(hash_once, &m, 2000), "us", "floor: SHA-256 of the evidence");
	}
	EVP_PKEY_CTX_free(m.sign);
	EVP_PKEY_CTX_free(m.verify);
	EVP_PKEY_free(key);
	free(m.bytes);
	return good ? 0 : err_set(e, WHY_SYSTEM, "OpenSSL cannot sign");
}

/* ---- SQLite: a record appended and a row of 16 machines replaced, 16 of them in a commit ---- */

static bool run(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool row(sqlite3_stmt *s, int id)
{
	static const uint8_t record[RECORD];

	return sqlite3_bind_int(s, 1, id) == SQLITE_OK &&
	       sqlite3_bind_blob(s, 2, record, sizeof record, SQLITE_STATIC) == SQLITE_OK &&
	       sqlite3_step(s) == SQLITE_DONE && sqlite3_reset(s) == SQLITE_OK;
}

static bool groups(sqlite3 *db)
{
	sqlite3_stmt *record = NULL, *state = NULL;
	bool good = sqlite3_prepare_v2(db, "INSERT INTO audit VALUES(?,?)", -1, &record, NULL) == SQLITE_OK &&
	            sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO state VALUES(?,substr(?,1,512))", -1, &state,
	                    NULL) == SQLITE_OK;

	for (int g = 0; good && g < GROUPS; g++) {
		good = run(db, "BEGIN IMMEDIATE");
		for (int i = 0; good && i < GROUP; i++)
			good = row(record, g * GROUP + i) && row(state, i);
		good = good && run(db, "COMMIT");
	}
	sqlite3_finalize(record);
	sqlite3_finalize(state);
	return good;
}

static int store(const char *dir, struct err *e)
{
	char path[1024];
	sqlite3 *db = NULL;

	if (snprintf(path, sizeof path, "%s/floor.db", dir) >= (int)sizeof path)
		return err_set(e, WHY_MALFORMED, "the path of the directory is too long");
	(void)unlink(path);
	bool good = sqlite3_open(path, &db) == SQLITE_OK &&
	            run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
	                    "CREATE TABLE audit(n INTEGER PRIMARY KEY, r BLOB); CREATE TABLE state(n INTEGER PRIMARY "
	                    "KEY, r BLOB);");
	double from = cpu_us();
	good = good && groups(db);
	double us = (cpu_us() - from) / (GROUPS * GROUP);
	sqlite3_close(db);
	(void)unlink(path);
	if (!good)
		return err_set(e, WHY_SYSTEM, "SQLite cannot write to %s", path);
	row_print(us, "us", "floor: SQLite, durable, 16 in a commit");
	return 0;
}

int floor_print(const char *dir, size_t evidence, struct err *e)
{
	return crypto(evidence, e) != 0 ? -1 : store(dir, e);
}
