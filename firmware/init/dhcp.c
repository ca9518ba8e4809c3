#include <string.h>

#include "base/rd.h"
#include "firmware/init/supervisor.h"

/* RFC 2131 2, RFC 2132 */
enum {
	BOOTREQUEST = 1,
	BOOTREPLY = 2,
	ETHERNET = 1,
	BROADCAST = 0x8000, /* we have no address yet that an answer could be sent to */
	CHADDR_LEN = 16,
	SNAME_AND_FILE = 64 + 128,
	OPTION_PAD = 0,
	OPTION_MASK = 1,
	OPTION_ROUTER = 3,
	OPTION_ADDRESS = 50,
	OPTION_LEASE = 51,
	OPTION_TYPE = 53,
	OPTION_SERVER = 54,
	OPTION_ASK_FOR = 55,
	OPTION_END = 255,
	LEASE_MIN_S = 60, /* shorter ones would be asked for all the time */
	LEASE_MAX_S = 7 * 24 * 3600,
};
static const uint32_t COOKIE = 0x63825363;

static void option(struct wr *w, uint8_t code, struct view v)
{
	wr_u8(w, code);
	wr_u8(w, (uint8_t)v.n);
	wr_view(w, v);
}

void dhcp_write(struct wr *w, const struct dhcp *d, enum dhcp_type type)
{
	static const uint8_t zeros[SNAME_AND_FILE], wanted[] = {OPTION_MASK, OPTION_ROUTER, OPTION_LEASE};
	const uint8_t what = (uint8_t)type;

	wr_u8(w, BOOTREQUEST);
	wr_u8(w, ETHERNET);
	wr_u8(w, MAC_LEN);
	wr_u8(w, 0);
	wr_be32(w, d->xid);
	wr_be16(w, 0); /* seconds */
	wr_be16(w, BROADCAST);
	wr_bytes(w, zeros, 4 * IPV4_LEN); /* ciaddr, yiaddr, siaddr, giaddr */
	wr_bytes(w, d->mac, MAC_LEN);
	wr_bytes(w, zeros, CHADDR_LEN - MAC_LEN);
	wr_bytes(w, zeros, SNAME_AND_FILE);
	wr_be32(w, COOKIE);
	option(w, OPTION_TYPE, VIEW(&what, 1));
	if (type == DHCP_REQUEST) {
		option(w, OPTION_ADDRESS, VIEW_OF(d->conf.address));
		option(w, OPTION_SERVER, VIEW_OF(d->server));
	}
	option(w, OPTION_ASK_FOR, VIEW_OF(wanted));
	wr_u8(w, OPTION_END);
}

/* Ones, then zeros; how many ones. 0: it is no mask. */
static uint8_t bits_of(uint32_t mask)
{
	uint8_t n = 0;

	while (n < 32 && mask & 0x80000000u >> n)
		n++;
	return n < 32 && (mask & ~0U >> n) == 0 ? n : 0;
}

static void option_take(struct rd *r, uint8_t code, struct dhcp *d, uint8_t *type)
{
	struct view v = rd_view(r, rd_u8(r));
	struct rd o = rd_of(v);

	if (code == OPTION_TYPE)
		*type = rd_u8(&o);
	else if (code == OPTION_MASK)
		d->conf.prefix = bits_of(rd_be32(&o));
	else if (code == OPTION_LEASE)
		d->conf.lease_s = rd_be32(&o);
	else if (code == OPTION_SERVER)
		rd_copy(&o, d->server, IPV4_LEN);
	else if (code == OPTION_ROUTER) { /* the first of several */
		rd_copy(&o, d->conf.gateway, IPV4_LEN);
		d->conf.has_gateway = true;
	}
	rd_require(r, rd_ok(&o));
}

/* What is behind the fixed part. An option that comes twice: the last one counts. */
static bool options_take(struct rd *r, struct dhcp *d, uint8_t *type)
{
	while (rd_ok(r) && rd_left(r) > 0) {
		uint8_t code = rd_u8(r);

		if (code == OPTION_END)
			return rd_ok(r);
		if (code != OPTION_PAD)
			option_take(r, code, d, type);
	}
	return false;
}

static bool head_take(struct rd *r, struct dhcp *d)
{
	uint8_t mac[CHADDR_LEN];

	rd_require(r, rd_u8(r) == BOOTREPLY && rd_u8(r) == ETHERNET && rd_u8(r) == MAC_LEN);
	rd_u8(r);
	rd_require(r, rd_be32(r) == d->xid);
	rd_view(r, 4 + IPV4_LEN); /* seconds, flags, ciaddr */
	rd_copy(r, d->conf.address, IPV4_LEN);
	rd_view(r, 2 * IPV4_LEN);
	rd_copy(r, mac, sizeof mac);
	rd_require(r, memcmp(mac, d->mac, MAC_LEN) == 0);
	rd_view(r, SNAME_AND_FILE);
	rd_require(r, rd_be32(r) == COOKIE);
	return rd_ok(r);
}

enum dhcp_type dhcp_read(struct view v, struct dhcp *d)
{
	struct rd r = rd_of(v);
	struct dhcp got = *d;
	uint8_t type = 0;
	struct err ignored;

	memset(&got.conf, 0, sizeof got.conf);
	memset(got.server, 0, sizeof got.server);
	if (v.n > DHCP_MAX || !head_take(&r, &got) || !options_take(&r, &got, &type))
		return 0;
	if (type == DHCP_NAK)
		return DHCP_NAK;
	if ((type != DHCP_OFFER && type != DHCP_ACK) || netconf_check(&got.conf, &ignored) != 0)
		return 0;
	got.conf.lease_s = got.conf.lease_s < LEASE_MIN_S   ? LEASE_MIN_S
	                   : got.conf.lease_s > LEASE_MAX_S ? LEASE_MAX_S
	                                                    : got.conf.lease_s;
	*d = got;
	return type;
}
