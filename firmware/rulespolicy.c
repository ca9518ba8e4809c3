/* Register 7: Secure Boot, its keys, and who signed what was started. */
#include "firmware/rules.h"

#include <string.h>

static enum secure_boot value_of(struct view said)
{
	if (said.n != 1)
		return SECURE_BOOT_UNKNOWN;
	return said.p[0] == 1 ? SECURE_BOOT_ON : SECURE_BOOT_OFF;
}

static int secure_boot_holds(struct weighing *w, const struct measured *ev, const struct meaning *m, struct err *e)
{
	if (w->secure_boot || w->separated & 1u << 7)
		return rules_no(ev, "SecureBoot is said twice, or too late", e);
	w->secure_boot = true;
	if (value_of(m->said) == w->r->secure_boot)
		return 0;
	err_set(e, WHY_UNTRUSTED, "Secure Boot is %s, the reference has it %s", secure_boot_name(value_of(m->said)),
	        secure_boot_name(w->r->secure_boot));
	return rules_where(ev, e);
}

static int key_holds(
        struct weighing *w, const struct measured *ev, uint8_t list, const struct signature *key, struct err *e)
{
	static const char what[KEYS_DBX][16] = {"PK has key", "KEK has key", "db has entry"};
	const struct rule *rule = rules_find(w->r, (enum rule_kind)(RULE_PK + list), 0, key->name);

	if (list == KEYS_DBX) {
		size_t at = rule ? (size_t)(rule - w->r->rule) : 0;
		if (rule)
			w->revoked[at / 8] |= (uint8_t)(1u << at % 8);
		return 0;
	}
	return rule ? 0 : rules_unlisted(w, ev, what[list], (enum rule_kind)(RULE_PK + list), 0, key->name, e);
}

static int keys_hold(struct weighing *w, const struct measured *ev, const struct meaning *m, struct err *e)
{
	struct siglist l = siglist_of(m->said);
	struct signature key;
	int got;

	if (w->keys & 1u << m->which || w->separated & 1u << 7)
		return rules_no(ev, "a list of Secure Boot keys is said twice, or too late", e);
	w->keys |= 1u << m->which;
	while ((got = siglist_next(&l, &key, e)) > 0)
		if (key_holds(w, ev, m->which, &key, e))
			return -1;
	if (got < 0) {
		e->why = WHY_UNTRUSTED;
		return rules_where(ev, e);
	}
	return 0;
}

static int authority_holds(struct weighing *w, const struct measured *ev, const struct meaning *m, struct err *e)
{
	enum rule_kind kind = w->r->has_authority ? RULE_AUTHORITY : RULE_DB;
	struct signature key;

	siglist_authority(m->said, &key);
	w->authorities++;
	if (rules_find(w->r, kind, 0, key.name))
		return 0;
	return rules_unlisted(w, ev, "the loader's signature is by authority", kind, 0, key.name, e);
}

static int sbat_holds(struct weighing *w, const struct measured *ev, const struct meaning *m, struct err *e)
{
	uint32_t level = meaning_sbat(m->said);

	if (w->r->sbat_level > 0 && level >= w->r->sbat_level)
		return 0;
	err_set(e, WHY_UNTRUSTED, "shim's SBAT level is %u, the reference demands %u", level, w->r->sbat_level);
	return rules_where(ev, e);
}

int rulespolicy_holds(struct weighing *w, const struct measured *ev, const struct meaning *m, struct err *e)
{
	bool read = m->kind == MEANS_SECURE_BOOT || m->kind == MEANS_KEYS;

	if (m->kind == MEANS_DEBUGGER)
		return rules_no(ev, "the firmware says that it can be debugged, or does not protect its memory", e);
	if (!read && rules_find(w->r, RULE_EVENT, 7, ev->digest))
		return 0;
	if (!m->bound)
		return rules_no(ev, "its payload is not what was measured", e);
	switch (m->kind) {
	case MEANS_SECURE_BOOT:
		return secure_boot_holds(w, ev, m, e);
	case MEANS_KEYS:
		return keys_hold(w, ev, m, e);
	case MEANS_AUTHORITY:
		return authority_holds(w, ev, m, e);
	case MEANS_SBAT_LEVEL:
		return sbat_holds(w, ev, m, e);
	default:
		return rules_unlisted(w, ev, "a variable that no rule reads has digest", RULE_EVENT, 7, ev->digest, e);
	}
}

static int revocations_hold(const struct weighing *w, struct err *e)
{
	for (size_t i = 0; i < w->r->nrules; i++)
		if (w->r->rule[i].kind == RULE_DBX && !(w->revoked[i / 8] & 1u << i % 8))
			return err_set(e, WHY_UNTRUSTED, "PCR 7: dbx lacks %s.., which the reference wants revoked",
			        reference_brief(w->r->rule[i].digest).hex);
	return 0;
}

int rulespolicy_whole(const struct weighing *w, struct err *e)
{
	uint32_t needed = 1u << KEYS_PK | 1u << KEYS_KEK | 1u << KEYS_DB;

	if (!w->secure_boot)
		return rules_absent(7, "SecureBoot was not measured", e);
	if (w->r->secure_boot == SECURE_BOOT_ON && (w->keys & needed) != needed)
		return rules_absent(7, "PK, KEK or db was not measured", e);
	return revocations_hold(w, e);
}
