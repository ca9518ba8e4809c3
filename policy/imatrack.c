/* The runtime list of a machine, from where the last one ended: followed to the quoted register, and each new entry asked
 * of every domain that cares. Nothing is seen twice. */
#include <string.h>

#include "base/hex.h"
#include "policy/decider.h"

/* What the domain's runtime sets say now: entries that were approved by other words must be seen again (A100). */
static void policy_of(uint8_t out[SHA_LEN], const struct book *b, const struct doc_domain *d)
{
	uint8_t digests[RUNTIMES_MAX][SHA_LEN] = {0};

	for (uint32_t i = 0; i < d->nruntimes; i++) {
		const struct document *doc = book_find(b, DOC_RUNTIME, d->runtimes[i]);
		if (doc)
			memcpy(digests[i], doc->digest, SHA_LEN);
	}
	sha256(out, VIEW(digests, d->nruntimes * SHA_LEN));
}

static struct ima_standing *find(struct ima_state *s, const char *domain)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (strcmp(s->standing[i].domain, domain) == 0)
			return &s->standing[i];
	return NULL;
}

static int again(struct err *e, const char *why)
{
	return err_set(e, WHY_STALE, "send the runtime list of this boot from its beginning: %s", why);
}

/* One standing for each domain that demands a list: a new one when the list begins, else the one that was kept. */
static int sync(struct decider *d, struct err *e)
{
	struct ima_state *old = &d->ima_kept, *s = &d->ima;

	*old = *s;
	s->n = 0;
	for (uint32_t i = 0; i < d->book.n[DOC_DOMAIN]; i++) {
		const struct document *doc = d->book.doc[DOC_DOMAIN][i];
		struct ima_standing *now = &s->standing[s->n], *was = find(old, doc->name);
		if (doc->domain.nruntimes == 0)
			continue;
		*now = (struct ima_standing){0};
		memcpy(now->domain, doc->name, sizeof now->domain);
		policy_of(now->policy, &d->book, &doc->domain);
		if (s->run.entries > 0 && (!was || memcmp(was->policy, now->policy, SHA_LEN) != 0))
			return again(e, "what it is compared with has changed");
		if (was && s->run.entries > 0)
			now->refusal = was->refusal;
		s->n++;
	}
	return 0;
}

/* d->ima is what was kept of this boot up to the claimed place. */
static int resume(struct decider *d, const struct facts_attest *a, const struct quote *q, struct err *e)
{
	struct ima_state *s = &d->ima;

	memset(s, 0, sizeof *s);
	s->run = imarun_start();
	if (a->claims.ima_offset > 0) {
		int got = imastate_get(&d->store, a->claims.machine, s, e);
		if (got < 0)
			return -1;
		if (got == 0)
			return again(e, "nothing is known of it");
		if (s->reset_count != q->clock.reset_count || s->restart_count != q->clock.restart_count)
			return again(e, "the machine was started anew");
		if (s->run.entries != a->claims.ima_offset)
			return again(e, "another number of its entries is known");
	}
	s->reset_count = q->clock.reset_count;
	s->restart_count = q->clock.restart_count;
	return sync(d, e);
}

/* The sets of a standing, once for all entries. */
static void resolve(const struct decider *d, const struct ima_standing *s, struct ima_sets *out)
{
	const struct document *domain = book_find(&d->book, DOC_DOMAIN, s->domain);

	out->n = domain ? domain->domain.nruntimes : 0;
	for (uint32_t i = 0; i < out->n; i++) {
		const struct document *doc = book_find(&d->book, DOC_RUNTIME, domain->domain.runtimes[i]);
		out->set[i] = doc ? doc->runtime : NULL;
	}
}

/* The first refusal stays: what was run cannot be taken back before the next boot (A99). */
static void judge(
        struct decider *d, const struct facts_attest *a, const struct ima_sets sets[], const struct ima_entry *x)
{
	bool aggregate = x->number == 1 || (!x->violation && view_is(x->name, "boot_aggregate"));
	struct err why;

	for (uint32_t i = 0; i < d->ima.n; i++) {
		struct ima_standing *s = &d->ima.standing[i];
		if (s->refusal.why != WHY_NONE)
			continue;
		int bad = aggregate ? imarun_aggregate(x, &a->pcrs, &why)
		                    : runtime_allows(sets[i].set, sets[i].n, x, &why);
		if (bad)
			s->refusal = why;
	}
}

static int unreached(const struct ima_state *s, const struct pcrs *pcrs, struct err *e)
{
	char gives[17], quoted[17];

	hex_put(gives, s->run.pcr[s->run.banks == IMA_PADDED], 8);
	hex_put(quoted, pcrs->v[IMA_PCR], 8);
	err_set(e, WHY_FORGED, "PCR 10: the runtime list of %llu entries gives %s.., the quote has %s..",
	        (unsigned long long)s->run.entries, gives, quoted);
	return err_hint(e, "the list is not the one of this boot, or entries of it are missing or changed");
}

/* Up to the entry that gives the quoted register; what is behind it came after the quote and is sent again. */
static int walk(struct decider *d, const struct facts_attest *a, struct err *e)
{
	struct ima_state *s = &d->ima;
	struct ima l = ima_open(a->ima, s->run.entries);
	struct ima_entry x;
	int got = 1;

	for (uint32_t i = 0; i < s->n; i++)
		resolve(d, &s->standing[i], &d->ima_sets[i]);
	while (!(s->complete = imarun_reaches(&s->run, a->pcrs.v[IMA_PCR])) && (got = ima_next(&l, &x, e)) == 1) {
		imarun_add(&s->run, &x);
		judge(d, a, d->ima_sets, &x);
	}
	if (got < 0)
		return -1;
	return s->complete || a->ima_more ? 0 : unreached(s, &a->pcrs, e);
}

/* A register that nothing extended explains itself, and proves that nothing was measured. */
static void none_measured(struct ima_state *s)
{
	for (uint32_t i = 0; i < s->n && s->run.entries == 0; i++)
		err_set(&s->standing[i].refusal, WHY_UNTRUSTED,
		        "the runtime list is empty: the kernel measures nothing");
}

int imatrack_take(struct decider *d, const struct facts_attest *a, const struct quote *q, struct err *e)
{
	d->has_ima = false;
	if (!a->claims.has_ima)
		return 0;
	if (resume(d, a, q, e) || walk(d, a, e))
		return -1;
	none_measured(&d->ima);
	d->has_ima = true;
	return 0;
}

int imatrack_keep(struct decider *d, struct err *e)
{
	return d->has_ima ? imastate_put(&d->store, d->machine.name, &d->ima, e) : 0;
}

void imatrack_rules(struct decider *d, struct rules *r)
{
	const struct ima_standing *s = d->has_ima ? find(&d->ima, r->name) : NULL;

	r->ran = s ? &s->refusal : NULL;
	r->ran_entries = d->has_ima ? d->ima.run.entries : 0;
	r->ran_complete = d->has_ima && d->ima.complete;
}
