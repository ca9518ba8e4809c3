#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#include "attest/ekcert.h"

#define OID_MANUFACTURER "2.23.133.2.1" /* tcg-at-tpmManufacturer */

/* TCG TPM Vendor ID Registry 1.06: four characters, in hexadecimal in the certificate. Makers whose roots we know; who
 * makes TPMs under another name is believed as far as its root is. */
static const struct maker {
	const char *id, *organization;
} makers[] = {
        {"id:414D4400", "Advanced Micro Devices"},
        {"id:49465800", "Infineon"},
        {"id:494E5443", "Intel"},
        {"id:4E544300", "Nuvoton"},
        {"id:4E545A00", "Nationz"},
        {"id:53544D20", "STMicroelectronics"},
};

static const struct maker *of_id(const char *id)
{
	for (size_t i = 0; i < COUNT(makers); i++)
		if (strcasecmp(makers[i].id, id) == 0)
			return &makers[i];
	return NULL;
}

static const struct maker *of_name(const X509_NAME *name)
{
	char text[128] = "";

	(void)X509_NAME_get_text_by_NID((X509_NAME *)name, NID_organizationName, text, sizeof text);
	for (size_t i = 0; i < COUNT(makers); i++)
		if (strncasecmp(text, makers[i].organization, strlen(makers[i].organization)) == 0)
			return &makers[i];
	return NULL;
}

static bool in_name(const X509_NAME *name, char *out, size_t cap)
{
	char oid[64];

	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
		const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
		size_t n = (size_t)ASN1_STRING_length(value);
		OBJ_obj2txt(oid, sizeof oid, X509_NAME_ENTRY_get_object(entry), 1);
		if (strcmp(oid, OID_MANUFACTURER) != 0 || n == 0 || n >= cap)
			continue;
		memcpy(out, ASN1_STRING_get0_data(value), n);
		out[n] = 0;
		return true;
	}
	return false;
}

static bool read_id(X509 *c, char *out, size_t cap)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(c, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
		found = n->type == GEN_DIRNAME && in_name(n->d.directoryName, out, cap);
	}
	GENERAL_NAMES_free(names);
	return found;
}

int ekmaker_named(X509 *c, struct err *e)
{
	char id[32];

	if (read_id(c, id, sizeof id))
		return 0;
	return err_set(e, WHY_UNTRUSTED, "it does not name the TPM's maker (TCG EK Credential Profile 3.2.9)");
}

int ekmaker_agrees(const x509s *chain, struct err *e)
{
	X509 *leaf = sk_X509_value(chain, 0);
	char id[32] = "";
	const struct maker *said = read_id(leaf, id, sizeof id) ? of_id(id) : NULL;
	const struct maker *by = of_name(X509_get_issuer_name(leaf));

	if (said && by != said)
		return err_set(
		        e, WHY_UNTRUSTED, "it names %s as the TPM's maker, who did not issue it", said->organization);
	for (int i = 1; i < sk_X509_num(chain); i++) {
		by = of_name(X509_get_subject_name(sk_X509_value(chain, i)));
		if (by && by != said)
			return err_set(e, WHY_UNTRUSTED, "%s issued it for a TPM of another maker", by->organization);
	}
	return 0;
}
