#include "tests/unit/unit.h"

#include <string.h>

#include "base/rd.h"
#include "firmware/init/supervisor.h"
#include "tests/unit/mangle.h"

static const uint8_t mac[MAC_LEN] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};

static struct dhcp asked(void)
{
	struct dhcp d = {.xid = 0x01020304};

	memcpy(d.mac, mac, MAC_LEN);
	return d;
}

static void head(struct wr *w, uint32_t xid)
{
	static const uint8_t zeros[10 + 192], address[] = {10, 0, 2, 15};

	wr_bytes(w, (uint8_t[]){2, 1, 6, 0}, 4);
	wr_be32(w, xid);
	wr_bytes(w, zeros, 8);
	wr_bytes(w, address, 4);
	wr_bytes(w, zeros, 8);
	wr_bytes(w, mac, MAC_LEN);
	wr_bytes(w, zeros, 10 + 192);
	wr_be32(w, 0x63825363);
}

/* An offer as QEMU makes it. */
static struct view offer(uint8_t buf[DHCP_MAX], uint8_t type, uint8_t mask)
{
	struct wr w = wr_to(buf, DHCP_MAX);

	head(&w, 0x01020304);
	wr_bytes(&w, (uint8_t[]){53, 1, type, 54, 4, 10, 0, 2, 2, 1, 4, 255, 255, 255, mask, 3, 4, 10, 0, 2, 2}, 21);
	wr_bytes(&w, (uint8_t[]){51, 4, 0, 1, 0x51, 0x80, 0, 0, 255}, 9);
	return wr_done(&w);
}

static void an_offer_gives_address_net_and_gateway(void **s)
{
	uint8_t buf[DHCP_MAX];
	struct dhcp d = asked();

	(void)s;
	assert_int_equal(dhcp_read(offer(buf, DHCP_OFFER, 0), &d), DHCP_OFFER);
	assert_memory_equal(d.conf.address, ((uint8_t[]){10, 0, 2, 15}), 4);
	assert_int_equal(d.conf.prefix, 24);
	assert_true(d.conf.has_gateway);
	assert_memory_equal(d.server, ((uint8_t[]){10, 0, 2, 2}), 4);
	assert_int_equal(d.conf.lease_s, 86400);
}

static void a_request_names_the_address_and_the_server_of_the_offer(void **s)
{
	uint8_t buf[DHCP_MAX], out[DHCP_MAX];
	struct dhcp d = asked();
	struct wr w = wr_to(out, sizeof out);

	(void)s;
	assert_int_equal(dhcp_read(offer(buf, DHCP_OFFER, 0), &d), DHCP_OFFER);
	dhcp_write(&w, &d, DHCP_REQUEST);
	assert_true(wr_ok(&w));
	assert_int_equal(out[10], 0x80); /* broadcast */
	assert_memory_equal(out + 240, ((uint8_t[]){53, 1, 3, 50, 4, 10, 0, 2, 15, 54, 4, 10, 0, 2, 2}), 15);
	assert_int_equal(out[w.n - 1], 255);
}

static void attack_A117b_an_answer_to_somebody_else_is_not_ours(void **s)
{
	uint8_t buf[DHCP_MAX];
	struct dhcp d = asked();
	struct view v = offer(buf, DHCP_OFFER, 0);

	(void)s;
	buf[7] ^= 1; /* xid */
	assert_int_equal(dhcp_read(v, &d), 0);
	buf[7] ^= 1;
	buf[28] ^= 1; /* chaddr */
	assert_int_equal(dhcp_read(v, &d), 0);
}

static void attack_A117_an_answer_that_gives_no_usable_address_is_not_taken(void **s)
{
	uint8_t buf[DHCP_MAX];
	struct dhcp d = asked();

	(void)s;
	assert_int_equal(dhcp_read(offer(buf, DHCP_ACK, 0x0f), &d), 0);  /* no mask */
	assert_int_equal(dhcp_read(offer(buf, DHCP_ACK, 255), &d), 0);   /* a net of one */
	assert_int_equal(dhcp_read(offer(buf, DHCP_DECLINE, 0), &d), 0); /* not an answer */
	struct view v = offer(buf, DHCP_ACK, 0);
	buf[16] = 127;
	assert_int_equal(dhcp_read(v, &d), 0);
	buf[16] = 10;
	buf[18] = 3; /* the gateway is in another net */
	assert_int_equal(dhcp_read(v, &d), 0);
	assert_int_equal(d.conf.prefix, 0);
}

static void a_refusal_needs_no_address(void **s)
{
	uint8_t buf[DHCP_MAX];
	struct wr w = wr_to(buf, sizeof buf);
	struct dhcp d = asked();

	(void)s;
	head(&w, 0x01020304);
	wr_bytes(&w, (uint8_t[]){53, 1, 6, 255}, 4);
	assert_int_equal(dhcp_read(wr_done(&w), &d), DHCP_NAK);
}

static void a_lease_of_no_time_is_not_asked_for_all_the_time(void **s)
{
	uint8_t buf[DHCP_MAX];
	struct dhcp d = asked();
	struct view v = offer(buf, DHCP_ACK, 0);

	(void)s;
	memset(buf + 263, 0, 4);
	assert_int_equal(dhcp_read(v, &d), DHCP_ACK);
	assert_int_equal(d.conf.lease_s, 60);
	memset(buf + 263, 255, 4);
	assert_int_equal(dhcp_read(v, &d), DHCP_ACK);
	assert_int_equal(d.conf.lease_s, 7 * 24 * 3600);
}

static void look(struct view v, void *arg)
{
	struct dhcp d = asked();
	struct err e;
	enum dhcp_type type = dhcp_read(v, &d);

	(void)arg;
	if (type == DHCP_OFFER || type == DHCP_ACK)
		assert_accepted(netconf_check(&d.conf, &e), &e);
}

static void every_mangled_answer_gives_a_good_address_or_none(void **s)
{
	uint8_t buf[DHCP_MAX];

	(void)s;
	mangle_each(offer(buf, DHCP_ACK, 0), look, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_offer_gives_address_net_and_gateway),
	        cmocka_unit_test(a_request_names_the_address_and_the_server_of_the_offer),
	        cmocka_unit_test(attack_A117b_an_answer_to_somebody_else_is_not_ours),
	        cmocka_unit_test(attack_A117_an_answer_that_gives_no_usable_address_is_not_taken),
	        cmocka_unit_test(a_refusal_needs_no_address),
	        cmocka_unit_test(a_lease_of_no_time_is_not_asked_for_all_the_time),
	        cmocka_unit_test(every_mangled_answer_gives_a_good_address_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
