/* corim: reference values as the maker of a machine publishes them, draft-ietf-rats-corim. What is read is a subset;
 * what is not understood and might narrow a reference value is refused, never left out.
 * Private to corim*.c and comid.c. */
#ifndef FIRMWARE_CORIM_H
#define FIRMWARE_CORIM_H

#include "firmware/firmware.h"

struct cbor;

enum {
	CORIM_MAX = 1024 * 1024, /* bytes; the longest that Veraison tests with has 4 KiB */
	CORIM_TAGS_MAX = 64,
};

enum corim_profile {
	CORIM_PLAIN,  /* integrity-registers, one register a key */
	CORIM_PARSEC, /* measurements, the register is their key */
};

/* What a CoRIM says of registers. Views are into it. */
struct corim {
	bool is_signed; /* COSE_Sign1, whose signature nobody looked at */
	enum corim_profile profile;
	struct view id;
	bool id_is_text; /* else the 16 bytes of a UUID */
	struct view tags;
	int64_t from, until; /* 0, INT64_MAX: not said */

	struct view tag_id[CORIM_TAGS_MAX];
	size_t ntags;
	struct view replaced[CORIM_TAGS_MAX]; /* tags that others put aside */
	size_t nreplaced;

	struct view environment; /* encoded: that of all its reference triples */
	uint32_t values[PCR_COUNT];
	uint8_t value[PCR_COUNT][REFERENCE_VALUES_MAX][PCR_LEN];

	uint32_t triples;    /* of kinds that hold no reference values, and were passed over */
	uint32_t digests;    /* of other banks */
	uint32_t dependents; /* other CoRIMs that it names */

	bool keyed, said; /* of the measurement that is being read: it has a key, and a value */
	uint64_t key;     /* its register */
};

/* ---- corim.c ---- */

/* WHY_MALFORMED with the path to what is wrong; *out is undefined then. */
int corim_read(struct view file, struct corim *out, struct err *e);

/* ---- comid.c ---- */

/* The reference triples of one CoMID tag are added to o. */
int comid_read(struct corim *o, struct view comid, struct err *e);

/* ---- corimwalk.c: maps and arrays by table. Private to corim.c and comid.c ---- */

typedef int corim_fn(struct corim *o, struct cbor *c, struct err *e);

struct corim_member {
	uint64_t key;
	const char *name; /* NULL ends a table */
	corim_fn *read;
	bool needed;
};

/* A map, whose keys are all in the table; each value is read by its function, and a sentence begins with its name. */
int corimwalk_map(struct corim *o, struct cbor *c, const struct corim_member *table, struct err *e);
/* An array of at least one entry. */
int corimwalk_list(struct corim *o, struct cbor *c, const char *what, corim_fn *read, struct err *e);
int corimwalk_tuple(struct cbor *c, unsigned parts, struct err *e); /* the head of an array of so many */
int corimwalk_id(struct cbor *c, struct view *out, struct err *e);  /* text, or the 16 bytes of a UUID */
corim_fn corimwalk_any, corimwalk_text, corimwalk_uint;             /* for what is read and not used */

#endif
