#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "attest/tpm.h"
#include "base/file.h"

/* "MSK1", then srk, ak, id and the wrapped id, each with a be16 length. */
static const char magic[4] = {'M', 'S', 'K', '1'};
enum { STATE_MAX = 4 + 4 * (2 + TPM_PUBLIC_MAX) };

static void blob_read(struct rd *r, struct tpmblob *b)
{
	b->n = rd_upto(r, rd_be16(r), sizeof(b->b));
	rd_copy(r, b->b, b->n);
}

static int state_parse(struct view v, struct tpmkeys *out, struct err *e)
{
	struct tpmkeys k;
	struct rd r = rd_of(v);
	rd_require(&r, view_equal(rd_view(&r, sizeof(magic)), VIEW_OF(magic)));
	blob_read(&r, &k.srk);
	blob_read(&r, &k.ak);
	blob_read(&r, &k.id);
	blob_read(&r, &k.id_private);
	struct tpm_pub id;
	if (!rd_end(&r) || tpmpub_parse(TPMBLOB(k.id), &id, e) != 0) {
		err_set(e, WHY_SYSTEM, "the quoter's file \"keys\" is damaged");
		return err_hint(e, "remove the state directory and enrol again");
	}
	for (size_t i = 0; i < ES256_PUB; i++)
		k.id_xy[i] = id.xy[i];
	*out = k;
	return 0;
}

int tpmstate_read(int dirfd, struct tpmkeys *out, struct err *e)
{
	if (faccessat(dirfd, "keys", F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
		return 0;
	AUTO(mem_free) char *bytes = NULL;
	uint8_t *p = NULL;
	size_t n = 0;
	if (file_read(dirfd, "keys", STATE_MAX, &p, &n, e) != 0)
		return err_in(e, "quoter's state");
	bytes = (char *)p;
	return state_parse(VIEW(bytes, n), out, e) == 0 ? 1 : -1;
}

int tpmstate_write(int dirfd, const struct tpmkeys *k, struct err *e)
{
	uint8_t buf[STATE_MAX];
	struct wr w = wr_to(buf, sizeof(buf));
	wr_bytes(&w, magic, sizeof(magic));
	wr_view16(&w, TPMBLOB(k->srk));
	wr_view16(&w, TPMBLOB(k->ak));
	wr_view16(&w, TPMBLOB(k->id));
	wr_view16(&w, TPMBLOB(k->id_private));
	return file_write(dirfd, "keys", wr_done(&w), 0600, e);
}
