#include "geofence/gpsdlink.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { AGAIN_MS = 1000, CONNECT_MS = 5000 };

static const char watch[] = "?WATCH={\"enable\":true,\"json\":true,\"raw\":2};\n";

int gpsdlink_start(struct gpsdlink *l, const char *text, struct err *e)
{
	memset(l, 0, sizeof *l);
	l->fd = -1;
	return gpsdaddress_read(text, &l->to, e);
}

static int down(struct gpsdlink *l, int64_t mono_ms)
{
	fd_close(l->fd);
	l->fd = -1;
	l->state = LINK_DOWN;
	l->have = 0;
	l->again_ms = mono_ms + AGAIN_MS;
	return -1;
}

static int lost(struct gpsdlink *l, int64_t mono_ms, struct err *e)
{
	err_sys(e, "gpsd can not be reached");
	return down(l, mono_ms);
}

void gpsdlink_tick(struct gpsdlink *l, int64_t mono_ms)
{
	if (l->state == LINK_ASKED || mono_ms < l->again_ms)
		return;
	(void)down(l, mono_ms);
	l->fd = socket(l->to.at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return;
	if (connect(l->fd, (struct sockaddr *)&l->to.at, l->to.n) != 0 && errno != EINPROGRESS) {
		(void)down(l, mono_ms);
		return;
	}
	l->state = LINK_CONNECTING;
	l->again_ms = mono_ms + CONNECT_MS;
}

short gpsdlink_events(const struct gpsdlink *l)
{
	return l->state == LINK_CONNECTING ? POLLOUT : POLLIN;
}

/* The request is short and the first thing on the connection: the socket takes it whole. */
static int ask(struct gpsdlink *l, int64_t mono_ms, struct err *e)
{
	int bad = 0;
	socklen_t n = sizeof bad;

	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &bad, &n) == 0)
		errno = bad;
	if (errno != 0)
		return lost(l, mono_ms, e);
	if (send(l->fd, watch, sizeof watch - 1, MSG_NOSIGNAL) != (ssize_t)(sizeof watch - 1))
		return lost(l, mono_ms, e);
	l->state = LINK_ASKED;
	return 0;
}

int gpsdlink_ready(struct gpsdlink *l, int64_t mono_ms, struct err *e)
{
	if (l->state == LINK_CONNECTING)
		return ask(l, mono_ms, e);
	ssize_t n = recv(l->fd, l->buf + l->have, sizeof l->buf - l->have, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return lost(l, mono_ms, e);
	if (n == 0) {
		err_set(e, WHY_SYSTEM, "gpsd has closed the connection");
		return down(l, mono_ms);
	}
	l->have += (size_t)n;
	return 0;
}

static bool understood(const struct gpsd_item *item, struct gnss_report *out)
{
	struct err e;

	switch (item->kind) {
	case GPSD_JSON:
		return gpsdjson_read(item->v, out, &e) == 0;
	case GPSD_UBX:
		return ubx_read(item->v, out, &e) == 0;
	case GPSD_NOTHING:
		break;
	}
	return false;
}

bool gpsdlink_report(struct gpsdlink *l, struct gnss_report *out)
{
	struct gpsd_item item;
	size_t at = 0, n;
	bool got = false;

	while (!got && (n = gpsdstream_next(VIEW(l->buf + at, l->have - at), &item)) > 0) {
		got = understood(&item, out);
		at += n;
	}
	memmove(l->buf, l->buf + at, l->have - at);
	l->have -= at;
	return got;
}
