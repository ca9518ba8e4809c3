#include "cmd/logread.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"

static const struct {
	uint16_t alg;
	const char *name, *evp;
} algs[] = {{0x4, "sha1", "SHA1"}, {0xb, "sha256", "SHA256"}, {0xc, "sha384", "SHA384"}, {0xd, "sha512", "SHA512"},
        {0x12, "sm3_256", "SM3"}, {0x27, "sha3_256", "SHA3-256"}, {0x28, "sha3_384", "SHA3-384"},
        {0x29, "sha3_512", "SHA3-512"}};

const char *logread_bank_name(uint16_t alg)
{
	for (size_t i = 0; i < COUNT(algs); i++)
		if (algs[i].alg == alg)
			return algs[i].name;
	return "unknown";
}

static const char *evp_name(uint16_t alg)
{
	for (size_t i = 0; i < COUNT(algs); i++)
		if (algs[i].alg == alg)
			return algs[i].evp;
	return "";
}

/* ---- Replay of one bank ---- */

static int extend(EVP_MD_CTX *ctx, const EVP_MD *md, uint8_t *pcr, size_t size, struct view digest, struct err *e)
{
	unsigned n = 0;

	if (EVP_DigestInit_ex2(ctx, md, NULL) != 1 || EVP_DigestUpdate(ctx, pcr, size) != 1 ||
	        EVP_DigestUpdate(ctx, digest.p, digest.n) != 1 || EVP_DigestFinal_ex(ctx, pcr, &n) != 1)
		return err_set(e, WHY_SYSTEM, "this system's OpenSSL can not extend a register of the bank");
	return 0;
}

static int replay_with(
        struct logread *l, uint32_t at, struct logread_bank *b, EVP_MD_CTX *ctx, const EVP_MD *md, struct err *e)
{
	b->value[0][b->size - 1] = l->locality;
	for (size_t i = 0; i < l->n; i++) {
		const struct event *ev = &l->line[i].ev;
		if (ev->type == EV_NO_ACTION)
			continue;
		if (extend(ctx, md, b->value[ev->pcr], b->size, eventlog_digest(&l->head, ev, at), e))
			return -1;
		b->extended |= 1u << ev->pcr;
	}
	return 0;
}

static int replay(struct logread *l, uint32_t at, struct err *e)
{
	struct logread_bank *b = &l->bank[at];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_MD *md;
	int rc;

	b->alg = l->head.alg[at].id;
	b->size = l->head.alg[at].size;
	md = EVP_MD_fetch(NULL, evp_name(b->alg), NULL);
	rc = md && ctx ? replay_with(l, at, b, ctx, md, e)
	               : err_set(e, WHY_SYSTEM, "this system's OpenSSL has no %s", logread_bank_name(b->alg));
	EVP_MD_free(md);
	EVP_MD_CTX_free(ctx);
	return rc;
}

/* ---- Reading ---- */

static void note_locality(struct logread *l, const struct event *ev)
{
	if (ev->type == EV_NO_ACTION && ev->data.n == 17 && memcmp(ev->data.p, "StartupLocality", 16) == 0)
		l->locality = ev->data.p[16];
	else if (ev->type == EV_EFI_HCRTM_EVENT)
		l->locality = 4;
}

static int read_lines(struct logread *l, struct err *e)
{
	struct eventlog cursor = l->head;
	uint8_t section = SECTION_NONE;
	int got;

	l->line = calloc(EVENT_MAX, sizeof l->line[0]);
	if (!l->line)
		return err_sys(e, "no memory for the events");
	while ((got = eventlog_next(&cursor, &l->line[l->n].ev, e)) > 0) {
		struct logread_line *line = &l->line[l->n++];
		note_locality(l, &line->ev);
		line->m = boot_event(&line->ev);
		if (line->ev.type != EV_NO_ACTION)
			meaning_of(&line->m, &section, &line->means);
		if (l->n == EVENT_MAX)
			return err_set(e, WHY_MALFORMED, "the event log has %d events or more", EVENT_MAX);
	}
	l->head.rest = cursor.rest;
	return got;
}

static bool has_sha256(const struct logread *l)
{
	for (uint32_t i = 0; i < l->head.algs; i++)
		if (l->head.alg[i].id == 0xb)
			return true;
	return false;
}

int logread_open(struct logread *l, struct view log, struct err *e)
{
	memset(l, 0, sizeof *l);
	l->log = log;
	if (eventlog_open_any(&l->head, log, e) || read_lines(l, e))
		return -1;
	if (has_sha256(l) && boot_read(log, &l->boot, e))
		return -1;
	l->bank = calloc(l->head.algs, sizeof l->bank[0]);
	if (!l->bank)
		return err_sys(e, "no memory for the registers");
	for (uint32_t i = 0; i < l->head.algs; i++)
		if (replay(l, i, e))
			return -1;
	logwarn_all(l);
	return 0;
}

void logread_free(struct logread *l)
{
	free(l->line);
	free(l->bank);
	l->line = NULL;
	l->bank = NULL;
}

/* ---- In words ---- */

bool logread_binds(const struct logread_line *line)
{
	switch (line->means.kind) {
	case MEANS_FIRMWARE_VERSION:
	case MEANS_BOOT_VARIABLE:
	case MEANS_ACTION:
	case MEANS_DEBUGGER:
	case MEANS_SECURE_BOOT:
	case MEANS_KEYS:
	case MEANS_VARIABLE:
	case MEANS_AUTHORITY:
	case MEANS_SBAT_LEVEL:
	case MEANS_COMMAND_LINE:
	case MEANS_GRUB_COMMAND:
		return true;
	default:
		return false;
	}
}

/* UEFI 2.10 10.3.5.4: the file names of a device path, one behind the other. */
static void file_path(struct view path, char *out, size_t cap)
{
	struct rd r = rd_of(path);
	struct wr w = wr_to(out, cap - 1);
	char part[256];

	while (rd_left(&r) >= 4) {
		uint8_t type = rd_u8(&r), sub = rd_u8(&r);
		uint16_t n = rd_le16(&r);
		struct view body = rd_view(&r, n >= 4 ? n - 4u : UINT64_MAX);
		if (type == 0x7f)
			break;
		if (type == 4 && sub == 4 && text16_get(part, sizeof part, body) == 0)
			wr_str(&w, part);
	}
	out[wr_done(&w).n] = 0;
}

static void loader_path(struct view load, char *out, size_t cap)
{
	struct rd r = rd_of(load);

	rd_view(&r, 3 * 8); /* where it lay in memory */
	struct view path = rd_view(&r, rd_le64(&r));
	out[0] = 0;
	if (rd_ok(&r))
		file_path(path, out, cap);
}

static void keys_words(const struct meaning *m, char *out, size_t cap)
{
	struct siglist list = siglist_of(m->said);
	struct signature key;
	struct err e;
	unsigned n = 0;
	int got;

	while ((got = siglist_next(&list, &key, &e)) > 0)
		n++;
	snprintf(out, cap, "%s: %u %s%s", meaning_keys((enum key_list)m->which), n, n == 1 ? "entry" : "entries",
	        got < 0 ? ", and then what is no list" : "");
}

static void variable_words(const struct measured *m, const char *what, char *out, size_t cap)
{
	struct uefivar u;
	struct err e;
	char name[64] = "";

	if (uefivar_parse(m->data, &u, &e) == 0 && text16_get(name, sizeof name, u.name) == 0)
		snprintf(out, cap, "%s %s, %zu bytes", what, name, u.data.n);
	else
		snprintf(out, cap, "%s", what);
}

static void plain_words(const struct logread_line *line, const char *what, char *out, size_t cap)
{
	char text[EVENT_TEXT_MAX];

	if (meaning_text(&line->means, text, sizeof text) == 0)
		snprintf(out, cap, "%s \"%s\"", what, text);
	else
		snprintf(out, cap, "%s", what);
}

void logread_file(const struct logread_line *line, char *out, size_t cap)
{
	const char *section = line->means.kind == MEANS_SECTION ? meaning_section(line->means.which) : "";

	snprintf(out, cap, "%s", section);
	if (line->means.kind == MEANS_LOADER || line->means.kind == MEANS_DRIVER)
		loader_path(line->ev.data, out, cap);
}

static void loader_words(const struct logread_line *line, const char *what, char *out, size_t cap)
{
	char path[256];

	logread_file(line, path, sizeof path);
	snprintf(out, cap, "%s%s%s", what, *path ? " " : "", path);
}

/* Meanings that are the same in every log. */
static const char *fixed_words(enum meaning_kind kind)
{
	switch (kind) {
	case MEANS_SEPARATOR:
		return "separator";
	case MEANS_FIRMWARE:
		return "firmware code";
	case MEANS_LOAD_OPTIONS:
		return "kernel command line, its digest alone";
	case MEANS_INITRD:
		return "initial RAM disk";
	default:
		return NULL;
	}
}

static void said_words(const struct logread_line *line, char *out, size_t cap)
{
	static const char *const words[] = {
	        [MEANS_FIRMWARE_VERSION] = "firmware version",
	        [MEANS_ACTION] = "action",
	        [MEANS_DEBUGGER] = "DEBUG MODE:",
	        [MEANS_SBAT_LEVEL] = "shim's SBAT level",
	        [MEANS_MOK] = "shim's list",
	        [MEANS_COMMAND_LINE] = "kernel command line",
	        [MEANS_GRUB_COMMAND] = "GRUB runs",
	        [MEANS_GRUB_FILE] = "GRUB reads",
	};

	if ((size_t)line->means.kind < COUNT(words) && words[line->means.kind])
		plain_words(line, words[line->means.kind], out, cap);
	else if (line->ev.type == EV_NO_ACTION)
		snprintf(out, cap, "not measured");
}

void logread_meaning(const struct logread_line *line, char *out, size_t cap)
{
	const struct meaning *m = &line->means;

	out[0] = 0;
	if (fixed_words(m->kind)) {
		snprintf(out, cap, "%s", fixed_words(m->kind));
		return;
	}
	switch (m->kind) {
	case MEANS_DRIVER:
		loader_words(line, "driver or option ROM", out, cap);
		break;
	case MEANS_LOADER:
		loader_words(line, "boot loader", out, cap);
		break;
	case MEANS_BOOT_VARIABLE:
	case MEANS_VARIABLE:
		variable_words(&line->m, "variable", out, cap);
		break;
	case MEANS_AUTHORITY:
		variable_words(&line->m, "a signature was checked with an entry of", out, cap);
		break;
	case MEANS_SECURE_BOOT:
		snprintf(out, cap, "Secure Boot is %s",
		        m->said.n != 1 ? "unknown to this firmware"
		        : m->said.p[0] ? "on"
		                       : "off");
		break;
	case MEANS_KEYS:
		keys_words(m, out, cap);
		break;
	case MEANS_SECTION_NAME:
		snprintf(out, cap, "kernel image: name of section %s", meaning_section(m->which));
		break;
	case MEANS_SECTION:
		snprintf(out, cap, "kernel image: contents of %s", meaning_section(m->which));
		break;
	default:
		said_words(line, out, cap);
	}
}
