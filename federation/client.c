/* The client: one authority, one kept-alive connection, TLS 1.3, no proxy, no other root than the authority's own. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "federation/federation.h"
#include "federation/tlsprovider.h"

struct client {
	CURL *curl;
	char url[512];
	uint8_t *body; /* grows to the largest answer so far, at most REPLY_MAX */
	size_t have, cap;
	bool too_large;
	struct reply reply;
	struct tlsprovider_key *key; /* NULL without client_use_key */
	char error[CURL_ERROR_SIZE];
};

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct client *c = arg;
	size_t add = size * n, need = c->have + add;

	if (add > REPLY_MAX || need > REPLY_MAX) {
		c->too_large = true;
		return 0;
	}
	if (need > c->cap) {
		size_t cap = need < 4096 ? 4096 : need * 2;
		uint8_t *grown = realloc(c->body, cap);

		if (!grown)
			return 0;
		c->body = grown;
		c->cap = cap;
	}
	memcpy(c->body + c->have, p, add);
	c->have = need;
	return add;
}

/* "Name: value\r\n" -> value in out when the name is the wanted one. */
static bool header_is(struct view line, const char *name, char *out, size_t cap)
{
	size_t n = strlen(name), at = n + 1, end = line.n;

	if (line.n <= n || strncasecmp((const char *)line.p, name, n) != 0 || line.p[n] != ':')
		return false;
	while (at < end && line.p[at] == ' ')
		at++;
	while (end > at && (line.p[end - 1] == '\r' || line.p[end - 1] == '\n' || line.p[end - 1] == ' '))
		end--;
	if (end - at >= cap)
		return false;
	memcpy(out, line.p + at, end - at);
	out[end - at] = '\0';
	return true;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct client *c = arg;
	struct view line = VIEW(p, size * n);
	char number[24];

	if (header_is(line, "Merestone-Size", number, sizeof number))
		c->reply.total_size = strtoull(number, NULL, 10);
	else
		(void)header_is(line, "Merestone-Sha256", c->reply.sha256, sizeof c->reply.sha256);
	return size * n;
}

static CURLcode set_all(struct client *c, const struct client_config *conf)
{
	CURL *h = c->curl;
	CURLcode rc = CURLE_OK;

	rc |= curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->error);
	rc |= curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "https");
	rc |= curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
	rc |= curl_easy_setopt(h, CURLOPT_CAINFO, conf->ca_file);
	rc |= curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
	rc |= curl_easy_setopt(h, CURLOPT_PROXY, "");
	rc |= curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	rc |= curl_easy_setopt(h, CURLOPT_MAXCONNECTS, 1L); /* a new identity pushes the old connection out */
	rc |= curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	rc |= curl_easy_setopt(h, CURLOPT_TIMEOUT, (long)REPLY_S);
	rc |= curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	rc |= curl_easy_setopt(h, CURLOPT_WRITEDATA, c);
	rc |= curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
	rc |= curl_easy_setopt(h, CURLOPT_HEADERDATA, c);
	if (conf->cert_file) {
		rc |= curl_easy_setopt(h, CURLOPT_SSLCERT, conf->cert_file);
		rc |= curl_easy_setopt(h, CURLOPT_SSLKEY, conf->key_file);
	}
	return rc;
}

struct client *client_open(const struct client_config *conf, struct err *e)
{
	struct client *c;

	if (strncmp(conf->url, "https://", 8) != 0 || strlen(conf->url) >= sizeof c->url) {
		err_set(e, WHY_MALFORMED, "the authority's address is \"%s\", expected https://HOST:PORT", conf->url);
		return NULL;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(c = calloc(1, sizeof *c))) {
		err_set(e, WHY_SYSTEM, "the HTTP client can not be set up");
		return NULL;
	}
	memcpy(c->url, conf->url, strlen(conf->url) + 1);
	c->curl = curl_easy_init();
	if (!c->curl || set_all(c, conf) != CURLE_OK) {
		client_close(c);
		err_set(e, WHY_SYSTEM, "the HTTP client can not be set up");
		return NULL;
	}
	return c;
}

void client_close(struct client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->curl);
	tlsprovider_key_free(c->key);
	free(c->body);
	free(c);
}

static CURLcode on_ssl_ctx(CURL *curl, void *ctx, void *arg)
{
	(void)curl;
	return tlsprovider_use(arg, ctx) == 0 ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

int client_use_key(struct client *c, const char *cert_pem, const struct tlskey *key, struct err *e)
{
	struct tlsprovider_key *k = tlsprovider_key_new(cert_pem, key, e);

	if (!k)
		return -1;
	tlsprovider_key_free(c->key);
	c->key = k;
	if (curl_easy_setopt(c->curl, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx) != CURLE_OK ||
	        curl_easy_setopt(c->curl, CURLOPT_SSL_CTX_DATA, k) != CURLE_OK)
		return err_set(e, WHY_SYSTEM, "the HTTP client can not use the key");
	/* the connection that is open was made without this certificate */
	if (curl_easy_setopt(c->curl, CURLOPT_FRESH_CONNECT, 1L) != CURLE_OK)
		return err_set(e, WHY_SYSTEM, "the HTTP client can not open a new connection");
	return 0;
}

static CURLcode set_request(
        struct client *c, const char *method, const char *url, const struct curl_slist *headers, struct view body)
{
	CURL *h = c->curl;
	CURLcode rc = CURLE_OK;

	rc |= curl_easy_setopt(h, CURLOPT_URL, url);
	rc |= curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
	if (strcmp(method, "GET") == 0) {
		rc |= curl_easy_setopt(h, CURLOPT_HTTPGET, 1L);
		rc |= curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, NULL);
	} else {
		rc |= curl_easy_setopt(h, CURLOPT_POST, 1L);
		/* NULL would be a body from standard input */
		rc |= curl_easy_setopt(h, CURLOPT_POSTFIELDS, body.p ? (const char *)body.p : "");
		rc |= curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
		rc |= curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, method);
	}
	return rc;
}

/* Why no answer came, in words a person can act on. */
static int no_answer(const struct client *c, CURLcode rc, struct err *e)
{
	const char *text = *c->error ? c->error : curl_easy_strerror(rc);

	if (c->too_large)
		return err_set(e, WHY_SYSTEM, "the answer of %s is larger than %d bytes", c->url, REPLY_MAX);
	err_set(e, WHY_SYSTEM, "no answer from %s: %s", c->url, text);
	if (rc == CURLE_COULDNT_CONNECT)
		return err_hint(e, "is the authority running, and is this its address?");
	if (rc == CURLE_PEER_FAILED_VERIFICATION)
		return err_hint(e, "the certificate there is not this authority's: check the address and ca.pem");
	return -1;
}

int client_call(struct client *c, const char *method, const char *path, const char *type, struct view body,
        struct reply *out, struct err *e)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
	char url[1024], content[128];
	long status = 0;
	CURLcode rc;

	if (snprintf(url, sizeof url, "%s%s", c->url, path) >= (int)sizeof url) {
		curl_slist_free_all(headers);
		return err_set(e, WHY_MALFORMED, "the path is too long");
	}
	if (type) {
		snprintf(content, sizeof content, "Content-Type: %s", type);
		headers = curl_slist_append(headers, content);
	}
	c->have = 0;
	c->too_large = false;
	*c->error = '\0';
	memset(&c->reply, 0, sizeof c->reply);
	rc = set_request(c, method, url, headers, body);
	if (rc == CURLE_OK)
		rc = curl_easy_perform(c->curl);
	curl_slist_free_all(headers);
	curl_easy_setopt(c->curl, CURLOPT_FRESH_CONNECT, 0L);
	if (rc != CURLE_OK || curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
		return no_answer(c, rc, e);
	c->reply.status = (int)status;
	c->reply.body = VIEW(c->body, c->have);
	*out = c->reply;
	return 0;
}

static enum why why_of_status(int status)
{
	switch (status) {
	case 400:
	case 405:
	case 413:
		return WHY_MALFORMED;
	case 401:
	case 403:
		return WHY_REFUSED;
	case 404:
		return WHY_UNKNOWN;
	case 409:
		return WHY_STALE;
	default:
		return WHY_SYSTEM;
	}
}

int client_refusal(const struct reply *r, struct err *e)
{
	AUTO(json_free) json_t *j = NULL;
	const json_t *error;
	const char *reason, *sentence, *hint;
	struct err parse = {0};
	enum why why = why_of_status(r->status);

	if (r->status >= 200 && r->status < 300)
		return 0;
	j = json_read(r->body, REPLY_MAX, &parse);
	error = j ? json_object_get(j, "error") : NULL;
	if (!error || json_get_str(error, "reason", &reason, &parse) ||
	        json_get_str(error, "sentence", &sentence, &parse))
		return err_set(e, why, "the authority answered with HTTP status %d and no reason", r->status);
	if (why_parse(reason) != WHY_COUNT && why_parse(reason) != WHY_NONE)
		why = why_parse(reason);
	hint = json_string_value(json_object_get(error, "hint"));
	err_set(e, why, "%s", sentence);
	if (hint && *hint)
		err_hint(e, "%s", hint);
	return -1;
}
