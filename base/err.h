/* err: a refusal is carried outwards as one sentence and one reason; only the top prints it, once. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* A reason exists only because someone acts on it differently: HTTP status, exit status, audit column. */
enum why {
	WHY_NONE = 0,
	WHY_MALFORMED, /* the bytes are not what they claim to be           HTTP 400 */
	WHY_FORGED,    /* a signature, MAC or binding does not hold         HTTP 403 */
	WHY_STALE,     /* nonce, version, clock or log is of another moment HTTP 409 */
	WHY_UNKNOWN,   /* nothing of that name is known                     HTTP 404 */
	WHY_UNTRUSTED, /* genuine, but not a state or key we accept         HTTP 403 */
	WHY_OUTSIDE,   /* not, or not certainly, inside the fence           HTTP 403 */
	WHY_REFUSED,   /* policy or an officer said no                      HTTP 403 */
	WHY_SYSTEM,    /* we could not decide: disk, memory, peer, TPM      HTTP 503 */
	WHY_COUNT
};

enum { ERR_TEXT_MAX = 480, ERR_HINT_MAX = 240 };

struct err {
	enum why why;
	char text[ERR_TEXT_MAX]; /* one sentence, no full stop, no control characters */
	char hint[ERR_HINT_MAX]; /* the way out, or "" */
};

/* Sets reason and sentence, clears the hint. Always returns -1, so that `return err_set(...)` reads well. */
int err_set(struct err *e, enum why why, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts "where: " before the sentence that is already there. Always returns -1. */
int err_in(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds the way out. Always returns -1. */
int err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* WHY_SYSTEM with strerror(errno) behind the sentence. Always returns -1. */
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

const char *why_name(enum why why);   /* "malformed", ...; "none" for WHY_NONE; never NULL */
enum why why_parse(const char *name); /* WHY_COUNT when there is no such reason */
int why_http(enum why why);           /* 200 for WHY_NONE */

#endif
