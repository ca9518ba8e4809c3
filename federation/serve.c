/* A whole request: framing, route, peer, role, size, type, then whoever answers. Each refusal is one sentence. */
#include "federation/doorway.h"

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/log.h"

struct call {
	struct door *door;
	struct conn *conn;
	struct evhttp_request *req;
	const struct route *route;
	struct route_args args;
	struct peer peer;
	struct view body;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void header(struct evhttp_request *req, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(req), name, value);
}

/* ---- The four things a route does: 0 (answered, or will be), or an HTTP status for *e ---- */

static int do_ask(struct call *c, struct err *e)
{
	struct ask a = {.kind = c->route->ask, .role = c->peer.role, .body = c->body};

	if (c->route->ask == ASK_QUERY)
		a.body = c->args.query;
	memcpy(a.peer, c->peer.name, sizeof a.peer);
	if (c->peer.role == ROLE_NONE && !bucket_take(c->door->buckets, conn_address(c->conn), now_ms())) {
		err_set(e, WHY_SYSTEM, "too many enrolments came from your address");
		err_hint(e, "wait a second");
		return 503;
	}
	return forward_ask(c->door->forward, c->req, &a, e) == 0 ? 0 : 503;
}

/* {"size":N}, of a refused part with the error in front, so the sender knows where to go on. */
static void reply_size(struct call *c, int status, const struct err *why, uint64_t size)
{
	char text[4 * ERR_TEXT_MAX];
	struct wr w = wr_to(text, sizeof text);
	struct jw j = jw_to(&w);

	jw_obj(&j, NULL);
	if (why) {
		jw_obj(&j, "error");
		jw_str(&j, "reason", why_name(why->why));
		jw_str(&j, "sentence", why->text);
		jw_end_obj(&j);
	}
	jw_int(&j, "size", (int64_t)size);
	if (!why && c->args.last)
		jw_hex(&j, "sha256", VIEW_OF(c->args.sha256));
	jw_end_obj(&j);
	reply_json(c->req, status, wr_done(&w));
}

static struct blobs *store_of(const struct call *c)
{
	bool update = c->route->does == DOES_UPDATE_PUT || c->route->does == DOES_UPDATE_GET;

	return update ? c->door->updates : c->door->blobs;
}

static int do_blob_put(struct call *c, struct err *e)
{
	uint64_t size;

	if (blobs_put(store_of(c), c->peer.name, &c->args, c->body, now_ms() / 1000, &size, e) == 0)
		reply_size(c, 200, NULL, size);
	else if (e->why == WHY_STALE)
		reply_size(c, 409, e, size);
	else
		return why_http(e->why);
	return 0;
}

static int do_blob_get(struct call *c, struct err *e)
{
	struct blob_part part;
	char text[2 * SHA_LEN + 1];

	if (!conn_big(c->conn))
		return err_set(e, WHY_SYSTEM, "the authority is busy: too many blobs are on their way"), 503;
	if (blobs_get(store_of(c), c->args.name, c->args.offset, &part, e) != 0)
		return why_http(e->why);
	header(c->req, "Merestone-Sha256", hex_put(text, part.sha256, SHA_LEN));
	(void)snprintf(text, sizeof text, "%llu", (unsigned long long)part.size);
	header(c->req, "Merestone-Size", text);
	reply_octets(c->req, part.p, part.n);
	return 0;
}

static int do_health(struct call *c, struct err *e)
{
	static const char ok[] = "{\"status\":\"ok\"}";

	(void)e;
	reply_json(c->req, 200, VIEW(ok, sizeof ok - 1));
	return 0;
}

/* ---- The way there ---- */

static enum method method_of(struct evhttp_request *req)
{
	switch (evhttp_request_get_command(req)) {
	case EVHTTP_REQ_GET:
		return METHOD_GET;
	case EVHTTP_REQ_POST:
		return METHOD_POST;
	case EVHTTP_REQ_PUT:
		return METHOD_PUT;
	default:
		return METHOD_OTHER;
	}
}

/* What makes two readers disagree: after this refusal nothing more is read from the connection. */
static int framing(struct call *c, struct err *e)
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(c->req);

	if (conn_odd(c->conn))
		return err_set(e, WHY_MALFORMED, "RFC 9112 2.2: the header has a bare line end or a folded line");
	return httpcheck_framing(headers, evhttp_request_get_uri(c->req), e);
}

static int body(struct call *c, struct err *e)
{
	struct evbuffer *b = evhttp_request_get_input_buffer(c->req);
	size_t n = evbuffer_get_length(b), max = c->route->type ? c->route->body_max : STRANGER_BODY_MAX;

	if (n > max) {
		err_set(e, WHY_MALFORMED, "%s takes at most %zu bytes", c->route->pattern, max);
		return 413;
	}
	if (httpcheck_body(evhttp_request_get_input_headers(c->req), c->route->type, n, e) != 0)
		return 400;
	c->body = VIEW(n ? evbuffer_pullup(b, -1) : NULL, n);
	if (n && !c->body.p)
		return err_set(e, WHY_SYSTEM, "there is no memory for the request"), 503;
	return 0;
}

/* 0, or the HTTP status of the refusal. */
static int admit(struct call *c, struct err *e)
{
	const char *uri = evhttp_request_get_uri(c->req);
	int status;

	if (c->door->stopping)
		return err_set(e, WHY_SYSTEM, "the authority is stopping"), 503;
	status = route_find(method_of(c->req), VIEW(uri, strlen(uri)), &c->route, &c->args, e);
	if (status)
		return status;
	if (conn_peer(c->conn, c->door->trust_domain, time(NULL), &c->peer, e) != 0)
		return 403;
	status = peer_may(&c->peer, c->route, e);
	return status ? status : body(c, e);
}

static int answer(struct call *c, struct err *e)
{
	static int (*const does[])(struct call *, struct err *) = {
	        [DOES_ASK] = do_ask,
	        [DOES_BLOB_PUT] = do_blob_put,
	        [DOES_BLOB_GET] = do_blob_get,
	        [DOES_UPDATE_PUT] = do_blob_put,
	        [DOES_UPDATE_GET] = do_blob_get,
	        [DOES_HEALTH] = do_health,
	};

	return does[c->route->does](c, e);
}

void serve_request(struct evhttp_request *req, void *door)
{
	struct call c = {.door = door, .conn = conn_of(req), .req = req};
	struct err e;
	int status;

	if (!c.conn) {
		err_set(&e, WHY_SYSTEM, "the connection is gone");
		reply_refuse(req, 0, &e);
		return;
	}
	if (framing(&c, &e) != 0) {
		reply_close(req);
		reply_refuse(req, 400, &e);
		return;
	}
	status = admit(&c, &e);
	if (!status)
		status = answer(&c, &e);
	if (!status)
		return;
	/* A HEAD or DELETE may have sent what evhttp does not read as a body. */
	if (method_of(req) == METHOD_OTHER || c.door->stopping)
		reply_close(req);
	if (c.peer.role != ROLE_NONE)
		log_info("%s %s: %s", role_name(c.peer.role), c.peer.name, e.text);
	reply_refuse(req, status, &e);
}
