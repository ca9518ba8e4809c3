/* log: what a boot log says, for the person who has to know. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "cmd/cli.h"
#include "cmd/logread.h"

enum { DIGEST_SHOWN = 8, KEYS_SHOWN = 8, WORDS_MAX = 2 * EVENT_TEXT_MAX };

/* Text of a log is an attacker's: nothing in it may move the cursor (A94). */
static void put(const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		bool c1 = c == 0xc2 && (unsigned char)s[1] < 0xa0;
		if (c < 0x20 || c == 0x7f || c1)
			printf("\\x%02x", c);
		else
			putchar(c);
	}
}

static void put_digest(struct view digest, size_t shown)
{
	char hex[2 * LOGREAD_DIGEST_MAX + 1];

	fputs(hex_put(hex, digest.p, digest.n < shown ? digest.n : shown), stdout);
}

static void label(const char *name)
{
	printf("%-14s", name);
}

/* ---- What it comes to ---- */

static void print_head(const struct logread *l, const char *name)
{
	label("Log");
	put(name);
	putchar('\n');
	label("Form");
	printf("%s, %zu bytes, %zu events, banks", l->head.old ? "old, SHA-1 alone" : "crypto-agile", l->log.n, l->n);
	for (uint32_t i = 0; i < l->head.algs; i++)
		printf(" %s", logread_bank_name(l->head.alg[i].id));
	putchar('\n');
}

/* A dbx has hundreds of entries; the first ones tell which it is. */
static void print_keys(const struct logread_line *line)
{
	static const char *const kinds[] = {"other", "certificate", "sha256"};
	const char *name = meaning_keys((enum key_list)line->means.which);
	struct siglist list = siglist_of(line->means.said);
	struct signature key;
	struct err e;
	unsigned n = 0;

	while (siglist_next(&list, &key, &e) > 0) {
		if (n++ >= KEYS_SHOWN)
			continue;
		label(n == 1 ? name : "");
		put_digest(VIEW_OF(key.name), PCR_LEN);
		printf("  %s\n", kinds[key.kind]);
	}
	if (n == 0)
		printf("%-14sempty\n", name);
	if (n > KEYS_SHOWN)
		printf("%-14sand %u more\n", "", n - KEYS_SHOWN);
}

static void print_bound(const struct logread *l, const struct logread_line *line)
{
	if (logread_binds(line) && !line->means.bound && !l->head.old)
		fputs("   NOT what was measured", stdout);
}

static void print_text(const struct logread *l, const struct logread_line *line, const char *name)
{
	char text[EVENT_TEXT_MAX];

	if (meaning_text(&line->means, text, sizeof text))
		return;
	label(name);
	put(text);
	printf("  (event %u)", line->ev.number);
	print_bound(l, line);
	putchar('\n');
}

static void print_authority(const struct logread *l, const struct logread_line *line)
{
	struct signature key;

	siglist_authority(line->means.said, &key);
	label("Authority");
	put_digest(VIEW_OF(key.name), PCR_LEN);
	printf("  (event %u)", line->ev.number);
	print_bound(l, line);
	putchar('\n');
}

/* What only its digest tells, with a word of what is said about it. */
static void print_measured(const struct logread *l, const struct logread_line *line, const char *name)
{
	char words[WORDS_MAX];
	struct view digest = eventlog_digest(&l->head, &line->ev, 0);

	for (uint32_t i = 0; i < l->head.algs; i++)
		if (l->head.alg[i].id == 0xb)
			digest = eventlog_digest(&l->head, &line->ev, i);
	label(name);
	put_digest(digest, PCR_LEN);
	logread_file(line, words, sizeof words);
	printf("  (event %u)%s", line->ev.number, *words ? "  " : "");
	put(words);
	putchar('\n');
}

static void print_line(const struct logread *l, const struct logread_line *line)
{
	switch (line->means.kind) {
	case MEANS_FIRMWARE_VERSION:
		print_text(l, line, "Firmware");
		break;
	case MEANS_KEYS:
		print_keys(line);
		break;
	case MEANS_AUTHORITY:
		print_authority(l, line);
		break;
	case MEANS_SBAT_LEVEL:
		print_text(l, line, "SBAT level");
		break;
	case MEANS_LOADER:
		print_measured(l, line, "Loader");
		break;
	case MEANS_DRIVER:
		print_measured(l, line, "Driver");
		break;
	case MEANS_SECTION:
		print_measured(l, line, "Image");
		break;
	case MEANS_COMMAND_LINE:
		print_text(l, line, "Command line");
		break;
	case MEANS_LOAD_OPTIONS:
		print_measured(l, line, "Command line");
		break;
	case MEANS_INITRD:
		print_measured(l, line, "Initrd");
		break;
	default:
		break;
	}
}

static void print_summary(const struct logread *l)
{
	label("Secure Boot");
	puts(l->head.old ? "unknown: this form of log proves nothing" : secure_boot_name(l->boot.secure_boot));
	for (size_t i = 0; i < l->n; i++)
		print_line(l, &l->line[i]);
}

/* ---- Event by event ---- */

static void print_events(const struct logread *l)
{
	char words[WORDS_MAX];

	printf("\n%5s  %3s  %-34s%-18s%s\n", "Event", "PCR", "Type", "Digest", "Meaning");
	for (size_t i = 0; i < l->n; i++) {
		const struct logread_line *line = &l->line[i];
		printf("%5u  %3u  %-34s", line->ev.number, line->ev.pcr, event_type_name(line->ev.type));
		put_digest(eventlog_digest(&l->head, &line->ev, l->head.algs - 1), DIGEST_SHOWN);
		fputs("  ", stdout);
		logread_meaning(line, words, sizeof words);
		put(words);
		print_bound(l, line);
		putchar('\n');
	}
}

static const char *holds(unsigned pcr)
{
	static const char *const what[PCR_COUNT] = {[0] = "the firmware",
	        [1] = "its configuration",
	        [2] = "drivers and option ROMs",
	        [3] = "their configuration",
	        [4] = "boot loaders and the kernel image",
	        [5] = "partition table, boot menu (not quoted)",
	        [6] = "the host's own (not quoted)",
	        [7] = "Secure Boot variables, authorities used",
	        [8] = "GRUB commands (not quoted)",
	        [9] = "files GRUB read; initial RAM disks, load options",
	        [10] = "IMA",
	        [11] = "sections of a unified kernel image",
	        [12] = "command lines and add-ons from outside it",
	        [13] = "system extensions (not quoted)",
	        [14] = "shim's own lists (not quoted)"};

	return what[pcr] ? what[pcr] : "";
}

static void print_banks(const struct logread *l)
{
	for (uint32_t i = 0; i < l->head.algs; i++) {
		const struct logread_bank *b = &l->bank[i];
		printf("\nRegisters, bank %s, as the log gives them\n", logread_bank_name(b->alg));
		for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
			if (!(b->extended & 1u << pcr))
				continue;
			printf("%5u  ", pcr);
			put_digest(VIEW(b->value[pcr], b->size), b->size);
			printf("  %s\n", holds(pcr));
		}
	}
}

static void print_warnings(const struct logread *l)
{
	if (l->nwarnings > 0)
		puts("\nTo know");
	for (size_t i = 0; i < l->nwarnings; i++) {
		fputs("  ", stdout);
		put(l->warning[i]);
		putchar('\n');
	}
}

int cmd_log(struct cli *c, struct err *e)
{
	AUTO(mem_free) char *bytes = NULL;
	uint8_t *p = NULL;
	struct logread l;
	size_t n = 0;
	int rc;

	if (!cli_args(c, 1, 1, e))
		return CLI_USAGE;
	if (cli_read(c->argv[0], &p, &n, e))
		return -1;
	bytes = (char *)p;
	rc = logread_open(&l, VIEW(p, n), e);
	if (rc) {
		err_in(e, "%s", c->argv[0]);
	} else if (c->json) {
		logjson_print(&l, c->argv[0]);
	} else {
		print_head(&l, c->argv[0]);
		print_summary(&l);
		print_events(&l);
		print_banks(&l);
		print_warnings(&l);
	}
	logread_free(&l);
	return rc;
}
