#include "attest/quoterops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "keystore/keystore.h"

enum {
	PCRS_MAX = (IMA_QUOTED + 1) * PCR_LEN,
	QUOTE_TRIES = 8,
	OTHER_PARTS_MAX = 32 * 1024, /* claims, keys and what is signed, with its heads */
};

/* The whole boot log, anew: it does not change within a boot, but a TPM's state may outlive this process. */
static int log_read(const struct quoterops *q, uint8_t **out, size_t *n, struct err *e)
{
	AUTO(mem_free) char *buf = malloc(EVENTLOG_MAX + 1);
	size_t have = 0;
	if (!buf)
		return err_sys(e, "%s", q->log_path);
	for (ssize_t got = 1; got > 0 && have <= EVENTLOG_MAX;) {
		got = pread(q->log, buf + have, EVENTLOG_MAX + 1 - have, (off_t)have);
		if (got < 0 && errno != EINTR)
			return err_sys(e, "cannot read %s", q->log_path);
		have += got > 0 ? (size_t)got : 0;
		got = got < 0 ? 1 : got;
	}
	if (have > EVENTLOG_MAX)
		return err_set(e, WHY_MALFORMED, "the event log %s is larger than %d bytes", q->log_path, EVENTLOG_MAX);
	*out = (uint8_t *)TAKE(buf);
	*n = have;
	return 0;
}

static int op_status(struct quoterops *q, struct rd *r, struct wr *w, struct err *e)
{
	struct tpm_clock c;
	uint8_t digest[SHA_LEN] = {0};
	uint8_t *log = NULL;
	size_t n = 0;
	if (!rd_end(r))
		return err_set(e, WHY_MALFORMED, "a status request has no arguments");
	if (tpm_clock(&q->tpm, &c, e) != 0 || (q->log >= 0 && log_read(q, &log, &n, e) != 0))
		return -1;
	if (log)
		sha256(digest, VIEW(log, n));
	free(log);
	wr_be64(w, c.clock_ms);
	wr_be32(w, c.reset_count);
	wr_be32(w, c.restart_count);
	wr_u8(w, c.safe);
	wr_bytes(w, q->keys.id_xy, ES256_PUB);
	wr_bytes(w, digest, SHA_LEN);
	wr_u8(w, q->ima >= 0);
	return 0;
}

static int op_keys(struct quoterops *q, struct rd *r, struct wr *w, struct err *e)
{
	struct evidence ev = {0};
	struct tpmek ek = {.key = ESYS_TR_NONE};
	struct tpmnv nv = {0};
	ev.part[PART_CLAIMS] = rd_view32(r);
	if (!rd_end(r) || ev.part[PART_CLAIMS].n > CLAIMS_MAX)
		return err_set(e, WHY_MALFORMED, "a keys request is claims and nothing else");
	if (tpmcounter_make(&q->tpm, e) != 0 || tpmek_open(&q->tpm, &ek, e) != 0)
		return -1;
	tpm_flush(&q->tpm, &ek.key);
	if (ek.certificate && tpmnv_certificates(&q->tpm, ek.certificate, &nv, e) != 0)
		return -1;
	ev.part[PART_AK] = TPMBLOB(q->keys.ak);
	ev.part[PART_EK] = TPMBLOB(ek.pub);
	ev.part[PART_ID] = TPMBLOB(q->keys.id);
	ev.part[PART_SRK] = TPMBLOB(q->keys.srk);
	if (nv.ncert)
		ev.part[PART_EK_CERT] = VIEW(nv.cert, nv.ncert);
	if (nv.nchain)
		ev.part[PART_EK_CHAIN] = VIEW(nv.chain, nv.nchain);
	evidence_write(w, &ev);
	return 0;
}

static int op_activate(struct quoterops *q, struct rd *r, struct wr *w, struct err *e)
{
	uint8_t nonce[NONCE_LEN];
	struct view blob = rd_view16(r), secret = rd_view16(r);
	if (!rd_end(r))
		return err_set(e, WHY_MALFORMED, "an activation is a blob and a secret");
	if (tpmquote_activate(&q->tpm, blob, secret, nonce, e) != 0)
		return -1;
	wr_bytes(w, nonce, sizeof(nonce));
	return 0;
}

struct certified {
	struct tpmsigned id, srk;
};

static int certify(
        struct quoterops *q, const uint8_t extra[SHA_LEN], struct certified *c, struct evidence *ev, struct err *e)
{
	ESYS_TR id = ESYS_TR_NONE;
	if (tpmkeys_id(&q->tpm, &q->keys, &id, e) != 0)
		return -1;
	int bad = tpmquote_certify(&q->tpm, id, extra, &c->id, e);
	tpm_flush(&q->tpm, &id);
	if (bad || tpmquote_certify(&q->tpm, q->tpm.srk, extra, &c->srk, e) != 0)
		return -1;
	ev->part[PART_ID_CERTIFY] = VIEW(c->id.attest, c->id.nattest);
	ev->part[PART_ID_CERTIFY_SIG] = VIEW(c->id.sig, c->id.nsig);
	ev->part[PART_SRK_CERTIFY] = VIEW(c->srk.attest, c->srk.nattest);
	ev->part[PART_SRK_CERTIFY_SIG] = VIEW(c->srk.sig, c->srk.nsig);
	return 0;
}

/* The PCRs part, the binding over all that is not signed by itself, and the quote over that. */
static int quote(struct quoterops *q, uint32_t mask, const uint8_t nonce[NONCE_LEN], uint8_t pcr_part[PCRS_MAX],
        uint8_t extra[SHA_LEN], struct tpmsigned *out, struct evidence *ev, struct err *e)
{
	int moved = 1;
	/* PCR 10 moves with each program that is run for the first time. */
	for (int tries = 0; moved == 1 && tries < QUOTE_TRIES; tries++) {
		struct pcrs pcrs;
		struct wr w = wr_to(pcr_part, PCRS_MAX);
		if (tpmquote_pcrs(&q->tpm, mask, &pcrs, e) != 0)
			return -1;
		for (unsigned i = 0; i < PCR_COUNT; i++)
			if (mask >> i & 1)
				wr_bytes(&w, pcrs.v[i], PCR_LEN);
		ev->part[PART_PCRS] = wr_done(&w);
		evidence_binding(extra, nonce, ev);
		moved = tpmquote_quote(&q->tpm, mask, extra, &pcrs, out, e);
	}
	if (moved == 1)
		return err_set(e, WHY_SYSTEM, "the registers do not hold still: something extends them all the time");
	ev->part[PART_QUOTE] = VIEW(out->attest, out->nattest);
	ev->part[PART_QUOTE_SIG] = VIEW(out->sig, out->nsig);
	return moved;
}

static int add_ima(struct quoterops *q, uint64_t at, struct evidence *ev, uint8_t **part, struct err *e)
{
	size_t n = 0, room = EVIDENCE_MAX - OTHER_PARTS_MAX - ev->part[PART_EVENTLOG].n;

	if (quoterima_read(q->ima, at, room, part, &n, e) != 0)
		return -1;
	if (n > 0)
		ev->part[PART_IMA] = VIEW(*part, n);
	return 0;
}

static int certify_tag(
        struct quoterops *q, const uint8_t extra[SHA_LEN], struct tpmsigned *out, struct evidence *ev, struct err *e)
{
	if (tpmtag_certify(&q->tpm, extra, out, e) != 0)
		return -1;
	ev->part[PART_TAG_CERTIFY] = VIEW(out->attest, out->nattest);
	ev->part[PART_TAG_CERTIFY_SIG] = VIEW(out->sig, out->nsig);
	return 0;
}

/* As the registers of the quote before it: END_LEASES comes before both or after both, for the TPM is locked meanwhile. */
static int certify_counter_if_new(struct quoterops *q, uint64_t known, const uint8_t extra[SHA_LEN],
        struct tpmsigned *out, struct evidence *ev, struct err *e)
{
	uint64_t now;
	if (tpmcounter_value(&q->tpm, &now, e) != 0)
		return -1;
	if (now == known)
		return 0;
	if (now == 0) {
		err_set(e, WHY_STALE, "the TPM has lost its revocation counter: it would honour no lease");
		return err_hint(e, "merestone-agent enrol makes one");
	}
	if (tpmcounter_certify(&q->tpm, extra, out, e) != 0)
		return -1;
	ev->part[PART_COUNTER_CERTIFY] = VIEW(out->attest, out->nattest);
	ev->part[PART_COUNTER_CERTIFY_SIG] = VIEW(out->sig, out->nsig);
	return 0;
}

struct request { /* for evidence */
	unsigned flags;
	uint8_t nonce[NONCE_LEN];
	uint64_t ima_at, counter;
};

static int collect(struct quoterops *q, const struct request *req, struct evidence *ev, struct wr *w, struct err *e)
{
	AUTO(mem_free) char *list = NULL;
	uint8_t pcr_part[PCRS_MAX], extra[SHA_LEN], *part = NULL;
	unsigned flags = req->flags;
	uint32_t mask = flags & QUOTER_WITH_IMA ? IMA_MASK | ENDED_MASK : QUOTE_MASK;
	struct tpmsigned signed_quote, signed_tag, signed_counter;
	struct certified certified;
	ev->part[PART_AK] = TPMBLOB(q->keys.ak);
	if (flags & QUOTER_WITH_CERTIFY) {
		ev->part[PART_ID] = TPMBLOB(q->keys.id);
		ev->part[PART_SRK] = TPMBLOB(q->keys.srk);
	}
	if (quote(q, mask, req->nonce, pcr_part, extra, &signed_quote, ev, e) != 0)
		return -1;
	if (flags & QUOTER_WITH_CERTIFY && certify(q, extra, &certified, ev, e) != 0)
		return -1;
	if (ev->part[PART_TAG].p && certify_tag(q, extra, &signed_tag, ev, e) != 0)
		return -1;
	if (certify_counter_if_new(q, req->counter, extra, &signed_counter, ev, e) != 0)
		return -1;
	if (flags & QUOTER_WITH_IMA && add_ima(q, req->ima_at, ev, &part, e) != 0)
		return -1;
	list = (char *)part;
	evidence_write(w, ev);
	return 0;
}

/* A machine that has lost its index still attests, without a tag: the authority says where one is wanted. */
static int take_tag(struct quoterops *q, struct view tag, struct evidence *ev, struct err *e)
{
	int written = tag.n > 0 ? tpmtag_written(&q->tpm, e) : 0;
	if (written == 1)
		ev->part[PART_TAG] = tag;
	return written < 0 ? -1 : 0;
}

static int op_evidence(struct quoterops *q, struct rd *r, struct wr *w, struct err *e)
{
	struct evidence ev = {0};
	struct request req = {.flags = rd_u8(r)};
	AUTO(mem_free) char *log = NULL;
	uint8_t *bytes = NULL;
	size_t n = 0;
	rd_copy(r, req.nonce, sizeof(req.nonce));
	req.ima_at = rd_be64(r);
	req.counter = rd_be64(r);
	ev.part[PART_CLAIMS] = rd_view32(r);
	struct view tag = rd_view16(r), bounds = rd_view16(r);
	if (!rd_end(r) || ev.part[PART_CLAIMS].n > CLAIMS_MAX || tag.n > TAG_MAX || bounds.n > BOUNDS_PART_MAX)
		return err_set(e, WHY_MALFORMED,
		        "an evidence request is flags, a nonce, a place, a counter, claims, a tag and bounds");
	if (bounds.n > 0)
		ev.part[PART_BOUNDS] = bounds;
	if (take_tag(q, tag, &ev, e) != 0)
		return -1;
	if (req.flags & QUOTER_WITH_IMA && q->ima < 0)
		return err_set(e, WHY_SYSTEM, "this machine has no runtime list");
	if (req.flags & QUOTER_WITH_LOG) {
		if (q->log < 0) {
			err_set(e, WHY_SYSTEM, "this machine has no event log at %s", q->log_path);
			return err_hint(e, "without measured boot a machine cannot attest");
		}
		if (log_read(q, &bytes, &n, e) != 0)
			return -1;
		log = (char *)bytes;
		ev.part[PART_EVENTLOG] = VIEW(bytes, n);
	}
	return collect(q, &req, &ev, w, e);
}

/* RFC 8446 4.4.3: what a TLS 1.3 client signs, with a transcript hash of SHA-256 or SHA-384 behind it. The agent can
 * have nothing else signed by the machine's key. */
static bool is_certificate_verify(struct view v)
{
	static const char context[] = "TLS 1.3, client CertificateVerify"; /* its NUL is the separator */
	struct rd r = rd_of(v);
	for (int i = 0; i < 64; i++)
		rd_require(&r, rd_u8(&r) == 0x20);
	rd_require(&r, view_equal(rd_view(&r, sizeof(context)), VIEW_OF(context)));
	size_t left = rd_left(&r);
	return rd_ok(&r) && (left == 32 || left == 48);
}

static int op_sign(struct quoterops *q, struct rd *r, struct wr *w, struct err *e)
{
	uint8_t digest[SHA_LEN], sig[ES256_SIG];
	ESYS_TR id = ESYS_TR_NONE;
	struct view content = rd_view16(r);
	if (!rd_end(r) || !is_certificate_verify(content))
		return err_set(e, WHY_REFUSED, "the machine's key signs TLS 1.3 client handshakes and nothing else");
	sha256(digest, content);
	if (tpmkeys_id(&q->tpm, &q->keys, &id, e) != 0)
		return -1;
	int bad = tpmquote_sign(&q->tpm, id, digest, sig, e);
	tpm_flush(&q->tpm, &id);
	if (bad)
		return -1;
	wr_bytes(w, sig, sizeof(sig));
	return 0;
}

/* Two descriptors in the ancillary data of one byte. */
static int take_descriptors(int socket, int fds[2], struct err *e)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte = 0;
	struct iovec io = {.iov_base = &byte, .iov_len = 1};
	struct msghdr m = {
	        .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
	ssize_t got;
	do
		got = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	struct cmsghdr *c = got == 1 ? CMSG_FIRSTHDR(&m) : NULL;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	        c->cmsg_len != CMSG_LEN(2 * sizeof(int)) || m.msg_flags & MSG_CTRUNC)
		return err_set(e, WHY_MALFORMED, "no descriptors came with the request");
	memcpy(fds, CMSG_DATA(c), 2 * sizeof(int));
	return 0;
}

/* After a failure that was not the TPM's own word its library may be out of step with it: it starts anew then. */
static int tpm_take(struct quoterops *q, struct err *e)
{
	if (flock(q->lock, LOCK_EX) != 0)
		return err_sys(e, "cannot lock the TPM");
	if (!q->suspect)
		return 0;
	if (tpmkeys_again(&q->tpm, &q->keys, e) != 0) {
		(void)flock(q->lock, LOCK_UN);
		return -1;
	}
	q->suspect = false;
	return 0;
}

static int tpm_give(struct quoterops *q, int bad, const struct err *e)
{
	(void)flock(q->lock, LOCK_UN);
	if (bad && e->why == WHY_SYSTEM)
		q->suspect = true;
	return bad;
}

static int stream(struct quoterops *q, bool encrypt, struct view use, const int fds[2], struct err *e)
{
	struct lease_use u;
	AUTO(secret_free) struct secret *key = NULL;
	if (lease_use_read(use, &u, e) != 0 || tpm_take(q, e) != 0)
		return -1;
	/* The TPM is free for others while the data flows. */
	if (tpm_give(q, unseal(&q->tpm, &u, &key, e), e) != 0)
		return -1;
	if (encrypt)
		return dataset_encrypt(fds[0], fds[1], key, u.domain, u.dataset, u.epoch, e);
	uint32_t epoch = 0;
	if (dataset_decrypt(fds[0], fds[1], key, u.domain, u.dataset, &epoch, e) != 0)
		return -1;
	if (epoch != u.epoch)
		return err_set(
		        e, WHY_STALE, "%s/%s is of epoch %u, the lease of %u", u.domain, u.dataset, epoch, u.epoch);
	return 0;
}

static int op_stream(struct quoterops *q, bool encrypt, struct rd *r, struct err *e)
{
	int fds[2];
	if (take_descriptors(q->socket, fds, e) != 0)
		return -1;
	struct view use = rd_view32(r);
	int bad = rd_end(r) ? stream(q, encrypt, use, fds, e)
	                    : err_set(e, WHY_MALFORMED, "a stream request is one lease");
	fd_close(fds[0]);
	fd_close(fds[1]);
	return bad;
}

static int run_locked(struct quoterops *q, uint8_t op, struct rd *r, struct wr *w, struct err *e)
{
	static int (*const ops[QUOTER_OPS])(struct quoterops *, struct rd *, struct wr *, struct err *) = {
	        [QUOTER_STATUS] = op_status,
	        [QUOTER_KEYS] = op_keys,
	        [QUOTER_ACTIVATE] = op_activate,
	        [QUOTER_EVIDENCE] = op_evidence,
	        [QUOTER_SIGN] = op_sign,
	        [QUOTER_TAG_REQUEST] = quotertag_request,
	        [QUOTER_TAG_WRITE] = quotertag_write,
	        [QUOTER_END_LEASES] = quotertag_end_leases,
	};
	if (op >= QUOTER_OPS || !ops[op])
		return err_set(e, WHY_MALFORMED, "the quoter has no operation %u", op);
	if (tpm_take(q, e) != 0)
		return -1;
	return tpm_give(q, ops[op](q, r, w, e), e);
}

void quoterops_answer(struct quoterops *q, struct view request, struct wr *reply)
{
	struct err e = {0};
	struct rd r = rd_of(request);
	uint8_t op = rd_u8(&r);
	wr_u8(reply, WHY_NONE);
	int bad = op == QUOTER_ENCRYPT || op == QUOTER_DECRYPT ? op_stream(q, op == QUOTER_ENCRYPT, &r, &e)
	                                                       : run_locked(q, op, &r, reply, &e);
	if (!bad && !wr_ok(reply))
		bad = err_set(&e, WHY_SYSTEM, "the answer is larger than %d bytes", QUOTER_REPLY_MAX);
	if (bad) {
		*reply = wr_to(reply->p, reply->cap);
		quoterops_refuse(reply, &e);
	}
}

void quoterops_refuse(struct wr *reply, const struct err *e)
{
	wr_u8(reply, (uint8_t)e->why);
	wr_text16(reply, e->text);
	wr_text16(reply, e->hint);
}
