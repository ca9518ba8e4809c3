/* tlsprovider: an OpenSSL provider for one kind of key, whose private half is elsewhere (struct tlskey). Private to
 * federation. Facts: door 6: EXPORT refuses when the private half is asked for, and so OpenSSL comes back for
 * signatures. */
#ifndef FEDERATION_TLSPROVIDER_H
#define FEDERATION_TLSPROVIDER_H

#include <openssl/ssl.h>

#include "federation/federation.h"

struct tlsprovider_key; /* a certificate chain and the key object that signs through the callback */

/* cert_pem: leaf first. The callback and its arg must outlive the key. WHY_UNTRUSTED when the certificate is of another
 * key. */
struct tlsprovider_key *tlsprovider_key_new(const char *cert_pem, const struct tlskey *key, struct err *e);
void tlsprovider_key_free(struct tlsprovider_key *k);
int tlsprovider_use(const struct tlsprovider_key *k, SSL_CTX *ctx); /* 0 or -1 */

#endif
