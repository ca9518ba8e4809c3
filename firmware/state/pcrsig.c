#include <string.h>

#include "base/b64.h"
#include "base/es256.h"
#include "base/hex.h"
#include "base/json.h"
#include "firmware/init/init.h"
#include "firmware/state/state.h"

int pcrsig_write(struct wr *w, const struct es256 *key, const uint8_t policy[SHA_LEN], struct err *e)
{
	uint8_t sig[ES256_SIG], digest[SHA_LEN], print[SHA_LEN];
	struct jw j = jw_to(w);

	sha256(digest, VIEW(policy, SHA_LEN));
	if (es256same_sign(key, digest, sig, e))
		return -1;
	sha256(print, VIEW_OF(key->pub));
	jw_obj(&j, NULL);
	jw_arr(&j, "sha256");
	jw_obj(&j, NULL);
	jw_arr(&j, "pcrs");
	jw_int(&j, NULL, 11);
	jw_end_arr(&j);
	jw_hex(&j, "pkfp", VIEW_OF(print));
	jw_hex(&j, "pol", VIEW(policy, SHA_LEN));
	jw_b64(&j, "sig", VIEW_OF(sig));
	jw_end_obj(&j);
	jw_end_arr(&j);
	jw_end_obj(&j);
	return wr_ok(w) ? 0 : err_set(e, WHY_SYSTEM, "no room for the signature of register 11");
}

/* One entry: whether it is for this policy; its signature then must hold. */
static int entry(
        const json_t *j, const struct es256 *key, const uint8_t policy[SHA_LEN], uint8_t sig[ES256_SIG], struct err *e)
{
	uint8_t pol[SHA_LEN];
	size_t n = 0;

	if (json_get_hex(j, "pol", pol, sizeof pol, e))
		return -1;
	if (memcmp(pol, policy, SHA_LEN) != 0)
		return 0;
	if (json_get_b64(j, "sig", sig, ES256_SIG, &n, e))
		return -1;
	if (n != ES256_SIG)
		return err_set(e, WHY_MALFORMED, "a signature of %zu bytes, expected %d", n, ES256_SIG);
	return es256_verify(key, VIEW(policy, SHA_LEN), sig, e) ? -1 : 1;
}

int pcrsig_find(
        struct view json, const struct es256 *key, const uint8_t policy[SHA_LEN], uint8_t sig[64], struct err *e)
{
	AUTO(json_free) json_t *j = json_read(json, PCRSIG_MAX, e);
	const json_t *all = json_object_get(j, "sha256"), *one;
	size_t i;

	if (!j)
		return err_in(e, "signatures of register 11");
	json_array_foreach(all, i, one)
	{
		int got = entry(one, key, policy, sig, e);

		if (got)
			return got > 0 ? 0 : err_in(e, "signature %zu of register 11", i + 1);
	}
	return err_set(e, WHY_UNTRUSTED, "nothing is signed for what this image measured into register 11");
}
