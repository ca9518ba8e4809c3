#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "policy/decider.h"

enum { PEM_MAX = 256 * 1024 };

static const char PEM_BEGIN[] = "-----BEGIN PUBLIC KEY-----", PEM_END[] = "-----END PUBLIC KEY-----";

static int add_officer(struct decider *d, struct view pem, struct err *e)
{
	if (d->nofficers == OFFICERS_MAX)
		return err_set(e, WHY_SYSTEM, "officers.pem has more than %d keys", OFFICERS_MAX);
	d->officer[d->nofficers] = es256_from_pem(pem, VIEW(NULL, 0), e);
	if (!d->officer[d->nofficers])
		return err_in(e, "officers.pem: key %zu", d->nofficers + 1);
	d->nofficers++;
	return 0;
}

/* The next key of the file; what stands between keys is a comment. */
static bool next_key(struct view *rest, struct view *pem)
{
	const uint8_t *begin = rest->n > 0 ? memmem(rest->p, rest->n, PEM_BEGIN, sizeof PEM_BEGIN - 1) : NULL;

	if (!begin)
		return false;
	*rest = VIEW(begin, rest->n - (size_t)(begin - rest->p));
	const uint8_t *end = memmem(rest->p, rest->n, PEM_END, sizeof PEM_END - 1);
	size_t n = end ? (size_t)(end - begin) + sizeof PEM_END - 1 : rest->n;
	*pem = VIEW(begin, n);
	*rest = VIEW(begin + n, rest->n - n);
	return true;
}

static int load_officers(struct decider *d, struct err *e)
{
	uint8_t *bytes = NULL;
	struct view rest, pem;
	size_t n;
	int bad = 0;

	if (file_read(AT_FDCWD, "officers.pem", PEM_MAX, &bytes, &n, e))
		return -1;
	rest = VIEW(bytes, n);
	while (!bad && next_key(&rest, &pem))
		bad = add_officer(d, pem, e);
	mem_free(bytes);
	if (bad)
		return -1;
	return d->nofficers > 0
	               ? 0
	               : err_set(e, WHY_SYSTEM, "officers.pem has no public key, so nobody could change anything");
}

static int load_roots(struct decider *d, struct err *e)
{
	uint8_t *bytes = NULL;
	struct stat st;
	size_t n;

	if (stat("ek-roots.pem", &st) != 0 && errno == ENOENT)
		return 0;
	if (file_read(AT_FDCWD, "ek-roots.pem", PEM_MAX, &bytes, &n, e))
		return -1;
	if (n > 0)
		d->roots = ekroots_read(VIEW(bytes, n), e);
	mem_free(bytes);
	return n == 0 || d->roots ? 0 : err_in(e, "ek-roots.pem");
}

struct decider *decider_open(const char *trust_domain, struct err *e)
{
	AUTO(decider_close) struct decider *d = calloc(1, sizeof *d);

	if (!d) {
		err_sys(e, "no memory for the decider");
		return NULL;
	}
	d->trust_domain = trust_domain;
	d->book_moved = true; /* it is still to be read */
	if (load_officers(d, e) || load_roots(d, e) || store_open(&d->store, "trust.db", e) || decider_recover(d, e))
		return NULL;
	return TAKE(d);
}

void decider_close(struct decider *d)
{
	if (!d)
		return;
	book_clear(&d->book);
	store_close(&d->store);
	for (size_t i = 0; i < d->nofficers; i++)
		es256_free(d->officer[i]);
	ekroots_free(d->roots);
	free(d);
}

int decider_recover(struct decider *d, struct err *e)
{
	store_rollback(&d->store);
	if (d->book_moved && book_load(&d->book, &d->store, e))
		return -1;
	d->book_moved = false;
	return audit_last(&d->store, &d->head, e);
}

static int dispatch(struct decider *d, const struct facts *f, struct verdict *v, struct err *e)
{
	if (f->refusal.why != WHY_NONE) {
		*e = f->refusal;
		return -1;
	}
	switch (f->kind) {
	case ASK_ENROL:
		return enrol_ask(d, f, v, e);
	case ASK_ACTIVATE:
		return enrol_activate(d, f, v, e);
	case ASK_ATTEST:
		return appraise_attest(d, f, v, e);
	case ASK_DOCUMENT:
		return trust_document(d, f, v, e);
	case ASK_QUERY:
		return query_answer(d, f, v, e);
	case ASK_KINDS:
		break;
	}
	return err_set(e, WHY_MALFORMED, "nothing of that kind can be asked");
}

static const char *machine_of(const struct facts *f)
{
	if (f->kind == ASK_ENROL)
		return f->enrol.machine;
	return f->kind == ASK_ACTIVATE || f->kind == ASK_ATTEST ? f->attest.claims.machine : "";
}

/* What a refusal may carry: its words, and a nonce when the case put one there. */
static void refuse(struct verdict *v, const struct err *why)
{
	v->kind = VERDICT_REFUSAL;
	v->refusal = *why;
	if (v->refusal.why == WHY_NONE)
		err_set(&v->refusal, WHY_SYSTEM, "the case was refused without a reason");
	v->ngrants = 0;
	v->with_certificate = false;
	v->body = VIEW(NULL, 0);
}

int decider_case(struct decider *d, const struct facts *f, struct verdict *v, struct err *e)
{
	struct wr w = wr_to(d->record, sizeof d->record);
	struct err why = {0};

	verdict_clear(v);
	memset(&d->receipt, 0, sizeof d->receipt);
	d->issuer_expired = false;
	d->ntold = 0;
	d->ended.has = false;
	d->uncounted.why = WHY_NONE;
	v->ticket = f->ticket;
	/* Reading leaves no record, and changes nothing but the note of who was offered an update; only what was decided
	 * has a case number. */
	v->case_no = f->kind == ASK_QUERY ? 0 : d->head.case_no + 1;
	memcpy(v->machine, machine_of(f), strlen(machine_of(f)) + 1);
	if (dispatch(d, f, v, &why) != 0)
		refuse(v, &why);
	if (d->store.failed) {
		*e = why;
		return -1;
	}
	if (f->kind == ASK_QUERY)
		return 0;
	if (record_write(&w, d, f, v, e))
		return -1;
	return audit_append(&d->store, &d->head, d->now, wr_done(&w), e);
}
