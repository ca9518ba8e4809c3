/* ekcert: what the files about EK certificates share. Private to attest/. */
#ifndef ATTEST_EKCERT_H
#define ATTEST_EKCERT_H

#include <openssl/x509.h>

#include "attest/attest.h"

typedef STACK_OF(X509) x509s;
AUTO_DEFINE(X509 *, X509_free)

/* ekroots.c */
struct ekroots {
	X509_STORE *store;
	size_t n;
};
/* An issuer's key costs no more to verify with than an ordinary one (A46): WHY_MALFORMED, WHY_UNTRUSTED. */
int ekroots_key_ok(X509 *c, struct err *e);

/* ekspki.c: the certificate's key is ek. WHY_FORGED. Its bytes are compared: OpenSSL reads no key that says RSAES-OAEP,
 * as some of Infineon's do. */
int ekspki_is_of(X509 *c, const struct ek_pub *ek, struct err *e);
/* The certificate itself, or a copy that says rsaEncryption instead, whose signature is then not its own any more. NULL
 * when its key is no key. The caller frees. */
X509 *ekspki_readable(X509 *c);

/* ekmaker.c: TCG EK Credential Profile 3.2.9. WHY_UNTRUSTED without the TPM maker's id in the subject alternative name. */
int ekmaker_named(X509 *c, struct err *e);
/* The maker that the first certificate of a verified chain names is who its issuers are (A38). */
int ekmaker_agrees(const x509s *chain, struct err *e);

#endif
