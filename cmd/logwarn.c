/* logwarn: what an engineer should know about a log that was read, and known oddities of firmware and loaders by name. */
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/sha.h"
#include "cmd/logread.h"

static void warn(struct logread *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void warn(struct logread *l, const char *fmt, ...)
{
	va_list ap;

	if (l->nwarnings == LOGREAD_WARNINGS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(l->warning[l->nwarnings++], sizeof l->warning[0], fmt, ap);
	va_end(ap);
}

static bool digest_is(const struct logread_line *line, struct view v)
{
	uint8_t digest[SHA_LEN];

	sha256(digest, v);
	return memcmp(digest, line->m.digest, SHA_LEN) == 0;
}

static void warn_unbound(struct logread *l, const struct logread_line *line)
{
	const struct event *ev = &line->ev;
	const char *type = event_type_name(ev->type);

	if (ev->data.n > 0 && digest_is(line, VIEW(ev->data.p, ev->data.n - 1)))
		warn(l, "event %u (%s on PCR %u): the log has one byte more than was measured, as older shim does",
		        ev->number, type, ev->pcr);
	else
		warn(l, "event %u (%s on PCR %u): its payload is not what was measured", ev->number, type, ev->pcr);
}

/* Shim's state is measured as one byte, which the log does not show: 1 is "no checks". */
static void warn_mok(struct logread *l, const struct logread_line *line)
{
	static const uint8_t off = 1;

	if (line->means.kind == MEANS_MOK && view_equal(line->means.said, VIEW("MokSBState", 11)) &&
	        digest_is(line, VIEW(&off, 1)))
		warn(l, "event %u: shim checks no signatures (MokSBState is 1)", line->ev.number);
}

static void warn_lines(struct logread *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct logread_line *line = &l->line[i];
		if (logread_binds(line) && !line->means.bound)
			warn_unbound(l, line);
		if (line->means.kind == MEANS_DEBUGGER)
			warn(l, "event %u: the firmware can be debugged, or does not protect its memory",
			        line->ev.number);
		warn_mok(l, line);
	}
}

/* The other banks must have measured the same payload. */
static void warn_bank(struct logread *l, uint32_t at, const EVP_MD *md)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n;

	for (size_t i = 0; i < l->n; i++) {
		const struct logread_line *line = &l->line[i];
		struct view found = eventlog_digest(&l->head, &line->ev, at);
		if (!line->means.bound || !digest_is(line, line->ev.data))
			continue;
		if (EVP_Digest(line->ev.data.p, line->ev.data.n, digest, &n, md, NULL) == 1 &&
		        !view_equal(found, VIEW(digest, n)))
			warn(l, "event %u: bank %s has the digest of something else than bank sha256", line->ev.number,
			        logread_bank_name(l->head.alg[at].id));
	}
}

static void warn_banks(struct logread *l)
{
	static const struct {
		uint16_t alg;
		const char *evp;
	} checked[] = {{0x4, "SHA1"}, {0xc, "SHA384"}, {0xd, "SHA512"}};

	for (uint32_t at = 0; at < l->head.algs; at++)
		for (size_t i = 0; i < COUNT(checked); i++) {
			EVP_MD *md = checked[i].alg == l->head.alg[at].id ? EVP_MD_fetch(NULL, checked[i].evp, NULL)
			                                                  : NULL;
			if (md)
				warn_bank(l, at, md);
			EVP_MD_free(md);
		}
}

static bool any_action(const struct logread *l, uint32_t pcr, const char *text)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->line[i].ev.pcr == pcr && view_is(l->line[i].ev.data, text))
			return true;
	return false;
}

static void warn_whole(struct logread *l)
{
	if (l->head.old) {
		warn(l, "the log has the old SHA-1 form: an authority refuses it");
		return;
	}
	if (l->boot.secure_boot == SECURE_BOOT_OFF)
		warn(l, "Secure Boot is off");
	if (l->boot.secure_boot == SECURE_BOOT_UNKNOWN)
		warn(l, "the log does not say whether Secure Boot is on");
	if (!any_action(l, 5, "Exit Boot Services Invocation"))
		warn(l, "PCR 5: the end of boot services is not in the log; some firmware leaves it out");
	if (l->locality != 0)
		warn(l, "PCR 0 starts from locality %u; programs that leave this out replay it wrongly", l->locality);
	if (l->head.rest.n > 0)
		warn(l, "the log ends in %zu bytes of padding", l->head.rest.n);
}

void logwarn_all(struct logread *l)
{
	warn_whole(l);
	if (l->head.old)
		return;
	warn_lines(l);
	warn_banks(l);
}
