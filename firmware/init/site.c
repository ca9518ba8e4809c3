#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/jws.h"
#include "firmware/init/init.h"
#include "firmware/update/update.h"

enum { PREFIX_MIN = 8, PREFIX_MAX = 30 };
static const double UNCERTAINTY_MAX_M = 20037508; /* half of the equator */

/* ---- addresses ---- */

static uint32_t number_of(const uint8_t a[IPV4_LEN])
{
	return (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3];
}

static bool host_in(uint32_t a, uint32_t mask)
{
	return (a & ~mask) != 0 && (a & ~mask) != ~mask;
}

int netconf_check(const struct netconf *c, struct err *e)
{
	if (c->prefix < PREFIX_MIN || c->prefix > PREFIX_MAX)
		return err_set(e, WHY_MALFORMED, "a net of %u bits is none that a machine stands in", c->prefix);
	uint32_t mask = ~(~0U >> c->prefix), address = number_of(c->address), gateway = number_of(c->gateway);

	if (c->address[0] == 0 || c->address[0] == 127 || c->address[0] >= 224 || !host_in(address, mask))
		return err_set(e, WHY_MALFORMED, "%u.%u.%u.%u/%u is no address of a machine", c->address[0],
		        c->address[1], c->address[2], c->address[3], c->prefix);
	if (c->has_gateway && (gateway == address || !host_in(gateway, mask) || ((gateway ^ address) & mask) != 0))
		return err_set(e, WHY_MALFORMED, "the gateway %u.%u.%u.%u is not another machine of that net",
		        c->gateway[0], c->gateway[1], c->gateway[2], c->gateway[3]);
	return 0;
}

/* scanf() skips blanks, signs and zeros: the text must be what we would write. */
static bool is_written(const char *text, const char *before, const char *host, char between, unsigned n)
{
	char again[64];

	(void)snprintf(again, sizeof again, "%s%s%c%u", before, host, between, n);
	return strcmp(text, again) == 0;
}

static int address_take(const json_t *net, struct netconf *out, struct err *e)
{
	const char *text, *gateway;
	unsigned prefix = 0;
	char host[INET_ADDRSTRLEN] = "";

	if (json_get_str(net, "address", &text, e) != 0)
		return -1;
	if (sscanf(text, "%15[0-9.]/%2u", host, &prefix) != 2 || inet_pton(AF_INET, host, out->address) != 1 ||
	        !is_written(text, "", host, '/', prefix))
		return err_set(e, WHY_MALFORMED, "address: expected A.B.C.D/BITS");
	out->prefix = (uint8_t)prefix;
	out->has_gateway = json_object_get(net, "gateway") != NULL;
	if (out->has_gateway && json_get_str(net, "gateway", &gateway, e) != 0)
		return -1;
	if (out->has_gateway && inet_pton(AF_INET, gateway, out->gateway) != 1)
		return err_set(e, WHY_MALFORMED, "gateway: expected A.B.C.D");
	return netconf_check(out, e);
}

static int network_take(const json_t *j, struct site *s, struct err *e)
{
	static const char *const by_dhcp[] = {"dhcp", NULL}, *const by_hand[] = {"address", "gateway", NULL};
	const json_t *net = json_object_get(j, "network");

	if (!json_is_object(net))
		return err_set(e, WHY_MALFORMED, "network: expected an object");
	s->dhcp = json_object_get(net, "dhcp") != NULL;
	if (json_only(net, s->dhcp ? by_dhcp : by_hand, e) != 0)
		return err_in(e, "network");
	if (s->dhcp)
		return json_is_true(json_object_get(net, "dhcp"))
		               ? 0
		               : err_set(e, WHY_MALFORMED, "network: dhcp: expected true");
	return address_take(net, &s->network, e) != 0 ? err_in(e, "network") : 0;
}

/* ---- the other members ---- */

static int authority_take(const json_t *j, struct site *s, struct err *e)
{
	struct in_addr numeric;
	const char *url;
	unsigned port = 0;

	if (json_get_str(j, "authority", &url, e) != 0)
		return -1;
	if (sscanf(url, "https://%15[0-9.]:%5u", s->host, &port) != 2 || inet_pton(AF_INET, s->host, &numeric) != 1 ||
	        port == 0 || port > UINT16_MAX || !is_written(url, "https://", s->host, ':', port)) {
		err_set(e, WHY_MALFORMED, "authority: expected https://A.B.C.D:PORT");
		return err_hint(e, "an appliance looks up no names: the address must be numeric");
	}
	s->port = (uint16_t)port;
	memcpy(s->authority, url, strlen(url) + 1);
	return 0;
}

static int text_take(const json_t *j, const char *key, char *out, size_t cap, struct err *e)
{
	const char *text;

	if (json_get_str(j, key, &text, e) != 0)
		return -1;
	if (*text == 0 || strlen(text) >= cap)
		return err_set(e, WHY_MALFORMED, "%s: expected at most %zu characters", key, cap - 1);
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

static int location_take(const json_t *j, struct site *s, struct err *e)
{
	static const char *const members[] = {"latitude_deg", "longitude_deg", "uncertainty_m", NULL};
	const json_t *place = json_object_get(j, "location");

	s->has_location = place != NULL;
	if (!place)
		return 0;
	if (!json_is_object(place))
		return err_set(e, WHY_MALFORMED, "location: expected an object");
	if (json_only(place, members, e) || json_get_num(place, "latitude_deg", -90, 90, &s->lat_deg, e) ||
	        json_get_num(place, "longitude_deg", -180, 180, &s->lon_deg, e) ||
	        json_get_num(place, "uncertainty_m", 0, UNCERTAINTY_MAX_M, &s->uncertainty_m, e))
		return err_in(e, "location");
	return 0;
}

static int data_take(const json_t *j, struct site *s, struct err *e)
{
	const json_t *data = json_object_get(j, "data");

	if (!data)
		return 0;
	if (!json_is_array(data) || json_array_size(data) > SITE_DATA_MAX)
		return err_set(e, WHY_MALFORMED, "data: expected at most %d names", SITE_DATA_MAX);
	for (size_t i = 0; i < json_array_size(data); i++) {
		const char *name = json_string_value(json_array_get(data, i));

		if (!name || !name_ok(name))
			return err_set(e, WHY_MALFORMED, "data: expected names of datasets");
		(void)snprintf(s->data[s->ndata++], NAME_CAP, "%s", name);
	}
	return 0;
}

static int members_take(const json_t *j, struct site *s, struct err *e)
{
	static const char *const members[] = {
	        "format", "name", "trust_domain", "authority", "ca", "network", "location", "data", NULL};

	if (strcmp(json_text(j, "format"), SITE_FORMAT) != 0)
		return err_set(e, WHY_MALFORMED, "it is not of the format %s", SITE_FORMAT);
	if (json_only(j, members, e) || json_get_name(j, "name", s->name, e) ||
	        text_take(j, "trust_domain", s->trust_domain, sizeof s->trust_domain, e) || authority_take(j, s, e) ||
	        text_take(j, "ca", s->ca, sizeof s->ca, e) || network_take(j, s, e) || location_take(j, s, e))
		return -1;
	return data_take(j, s, e);
}

static int signature_check(const struct jws *jws, struct view officer, struct err *e)
{
	if (officer.n == 0)
		return 0;
	AUTO(es256_free) struct es256 *key = es256_from_pem(officer, VIEW("", 0), e);

	return key ? jws_verify(jws, key, e) : -1;
}

int site_parse(struct view text, struct view officer, struct site *out, struct err *e)
{
	AUTO(mem_free) char *scratch = malloc(SITE_MAX);
	AUTO(json_free) json_t *j = NULL;
	struct site s = {0};
	struct jws jws;

	if (!scratch || text.n > SITE_MAX)
		return err_set(e, WHY_MALFORMED, "the site file is larger than %d bytes", SITE_MAX);
	if (jws_parse(text, SITE_TYP, scratch, SITE_MAX, &jws, e) || signature_check(&jws, officer, e))
		return err_in(e, "the site file");
	j = json_read(jws.payload, SITE_MAX, e);
	if (!j || members_take(j, &s, e))
		return err_in(e, "the site file");
	memcpy(s.officer, jws.kid, sizeof s.officer);
	*out = s;
	return 0;
}

void site_agent(const struct site *s, const char *variant, struct wr *out)
{
	struct jw j = jw_to(out);

	jw_obj(&j, NULL);
	jw_str(&j, "name", s->name);
	jw_str(&j, "authority", s->authority);
	jw_str(&j, "ca", RUN_CA);
	jw_str(&j, "state", AGENT_STATE);
	jw_str(&j, "tcti", "device:" TPM_SHARED);
	jw_str(&j, "eventlog", RUN_EVENTLOG);
	jw_str(&j, "ima", IMA_LIST);
	if (s->has_location) {
		jw_obj(&j, "location");
		jw_num(&j, "latitude_deg", s->lat_deg);
		jw_num(&j, "longitude_deg", s->lon_deg);
		jw_num(&j, "uncertainty_m", s->uncertainty_m);
		jw_end_obj(&j);
	}
	if (variant) {
		jw_obj(&j, "update");
		jw_str(&j, "variant", variant);
		jw_str(&j, "spool", UPDATE_SPOOL);
		jw_end_obj(&j);
	}
	jw_obj(&j, "data");
	jw_str(&j, "directory", RUN_DATA);
	jw_arr(&j, "datasets");
	for (size_t i = 0; i < s->ndata; i++)
		jw_str(&j, NULL, s->data[i]);
	jw_end_arr(&j);
	jw_end_obj(&j);
	jw_end_obj(&j);
}
