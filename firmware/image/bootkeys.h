/* bootkeys: what an image is signed with. `merestone image keys` makes them once; they belong offline, but for those that
 * sign each release. */
#ifndef FIRMWARE_IMAGE_BOOTKEYS_H
#define FIRMWARE_IMAGE_BOOTKEYS_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/err.h"
#include "base/wr.h"

/* The Secure Boot variables, in the order in which each is signed by the one before; PK by itself. */
enum bootkey { BOOTKEY_PK, BOOTKEY_KEK, BOOTKEY_DB, BOOTKEYS };
const char *bootkey_name(enum bootkey k); /* "PK", "KEK", "db": also the variable's name */

enum { BOOTKEY_OWNER_LEN = 16, BOOTKEY_LIST_MAX = 4096, BOOTKEY_AUTH_MAX = 8192 };

struct bootkeys {
	EVP_PKEY *key[BOOTKEYS];
	X509 *cert[BOOTKEYS];
	uint8_t owner[BOOTKEY_OWNER_LEN]; /* a GUID that names whose entries they are */
};
/* RSA-2048, the size that every firmware takes, with self-signed certificates that end in thirty years. */
int bootkeys_make(struct bootkeys *k, struct err *e);
void bootkeys_free(struct bootkeys k);
AUTO_DEFINE(struct bootkeys, bootkeys_free)

/* UEFI 2.10 32.4.1: an EFI_SIGNATURE_LIST with the certificate alone. */
int bootkeys_list(const struct bootkeys *k, enum bootkey which, struct wr *w, struct err *e);
/* UEFI 2.10 8.2.2: the variable as firmware takes it in Setup Mode and after: EFI_VARIABLE_AUTHENTICATION_2, signed by the
 * key above, then the list. */
int bootkeys_auth(const struct bootkeys *k, enum bootkey which, struct wr *w, struct err *e);

#endif
