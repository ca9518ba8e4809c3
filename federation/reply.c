#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

#include "federation/doorway.h"

enum { RECORD_MAX = 16 * 1024 }; /* a TLS record */

static const char *phrase(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 409:
		return "Conflict";
	case 413:
		return "Content Too Large";
	default:
		return "Service Unavailable";
	}
}

static void header(struct evhttp_request *req, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(req), name, value);
}

void reply_close(struct evhttp_request *req)
{
	header(req, "Connection", "close");
}

/* evhttp leaves header and body apart: each would be a record, a system call and a segment of its own. */
static void join(struct evhttp_connection *ec)
{
	struct evbuffer *out = ec ? bufferevent_get_output(evhttp_connection_get_bufferevent(ec)) : NULL;

	if (out && evbuffer_get_length(out) <= RECORD_MAX)
		(void)evbuffer_pullup(out, -1);
}

static void dispatch(struct evhttp_request *req, int status, struct evbuffer *body)
{
	struct evhttp_connection *ec = evhttp_request_get_connection(req);
	struct conn *c = conn_of(req);

	if (c)
		conn_drain(c, req);
	evhttp_send_reply(req, status, phrase(status), body);
	join(ec);
}

void reply_json(struct evhttp_request *req, int status, struct view json)
{
	struct evbuffer *body = evbuffer_new();

	header(req, "Content-Type", "application/json");
	if (!body || evbuffer_add(body, json.p, json.n) != 0)
		reply_close(req);
	dispatch(req, status, body);
	if (body)
		evbuffer_free(body);
}

void reply_refuse(struct evhttp_request *req, int status, const struct err *e)
{
	char text[4 * (ERR_TEXT_MAX + ERR_HINT_MAX)];
	struct wr w = wr_to(text, sizeof text);
	struct jw j = jw_to(&w);

	jw_obj(&j, NULL);
	jw_obj(&j, "error");
	jw_str(&j, "reason", why_name(e->why));
	jw_str(&j, "sentence", e->text);
	if (e->hint[0])
		jw_str(&j, "hint", e->hint);
	jw_end_obj(&j);
	jw_end_obj(&j);
	reply_json(req, status ? status : why_http(e->why), wr_done(&w));
}

static void give_back(const void *p, size_t n, void *arg)
{
	(void)p;
	(void)n;
	free(arg);
}

void reply_octets(struct evhttp_request *req, uint8_t *p, size_t n)
{
	struct evbuffer *body = evbuffer_new();
	struct err e;

	if (body && (n == 0 || evbuffer_add_reference(body, p, n, give_back, p) == 0)) {
		header(req, "Content-Type", "application/octet-stream");
		dispatch(req, 200, body);
		p = n == 0 ? p : NULL;
	} else {
		err_set(&e, WHY_SYSTEM, "there is no memory for the reply");
		reply_refuse(req, 0, &e);
	}
	free(p);
	if (body)
		evbuffer_free(body);
}
