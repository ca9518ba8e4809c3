#include "base/json.h"
#include "policy/decider.h"

static const char *outcome_of(const struct verdict *v)
{
	switch (v->kind) {
	case VERDICT_CREDENTIAL:
		return "credential";
	case VERDICT_RESULT:
		return "result";
	case VERDICT_RECEIPT:
		return "receipt";
	case VERDICT_REFUSAL:
	case VERDICT_SIGNED:
	case VERDICT_KINDS:
		break;
	}
	return "refusal";
}

static void put_document(struct jw *j, const struct document *doc)
{
	jw_obj(j, "document");
	jw_str(j, "kind", doc_kind_name(doc->kind));
	jw_str(j, "name", doc->name);
	jw_int(j, "version", doc->version);
	jw_hex(j, "digest", VIEW_OF(doc->digest));
	jw_end_obj(j);
}

static void put_events(struct jw *j, const struct decider *d)
{
	if (d->ntold == 0)
		return;
	jw_arr(j, "events");
	for (uint32_t i = 0; i < d->ntold; i++) {
		const struct told *t = &d->told[i];

		jw_obj(j, NULL);
		jw_str(j, "event", fenceevent_name(t->event.kind));
		jw_str(j, "domain", t->rules->name);
		jw_str(j, "fence", t->rules->domain->fence);
		jw_int(j, "since", t->event.since);
		jw_end_obj(j);
	}
	jw_end_arr(j);
}

static void put_ended(struct jw *j, const struct ended *x)
{
	if (!x->has)
		return;
	jw_obj(j, "receipt");
	jw_int(j, "counter", (int64_t)x->counter);
	jw_int(j, "previous", (int64_t)x->previous);
	jw_str(j, "sessions", x->sessions ? "ended" : "not shown");
	jw_end_obj(j);
}

int record_write(struct wr *w, const struct decider *d, const struct facts *f, const struct verdict *v, struct err *e)
{
	struct jw j = jw_to(w);

	jw_obj(&j, NULL);
	jw_int(&j, "case", (int64_t)v->case_no);
	jw_int(&j, "time", d->now);
	jw_str(&j, "kind", ask_kind_name(f->kind));
	jw_str(&j, "machine", v->machine);
	jw_str(&j, "peer", f->peer);
	jw_str(&j, "role", role_name(f->role));
	jw_hex(&j, "ask", VIEW_OF(f->ask_digest));
	jw_str(&j, "outcome", outcome_of(v));
	jw_str(&j, "reason", why_name(v->refusal.why));
	jw_str(&j, "sentence", v->refusal.text);
	jw_str(&j, "hint", v->refusal.hint);
	if (v->kind == VERDICT_RESULT) {
		jw_raw(&j, "ear", v->body);
		put_events(&j, d);
	}
	if (f->kind == ASK_ATTEST)
		put_ended(&j, &d->ended);
	if (v->kind == VERDICT_CREDENTIAL && d->issuer_expired)
		jw_bool(&j, "issuer_expired", true);
	if (v->kind == VERDICT_RECEIPT)
		put_document(&j, &d->receipt);
	jw_end_obj(&j);
	return wr_ok(w) ? 0 : err_set(e, WHY_SYSTEM, "a record does not fit in %zu bytes", w->cap);
}
