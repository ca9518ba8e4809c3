/* A geo tag comes by files: what the TPM asks for goes to an officer, and his answer comes back. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64.h"
#include "base/file.h"
#include "federation/agent.h"

enum { ANSWER_MAX = 4096 };

static void write_request(struct wr *w, const struct agent *a, const struct quoter_tag *t)
{
	struct jw j = jw_to(w);

	jw_obj(&j, NULL);
	jw_str(&j, "format", TAG_REQUEST_FORMAT);
	jw_str(&j, "machine", a->config.name);
	jw_hex(&j, "ek_sha256", VIEW_OF(t->ek));
	jw_b64(&j, "nonce", VIEW_OF(t->nonce));
	jw_hex(&j, "index", VIEW(t->index, t->nindex));
	jw_end_obj(&j);
	wr_u8(w, '\n');
}

int agent_tag_request(struct agent *a, const char *file, struct err *e)
{
	struct quoter_tag t;
	uint8_t buf[1024];
	struct wr w = wr_to(buf, sizeof buf);

	if (quoter_tag_request(a->quoter, &t, e))
		return -1;
	write_request(&w, a, &t);
	struct view text = wr_done(&w);
	if (strcmp(file, "-") == 0)
		return fwrite(text.p, 1, text.n, stdout) == text.n ? 0 : err_sys(e, "standard output");
	return file_write(AT_FDCWD, file, text, 0644, e);
}

static int read_answer(const char *file, uint8_t tag[TAG_MAX], size_t *n, uint8_t permission[ES256_SIG], struct err *e)
{
	static const char *const members[] = {"format", "tag", "permission", NULL};
	AUTO(json_free) json_t *j = json_file(AT_FDCWD, file, ANSWER_MAX, e);
	const char *format;
	size_t got = 0;

	if (!j || json_only(j, members, e) || json_get_str(j, "format", &format, e) ||
	        json_get_b64(j, "tag", tag, TAG_MAX, n, e) ||
	        json_get_b64(j, "permission", permission, ES256_SIG, &got, e))
		return -1;
	if (strcmp(format, TAG_ANSWER_FORMAT) != 0 || got != ES256_SIG)
		return err_set(e, WHY_MALFORMED, "this is not what `merestone tag issue` writes");
	return 0;
}

int agent_tag_write(struct agent *a, const char *file, struct err *e)
{
	uint8_t tag[TAG_MAX], permission[ES256_SIG];
	size_t n = 0;

	if (read_answer(file, tag, &n, permission, e))
		return err_in(e, "%s", file);
	if (quoter_tag_write(a->quoter, VIEW(tag, n), permission, e))
		return -1;
	return state_put(a->dir, "tag", VIEW(tag, n), e);
}

struct view agent_tag(const struct agent *a, uint8_t buf[TAG_MAX])
{
	AUTO(mem_free) char *bytes = NULL;
	struct err ignored = {0};
	uint8_t *p = NULL;
	size_t n = 0;

	if (file_read(a->dir, "tag", TAG_MAX, &p, &n, &ignored))
		return VIEW(NULL, 0);
	bytes = (char *)p;
	memcpy(buf, bytes, n);
	return VIEW(buf, n);
}
