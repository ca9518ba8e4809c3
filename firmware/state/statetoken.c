/* LUKS2 On-Disk Format 1.1.1: 2.1 (binary header), 3.5 (tokens). */
#include <string.h>

#include "base/json.h"
#include "base/rd.h"
#include "firmware/state/state.h"

enum { BINARY_HEADER = 4096 };

/* "keyslots": the slots that a token is for, as texts. */
static void head(struct jw *j, const char *type, const char *slot)
{
	jw_obj(j, NULL);
	jw_str(j, "type", type);
	jw_arr(j, "keyslots");
	jw_str(j, NULL, slot);
	jw_end_arr(j);
}

void statetoken_sealed(struct wr *w, const struct sealedkey *k)
{
	struct jw j = jw_to(w);

	head(&j, TOKEN_SEALED, "0");
	jw_b64(&j, "public", VIEW(k->public, k->npublic));
	jw_b64(&j, "private", VIEW(k->private, k->nprivate));
	jw_hex(&j, "pcr7", VIEW_OF(k->pcr7));
	jw_end_obj(&j);
}

int statetoken_sealed_read(struct view json, struct sealedkey *out, struct err *e)
{
	static const char *const members[] = {"type", "keyslots", "public", "private", "pcr7", NULL};
	AUTO(json_free) json_t *j = json_read(json, TOKEN_MAX, e);
	struct sealedkey k;

	if (!j || json_only(j, members, e) || json_get_b64(j, "public", k.public, sizeof k.public, &k.npublic, e) ||
	        json_get_b64(j, "private", k.private, sizeof k.private, &k.nprivate, e) ||
	        json_get_hex(j, "pcr7", k.pcr7, sizeof k.pcr7, e))
		return err_in(e, "the state's token");
	*out = k;
	return 0;
}

void statetoken_recovery(struct wr *w, const uint8_t box[RECOVERY_BOX])
{
	struct jw j = jw_to(w);

	head(&j, TOKEN_RECOVERY, "1");
	jw_b64(&j, "box", VIEW(box, RECOVERY_BOX));
	jw_end_obj(&j);
}

static int read_box(const json_t *token, uint8_t box[RECOVERY_BOX], struct err *e)
{
	size_t n = 0;

	if (strcmp(json_text(token, "type"), TOKEN_RECOVERY) != 0)
		return err_set(e, WHY_UNKNOWN, "this is no recovery token");
	if (json_get_b64(token, "box", box, RECOVERY_BOX, &n, e))
		return -1;
	return n == RECOVERY_BOX ? 0 : err_set(e, WHY_MALFORMED, "a recovery token of %zu bytes", n);
}

static int read_header(struct view v, uint8_t box[RECOVERY_BOX], struct err *e)
{
	struct rd r = rd_of(VIEW(v.p + BINARY_HEADER, v.n - BINARY_HEADER));
	struct view area = rd_view(&r, rd_left(&r));
	const void *end = memchr(area.p, 0, area.n);

	if (!end)
		return err_set(e, WHY_MALFORMED, "the header of the volume has no end");
	AUTO(json_free) json_t *j = json_read(VIEW(area.p, (size_t)((const uint8_t *)end - area.p)), area.n, e);
	const char *number;
	json_t *token;

	if (!j)
		return err_in(e, "header of the volume");
	json_object_foreach(json_object_get(j, "tokens"), number, token)
	{
		if (strcmp(json_text(token, "type"), TOKEN_RECOVERY) == 0)
			return read_box(token, box, e);
	}
	return err_set(e, WHY_UNKNOWN, "the volume has no recovery token");
}

int statetoken_recovery_read(struct view v, uint8_t box[RECOVERY_BOX], struct err *e)
{
	static const uint8_t luks2[] = {'L', 'U', 'K', 'S', 0xba, 0xbe, 0, 2};

	if (v.n > BINARY_HEADER && memcmp(v.p, luks2, sizeof luks2) == 0)
		return read_header(v, box, e);
	AUTO(json_free) json_t *j = json_read(v, TOKEN_MAX, e);
	if (!j)
		return err_set(e, WHY_MALFORMED, "this is neither an encrypted volume nor a recovery token");
	return read_box(j, box, e);
}
