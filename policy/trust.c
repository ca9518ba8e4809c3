/* A trust document: whose it is, whether it is new, and then what it says. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "policy/decider.h"

enum { SKEW_S = 300 }; /* how far an officer's clock may be ahead of ours */

/* kid only selects among our officers' keys. Nothing of the payload is read before this says yes. */
static int signed_by_officer(const struct decider *d, const struct jws *j, struct err *e)
{
	for (size_t i = 0; i < d->nofficers; i++) {
		if (strcmp(d->officer[i]->kid, j->kid) != 0)
			continue;
		return jws_verify(j, d->officer[i], e) ? err_in(e, "document") : 0;
	}
	err_set(e, WHY_UNTRUSTED, "the document is signed by key %s, which is no security officer's", j->kid);
	return err_hint(
	        e, "sign with the officer's key that `merestone init` made, or add its public key to officers.pem");
}

/* 1: newer than what we have (or the first); 0: the very same again; -1: refused (A101). */
static int is_newer(struct decider *d, const struct document *doc, struct err *e)
{
	struct shelved old;
	int got = shelf_get(&d->store, doc->kind, doc->name, &old, e);

	if (got <= 0)
		return got < 0 ? -1 : 1;
	if (doc->version > old.version)
		return 1;
	if (doc->version == old.version && memcmp(doc->digest, old.digest, SHA_LEN) == 0)
		return 0;
	err_set(e, WHY_STALE, "%s %s is at version %u already, and version %u came", doc_kind_name(doc->kind),
	        doc->name, old.version, doc->version);
	return err_hint(e, "sign it as version %u", old.version + 1);
}

static int take(struct decider *d, struct document *doc, struct view jws, struct err *e)
{
	if (doc->issued > d->now + SKEW_S) {
		err_set(e, WHY_STALE, "the document says it was issued %lld s from now",
		        (long long)(doc->issued - d->now));
		return err_hint(e, "set the clock of the machine that signs");
	}
	int newer = is_newer(d, doc, e);
	if (newer <= 0)
		return newer;
	if ((doc->kind == DOC_UPDATE && rollout_allows(d, doc, e)) ||
	        (book_keeps(doc->kind) && book_room(&d->book, doc, e)))
		return -1;
	return shelf_put(&d->store, doc, jws, e) ? -1 : 1;
}

static void write_receipt(struct decider *d, struct verdict *v)
{
	struct wr w = wr_to(d->body, sizeof d->body);
	struct jw j = jw_to(&w);
	const struct document *doc = &d->receipt;

	jw_obj(&j, NULL);
	jw_int(&j, "case", (int64_t)v->case_no);
	jw_str(&j, "kind", doc_kind_name(doc->kind));
	jw_str(&j, "name", doc->name);
	jw_int(&j, "version", doc->version);
	jw_hex(&j, "digest", VIEW_OF(doc->digest));
	jw_end_obj(&j);
	v->kind = VERDICT_RECEIPT;
	v->body = wr_done(&w);
}

/* What the receipt and the record name; nothing that is owned. */
static void note_receipt(struct decider *d, const struct document *doc)
{
	d->receipt.kind = doc->kind;
	d->receipt.version = doc->version;
	memcpy(d->receipt.name, doc->name, sizeof doc->name);
	memcpy(d->receipt.digest, doc->digest, sizeof doc->digest);
}

int trust_document(struct decider *d, const struct facts *f, struct verdict *v, struct err *e)
{
	AUTO(book_document_free) struct document *doc = calloc(1, sizeof *doc);
	struct jws j;

	if (!doc)
		return err_sys(e, "no memory for a document");
	if (jws_parse(f->text, TYP_DOCUMENT, d->payload, sizeof d->payload, &j, e) || signed_by_officer(d, &j, e) ||
	        document_parse(j.payload, doc, e))
		return -1;
	sha256(doc->digest, f->text);
	int taken = take(d, doc, f->text, e);
	if (taken < 0)
		return -1;
	note_receipt(d, doc);
	write_receipt(d, v);
	if (taken == 1 && book_keeps(doc->kind)) {
		book_put(&d->book, TAKE(doc));
		d->book_moved = true;
	}
	return 0;
}
