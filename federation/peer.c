/* X509-SVID (SPIFFE): exactly one URI name. The chain was checked by TLS; this is who it says, and whether still. */
#include <limits.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "federation/federation.h"

static bool skip(struct view *v, const char *text)
{
	size_t n = strlen(text);

	if (v->n < n || memcmp(v->p, text, n) != 0)
		return false;
	*v = VIEW(v->p + n, v->n - n);
	return true;
}

/* "cloudlet/" or "role/security-officer/" */
static enum role role_of_path(struct view *v)
{
	if (skip(v, "cloudlet/"))
		return ROLE_CLOUDLET;
	if (!skip(v, "role/"))
		return ROLE_NONE;
	for (enum role r = ROLE_OFFICER; r < ROLE_COUNT; r++) {
		struct view rest = *v;
		if (skip(&rest, role_name(r)) && skip(&rest, "/")) {
			*v = rest;
			return r;
		}
	}
	return ROLE_NONE;
}

int peer_of_uri(struct view uri, const char *trust_domain, struct peer *out, struct err *e)
{
	struct peer p = {0};

	if (!skip(&uri, "spiffe://") || !skip(&uri, trust_domain) || !skip(&uri, "/"))
		return err_set(e, WHY_UNTRUSTED, "the client certificate is not of the trust domain %s", trust_domain);
	p.role = role_of_path(&uri);
	if (p.role == ROLE_NONE || !name_get(p.name, uri))
		return err_set(
		        e, WHY_UNTRUSTED, "the client certificate names neither a cloudlet nor a person with a role");
	p.not_after = out->not_after;
	*out = p;
	return 0;
}

/* The only URI among the names, or an empty view. */
static struct view only_uri(const GENERAL_NAMES *names)
{
	struct view uri = {0};

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
		if (n->type != GEN_URI)
			continue;
		const ASN1_IA5STRING *s = n->d.uniformResourceIdentifier;
		if (uri.p)
			return VIEW(NULL, 0);
		uri = VIEW(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
	}
	return uri;
}

static int identity(X509 *x, const char *trust_domain, struct peer *out, struct err *e)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	struct view uri = names ? only_uri(names) : VIEW(NULL, 0);
	int r;

	if (uri.n == 0)
		r = err_set(e, WHY_UNTRUSTED, "the client certificate does not have exactly one URI name");
	else if (X509_check_ca(x) != 0 || (X509_get_extension_flags(x) & EXFLAG_CA))
		r = err_set(e, WHY_UNTRUSTED, "the client certificate is one of an issuer");
	else
		r = peer_of_uri(uri, trust_domain, out, e);
	GENERAL_NAMES_free(names);
	return r;
}

static int expiry(const X509 *x, time_t *out)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) != 1)
		return -1;
	*out = timegm(&tm);
	return 0;
}

int peer_of_cert(X509 *x, const char *trust_domain, time_t now, struct peer *out, struct err *e)
{
	struct peer p = {0};

	if (x) {
		if (expiry(x, &p.not_after) != 0)
			return err_set(e, WHY_UNTRUSTED, "the client certificate has no readable end");
		if (now > p.not_after)
			return err_set(e, WHY_UNTRUSTED, "the client certificate has expired");
		if (identity(x, trust_domain, &p, e) != 0)
			return -1;
	}
	*out = p;
	return 0;
}

int peer_may(const struct peer *p, const struct route *r, struct err *e)
{
	if (r->roles & (1u << p->role))
		return 0;
	if (p->role == ROLE_NONE) {
		err_set(e, WHY_UNTRUSTED, "%s needs a client certificate", r->pattern);
		return 401;
	}
	err_set(e, WHY_REFUSED, "%s is not for the role %s", r->pattern, role_name(p->role));
	return 403;
}
