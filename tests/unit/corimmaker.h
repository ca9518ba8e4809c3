/* corimmaker: CoRIMs in diagnostic notation, from the inside outwards. */
#ifndef UNIT_CORIMMAKER_H
#define UNIT_CORIMMAKER_H

#include "firmware/corim.h"
#include "tests/unit/diagmaker.h"
#include "tests/unit/unit.h"

#define PARSEC "32(\"tag:github.com/parallaxsecond,2023-03-03:tpm\")"
#define CLASS  "{0: {0: 37(h'101112131415161718191a1b1c1d1e1f'), 1: \"Example\", 2: \"edge-1\"}}"
#define EVERY_PCR                                                                                                      \
	"0: [[1, #a]], 1: [[1, #b]], 2: [[1, #c]], 3: [[1, #d]], 4: [[1, #e]], 7: [[1, #f]], 9: [[1, #g]], "           \
	"11: [[1, #h]], 12: [[1, ~32]]"
#define REGISTERS(r)      "{1: {14: {" r "}}}"
#define TRIPLE(m)         "[" CLASS ", [" m "]]"
#define TRIPLES(t)        "{0: [" t "]}"
#define COMID(id, t)      "506(<<{1: {0: " id "}, 4: " t "}>>)"
#define CORIM(tags, more) "501({0: \"test\", 1: [" tags "]" more "})"
#define ID                "h'000102030405060708090a0b0c0d0e0f'"
/* From the inside outwards, with one of each. */
#define OF_TRIPLES(t)            CORIM(COMID(ID, t), "")
#define OF_MEASUREMENTS(m)       OF_TRIPLES(TRIPLES(TRIPLE(m)))
#define OF_REGISTERS(r)          OF_MEASUREMENTS(REGISTERS(r))
#define OF_PARSEC(m)             CORIM(COMID(ID, TRIPLES(TRIPLE(m))), ", 3: " PARSEC)
#define HEADERS                  "{1: -7, 3: \"application/rim+cbor\", 8: <<{0: {0: \"signer\"}}>>}"
#define SIGNED(headers, payload) "18([<<" headers ">>, {4: h'01'}, " payload ", ~64])"
#define EVERY_TRIPLE             TRIPLES(TRIPLE(REGISTERS(EVERY_PCR)))
#define GOOD_TAG                 COMID(ID, EVERY_TRIPLE)
#define WITH(more)               CORIM(GOOD_TAG, more)
#define WHOLE                    WITH("")

static struct err err;
static char body[64 * 1024], notes[2048];

static inline int imported_bytes(struct view file, struct view log)
{
	struct wr w = wr_to(body, sizeof body - 1), n = wr_to(notes, sizeof notes - 1);
	int rc = corim_import(file, log, &w, &n, &err);

	body[w.n] = notes[n.n] = 0;
	return rc;
}

static inline int imported(const char *text, struct view log)
{
	return imported_bytes(diag(text), log);
}

static inline void accepted(const char *text)
{
	assert_accepted(imported(text, VIEW(NULL, 0)), &err);
}

static inline void refused(const char *text, const char *sentence)
{
	assert_refused(imported(text, VIEW(NULL, 0)), &err, WHY_MALFORMED);
	if (!strstr(err.text, sentence))
		fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
	assert_string_equal(body, ""); /* and nothing was written */
	assert_string_equal(notes, "");
}

#endif
