#include "geofence/pick.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

static int add_country(struct pick *p, const char *at, size_t n, struct err *e)
{
	struct pick_country *c = &p->countries[p->n_countries];

	if (n != 2 || (c->number = country_number(at)) == 0) {
		err_set(e, WHY_MALFORMED, "\"%.*s\" is not a country", n < 20 ? (int)n : 20, at);
		return err_hint(e, "two capital letters of ISO 3166-1, with commas between: DE,FR");
	}
	memcpy(c->code, at, 2);
	p->n_countries++;
	return 0;
}

static int read_countries(struct pick *p, const char *list, struct err *e)
{
	for (const char *at = list;; at++) {
		size_t n = strcspn(at, ",");
		if (p->n_countries == PICK_COUNTRIES_MAX)
			return err_set(e, WHY_MALFORMED, "more than %d countries", PICK_COUNTRIES_MAX);
		if (add_country(p, at, n, e) != 0)
			return -1;
		at += n;
		if (*at == 0)
			return 0;
	}
}

int pick_of(const struct fence_wish *w, struct pick *out, struct err *e)
{
	*out = (struct pick){0};
	if (w->countries != NULL && w->where != NULL)
		return err_set(e, WHY_MALFORMED, "countries or a property choose the features, not both");
	if (w->countries != NULL)
		return read_countries(out, w->countries, e);
	if (w->where == NULL)
		return 0;
	const char *equals = strchr(w->where, '=');
	if (equals == NULL || equals == w->where)
		return err_set(e, WHY_MALFORMED, "\"%s\" is not PROPERTY=VALUE", w->where);
	out->property = VIEW(w->where, (size_t)(equals - w->where));
	out->value = VIEW(equals + 1, strlen(equals + 1));
	return 0;
}

static bool has_value(const json_t *j, struct view wanted)
{
	char text[32];

	if (json_is_string(j))
		return view_equal(VIEW(json_string_value(j), json_string_length(j)), wanted);
	if (json_is_boolean(j))
		return view_is(wanted, json_is_true(j) ? "true" : "false");
	if (json_is_integer(j))
		snprintf(text, sizeof text, "%lld", (long long)json_integer_value(j));
	else if (json_is_real(j))
		snprintf(text, sizeof text, "%.15g", json_real_value(j));
	else
		return false;
	return view_is(wanted, text);
}

static json_t *small(struct view v, struct err *e)
{
	json_t *j = NULL;

	if (v.n <= PICK_PROPERTIES_MAX)
		j = json_loadb((const char *)v.p, v.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	if (j == NULL)
		err_set(e, WHY_MALFORMED, "properties: not JSON, a name twice, or more than %d bytes",
		        PICK_PROPERTIES_MAX);
	return j;
}

static int by_property(const struct pick *p, struct view id, struct view properties, bool *meant, struct err *e)
{
	char name[128];

	*meant = false;
	if (p->property.n >= sizeof name)
		return 0;
	memcpy(name, p->property.p, p->property.n);
	name[p->property.n] = 0;
	bool own = strcmp(name, "id") == 0 && id.n > 0;
	struct view text = own ? id : properties;
	if (text.n == 0)
		return 0;
	AUTO(json_free) json_t *j = small(text, e);
	if (j == NULL)
		return -1;
	*meant = has_value(own ? j : json_object_get(j, name), p->value);
	return 0;
}

/* "276", "004" or 276. */
static unsigned number_of(struct view id)
{
	unsigned n = 0;

	if (id.n >= 2 && id.p[0] == '"')
		id = VIEW(id.p + 1, id.n - 2);
	if (id.n == 0 || id.n > 3)
		return 0;
	for (size_t i = 0; i < id.n; i++) {
		if (id.p[i] < '0' || id.p[i] > '9')
			return 0;
		n = 10 * n + (unsigned)(id.p[i] - '0');
	}
	return n;
}

static bool by_country(struct pick *p, struct view id)
{
	unsigned n = number_of(id);

	for (size_t i = 0; n != 0 && i < p->n_countries; i++)
		if (p->countries[i].number == n)
			return p->countries[i].found = true;
	return false;
}

int pick_feature(struct pick *p, struct view id, struct view properties, bool *meant, struct err *e)
{
	*meant = true;
	if (p->n_countries > 0)
		*meant = by_country(p, id);
	else if (p->property.n > 0 && by_property(p, id, properties, meant, e) != 0)
		return -1;
	p->found += *meant;
	return 0;
}

int pick_all_found(const struct pick *p, struct err *e)
{
	for (size_t i = 0; i < p->n_countries; i++) {
		if (p->countries[i].found)
			continue;
		err_set(e, WHY_UNKNOWN, "the map has no country %s (ISO 3166-1 number %03u)", p->countries[i].code,
		        p->countries[i].number);
		return err_hint(
		        e, "a territory may be drawn as a part of its state: French Guiana in FR, Svalbard in NO");
	}
	if (p->found > 0)
		return 0;
	if (p->property.n == 0)
		return err_set(e, WHY_UNKNOWN, "the map has no features");
	return err_set(e, WHY_UNKNOWN, "no feature of the map has %.*s=%.*s", (int)p->property.n,
	        (const char *)p->property.p, (int)p->value.n, (const char *)p->value.p);
}
