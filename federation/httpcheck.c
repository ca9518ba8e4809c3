/* Request smuggling lives on what two readers understand differently; here there is one reading, or a refusal. */
#include <event2/keyvalq_struct.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "federation/doorway.h"

/* RFC 9110 5.6.2 */
static bool token(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s >= 127 || strchr("\"(),/:;<=>?@[\\]{}", *s))
			return false;
	return true;
}

static bool printable(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < ' ' && *s != '\t') || *s == 127)
			return false;
	return true;
}

static bool digits(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n > 0 && n <= 10 && s[n] == '\0';
}

static const char *only(const struct evkeyvalq *headers, const char *name, unsigned *count)
{
	const struct evkeyval *h;
	const char *value = NULL;

	*count = 0;
	TAILQ_FOREACH(h, headers, next)
	{
		if (strcasecmp(h->key, name) != 0)
			continue;
		(*count)++;
		value = h->value;
	}
	return value;
}

static int names_and_values(const struct evkeyvalq *headers, struct err *e)
{
	const struct evkeyval *h;

	TAILQ_FOREACH(h, headers, next)
	{
		if (!token(h->key))
			return err_set(e, WHY_MALFORMED, "RFC 9110 5.1: a header's name is not a token");
		if (!printable(h->value))
			return err_set(e, WHY_MALFORMED, "RFC 9110 5.5: the header %s has control characters", h->key);
	}
	return 0;
}

int httpcheck_framing(const struct evkeyvalq *headers, const char *uri, struct err *e)
{
	unsigned n;

	if (!uri || uri[0] != '/')
		return err_set(e, WHY_MALFORMED, "RFC 9112 3.2.1: the request's target is not a path");
	if (names_and_values(headers, e) != 0)
		return -1;
	(void)only(headers, "Transfer-Encoding", &n);
	if (n > 0)
		return err_set(
		        e, WHY_MALFORMED, "RFC 9112 6.1: a Transfer-Encoding is not taken here, give the length");
	const char *length = only(headers, "Content-Length", &n);
	if (n > 1)
		return err_set(e, WHY_MALFORMED, "RFC 9112 6.3: there is more than one Content-Length");
	if (length && !digits(length))
		return err_set(e, WHY_MALFORMED, "RFC 9110 8.6: the Content-Length is not a number");
	(void)only(headers, "Host", &n);
	if (n != 1)
		return err_set(e, WHY_MALFORMED, "RFC 9112 3.2: there is not exactly one Host");
	(void)only(headers, "Upgrade", &n);
	if (n > 0)
		return err_set(e, WHY_MALFORMED, "this server changes to no other protocol");
	return 0;
}

int httpcheck_body(const struct evkeyvalq *headers, const char *type, size_t n, struct err *e)
{
	unsigned types, lengths;
	const char *is = only(headers, "Content-Type", &types);

	(void)only(headers, "Content-Length", &lengths);
	if (!type)
		return n == 0 ? 0 : err_set(e, WHY_MALFORMED, "this route takes no body");
	if (lengths != 1)
		return err_set(e, WHY_MALFORMED, "this route needs a Content-Length");
	if (types != 1 || strcasecmp(is, type) != 0)
		return err_set(e, WHY_MALFORMED, "this route takes exactly one Content-Type, %s", type);
	return 0;
}
