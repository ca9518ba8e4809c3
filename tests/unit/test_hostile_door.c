/* X004: whoever has taken over the door can delay and drop. Here is one who tries more: it starts the real judge, decider
 * and keeper, says to them what it likes, and reads every answer. */
#include <dirent.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "base/b64.h"
#include "base/hex.h"
#include "tests/unit/machinemaker.h"
#include "tests/unit/opener.h"
#include "tests/unit/ringmaker.h"

#define FENCE(radius_m)                                                                                                \
	"{\"geometry\":{\"type\":\"Circle\",\"center\":[13.4,52.5],\"radius_m\":" radius_m "},\"map_accuracy_m\":100}"
#define DOMAIN "{\"fence\":\"berlin\",\"references\":[\"edge\"],\"lease_s\":60,\"location_level\":1}"

enum { BODY_MAX = 64 * 1024 };

struct player { /* a machine, and the nonce it has */
	struct machine m;
	uint8_t nonce[NONCE_LEN], first[NONCE_LEN];
};

static struct ringmaker *r;
static struct player a, b, stranger;
static uint8_t body[BODY_MAX], record[BODY_MAX];

/* ---- What honest machines and officers do ---- */

static struct view container(const struct machine *m)
{
	struct wr w = wr_to(body, sizeof body);

	evidence_write(&w, &m->ev);
	assert_true(wr_ok(&w));
	return wr_done(&w);
}

static struct view recorded(struct view v)
{
	assert_true(v.n <= sizeof record);
	memcpy(record, v.p, v.n);
	return VIEW(record, v.n);
}

static void make(struct player *p, const char *name)
{
	machinemaker_new(&p->m);
	snprintf(p->m.claims.machine, sizeof p->m.claims.machine, "%s", name);
}

static void admit(const struct player *p)
{
	char hex[2 * SHA_LEN + 1], text[160];
	uint8_t ek[SHA_LEN];

	sha256(ek, tpmmaker_view(&p->m.ek));
	snprintf(text, sizeof text, "{\"state\":\"admitted\",\"ek_sha256\":\"%s\"}", hex_put(hex, ek, sizeof ek));
	ringmaker_put(r, DOC_CLOUDLET, p->m.claims.machine, 1, text);
}

static void read_b64(const json_t *o, const char *key, void *out, size_t cap, size_t *n)
{
	assert_accepted(json_get_b64(o, key, out, cap, n, &r->e), &r->e);
}

static void take_nonce(struct player *p)
{
	size_t n;

	read_b64(r->json, "nonce", p->nonce, sizeof p->nonce, &n);
}

static void take_credential(struct player *p)
{
	const json_t *o = json_object_get(r->json, "credential");
	struct credential c;

	assert_answered(r, WHY_NONE);
	read_b64(o, "blob", c.blob, sizeof c.blob, &c.nblob);
	read_b64(o, "secret", c.secret, sizeof c.secret, &c.nsecret);
	assert_true(opener_credential(&c, p->m.ek.key, p->m.ak.pub.name, p->nonce));
	memcpy(p->first, p->nonce, NONCE_LEN);
}

static void enrol(struct player *p)
{
	machinemaker_enrol(&p->m);
	ringmaker_ask(r, ASK_ENROL, ROLE_NONE, "", container(&p->m));
}

static void join(struct player *p)
{
	admit(p);
	enrol(p);
	take_credential(p);
	machinemaker_activate(&p->m, p->nonce);
	ringmaker_ask(r, ASK_ACTIVATE, ROLE_NONE, "", container(&p->m));
	assert_answered(r, WHY_NONE);
	take_nonce(p);
}

/* Evidence over the nonce of this moment. */
static struct view evidence_of(struct player *p)
{
	machinemaker_attest(&p->m, p->nonce, true);
	return container(&p->m);
}

static void give_evidence(const char *name, struct view evidence)
{
	ringmaker_ask(r, ASK_ATTEST, ROLE_CLOUDLET, name, evidence);
}

/* The machine may still open its dataset. */
static void is_well(struct player *p)
{
	give_evidence(p->m.claims.machine, evidence_of(p));
	assert_answered(r, WHY_NONE);
	assert_string_equal(json_string_value(json_object_get(r->json, "decision")), "allow");
	assert_int_equal(json_array_size(json_object_get(r->json, "leases")), 1);
	take_nonce(p);
}

static void releases_nothing(void)
{
	assert_null(json_object_get(r->json, "leases"));
	assert_null(json_object_get(r->json, "keys"));
	assert_null(json_object_get(r->json, "result"));
	assert_null(json_object_get(r->json, "certificate"));
}

static void make_world(void)
{
	struct wr w = wr_to(record, sizeof record - 1);

	assert_accepted(reference_learn(VIEW(a.m.log, a.m.nlog), &w, &r->e), &r->e);
	record[w.n] = 0;
	ringmaker_put(r, DOC_REFERENCE, "edge", 1, (const char *)record);
	ringmaker_put(r, DOC_FENCE, "berlin", 1, FENCE("100000"));
	ringmaker_put(r, DOC_DOMAIN, "inner", 1, DOMAIN);
	ringmaker_put(r, DOC_DATASET, "maps", 1, "{\"domain\":\"inner\",\"epoch\":1}");
}

static int start(void **s)
{
	(void)s;
	r = ringmaker_new();
	if (!r)
		return 0;
	ringmaker_start(r);
	make(&a, "berlin-1");
	make(&b, "berlin-2");
	make(&stranger, "berlin-3");
	make_world();
	join(&a);
	join(&b);
	return 0;
}

static int stop(void **s)
{
	(void)s;
	ringmaker_drop(r);
	machinemaker_drop(&a.m);
	machinemaker_drop(&b.m);
	machinemaker_drop(&stranger.m);
	return 0;
}

static void need_ring(void)
{
	if (r)
		return;
	print_message("no build/libexec: skipped\n");
	skip();
}

/* ---- Documents ---- */

static void refused_document(struct view jws, enum why why)
{
	ringmaker_document(r, jws);
	assert_answered(r, why);
}

static struct view unsigned_document(void)
{
	static const char head[] = "{\"alg\":\"none\",\"typ\":\"" TYP_DOCUMENT "\"}",
	                  payload[] =
	                          "{\"kind\":\"fence\",\"name\":\"berlin\",\"version\":9,\"issued\":1,\"body\":" FENCE(
	                                  "9000000") "}";
	struct wr w = wr_to(r->text, sizeof r->text);

	b64_put(&w, VIEW(head, sizeof head - 1));
	wr_str(&w, ".");
	b64_put(&w, VIEW(payload, sizeof payload - 1));
	wr_str(&w, ".");
	return wr_done(&w);
}

static void attack_X004_a_document_that_no_officer_signed_changes_nothing(void **s)
{
	AUTO(es256_free) struct es256 *forger = es256_generate(&r->e);

	(void)s;
	need_ring();
	AUTO(json_free) json_t *before = ringmaker_list(r, "list/fences");
	refused_document(unsigned_document(), WHY_MALFORMED);
	refused_document(ringmaker_sign(r, forger, DOC_FENCE, "berlin", 2, FENCE("9000000")), WHY_UNTRUSTED);
	memcpy(forger->kid, r->officer->kid, sizeof forger->kid);
	refused_document(ringmaker_sign(r, forger, DOC_FENCE, "berlin", 2, FENCE("9000000")), WHY_FORGED);
	AUTO(json_free) json_t *after = ringmaker_list(r, "list/fences");
	assert_true(json_equal(json_object_get(before, "items"), json_object_get(after, "items")));
}

static void attack_X004_a_document_of_an_older_version_changes_nothing(void **s)
{
	(void)s;
	need_ring();
	struct view old = recorded(ringmaker_sign(r, r->officer, DOC_FENCE, "berlin", 2, FENCE("200000")));
	refused_document(old, WHY_NONE);
	ringmaker_put(r, DOC_FENCE, "berlin", 3, FENCE("50000"));
	AUTO(json_free) json_t *before = ringmaker_list(r, "list/fences");
	refused_document(old, WHY_STALE);
	refused_document(ringmaker_sign(r, r->officer, DOC_FENCE, "berlin", 3, FENCE("200000")), WHY_STALE);
	AUTO(json_free) json_t *after = ringmaker_list(r, "list/fences");
	assert_true(json_equal(json_object_get(before, "items"), json_object_get(after, "items")));
}

/* ---- Evidence ---- */

static void attack_X004_evidence_of_one_machine_is_not_anothers(void **s)
{
	(void)s;
	need_ring();
	give_evidence("berlin-2", evidence_of(&a));
	assert_answered(r, WHY_REFUSED);
	releases_nothing();
	/* the claims say so too: then the quote is over other claims */
	machinemaker_attest(&a.m, a.nonce, true);
	char *name = memmem(a.m.room, a.m.w.n, "berlin-1", 8);
	assert_non_null(name);
	name[7] = '2';
	give_evidence("berlin-2", container(&a.m));
	assert_answered(r, WHY_FORGED);
	releases_nothing();
	is_well(&a);
	is_well(&b);
}

static void attack_X004_evidence_that_was_recorded_is_stale(void **s)
{
	(void)s;
	need_ring();
	struct view old = recorded(evidence_of(&a));
	give_evidence("berlin-1", old);
	assert_answered(r, WHY_NONE);
	take_nonce(&a);
	give_evidence("berlin-1", old);
	assert_answered(r, WHY_STALE);
	releases_nothing();
	is_well(&a);
}

static void attack_X004_a_role_or_peer_of_the_doors_making_opens_nothing(void **s)
{
	static const enum role roles[] = {ROLE_NONE, ROLE_OFFICER, ROLE_OPERATOR, ROLE_AUDITOR};

	(void)s;
	need_ring();
	struct view v = recorded(evidence_of(&a));
	for (size_t i = 0; i < COUNT(roles); i++) {
		ringmaker_ask(r, ASK_ATTEST, roles[i], "berlin-1", v);
		assert_answered(r, WHY_REFUSED);
		releases_nothing();
	}
	ringmaker_ask(r, ASK_ATTEST, ROLE_CLOUDLET, "", v);
	assert_answered(r, WHY_REFUSED);
	ringmaker_ask(r, ASK_QUERY, ROLE_CLOUDLET, "berlin-1", VIEW("list/cloudlets", 14));
	assert_answered(r, WHY_REFUSED);
	give_evidence("berlin-1", v);
	assert_answered(r, WHY_NONE);
}

static void attack_X004_a_tpm_of_the_doors_own_gets_no_admitted_name(void **s)
{
	(void)s;
	need_ring();
	ringmaker_put(r, DOC_CLOUDLET, "berlin-3", 1, "{\"state\":\"admitted\"}");
	enrol(&stranger);
	assert_answered(r, WHY_UNTRUSTED);
	assert_null(json_object_get(r->json, "credential"));
	snprintf(stranger.m.claims.machine, sizeof stranger.m.claims.machine, "berlin-1");
	enrol(&stranger);
	assert_answered(r, WHY_REFUSED);
	assert_null(json_object_get(r->json, "credential"));
	is_well(&a);
}

/* Between a machine that enrols and the authority, the door puts a storage key of which it holds the private half. */
static void attack_X004_a_door_slips_in_no_key_of_its_own(void **s)
{
	struct tpm_key own = {0};

	(void)s;
	need_ring();
	tpmmaker_key(&own, TPMMAKER_SRK);
	admit(&stranger);
	machinemaker_enrol(&stranger.m);
	stranger.m.ev.part[PART_SRK] = tpmmaker_view(&own);
	ringmaker_ask(r, ASK_ENROL, ROLE_NONE, "", container(&stranger.m));
	take_credential(&stranger);
	machinemaker_activate(&stranger.m, stranger.nonce);
	ringmaker_ask(r, ASK_ACTIVATE, ROLE_NONE, "", container(&stranger.m));
	assert_answered(r, WHY_FORGED);
	releases_nothing();
	machinemaker_activate(&stranger.m, stranger.nonce);
	stranger.m.ev.part[PART_SRK] = tpmmaker_view(&own);
	ringmaker_ask(r, ASK_ACTIVATE, ROLE_NONE, "", container(&stranger.m));
	assert_int_not_equal(r->answer.why, WHY_NONE);
	releases_nothing();
	tpmmaker_drop(&own);
}

/* ---- Answers ---- */

static bool heard(struct view v)
{
	return memmem(r->heard, r->nheard, v.p, v.n) != NULL;
}

/* As bytes, in hexadecimal, or in base64url at each of the three places where it may start in a text. */
static bool heard_in_any_form(const uint8_t secret[SECRET_LEN])
{
	uint8_t shifted[2 + SECRET_LEN] = {0}, text[64];
	char hex[2 * SECRET_LEN + 1];

	if (heard(VIEW(secret, SECRET_LEN)) || heard(VIEW(hex_put(hex, secret, SECRET_LEN), (size_t)2 * SECRET_LEN)))
		return true;
	memcpy(shifted + 2, secret, SECRET_LEN);
	for (size_t before = 0; before < 3; before++) {
		struct wr w = wr_to(text, sizeof text);
		b64_put(&w, VIEW(shifted + 2 - before, before + SECRET_LEN - (before + SECRET_LEN) % 3));
		size_t skip_n = before > 0 ? 4 : 0; /* they depend on what stands in front */
		if (heard(VIEW(text + skip_n, w.n - skip_n)))
			return true;
	}
	return false;
}

static void read_sealed(const json_t *key, struct sealed *out)
{
	read_b64(key, "public", out->public, sizeof out->public, &out->npublic);
	read_b64(key, "duplicate", out->duplicate, sizeof out->duplicate, &out->nduplicate);
	read_b64(key, "seed", out->seed, sizeof out->seed, &out->nseed);
}

static void attack_X004_no_answer_shows_a_key_or_a_hidden_nonce(void **s)
{
	AUTO(secret_free) struct secret *key = secret_new();
	uint8_t opened[SECRET_LEN];
	struct sealed sealed;
	struct keyring k;

	(void)s;
	need_ring();
	assert_accepted(ringmaker_open_keys(r, &k, &r->e), &r->e);
	assert_accepted(keyring_dataset_key(&k, "inner", "maps", 1, key, &r->e), &r->e);
	give_evidence("berlin-1", evidence_of(&a));
	assert_answered(r, WHY_NONE);
	read_sealed(json_array_get(json_object_get(r->json, "keys"), 0), &sealed);
	assert_true(opener_sealed(a.m.srk.key, &sealed, opened)); /* so this is the key to look for */
	assert_memory_equal(opened, key->b, SECRET_LEN);
	assert_false(opener_sealed(b.m.srk.key, &sealed, opened));
	assert_true(heard(VIEW("\"leases\"", 8)));
	assert_false(heard_in_any_form(key->b));
	assert_false(heard_in_any_form(k.dataset->b));
	assert_false(heard_in_any_form(a.first));
	assert_false(heard_in_any_form(b.first));
	keyring_close(&k);
}

/* What the search above finds when it is there. */
static void a_key_that_is_shown_would_be_found(void **s)
{
	uint8_t secret[SECRET_LEN];

	(void)s;
	need_ring();
	for (size_t before = 0; before < 3; before++) {
		uint8_t text[80], bytes[2 + SECRET_LEN] = {0};
		struct wr w = wr_to(text, sizeof text);

		memset(secret, (int)(0x51 + before), sizeof secret);
		memcpy(bytes + before, secret, sizeof secret);
		b64_put(&w, VIEW(bytes, before + sizeof secret));
		memcpy(r->heard + r->nheard, text, w.n);
		r->nheard += w.n;
		assert_true(heard_in_any_form(secret));
	}
}

/* ---- Bytes that are no asks ---- */

static void nonsense(enum ask_kind kind)
{
	static const char *const said[] = {"", "x", "{}", "a.b.c", "list", "list/fences/../trust.db", "MSTE"};
	uint8_t noise[QUERY_MAX];

	for (size_t i = 0; i < COUNT(said); i++) {
		ringmaker_ask(r, kind, ROLE_OFFICER, "officer", VIEW(said[i], strlen(said[i])));
		assert_int_not_equal(r->answer.why, WHY_NONE);
		releases_nothing();
	}
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)(i * i + i / 7);
	ringmaker_ask(r, kind, ROLE_CLOUDLET, "berlin-1", VIEW_OF(noise));
	assert_answered(r, WHY_MALFORMED);
}

static void attack_X004_nonsense_of_every_kind_is_refused_and_the_ring_goes_on(void **s)
{
	(void)s;
	need_ring();
	for (unsigned kind = ASK_ENROL; kind < ASK_KINDS; kind++)
		nonsense((enum ask_kind)kind);
	/* one kind's body under the other kinds; for a query it is too long */
	struct view v = recorded(evidence_of(&a));
	for (unsigned kind = ASK_ENROL; kind < ASK_QUERY; kind++)
		if (kind != ASK_ATTEST) {
			ringmaker_ask(r, (enum ask_kind)kind, ROLE_CLOUDLET, "berlin-1", v);
			assert_answered(r, WHY_MALFORMED);
			releases_nothing();
		}
	is_well(&a);
}

/* Says it, and then nothing more: the ring ends without an answer. Bytes that are cut short are no fault of the judge. */
static void broken(struct view bytes, bool cut)
{
	int status[BEHIND_COUNT] = {0};

	assert_int_equal(fd_write_all(r->to, bytes.p, bytes.n), 0);
	fd_close(r->to);
	r->to = -1;
	assert_int_equal(ringmaker_hear(r), 0);
	ringmaker_stop(r, status);
	assert_true(cut || status[BEHIND_JUDGE] != 0);
	assert_int_equal(status[BEHIND_DECIDER], 0);
	assert_int_equal(status[BEHIND_KEEPER], 0);
	ringmaker_start(r);
}

static void attack_X004_broken_frames_end_the_ring_and_lose_nothing(void **s)
{
	uint8_t unknown[32] = {0, 0, 0, 28, [12] = ASK_KINDS};

	(void)s;
	need_ring();
	broken(VIEW("\xff\xff\xff\xff", 4), false);
	broken(VIEW("\0\0\0\0", 4), false);
	broken(VIEW_OF(unknown), false);
	broken(VIEW("\0\0\1\0cut short", 13), true);
	broken(VIEW("\0", 1), true);
	is_well(&a);
	is_well(&b);
}

/* ---- A judge that dies, a disk that is full ---- */

static pid_t child_of(pid_t parent)
{
	char path[64];
	int child = 0;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	if (fscanf(f, "%d", &child) != 1)
		child = 0;
	fclose(f);
	return child;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* The worker stands still until the supervisor has given it the case, and then it is killed. */
static void a_worker_killed_over_its_case_is_a_refusal_and_the_next_case_works(void **s)
{
	int left = 1;

	(void)s;
	need_ring();
	pid_t worker = child_of(r->pid[BEHIND_JUDGE]);
	assert_true(worker > 0);
	assert_int_equal(kill(worker, SIGSTOP), 0);
	ringmaker_send(r, ASK_ATTEST, ROLE_CLOUDLET, "berlin-1", recorded(evidence_of(&a)));
	for (int i = 0; i < 1000 && left > 0; i++) {
		pause_ms(5);
		assert_int_equal(ioctl(r->to, FIONREAD, &left), 0);
	}
	pause_ms(50);
	assert_int_equal(kill(worker, SIGKILL), 0);
	assert_int_equal(ringmaker_hear(r), 1);
	assert_answered(r, WHY_MALFORMED);
	assert_string_equal(ringmaker_sentence(r), "evidence killed its judge");
	releases_nothing();
	is_well(&a);
	assert_int_not_equal(child_of(r->pid[BEHIND_JUDGE]), worker);
}

static void limit_files(rlim_t most)
{
	struct rlimit l = {most, RLIM_INFINITY};

	assert_int_equal(prlimit(r->pid[BEHIND_DECIDER], RLIMIT_FSIZE, &l, NULL), 0);
}

static void no_record_no_key(void **s)
{
	(void)s;
	need_ring();
	struct view v = recorded(evidence_of(&a));
	limit_files(0);
	give_evidence("berlin-1", v);
	assert_answered(r, WHY_SYSTEM);
	assert_non_null(strstr(ringmaker_sentence(r), "the record could not be written"));
	releases_nothing();
	assert_null(json_object_get(r->json, "nonce"));
	ringmaker_document(r, ringmaker_sign(r, r->officer, DOC_FENCE, "berlin", 2, FENCE("90000")));
	assert_answered(r, WHY_SYSTEM);
	enrol(&b);
	assert_answered(r, WHY_SYSTEM);
	assert_null(json_object_get(r->json, "credential"));
	/* with room again, the same evidence is good: its nonce was never used */
	limit_files(RLIM_INFINITY);
	give_evidence("berlin-1", v);
	assert_answered(r, WHY_NONE);
	take_nonce(&a);
	ringmaker_put(r, DOC_FENCE, "berlin", 2, FENCE("90000"));
	is_well(&a);
	is_well(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SENTENCE(f) cmocka_unit_test_setup_teardown(f, start, stop)
	        SENTENCE(attack_X004_a_document_that_no_officer_signed_changes_nothing),
	        SENTENCE(attack_X004_a_document_of_an_older_version_changes_nothing),
	        SENTENCE(attack_X004_evidence_of_one_machine_is_not_anothers),
	        SENTENCE(attack_X004_evidence_that_was_recorded_is_stale),
	        SENTENCE(attack_X004_a_role_or_peer_of_the_doors_making_opens_nothing),
	        SENTENCE(attack_X004_a_tpm_of_the_doors_own_gets_no_admitted_name),
	        SENTENCE(attack_X004_a_door_slips_in_no_key_of_its_own),
	        SENTENCE(attack_X004_no_answer_shows_a_key_or_a_hidden_nonce),
	        SENTENCE(a_key_that_is_shown_would_be_found),
	        SENTENCE(attack_X004_nonsense_of_every_kind_is_refused_and_the_ring_goes_on),
	        SENTENCE(attack_X004_broken_frames_end_the_ring_and_lose_nothing),
	        SENTENCE(a_worker_killed_over_its_case_is_a_refusal_and_the_next_case_works),
	        SENTENCE(no_record_no_key),
	};
	return cmocka_run_group_tests_name("hostile_door", tests, NULL, NULL);
}
