/* init: an authority from nothing. Keys and certificates are made here, in an empty directory, and nowhere else. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/cli.h"
#include "keystore/keystore.h"

enum { HOSTS_MAX = 16, PEM_MAX = 1024 * 1024, YEAR_S = 365 * 24 * 3600, PASSPHRASE_MIN = 12 };

struct plan {
	int dir;
	const char *trust_domain, *listen;
	const char *hosts[HOSTS_MAX + 1];
	char host[64];     /* of listen */
	char address[400]; /* in the kits */
	const char *passphrase_file;
	char *roots; /* PEM of the vendors, NULL for none */
	size_t nroots;
	struct keyring keys;
	struct view ca;
	char *ca_pem;
};

static bool domain_ok(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n < 256 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == n;
}

/* An empty directory of our own, or one that is not there yet: init never writes into somebody's files. */
static int open_empty(const char *path, int *out, struct err *e)
{
	struct dirent *entry;
	int n = 0, copy;
	DIR *d;

	if (mkdir(path, 0755) && errno != EEXIST)
		return err_sys(e, "%s", path);
	*out = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	copy = *out < 0 ? -1 : openat(*out, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d)
		return err_sys(e, "%s", path);
	while ((entry = readdir(d)) != NULL)
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(d);
	if (n > 0) {
		err_set(e, WHY_REFUSED, "%s is not empty", path);
		return err_hint(e, "an authority is never overwritten: choose another directory");
	}
	return 0;
}

static int write_text(const struct plan *p, const char *name, const char *text, mode_t mode, struct err *e)
{
	return file_write(p->dir, name, VIEW(text, strlen(text)), mode, e);
}

static int write_key(const struct plan *p, const char *name, const struct es256 *k, struct err *e)
{
	char *pem = NULL;
	size_t n = 0;
	int rc;

	if (es256_private_pem(k, VIEW("", 0), &pem, &n, e))
		return -1;
	rc = file_write(p->dir, name, VIEW(pem, n), 0600, e);
	mem_wipe(pem, n);
	free(pem);
	return rc;
}

static int write_public(const struct plan *p, const char *name, const struct es256 *k, struct err *e)
{
	AUTO(mem_free) char *pem = NULL;
	size_t n = 0;

	if (es256_public_pem(k, &pem, &n, e))
		return -1;
	return file_write(p->dir, name, VIEW(pem, n), 0644, e);
}

/* A fresh TLS key and its certificate as DIR/tls.key and DIR/tls.pem. */
static int write_tls(const struct plan *p, const char *dir, const char *path, const char *const *hosts, struct err *e)
{
	AUTO(es256_free) struct es256 *key = es256_generate(e);
	AUTO(mem_free) char *pem = NULL;
	char name[128];
	time_t now = time(NULL);
	struct ca_request q = {.trust_domain = p->trust_domain,
	        .path = path,
	        .hosts = hosts,
	        .not_before = now - 60,
	        .not_after = now + YEAR_S};

	if (!key)
		return -1;
	q.pub = key->pub;
	if (ca_issue(p->keys.ca, p->ca, &q, &pem, e))
		return -1;
	snprintf(name, sizeof name, "%s/tls.key", dir);
	if (write_key(p, name, key, e))
		return -1;
	snprintf(name, sizeof name, "%s/tls.pem", dir);
	if (write_text(p, name, pem, 0644, e))
		return -1;
	snprintf(name, sizeof name, "%s/ca.pem", dir);
	return write_text(p, name, p->ca_pem, 0644, e);
}

static int write_kit(const struct plan *p, const char *kit, const char *role, struct err *e)
{
	AUTO(json_free)
	json_t *j = json_pack("{s:s, s:s, s:s}", "url", p->address, "trust_domain", p->trust_domain, "name", kit);
	AUTO(mem_free) char *text = j ? json_dumps(j, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;
	char path[128];

	if (!text)
		return err_set(e, WHY_SYSTEM, "memory for kit.json");
	if (file_mkdir(p->dir, kit, 0700, e))
		return -1;
	snprintf(path, sizeof path, "role/%s/%s", role, kit);
	if (write_tls(p, kit, path, NULL, e))
		return -1;
	snprintf(path, sizeof path, "%s/kit.json", kit);
	if (write_text(p, path, text, 0644, e))
		return -1;
	snprintf(path, sizeof path, "%s/authority.pub", kit);
	return write_public(p, path, p->keys.result, e);
}

static int write_officer(const struct plan *p, struct err *e)
{
	AUTO(es256_free) struct es256 *officer = es256_generate(e);

	if (!officer || write_key(p, "officer/officer.key", officer, e))
		return -1;
	return write_public(p, "decider/officers.pem", officer, e);
}

static int write_settings(const struct plan *p, struct err *e)
{
	AUTO(json_free) json_t *hosts = json_array();
	AUTO(json_free) json_t *j = NULL;
	AUTO(mem_free) char *text = NULL;

	for (int i = 0; p->hosts[i]; i++)
		json_array_append_new(hosts, json_string(p->hosts[i]));
	j = json_pack("{s:s, s:s, s:s, s:O, s:i}", "format", "merestone-authority/1", "trust_domain", p->trust_domain,
	        "listen", p->listen, "hosts", hosts, "workers", (int)sysconf(_SC_NPROCESSORS_ONLN));
	text = j ? json_dumps(j, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;
	if (!text)
		return err_set(e, WHY_SYSTEM, "memory for authority.json");
	return write_text(p, "authority.json", text, 0644, e);
}

/* The vendor roots are checked before anything is made: a file that pins nothing would be found out much later. */
static int read_roots(struct plan *p, const char *path, struct err *e)
{
	AUTO(ekroots_free) struct ekroots *roots = NULL;
	uint8_t *pem = NULL;

	if (!path)
		return 0;
	if (file_read(AT_FDCWD, path, PEM_MAX, &pem, &p->nroots, e))
		return -1;
	p->roots = (char *)pem;
	if (!memmem(pem, p->nroots, "-----BEGIN CERTIFICATE-----", 27))
		return err_set(e, WHY_MALFORMED, "%s holds no certificate in PEM", path);
	roots = ekroots_read(VIEW(pem, p->nroots), e);
	return roots ? 0 : err_in(e, "%s", path);
}

static int write_roots(const struct plan *p, struct err *e)
{
	return file_write(p->dir, "decider/ek-roots.pem", VIEW(p->roots, p->nroots), 0644, e);
}

static int open_keys(struct plan *p, struct view pass, struct err *e)
{
	AUTO(fd_close) int keeper = -1;

	if (file_mkdir(p->dir, "keeper", 0700, e))
		return -1;
	keeper = openat(p->dir, "keeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (keeper < 0)
		return err_sys(e, "keeper");
	if (keyring_create(keeper, pass, e) || keyring_open(keeper, pass, &p->keys, e) ||
	        ca_self(p->keys.ca, p->trust_domain, time(NULL), &p->ca_pem, e))
		return -1;
	p->ca = VIEW(p->ca_pem, strlen(p->ca_pem));
	return 0;
}

static int make_keys(struct plan *p, struct err *e)
{
	uint8_t *pass = NULL;
	size_t n = 0;
	int rc;

	if (p->passphrase_file && file_read(AT_FDCWD, p->passphrase_file, 1024, &pass, &n, e))
		return -1;
	while (n > 0 && (pass[n - 1] == '\n' || pass[n - 1] == '\r'))
		n--;
	if (p->passphrase_file && n < PASSPHRASE_MIN)
		rc = err_set(e, WHY_REFUSED, "the passphrase is shorter than %d characters", PASSPHRASE_MIN);
	else
		rc = open_keys(p, VIEW(pass, n), e);
	if (pass)
		mem_wipe(pass, n);
	free(pass);
	return rc;
}

static int build(struct plan *p, struct err *e)
{
	static const char *const dirs[] = {"door", "door/blobs", "judge", "decider"};

	if (make_keys(p, e))
		return -1;
	for (size_t i = 0; i < COUNT(dirs); i++)
		if (file_mkdir(p->dir, dirs[i], 0700, e))
			return -1;
	if (write_tls(p, "door", "authority", p->hosts, e) || write_kit(p, "officer", "security-officer", e) ||
	        write_kit(p, "auditor", "auditor", e) || write_officer(p, e) || write_roots(p, e))
		return -1;
	if (write_text(p, "keeper/ca.pem", p->ca_pem, 0644, e) || write_text(p, "ca.pem", p->ca_pem, 0644, e) ||
	        write_public(p, "authority.pub", p->keys.result, e))
		return -1;
	return write_settings(p, e); /* last: without it merestoned does not start */
}

/* The host of "HOST:PORT" or "[HOST]:PORT"; merestoned reads the address closely, here it only becomes a name. */
static int listen_host(struct plan *p, struct err *e)
{
	const char *from = p->listen, *colon = strrchr(from, ':');
	size_t n = colon ? (size_t)(colon - from) : 0;

	if (n > 2 && from[0] == '[' && from[n - 1] == ']') {
		from++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof p->host)
		return err_set(e, WHY_MALFORMED,
		        "--listen is \"%s\", expected an address and a port like 127.0.0.1:8443", p->listen);
	memcpy(p->host, from, n);
	return 0;
}

/* The names in the door's certificate, and the first of them, with the port, as the address in the kits. */
static int name_door(struct cli *c, struct plan *p, struct err *e)
{
	int n = 0;

	if (listen_host(p, e))
		return -1;
	while (n < HOSTS_MAX && cli_option(c, "--host", &p->hosts[n]))
		n++;
	if (n > 0) {
		bool bare = strchr(p->hosts[0], ':') != NULL; /* an IPv6 address */

		snprintf(p->address, sizeof p->address, "https://%s%.255s%s%s", bare ? "[" : "", p->hosts[0],
		        bare ? "]" : "", strrchr(p->listen, ':'));
		return 0;
	}
	p->hosts[n++] = p->host;
	p->hosts[n++] = "localhost";
	snprintf(p->address, sizeof p->address, "https://%s", p->listen);
	return 0;
}

static void tell(const struct cli *c, const struct plan *p)
{
	if (c->json) {
		AUTO(json_free)
		json_t *j = json_pack("{s:s, s:s*, s:s}", "trust_domain", p->trust_domain, "directory", c->argv[0],
		        "url", p->address);

		cli_print_json(j);
	} else {
		printf("authority of %s in %s\nkeep %s/officer on the officer's machine: its key signs every change of "
		       "trust\n",
		        p->trust_domain, c->argv[0], c->argv[0]);
	}
}

int cmd_init(struct cli *c, struct err *e)
{
	struct plan p = {.dir = -1, .listen = "127.0.0.1:8443"};
	const char *roots = NULL;
	int rc;

	(void)cli_option(c, "--listen", &p.listen);
	(void)cli_option(c, "--ek-roots", &roots);
	(void)cli_option(c, "--passphrase-file", &p.passphrase_file);
	if (name_door(c, &p, e))
		return -1;
	if (!cli_option(c, "--trust-domain", &p.trust_domain) || !cli_args(c, 1, 1, e))
		return CLI_USAGE;
	if (!domain_ok(p.trust_domain))
		return err_set(e, WHY_MALFORMED, "\"%s\" is not a trust domain: small letters, digits, dots, dashes",
		        p.trust_domain);
	rc = read_roots(&p, roots, e) || open_empty(c->argv[0], &p.dir, e) || build(&p, e) ? -1 : 0;
	if (rc == 0)
		tell(c, &p);
	keyring_close(&p.keys);
	fd_close(p.dir);
	free(p.ca_pem);
	free(p.roots);
	return rc;
}
