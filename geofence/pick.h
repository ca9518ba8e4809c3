/* pick: which features of a map are meant. Internal to the import. */
#ifndef GEOFENCE_PICK_H
#define GEOFENCE_PICK_H

#include "geofence/geofence.h"

enum { PICK_COUNTRIES_MAX = 64, PICK_PROPERTIES_MAX = 1 << 20 };

struct pick {
	struct view property, value; /* of the wish; property.n is 0 when every feature is meant */
	struct pick_country {
		char code[3];
		unsigned number; /* ISO 3166-1 */
		bool found;
	} countries[PICK_COUNTRIES_MAX];
	size_t n_countries;
	size_t found;
};

/* WHY_MALFORMED for a wish that cannot be understood. Borrows from the wish. */
int pick_of(const struct fence_wish *w, struct pick *out, struct err *e);
/* Sets *meant from the "id" and "properties" of a feature, as they are in the map (empty when absent). */
int pick_feature(struct pick *p, struct view id, struct view properties, bool *meant, struct err *e);
/* WHY_UNKNOWN when something that was wished for is not in the map. */
int pick_all_found(const struct pick *p, struct err *e);

/* country.c: the ISO 3166-1 number of a two-letter code in capitals; 0 when there is none. */
unsigned country_number(const char code[2]);

#endif
