#include <openssl/pkcs7.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "firmware/firmware.h"
#include "firmware/image/bootkeys.h"

enum {
	BITS = 2048,
	YEARS = 30,
	LIST_HEAD = UEFI_GUID_LEN + 3 * 4,
	TIME = 16,            /* EFI_TIME */
	WIN_CERTIFICATE = 24, /* with its GUID */
	REVISION = 0x0200,
	TYPE_EFI_GUID = 0x0ef1,
	ATTRIBUTES = 0x27, /* non-volatile, boot and runtime access, time based authenticated write */
};

static const char *const NAMES[BOOTKEYS] = {"PK", "KEK", "db"};
static const uint8_t type_pkcs7[16] = {
        0x9d, 0xd2, 0xaf, 0x4a, 0xdf, 0x68, 0xee, 0x49, 0x8a, 0xa9, 0x34, 0x7d, 0x37, 0x56, 0x65, 0xa7};
const char *bootkey_name(enum bootkey k)
{
	return NAMES[k];
}

static int name_it(X509 *x, enum bootkey which)
{
	X509_NAME *n = X509_get_subject_name(x);
	char text[32];

	snprintf(text, sizeof text, "Merestone %s", NAMES[which]);
	return X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, n) == 1;
}

static X509 *certify(EVP_PKEY *key, enum bootkey which)
{
	X509 *x = X509_new();
	uint64_t serial = 0;

	if (x && RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 && X509_set_version(x, X509_VERSION_3) == 1 &&
	        ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1 | 1) == 1 && name_it(x, which) &&
	        X509_gmtime_adj(X509_getm_notBefore(x), -24 * 3600) &&
	        X509_time_adj_ex(X509_getm_notAfter(x), YEARS * 365, 0, NULL) && X509_set_pubkey(x, key) == 1 &&
	        X509_sign(x, key, EVP_sha256()) > 0)
		return x;
	X509_free(x);
	return NULL;
}

int bootkeys_make(struct bootkeys *out, struct err *e)
{
	AUTO(bootkeys_free) struct bootkeys k = {0};

	if (RAND_bytes(k.owner, sizeof k.owner) != 1)
		return err_set(e, WHY_SYSTEM, "no random numbers");
	k.owner[7] = (uint8_t)((k.owner[7] & 0x0f) | 0x40); /* RFC 9562 5.4; the third field is little-endian */
	k.owner[8] = (uint8_t)((k.owner[8] & 0x3f) | 0x80);
	for (enum bootkey i = 0; i < BOOTKEYS; i++) {
		k.key[i] = EVP_RSA_gen(BITS);
		k.cert[i] = k.key[i] ? certify(k.key[i], i) : NULL;
		if (!k.cert[i])
			return err_set(e, WHY_SYSTEM, "the key %s cannot be made", NAMES[i]);
	}
	*out = k;
	k = (struct bootkeys){0};
	return 0;
}

void bootkeys_free(struct bootkeys k)
{
	for (size_t i = 0; i < BOOTKEYS; i++) {
		EVP_PKEY_free(k.key[i]);
		X509_free(k.cert[i]);
	}
}

int bootkeys_list(const struct bootkeys *k, enum bootkey which, struct wr *w, struct err *e)
{
	unsigned char *der = NULL;
	int n = i2d_X509(k->cert[which], &der);

	if (n <= 0)
		return err_set(e, WHY_SYSTEM, "the certificate of %s cannot be written", NAMES[which]);
	wr_bytes(w, SIGLIST_X509, UEFI_GUID_LEN);
	wr_le32(w, (uint32_t)(LIST_HEAD + BOOTKEY_OWNER_LEN + n));
	wr_le32(w, 0);
	wr_le32(w, (uint32_t)(BOOTKEY_OWNER_LEN + n));
	wr_bytes(w, k->owner, sizeof k->owner);
	wr_bytes(w, der, (size_t)n);
	OPENSSL_free(der);
	return wr_ok(w) ? 0 : err_set(e, WHY_SYSTEM, "no room for the list of %s", NAMES[which]);
}

/* One date for all: firmware takes only what is newer than what it has, and a machine in Setup Mode has nothing. */
static void write_time(struct wr *w)
{
	wr_le16(w, 2026);
	wr_u8(w, 1);
	wr_u8(w, 1);
	for (int i = 0; i < TIME - 4; i++)
		wr_u8(w, 0);
}

/* What is signed: name without its NUL, name space, attributes, time, contents. */
static void write_signed(struct wr *w, enum bootkey which, struct view list)
{
	for (const char *c = NAMES[which]; *c; c++)
		wr_le16(w, (uint16_t)*c);
	wr_bytes(w, which == BOOTKEY_DB ? UEFI_SECURITY : UEFI_GLOBAL, UEFI_GUID_LEN);
	wr_le32(w, ATTRIBUTES);
	write_time(w);
	wr_view(w, list);
}

static int sign(const struct bootkeys *k, enum bootkey by, struct view message, unsigned char **der)
{
	BIO *b = BIO_new_mem_buf(message.p, (int)message.n);
	PKCS7 *p = b ? PKCS7_sign(k->cert[by], k->key[by], NULL, b, PKCS7_DETACHED | PKCS7_BINARY | PKCS7_NOATTR)
	             : NULL;
	/* UEFI wants the SignedData, without the ContentInfo around it */
	int n = p ? i2d_PKCS7_SIGNED(p->d.sign, der) : -1;

	PKCS7_free(p);
	BIO_free(b);
	return n;
}

int bootkeys_auth(const struct bootkeys *k, enum bootkey which, struct wr *w, struct err *e)
{
	uint8_t list[BOOTKEY_LIST_MAX], message[BOOTKEY_LIST_MAX + 64];
	struct wr l = wr_to(list, sizeof list), m = wr_to(message, sizeof message);
	unsigned char *der = NULL;

	if (bootkeys_list(k, which, &l, e))
		return -1;
	write_signed(&m, which, wr_done(&l));
	int n = sign(k, which == BOOTKEY_PK ? which : which - 1, wr_done(&m), &der);
	if (n <= 0)
		return err_set(e, WHY_SYSTEM, "the variable %s cannot be signed", NAMES[which]);
	write_time(w);
	wr_le32(w, (uint32_t)(WIN_CERTIFICATE + n));
	wr_le16(w, REVISION);
	wr_le16(w, TYPE_EFI_GUID);
	wr_bytes(w, type_pkcs7, sizeof type_pkcs7);
	wr_bytes(w, der, (size_t)n);
	wr_view(w, wr_done(&l));
	OPENSSL_free(der);
	return wr_ok(w) ? 0 : err_set(e, WHY_SYSTEM, "no room for the variable %s", NAMES[which]);
}
