/* image keys: the keys of an appliance, into a new directory. */
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/es256.h"
#include "base/file.h"
#include "cmd/cli.h"
#include "firmware/image/bootkeys.h"

/* pcr signs what the state volume opens in, update signs releases, recovery opens the state of a machine that cannot. */
static const char *const SIGNERS[] = {"pcr", "update", "recovery"};

static int put(int dir, const char *name, const char *suffix, struct view v, mode_t mode, struct err *e)
{
	char path[32];

	snprintf(path, sizeof path, "%s.%s", name, suffix);
	return file_write(dir, path, v, mode, e);
}

static int put_bio(int dir, const char *name, const char *suffix, BIO *b, mode_t mode, struct err *e)
{
	char *p = NULL;
	long n = BIO_get_mem_data(b, &p);
	int rc = n > 0 ? put(dir, name, suffix, VIEW(p, (size_t)n), mode, e)
	               : err_set(e, WHY_SYSTEM, "%s.%s cannot be written", name, suffix);

	if (n > 0)
		mem_wipe(p, (size_t)n);
	return rc;
}

static int put_pem(int dir, const struct bootkeys *k, enum bootkey i, struct err *e)
{
	BIO *key = BIO_new(BIO_s_secmem()), *cert = BIO_new(BIO_s_mem());
	int rc = -1;

	if (!key || !cert || PEM_write_bio_PKCS8PrivateKey(key, k->key[i], NULL, NULL, 0, NULL, NULL) != 1 ||
	        PEM_write_bio_X509(cert, k->cert[i]) != 1)
		err_set(e, WHY_SYSTEM, "%s cannot be written as PEM", bootkey_name(i));
	else
		rc = put_bio(dir, bootkey_name(i), "key", key, 0600, e) ||
		                     put_bio(dir, bootkey_name(i), "crt", cert, 0644, e)
		             ? -1
		             : 0;
	BIO_free(key);
	BIO_free(cert);
	return rc;
}

static int put_variables(int dir, const struct bootkeys *k, enum bootkey i, struct err *e)
{
	uint8_t list[BOOTKEY_LIST_MAX], auth[BOOTKEY_AUTH_MAX];
	struct wr l = wr_to(list, sizeof list), a = wr_to(auth, sizeof auth);

	if (bootkeys_list(k, i, &l, e) || bootkeys_auth(k, i, &a, e))
		return -1;
	return put(dir, bootkey_name(i), "esl", wr_done(&l), 0644, e) ||
	                       put(dir, bootkey_name(i), "auth", wr_done(&a), 0644, e)
	               ? -1
	               : 0;
}

static int put_boot_keys(int dir, struct err *e)
{
	AUTO(bootkeys_free) struct bootkeys k = {0};

	if (bootkeys_make(&k, e))
		return -1;
	for (enum bootkey i = 0; i < BOOTKEYS; i++)
		if (put_pem(dir, &k, i, e) || put_variables(dir, &k, i, e))
			return -1;
	return 0;
}

static int put_signer(int dir, const char *name, struct err *e)
{
	AUTO(es256_free) struct es256 *k = es256_generate(e);
	AUTO(mem_free) char *private = NULL, *public = NULL;
	size_t nprivate = 0, npublic = 0;

	if (!k || es256_private_pem(k, VIEW(NULL, 0), &private, &nprivate, e) ||
	        es256_public_pem(k, &public, &npublic, e))
		return -1;
	int rc = put(dir, name, "key", VIEW(private, nprivate), 0600, e) ||
	         put(dir, name, "pub", VIEW(public, npublic), 0644, e);
	mem_wipe(private, nprivate);
	return rc ? -1 : 0;
}

/* Never over keys that are there: machines in the field trust them. */
static int new_directory(const char *path, int *dir, struct err *e)
{
	if (mkdir(path, 0700)) {
		err_sys(e, "%s", path);
		return err_hint(e, "name a directory that does not exist: keys are not replaced");
	}
	*dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *dir < 0 ? err_sys(e, "%s", path) : 0;
}

int cmd_image_keys(struct cli *c, struct err *e)
{
	AUTO(fd_close) int dir = -1;

	if (!cli_args(c, 1, 1, e))
		return CLI_USAGE;
	if (new_directory(c->argv[0], &dir, e) || put_boot_keys(dir, e))
		return -1;
	for (size_t i = 0; i < COUNT(SIGNERS); i++)
		if (put_signer(dir, SIGNERS[i], e))
			return -1;
	printf("%s: PK, KEK and db for Secure Boot; pcr, update and recovery\n", c->argv[0]);
	puts("PK.key, KEK.key and recovery.key belong offline; db.key, pcr.key and update.key sign each release.");
	return 0;
}
