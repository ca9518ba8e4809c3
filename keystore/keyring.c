/* The authority's four keys as PEM files in the keeper's directory. dataset.key is a P-256 key like the others, so that
 * one encrypted format serves all; its private number is never used on the curve, only as the root of dataset keys. */
#include "keystore/keystore.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { PEM_MAX = 8 * 1024 }; /* an encrypted P-256 key is 500 bytes */

enum which { CA, LEASE, RESULT, DATASET, KEYS };
static const char *const FILES[KEYS] = {"ca.key", "lease.key", "result.key", "dataset.key"};

/* Never over an existing file: that would be the end of every lease and dataset. */
static int write_new(int dirfd, const char *name, struct view pem, struct err *e)
{
	AUTO(fd_close) int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return err_set(e, WHY_REFUSED, "%s is there already and is not replaced", name);
	if (fd < 0)
		return err_sys(e, "cannot create %s", name);
	if (fd_write_all(fd, pem.p, pem.n) == 0 && fsync(fd) == 0)
		return 0;
	err_sys(e, "cannot write %s", name);
	unlinkat(dirfd, name, 0);
	return -1;
}

static int create_key(int dirfd, const char *name, struct view pass, struct err *e)
{
	AUTO(es256_free) struct es256 *k = es256_generate(e);
	AUTO(mem_free) char *pem = NULL;
	size_t n = 0;
	if (!k || es256_private_pem(k, pass, &pem, &n, e) != 0)
		return err_in(e, "%s", name);
	int result = write_new(dirfd, name, VIEW(pem, n), e);
	mem_wipe(pem, n);
	return result;
}

int keyring_create(int dirfd, struct view pass, struct err *e)
{
	for (size_t i = 0; i < KEYS; i++) {
		if (create_key(dirfd, FILES[i], pass, e) == 0)
			continue;
		while (i-- > 0)
			unlinkat(dirfd, FILES[i], 0);
		return -1;
	}
	AUTO(fd_close) int dir = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir >= 0 && fsync(dir) == 0 ? 0 : err_sys(e, "cannot make the new keys durable");
}

static int only_owner(int dirfd, const char *name, struct err *e)
{
	struct stat st;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys(e, "cannot read %s", name);
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0) {
		err_set(e, WHY_SYSTEM, "%s can be read by others (mode %04o)", name, st.st_mode & 07777);
		return err_hint(e, "chmod 600 %s", name);
	}
	return 0;
}

static struct es256 *open_key(int dirfd, const char *name, struct view pass, struct err *e)
{
	uint8_t *pem = NULL;
	size_t n = 0;
	if (only_owner(dirfd, name, e) != 0 || file_read(dirfd, name, PEM_MAX, &pem, &n, e) != 0)
		return NULL;
	struct es256 *k = es256_from_pem(VIEW(pem, n), pass, e);
	mem_wipe(pem, n);
	free(pem);
	if (!k)
		err_in(e, "%s", name);
	return k;
}

static struct secret *open_root(int dirfd, const char *name, struct view pass, struct err *e)
{
	AUTO(es256_free) struct es256 *k = open_key(dirfd, name, pass, e);
	AUTO(secret_free) struct secret *root = secret_new();
	BIGNUM *number = NULL;
	if (!k)
		return NULL;
	if (!root) {
		err_sys(e, "no locked memory for %s", name);
		return NULL;
	}
	bool got = EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
	           BN_bn2binpad(number, root->b, SECRET_LEN) == SECRET_LEN;
	BN_clear_free(number);
	if (!got) {
		err_set(e, WHY_SYSTEM, "%s holds no private key", name);
		return NULL;
	}
	return TAKE(root);
}

int keyring_open(int dirfd, struct view pass, struct keyring *out, struct err *e)
{
	struct keyring k = {0};
	if ((k.ca = open_key(dirfd, FILES[CA], pass, e)) && (k.lease = open_key(dirfd, FILES[LEASE], pass, e)) &&
	        (k.result = open_key(dirfd, FILES[RESULT], pass, e)) &&
	        (k.dataset = open_root(dirfd, FILES[DATASET], pass, e))) {
		*out = k;
		return 0;
	}
	keyring_close(&k);
	return -1;
}

void keyring_close(struct keyring *k)
{
	es256_free(k->ca);
	es256_free(k->lease);
	es256_free(k->result);
	secret_free(k->dataset);
	*k = (struct keyring){0};
}

int keyring_dataset_key(const struct keyring *k, const char *domain, const char *dataset, uint32_t epoch,
        struct secret *out, struct err *e)
{
	uint8_t info[24 + 2 * (2 + NAME_CAP) + 4];
	struct wr w = wr_to(info, sizeof info);
	wr_str(&w, "merestone dataset key");
	wr_text16(&w, domain);
	wr_text16(&w, dataset);
	wr_be32(&w, epoch);
	if (!name_ok(domain) || !name_ok(dataset) || !wr_ok(&w))
		return err_set(e, WHY_MALFORMED, "no proper names of domain and dataset");
	hkdf256(out->b, VIEW_OF(k->dataset->b), wr_done(&w));
	return 0;
}
