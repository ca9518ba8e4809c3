/* book: the documents that decisions are made from, parsed once and held in memory: fences, reference sets, domains,
 * datasets, runtime sets, vendors, landmarks. Machines are not here: their number must cost nothing. Private to policy/. */
#ifndef POLICY_BOOK_H
#define POLICY_BOOK_H

#include "policy/store.h"

enum { BOOK_KINDS = DOC_KINDS, BOOK_MAX = 256 };

struct book { /* each kind sorted by name */
	struct document *doc[BOOK_KINDS][BOOK_MAX];
	uint32_t n[BOOK_KINDS];
};

bool book_keeps(enum doc_kind kind);
/* Reads them all from the store, in place of what was there. On -1 the book is empty. */
int book_load(struct book *b, struct store *s, struct err *e);
void book_clear(struct book *b);
const struct document *book_find(const struct book *b, enum doc_kind kind, const char *name); /* NULL: none */
/* WHY_REFUSED when the document is new and its kind has no room for one more. */
int book_room(const struct book *b, const struct document *d, struct err *e);
/* Takes over d and what it owns; an older one of its name is freed. Call book_room() before. */
void book_put(struct book *b, struct document *d);
void book_document_free(struct document *d); /* d too; NULL is fine */
AUTO_DEFINE(struct document *, book_document_free)
/* Whether a reference set needs to know what the events of a boot mean. */
bool book_by_meaning(const struct book *b);
/* A domain with what it names, NULL where the book has none. */
void book_rules(const struct book *b, const struct document *domain, struct rules *out);

#endif
