#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/json.h"
#include "tests/bench/attest/attestbench.h"

enum { ENTRY = 192 };

static void field(struct wr *w, struct view v)
{
	wr_le32(w, (uint32_t)v.n);
	wr_view(w, v);
}

/* An ima-ng entry of a usual length; its digest is in files under its name. */
static void put_entry(struct wr *w, unsigned i, json_t *files)
{
	uint8_t room[ENTRY], head[8] = "sha256:", digest[SHA_LEN], sha1[IMA_SHA1];
	char name[96], hex[2 * SHA_LEN + 1];
	struct wr d = wr_to(room, sizeof room);
	int n = snprintf(name, sizeof name, "/usr/lib/x86_64-linux-gnu/directory-%u/library-%u.so", i % 53, i);

	sha256(digest, VIEW(name, (size_t)n));
	wr_le32(&d, sizeof head + SHA_LEN);
	wr_bytes(&d, head, sizeof head);
	wr_bytes(&d, digest, SHA_LEN);
	field(&d, VIEW(name, (size_t)n + 1));
	struct view data = wr_done(&d);
	sha1_n(sha1, &data, 1);
	wr_le32(w, IMA_PCR);
	wr_bytes(w, sha1, sizeof sha1);
	field(w, VIEW("ima-ng", 6));
	field(w, data);
	json_object_set_new(files, name, json_string(hex_put(hex, digest, SHA_LEN)));
}

void runlist_hash(void *runlist)
{
	struct runlist *l = runlist;
	uint8_t with[PCR_LEN];
	struct rd r = rd_of(VIEW(l->bytes, l->n));

	memset(l->pcr10, 0, PCR_LEN);
	while (rd_left(&r) > 0) {
		(void)rd_view(&r, 4 + IMA_SHA1 + 4 + 6);
		bare_sha256(with, rd_view(&r, rd_le32(&r)), VIEW(NULL, 0));
		bare_sha256(l->pcr10, VIEW_OF(l->pcr10), VIEW_OF(with));
	}
}

void runlist_approve(void *runlist)
{
	struct runlist *b = runlist;
	struct ima l = ima_open(VIEW(b->bytes, b->n), 0);
	struct ima_run r = imarun_start();
	const struct runtime *set = b->set;
	struct ima_entry x;
	struct err e;

	while (!imarun_reaches(&r, b->pcr10) && ima_next(&l, &x, &e) == 1) {
		imarun_add(&r, &x);
		if (runtime_allows(&set, 1, &x, &e))
			abort();
	}
	if (r.entries != b->entries)
		abort();
}

int runlist_make(struct runlist *l, unsigned entries, struct err *e)
{
	AUTO(json_free) json_t *body = json_object();
	json_t *files = json_object();
	size_t cap = (size_t)entries * ENTRY;
	struct wr w = wr_to(malloc(cap), cap);

	*l = (struct runlist){.bytes = w.p, .entries = entries};
	json_object_set_new(body, "files", files);
	if (!w.p)
		return err_sys(e, "no memory for a runtime list");
	for (unsigned i = 0; i < entries; i++)
		put_entry(&w, i, files);
	l->n = w.n;
	l->set = runtime_import(body, e);
	if (!l->set)
		return -1;
	runlist_hash(l);
	return 0;
}

void runlist_drop(struct runlist *l)
{
	runtime_free(l->set);
	free(l->bytes);
}
