#include "policy/book.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t limits[BOOK_KINDS] = {
        [DOC_FENCE] = DOCUMENTS_MAX,
        [DOC_REFERENCE] = DOCUMENTS_MAX,
        [DOC_DOMAIN] = DOMAINS_MAX,
        [DOC_DATASET] = DATASETS_MAX,
        [DOC_RUNTIME] = DOCUMENTS_MAX,
        [DOC_VENDOR] = VENDORS_MAX,
        [DOC_UPDATE] = VARIANTS_MAX,
        [DOC_LANDMARK] = LANDMARK_DOCUMENTS_MAX,
}; /* 0: not in the book */

bool book_keeps(enum doc_kind kind)
{
	return kind >= DOC_FENCE && kind < DOC_KINDS && limits[kind] > 0;
}

void book_document_free(struct document *d)
{
	if (d)
		document_free(d);
	free(d);
}

void book_clear(struct book *b)
{
	for (size_t k = 0; k < BOOK_KINDS; k++)
		for (uint32_t i = 0; i < b->n[k]; i++)
			book_document_free(b->doc[k][i]);
	memset(b, 0, sizeof *b);
}

/* Where the name stands, or where it belongs. */
static uint32_t place_of(const struct book *b, enum doc_kind kind, const char *name, bool *there)
{
	uint32_t lo = 0, hi = b->n[kind];

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int order = strcmp(b->doc[kind][mid]->name, name);
		*there = order == 0;
		if (order == 0)
			return mid;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*there = false;
	return lo;
}

const struct document *book_find(const struct book *b, enum doc_kind kind, const char *name)
{
	bool there;
	uint32_t at = place_of(b, kind, name, &there);

	return there ? b->doc[kind][at] : NULL;
}

int book_room(const struct book *b, const struct document *d, struct err *e)
{
	if (b->n[d->kind] < limits[d->kind] || book_find(b, d->kind, d->name))
		return 0;
	return err_set(e, WHY_REFUSED, "there are %u documents of kind %s, which is the most", limits[d->kind],
	        doc_kind_name(d->kind));
}

void book_put(struct book *b, struct document *d)
{
	bool there;
	uint32_t at = place_of(b, d->kind, d->name, &there);
	struct document **list = b->doc[d->kind];

	if (there) {
		book_document_free(list[at]);
	} else {
		memmove(&list[at + 1], &list[at], (b->n[d->kind] - at) * sizeof list[0]);
		b->n[d->kind]++;
	}
	list[at] = d;
}

/* The signature was checked when the document came; its digest says that these are the bytes. */
static int load_one(struct book *b, struct store *s, sqlite3_stmt *st, uint8_t *scratch, struct err *e)
{
	AUTO(book_document_free) struct document *d = calloc(1, sizeof *d);
	struct view text = store_view(st, 1);
	uint8_t digest[SHA_LEN], found[SHA_LEN];
	struct jws jws;

	if (!d)
		return err_sys(e, "no memory for the documents");
	sha256(digest, text);
	if (!store_get(st, 0, found, sizeof found) || memcmp(found, digest, SHA_LEN) != 0)
		return store_damaged(s, "a document and its digest differ", e);
	if (jws_parse(text, TYP_DOCUMENT, scratch, DOCUMENT_MAX, &jws, e) || document_parse(jws.payload, d, e))
		return err_in(e, "a stored document");
	memcpy(d->digest, digest, SHA_LEN);
	if (!book_keeps(d->kind) || book_room(b, d, e))
		return store_damaged(s, "its documents are more than it can hold", e);
	book_put(b, TAKE(d));
	return 0;
}

static int load_kind(struct book *b, struct store *s, enum doc_kind kind, uint8_t *scratch, struct err *e)
{
	sqlite3_stmt *st = store_use(s, SQL_DOCUMENT_OF_KIND);
	int got;

	store_int(s, st, 1, (int64_t)kind);
	while ((got = store_step(s, st, e)) == 1)
		if (load_one(b, s, st, scratch, e)) {
			got = -1;
			break;
		}
	sqlite3_reset(st);
	return got;
}

int book_load(struct book *b, struct store *s, struct err *e)
{
	AUTO(mem_free) char *scratch = malloc(DOCUMENT_MAX);

	book_clear(b);
	if (!scratch)
		return err_sys(e, "no memory for the documents");
	for (unsigned k = DOC_FENCE; k < BOOK_KINDS; k++)
		if (book_keeps((enum doc_kind)k) && load_kind(b, s, (enum doc_kind)k, (uint8_t *)scratch, e)) {
			book_clear(b);
			return -1;
		}
	return 0;
}

bool book_by_meaning(const struct book *b)
{
	for (uint32_t i = 0; i < b->n[DOC_REFERENCE]; i++)
		if (reference_by_meaning(b->doc[DOC_REFERENCE][i]->reference) != 0)
			return true;
	return false;
}

void book_rules(const struct book *b, const struct document *domain, struct rules *out)
{
	const struct doc_domain *d = &domain->domain;
	const struct document *fence = book_find(b, DOC_FENCE, d->fence);

	*out = (struct rules){.name = domain->name, .domain = d, .nreferences = d->nreferences};
	out->fence = fence ? fence->fence : NULL;
	for (uint32_t i = 0; i < d->nreferences; i++) {
		const struct document *r = book_find(b, DOC_REFERENCE, d->references[i]);
		out->references[i] = r ? r->reference : NULL;
	}
}
