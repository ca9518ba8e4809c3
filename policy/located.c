/* The geo tag that came with evidence: the decider's own look at it. */
#include <string.h>

#include "policy/decider.h"

/* The same bytes as last time: their signature holds, and they were this machine's. */
static bool known(const struct machine *m, const struct tag *t)
{
	return m->tag_serial == t->serial && memcmp(m->tag, t->digest, SHA_LEN) == 0;
}

/* What the judge said already, seen with the attestation key of the store. */
static int certified(const struct facts_attest *a, const struct machine *m, const uint8_t extra[SHA_LEN], struct tag *t,
        struct err *e)
{
	uint8_t index[TPM_NAME_LEN];
	struct tpm_pub ak;

	if (tpmpub_parse(public_view(&m->ak), &ak, e))
		return err_in(e, "stored keys");
	if (tag_parse(a->tag, t, e))
		return -1;
	tagindex_name(index, t->officer, true);
	if (certify_nv(a->tag_certify, a->tag_certify_sig, &ak, extra, index, t->digest, e))
		return err_in(e, "geo tag");
	return known(m, t) ? 0 : tag_signed(t, e);
}

static int serial_is_new(struct decider *d, const struct machine *m, const struct tag *t, struct err *e)
{
	char other[NAME_CAP];
	int got = machine_of_tag(&d->store, t->serial, m->name, other, e);

	if (got < 0)
		return -1;
	if (got == 1)
		return err_set(e, WHY_REFUSED, "the geo tag's serial %llu is that of %s already",
		        (unsigned long long)t->serial, other);
	if (t->serial > m->tag_serial)
		return 0;
	return err_set(e, WHY_STALE, "%s showed geo tag %llu already, and a new one of serial %llu is no newer",
	        m->name, (unsigned long long)m->tag_serial, (unsigned long long)t->serial);
}

/* Bytes of another machine's tag, or a number that another machine shows (A110). */
static int belongs(struct decider *d, const struct machine *m, const struct tag *t, struct err *e)
{
	if (strcmp(t->machine, m->name) != 0)
		return err_set(
		        e, WHY_FORGED, "the geo tag of site %s is %s's, and %s shows it", t->site, t->machine, m->name);
	if (!mem_equal(t->ek, m->ek, SHA_LEN))
		return err_set(e, WHY_FORGED, "the geo tag of site %s was made for another TPM than that of %s",
		        t->site, m->name);
	return known(m, t) ? 0 : serial_is_new(d, m, t, e);
}

static bool is_officers(const struct decider *d, const struct tag *t)
{
	for (size_t i = 0; i < d->nofficers; i++)
		if (memcmp(d->officer[i]->pub, t->officer, ES256_PUB) == 0)
			return true;
	return false;
}

/* 0: it counts. */
static int in_force(const struct decider *d, const struct tag *t, struct err *why)
{
	if (!is_officers(d, t))
		return err_set(why, WHY_UNTRUSTED, "the geo tag of site %s is signed by no security officer", t->site);
	if (d->now < t->not_before)
		return err_set(why, WHY_STALE, "the geo tag of site %s begins in %lld s", t->site,
		        (long long)(t->not_before - d->now));
	if (d->now >= t->not_after)
		return err_set(why, WHY_STALE, "the geo tag of site %s ended %lld s ago", t->site,
		        (long long)(d->now - t->not_after));
	return 0;
}

int located_check(
        struct decider *d, const struct facts_attest *a, const uint8_t extra[SHA_LEN], struct machine *m, struct err *e)
{
	struct located *l = &d->located;

	memset(l, 0, sizeof *l);
	if (a->tag.n == 0)
		return 0;
	if (certified(a, m, extra, &l->tag, e) || belongs(d, m, &l->tag, e))
		return -1;
	l->has = in_force(d, &l->tag, &l->why) == 0;
	if (l->has) {
		m->tag_serial = l->tag.serial;
		memcpy(m->tag, l->tag.digest, SHA_LEN);
	}
	return 0;
}
