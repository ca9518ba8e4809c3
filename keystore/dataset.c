/* merestone-dataset(5): chunks of 64 KiB, each sealed by AES-256-GCM under a key of this file alone. The nonce counts
 * the chunks and marks the last one, so moving, dropping or adding chunks breaks a tag (the STREAM construction). */
#include "keystore/keystore.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

enum {
	VERSION = 1,
	SALT = 32,
	NONCE = 12,
	SEALED = DATASET_CHUNK + DATASET_TAG,
};

static const char MAGIC[8] = {'M', 'S', 'T', 'N', 'D', 'A', 'T', 'A'};

struct stream {
	int in, out;
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *ctx;
	uint64_t index;
	size_t have;             /* bytes in buf */
	uint8_t buf[SEALED + 1]; /* one byte more than a chunk tells whether it is the last */
};

static void stream_free(struct stream *s)
{
	if (!s)
		return;
	EVP_CIPHER_CTX_free(s->ctx);
	EVP_CIPHER_free(s->cipher);
	mem_wipe(s, sizeof *s);
	free(s);
}
AUTO_DEFINE(struct stream *, stream_free)

static struct stream *stream_new(int in, int out, struct err *e)
{
	AUTO(stream_free) struct stream *s = calloc(1, sizeof *s);
	if (!s) {
		err_sys(e, "no memory for a dataset's chunk");
		return NULL;
	}
	s->in = in;
	s->out = out;
	s->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	s->ctx = EVP_CIPHER_CTX_new();
	if (!s->cipher || !s->ctx) {
		err_set(e, WHY_SYSTEM, "AES-256-GCM is not there");
		return NULL;
	}
	return TAKE(s);
}

static void header_write(uint8_t header[DATASET_HEADER], uint32_t epoch, const uint8_t salt[SALT])
{
	struct wr w = wr_to(header, DATASET_HEADER);
	wr_bytes(&w, MAGIC, sizeof MAGIC);
	wr_be32(&w, (uint32_t)VERSION << 24);
	wr_be32(&w, DATASET_CHUNK);
	wr_be32(&w, epoch);
	wr_be32(&w, 0);
	wr_bytes(&w, salt, SALT);
	wr_be64(&w, 0);
}

static int header_read(const uint8_t header[DATASET_HEADER], uint32_t *epoch, struct err *e)
{
	struct rd r = rd_of(VIEW(header, DATASET_HEADER));
	struct view magic = rd_view(&r, sizeof MAGIC);
	uint32_t version = rd_be32(&r), chunk = rd_be32(&r), number = rd_be32(&r), zero = rd_be32(&r);
	rd_view(&r, SALT);
	uint64_t rest = rd_be64(&r);

	if (!view_equal(magic, VIEW_OF(MAGIC)))
		return err_set(e, WHY_MALFORMED, "this is not an encrypted dataset");
	if (version >> 24 != VERSION)
		return err_set(e, WHY_MALFORMED, "dataset format version %u is not known here", version >> 24);
	if (chunk != DATASET_CHUNK)
		return err_set(e, WHY_MALFORMED, "chunks of %u bytes, where %d are expected", chunk, DATASET_CHUNK);
	if ((version & 0xffffff) != 0 || zero != 0 || rest != 0)
		return err_set(e, WHY_MALFORMED, "reserved bytes of the dataset's header are not zero");
	*epoch = number;
	return 0;
}

/* One key per file: the salt in the header sees to it, so that counting nonces never repeat under a key. */
static int stream_key(struct stream *s, const uint8_t header[DATASET_HEADER], const struct secret *key,
        const char *domain, const char *dataset, bool encrypt, struct err *e)
{
	uint8_t info[20 + DATASET_HEADER + 2 * (2 + NAME_CAP)];
	struct wr w = wr_to(info, sizeof info);
	AUTO(secret_free) struct secret *file = secret_new();
	wr_str(&w, "merestone dataset");
	wr_bytes(&w, header, DATASET_HEADER);
	wr_text16(&w, domain);
	wr_text16(&w, dataset);
	if (!wr_ok(&w) || !name_ok(domain) || !name_ok(dataset))
		return err_set(e, WHY_MALFORMED, "no proper names of domain and dataset");
	if (!file)
		return err_sys(e, "no locked memory for a dataset's key");
	hkdf256(file->b, VIEW_OF(key->b), wr_done(&w));
	if (EVP_CipherInit_ex2(s->ctx, s->cipher, file->b, NULL, encrypt, NULL) != 1)
		return err_set(e, WHY_SYSTEM, "AES-256-GCM did not start");
	return 0;
}

/* Fills the buffer up to n bytes; fewer only at the end of the input. */
static int stream_fill(struct stream *s, size_t n, struct err *e)
{
	while (s->have < n) {
		ssize_t got = read(s->in, s->buf + s->have, n - s->have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, "cannot read the dataset");
		if (got == 0)
			break;
		s->have += (size_t)got;
	}
	return 0;
}

static int stream_put(struct stream *s, const void *p, size_t n, struct err *e)
{
	return fd_write_all(s->out, p, n) == 0 ? 0 : err_sys(e, "cannot write the dataset");
}

static bool set_nonce(struct stream *s, bool last)
{
	uint8_t nonce[NONCE];
	struct wr w = wr_to(nonce, sizeof nonce);
	wr_be64(&w, s->index);
	wr_be32(&w, last);
	return EVP_CipherInit_ex2(s->ctx, NULL, NULL, nonce, -1, NULL) == 1;
}

/* Both in place; the tag stands behind the n bytes. */
static bool chunk_seal(struct stream *s, size_t n, bool last)
{
	int len = 0;
	return set_nonce(s, last) && EVP_EncryptUpdate(s->ctx, s->buf, &len, s->buf, (int)n) == 1 &&
	       EVP_EncryptFinal_ex(s->ctx, s->buf + n, &len) == 1 &&
	       EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_GET_TAG, DATASET_TAG, s->buf + n) == 1;
}

static bool chunk_open(struct stream *s, size_t n, bool last)
{
	int len = 0;
	return set_nonce(s, last) && EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_SET_TAG, DATASET_TAG, s->buf + n) == 1 &&
	       EVP_DecryptUpdate(s->ctx, s->buf, &len, s->buf, (int)n) == 1 &&
	       EVP_DecryptFinal_ex(s->ctx, s->buf + n, &len) == 1;
}

static int encrypt_chunks(struct stream *s, struct err *e)
{
	for (bool last = false; !last; s->index++) {
		if (stream_fill(s, DATASET_CHUNK + 1, e) != 0)
			return -1;
		last = s->have <= DATASET_CHUNK;
		size_t n = last ? s->have : DATASET_CHUNK;
		uint8_t ahead = s->buf[DATASET_CHUNK];
		if (!chunk_seal(s, n, last))
			return err_set(e, WHY_SYSTEM, "AES-256-GCM failed");
		if (stream_put(s, s->buf, n + DATASET_TAG, e) != 0)
			return -1;
		s->buf[0] = ahead;
		s->have = 1;
	}
	return 0;
}

static int decrypt_chunks(struct stream *s, uint32_t epoch, struct err *e)
{
	for (bool last = false; !last; s->index++) {
		if (stream_fill(s, SEALED + 1, e) != 0)
			return -1;
		last = s->have <= SEALED;
		uint8_t ahead = s->buf[SEALED];
		if (s->have < DATASET_TAG || (s->have == DATASET_TAG && s->index > 0))
			return err_set(
			        e, WHY_MALFORMED, "the dataset is cut off in chunk %llu", (unsigned long long)s->index);
		size_t n = (last ? s->have : SEALED) - DATASET_TAG;
		if (!chunk_open(s, n, last))
			return err_set(e, WHY_FORGED,
			        "chunk %llu of the dataset (key epoch %u) was changed, moved, cut off or made with "
			        "another key",
			        (unsigned long long)s->index, epoch);
		if (stream_put(s, s->buf, n, e) != 0)
			return -1;
		s->buf[0] = ahead;
		s->have = 1;
	}
	return 0;
}

int dataset_encrypt(int in, int out, const struct secret *key, const char *domain, const char *dataset, uint32_t epoch,
        struct err *e)
{
	uint8_t header[DATASET_HEADER], salt[SALT];
	AUTO(stream_free) struct stream *s = stream_new(in, out, e);
	if (!s)
		return -1;
	if (RAND_bytes(salt, sizeof salt) != 1)
		return err_set(e, WHY_SYSTEM, "no random bytes");
	header_write(header, epoch, salt);
	if (stream_key(s, header, key, domain, dataset, true, e) != 0 || stream_put(s, header, sizeof header, e) != 0)
		return -1;
	return encrypt_chunks(s, e);
}

int dataset_decrypt(int in, int out, const struct secret *key, const char *domain, const char *dataset, uint32_t *epoch,
        struct err *e)
{
	uint8_t header[DATASET_HEADER];
	uint32_t number = 0;
	AUTO(stream_free) struct stream *s = stream_new(in, out, e);
	if (!s)
		return -1;
	int got = fd_read_all(in, header, sizeof header);
	if (got < 0 && errno != ENODATA)
		return err_sys(e, "cannot read the dataset");
	if (got != 1)
		return err_set(e, WHY_MALFORMED, "the dataset is shorter than its header");
	if (header_read(header, &number, e) != 0 || stream_key(s, header, key, domain, dataset, false, e) != 0 ||
	        decrypt_chunks(s, number, e) != 0)
		return -1;
	*epoch = number;
	return 0;
}
