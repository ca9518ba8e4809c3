/* ek import-roots: vendor certificates out of files become one signed document; each that is refused is named. */
#include <dirent.h>
#include <errno.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/wr.h"
#include "cmd/cmddocument.h"

static const char BEGIN[] = "-----BEGIN CERTIFICATE-----", END[] = "-----END CERTIFICATE-----";

struct bundle {
	char *text; /* PEM, DOCUMENT_MAX */
	struct wr w;
	size_t kept, refused;
};

static void refuse(struct bundle *b, const char *file, const struct err *why)
{
	fprintf(stderr, "merestone: refused: %s: %s\n", file, why->text);
	b->refused++;
}

/* One certificate in PEM; the same again is nothing new. */
static void add(struct bundle *b, const char *file, struct view pem)
{
	struct err why = {0};
	AUTO(ekroots_free) struct ekroots *root = ekroots_read(pem, &why);

	if (!root) {
		refuse(b, file, &why);
	} else if (!memmem(b->text, b->w.n, pem.p, pem.n)) {
		wr_view(&b->w, pem);
		wr_str(&b->w, "\n");
		b->kept++;
	}
}

static void add_pem(struct bundle *b, const char *file, struct view v)
{
	const uint8_t *begin;

	while (v.n > 0 && (begin = memmem(v.p, v.n, BEGIN, sizeof BEGIN - 1))) {
		v = VIEW(begin, v.n - (size_t)(begin - v.p));
		const uint8_t *end = memmem(v.p, v.n, END, sizeof END - 1);
		size_t n = end ? (size_t)(end - begin) + sizeof END - 1 : v.n;
		add(b, file, VIEW(begin, n));
		v = VIEW(begin + n, v.n - n);
	}
}

static void add_der(struct bundle *b, const char *file, struct view v)
{
	const uint8_t *p = v.p;
	X509 *c = v.n <= EK_CERT_MAX ? d2i_X509(NULL, &p, (long)v.n) : NULL;
	BIO *out = BIO_new(BIO_s_mem());
	struct err why;
	char *text = NULL;
	long n = 0;

	if (c && out && p == v.p + v.n && PEM_write_bio_X509(out, c) == 1)
		n = BIO_get_mem_data(out, &text);
	if (n > 0) {
		add_pem(b, file, VIEW(text, (size_t)n));
	} else {
		err_set(&why, WHY_MALFORMED, "it holds no certificate, in PEM or DER");
		refuse(b, file, &why);
	}
	BIO_free(out);
	X509_free(c);
}

static int add_file(struct bundle *b, const char *path, struct err *e)
{
	AUTO(mem_free) char *bytes = NULL;
	uint8_t *p = NULL;
	size_t n = 0;

	if (cli_read(path, &p, &n, e))
		return -1;
	bytes = (char *)p;
	if (memmem(p, n, BEGIN, sizeof BEGIN - 1))
		add_pem(b, path, VIEW(p, n));
	else
		add_der(b, path, VIEW(p, n));
	return wr_ok(&b->w)
	               ? 0
	               : err_set(e, WHY_MALFORMED, "the certificates do not fit a document of %d bytes", DOCUMENT_MAX);
}

/* In the order of their names, so that the same directory gives the same document. */
static int add_directory(struct bundle *b, const char *path, struct err *e)
{
	struct dirent **entry = NULL;
	int n = scandir(path, &entry, NULL, alphasort), bad = 0;
	char file[4096];

	if (n < 0)
		return err_sys(e, "%s", path);
	for (int i = 0; i < n; i++) {
		struct stat st;
		int len = snprintf(file, sizeof file, "%s/%s", path, entry[i]->d_name);
		if (!bad && len > 0 && (size_t)len < sizeof file && stat(file, &st) == 0 && S_ISREG(st.st_mode))
			bad = add_file(b, file, e);
		free(entry[i]);
	}
	free(entry);
	return bad;
}

static int gather(struct bundle *b, const char *path, struct err *e)
{
	struct stat st;

	if (strcmp(path, "-") != 0 && stat(path, &st) != 0)
		return err_sys(e, "%s", path);
	int bad = strcmp(path, "-") != 0 && S_ISDIR(st.st_mode) ? add_directory(b, path, e) : add_file(b, path, e);
	if (bad)
		return -1;
	return b->kept > 0 ? 0 : err_set(e, WHY_MALFORMED, "%s holds no certificate that can be pinned", path);
}

int cmd_ek_import_roots(struct cli *c, struct err *e)
{
	const char *name = "vendors", *version = NULL;
	AUTO(mem_free) char *text = malloc(DOCUMENT_MAX);
	AUTO(json_free) json_t *body = NULL;
	struct bundle b = {.text = text};

	(void)cli_option(c, "--name", &name);
	(void)cli_option(c, "--version", &version);
	if (!cli_args(c, 1, 1, e))
		return CLI_USAGE;
	if (!text)
		return err_sys(e, "memory for a document");
	b.w = wr_to(text, DOCUMENT_MAX);
	if (gather(&b, c->argv[0], e))
		return -1;
	body = json_pack("{s:s%}", "roots", b.text, b.w.n);
	if (cmddocument_put(c, DOC_VENDOR, name, version, body, e))
		return -1;
	if (!c->json)
		printf("%zu certificates are pinned, %zu were refused\n", b.kept, b.refused);
	return 0;
}
