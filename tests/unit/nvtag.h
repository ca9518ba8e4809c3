/* nvtag: a geo tag in a real TPM's NV index, and what root can do to that index. */
#ifndef UNIT_NVTAG_H
#define UNIT_NVTAG_H

#include <fcntl.h>
#include <unistd.h>

#include "attest/tpm.h"
#include "tests/unit/tagmaker.h"

/* The officer's answer to what this TPM asks for. */
static inline void nvtag_permit(const struct es256 *officer, const struct quoter_tag *q, const struct made_tag *tag,
        uint8_t permission[ES256_SIG])
{
	uint8_t name[TPM_NAME_LEN], command[SHA_LEN], digest[SHA_LEN];
	struct err e;

	tagindex_next_name(name, officer->pub, VIEW(q->index, q->nindex));
	tagindex_command(command, name, tag->t.digest);
	tagindex_permission(digest, q->nonce, command);
	assert_accepted(es256_sign_digest(officer, digest, permission, &e), &e);
}

/* Asks, lets the officer sign a tag of that serial, and writes it. */
static inline void nvtag_write(struct tpm *t, const struct es256 *officer, struct made_tag *out, uint64_t serial)
{
	struct tag plain = tagmaker_plain("cloudlet1", NULL, serial, 1800000000);
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	uint8_t permission[ES256_SIG];
	struct quoter_tag q;
	struct err e = {0};

	assert_true(fd >= 0);
	assert_accepted(tpmtag_request(t, fd, &q, &e), &e);
	tagmaker_sign(out, officer, &plain);
	nvtag_permit(officer, &q, out, permission);
	assert_accepted(tpmtag_write(t, fd, &out->t, permission, &e), &e);
	close(fd);
}

static inline void nvtag_undefine(struct tpm *t)
{
	ESYS_TR nv = ESYS_TR_NONE;

	assert_int_equal(Esys_TR_FromTPMPublic(t->esys, TAGINDEX, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &nv), 0);
	assert_int_equal(
	        Esys_NV_UndefineSpace(t->esys, ESYS_TR_RH_OWNER, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE), 0);
}

static inline ESYS_TR nvtag_define(struct tpm *t, uint32_t attributes, uint16_t size, struct view policy)
{
	const TPM2B_AUTH empty = {0};
	TPM2B_NV_PUBLIC pub = {.nvPublic = {.nvIndex = TAGINDEX,
	                               .nameAlg = TPM2_ALG_SHA256,
	                               .attributes = attributes,
	                               .authPolicy.size = (UINT16)policy.n,
	                               .dataSize = size}};
	ESYS_TR nv = ESYS_TR_NONE;

	if (policy.n > 0)
		memcpy(pub.nvPublic.authPolicy.buffer, policy.p, policy.n);
	assert_int_equal(Esys_NV_DefineSpace(t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
	                         &empty, &pub, &nv),
	        0);
	return nv;
}

/* By the index's own empty password; gives the TPM's code. */
static inline unsigned nvtag_put(struct tpm *t, ESYS_TR nv, const uint8_t digest[SHA_LEN])
{
	TPM2B_MAX_NV_BUFFER data = {.size = SHA_LEN};

	memcpy(data.buffer, digest, SHA_LEN);
	return Esys_NV_Write(t->esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, 0);
}

#endif
