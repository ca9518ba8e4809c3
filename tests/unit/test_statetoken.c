/* What a volume's header keeps beside its slots. */
#include "tests/unit/unit.h"

#include "tests/unit/mangle.h"

#include "firmware/state/state.h"

static struct err err;
static char text[TOKEN_MAX];

static struct view sealed_token(struct sealedkey *k)
{
	struct wr w = wr_to(text, sizeof text);

	*k = (struct sealedkey){.npublic = 78, .nprivate = 158};
	memset(k->public, 0x11, k->npublic);
	memset(k->private, 0x22, k->nprivate);
	memset(k->pcr7, 0x77, PCR_LEN);
	statetoken_sealed(&w, k);
	assert_true(wr_ok(&w));
	return wr_done(&w);
}

static struct view recovery_token(uint8_t box[RECOVERY_BOX])
{
	struct wr w = wr_to(text, sizeof text);

	memset(box, 0x33, RECOVERY_BOX);
	statetoken_recovery(&w, box);
	assert_true(wr_ok(&w));
	return wr_done(&w);
}

/* A LUKS2 header with that in its tokens, as libcryptsetup writes it. */
static size_t header(uint8_t *to, size_t cap, const char *tokens)
{
	struct wr w = wr_to(to + 4096, cap - 4096);

	memset(to, 0, cap);
	memcpy(to, "LUKS\xba\xbe\0\2", 8);
	wr_fmt(&w, "{\"keyslots\":{},\"tokens\":{%s},\"config\":{\"json_size\":\"12288\"}}", tokens);
	assert_true(wr_ok(&w));
	return cap;
}

static void a_sealed_key_is_read_as_it_was_written(void **s)
{
	struct sealedkey k, back;
	struct view v = sealed_token(&k);

	(void)s;
	assert_accepted(statetoken_sealed_read(v, &back, &err), &err);
	assert_int_equal(back.npublic, k.npublic);
	assert_int_equal(back.nprivate, k.nprivate);
	assert_memory_equal(back.public, k.public, k.npublic);
	assert_memory_equal(back.private, k.private, k.nprivate);
	assert_memory_equal(back.pcr7, k.pcr7, PCR_LEN);
}

static void a_member_that_nobody_knows_is_refused(void **s)
{
	struct sealedkey k;
	struct view v = sealed_token(&k);

	(void)s;
	memcpy(text + v.n - 1, ",\"x\":1}", sizeof ",\"x\":1}");
	assert_refused(statetoken_sealed_read(VIEW(text, v.n + 6), &k, &err), &err, WHY_MALFORMED);
}

static void a_recovery_token_is_found_alone_and_in_the_header_of_a_volume(void **s)
{
	static uint8_t volume[STATE_HEADER_MAX];
	uint8_t box[RECOVERY_BOX], back[RECOVERY_BOX];
	struct view v = recovery_token(box);
	char tokens[TOKEN_MAX];

	(void)s;
	assert_accepted(statetoken_recovery_read(v, back, &err), &err);
	assert_memory_equal(back, box, RECOVERY_BOX);
	struct wr w = wr_to(tokens, sizeof tokens - 1);
	wr_fmt(&w, "\"0\":{\"type\":\"other\",\"keyslots\":[]},\"1\":%.*s", (int)v.n, (const char *)v.p);
	tokens[w.n] = 0;
	memset(back, 0, sizeof back);
	assert_accepted(
	        statetoken_recovery_read(VIEW(volume, header(volume, sizeof volume, tokens)), back, &err), &err);
	assert_memory_equal(back, box, RECOVERY_BOX);
}

static void a_volume_of_somebody_else_has_no_recovery_token(void **s)
{
	static uint8_t volume[STATE_HEADER_MAX];
	uint8_t box[RECOVERY_BOX];

	(void)s;
	header(volume, sizeof volume, "\"0\":{\"type\":\"other\",\"keyslots\":[]}");
	assert_refused(statetoken_recovery_read(VIEW_OF(volume), box, &err), &err, WHY_UNKNOWN);
}

static void a_header_without_an_end_is_refused(void **s)
{
	static uint8_t volume[STATE_HEADER_MAX];
	uint8_t box[RECOVERY_BOX];

	(void)s;
	header(volume, sizeof volume, "");
	memset(volume + 4096, ' ', sizeof volume - 4096);
	assert_refused(statetoken_recovery_read(VIEW_OF(volume), box, &err), &err, WHY_MALFORMED);
}

static void what_is_neither_a_volume_nor_a_token_is_refused(void **s)
{
	uint8_t box[RECOVERY_BOX];

	(void)s;
	assert_refused(statetoken_recovery_read(VIEW("", 0), box, &err), &err, WHY_MALFORMED);
	assert_refused(statetoken_recovery_read(VIEW("hello", 5), box, &err), &err, WHY_MALFORMED);
	assert_refused(statetoken_recovery_read(VIEW("{}", 2), box, &err), &err, WHY_UNKNOWN);
}

static void try_sealed(struct view mangled, void *arg)
{
	struct sealedkey back;

	(void)arg;
	if (statetoken_sealed_read(mangled, &back, &err) == 0)
		assert_true(back.npublic <= SEALED_PART_MAX && back.nprivate <= SEALED_PART_MAX);
}

static void try_recovery(struct view mangled, void *arg)
{
	uint8_t box[RECOVERY_BOX];

	(void)arg;
	(void)statetoken_recovery_read(mangled, box, &err);
}

static void no_cut_and_no_flipped_bit_of_a_token_is_read_outside_of_it(void **s)
{
	struct sealedkey k;
	uint8_t box[RECOVERY_BOX];

	(void)s;
	mangle_each(sealed_token(&k), try_sealed, NULL);
	mangle_each(recovery_token(box), try_recovery, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_sealed_key_is_read_as_it_was_written),
	        cmocka_unit_test(a_member_that_nobody_knows_is_refused),
	        cmocka_unit_test(a_recovery_token_is_found_alone_and_in_the_header_of_a_volume),
	        cmocka_unit_test(a_volume_of_somebody_else_has_no_recovery_token),
	        cmocka_unit_test(a_header_without_an_end_is_refused),
	        cmocka_unit_test(what_is_neither_a_volume_nor_a_token_is_refused),
	        cmocka_unit_test(no_cut_and_no_flipped_bit_of_a_token_is_read_outside_of_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
