#include "firmware/firmware.h"

#include <string.h>

#include "base/hex.h"
#include "base/rd.h"
#include "base/sha.h"

enum {
	NAME_MAX16 = 64, /* of a section or variable */
	TAG_LOAD_OPTIONS = (int)0x8f3b22ed,
	TAG_INITRD = (int)0x8f3b22ec, /* both of the kernel's EFI stub */
};

/* systemd's unified kernel images; each name is measured with its NUL. */
static const char sections[SECTIONS][12] = {".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".splash", ".dtb",
        ".uname", ".sbat", ".pcrpkey", ".profile", ".dtbauto", ".hwids", ".efifw"};

static const char keys_names[KEYS_COUNT][4] = {"PK", "KEK", "db", "dbx"};

const char *meaning_section(uint8_t which)
{
	return which < SECTIONS ? sections[which] : NULL;
}

uint8_t meaning_section_of(const char *name)
{
	for (uint8_t i = 0; i < SECTIONS; i++)
		if (strcmp(sections[i], name) == 0)
			return i;
	return SECTION_NONE;
}

const char *meaning_keys(enum key_list k)
{
	return keys_names[k];
}

bool meaning_read(uint32_t pcr, uint32_t type)
{
	switch (pcr) {
	case 0:
		return type == EV_S_CRTM_VERSION;
	case 1:
		return type == EV_EFI_VARIABLE_BOOT || type == EV_EFI_VARIABLE_BOOT2;
	case 4:
		return type == EV_EFI_ACTION;
	case 7:
		return type != EV_SEPARATOR;
	case 12:
		return type == EV_IPL;
	default:
		return false;
	}
}

static bool digest_of(const struct measured *ev, struct view v)
{
	uint8_t digest[PCR_LEN];

	sha256(digest, v);
	return memcmp(digest, ev->digest, PCR_LEN) == 0;
}

static void says(const struct measured *ev, struct meaning *m, enum meaning_kind kind)
{
	m->kind = kind;
	m->said = ev->data;
	m->bound = digest_of(ev, ev->data);
}

/* ---- Variables ---- */

static bool boot_entry(const struct uefivar *u)
{
	static const char order[] = "BootOrder";
	char name[NAME_MAX16];

	if (!view_equal(u->guid, VIEW(UEFI_GLOBAL, UEFI_GUID_LEN)) || text16_get(name, sizeof name, u->name))
		return false;
	if (strcmp(name, order) == 0)
		return true;
	return strlen(name) == 8 && memcmp(name, "Boot", 4) == 0 && strspn(name + 4, "0123456789abcdefABCDEF") == 4;
}

/* Some firmware measures the structure, some its contents: then the name is only said, and the contents order a boot, no
 * more. */
static void boot_variable(const struct measured *ev, struct meaning *m)
{
	struct uefivar u;
	struct err e;

	says(ev, m, MEANS_VARIABLE);
	if (uefivar_parse(ev->data, &u, &e) || !boot_entry(&u))
		return;
	m->kind = MEANS_BOOT_VARIABLE;
	m->bound = m->bound || digest_of(ev, u.data);
}

static void configuration(const struct measured *ev, struct meaning *m)
{
	struct uefivar u;
	struct err e;

	says(ev, m, MEANS_VARIABLE);
	if (ev->pcr != 7 || uefivar_parse(ev->data, &u, &e))
		return;
	if (uefivar_is(&u, UEFI_GLOBAL, "SecureBoot")) {
		m->kind = MEANS_SECURE_BOOT;
		m->said = u.data;
	}
	for (uint8_t k = 0; k < KEYS_COUNT; k++)
		if (uefivar_is(&u, k < KEYS_DB ? UEFI_GLOBAL : UEFI_SECURITY, keys_names[k])) {
			m->kind = MEANS_KEYS;
			m->which = k;
			m->said = u.data;
		}
}

/* Which entry of a database a program was verified with: that it was used, the log says; nothing says for what. */
static void authority(const struct measured *ev, struct meaning *m)
{
	static const char *const shim_lists[] = {"Shim", "MokList", "MokListRT", "vendor_db"};
	struct uefivar u;
	struct err e;

	says(ev, m, MEANS_VARIABLE);
	if (ev->pcr != 7 || uefivar_parse(ev->data, &u, &e))
		return;
	if (uefivar_is(&u, UEFI_SHIM, "SbatLevel")) {
		m->kind = MEANS_SBAT_LEVEL;
		m->said = u.data;
		return;
	}
	bool known = uefivar_is(&u, UEFI_SECURITY, "db");
	for (size_t i = 0; i < COUNT(shim_lists); i++)
		known = known || uefivar_is(&u, UEFI_SHIM, shim_lists[i]);
	if (!known || u.data.n == 0)
		return;
	m->kind = MEANS_AUTHORITY;
	m->said = u.data;
}

/* ---- What the operating system's loaders measure ---- */

/* The digest alone says that it is a section's name; the contents are whatever comes next. */
static void section(const struct measured *ev, uint8_t *at, struct meaning *m)
{
	if (*at != SECTION_NONE) {
		m->kind = MEANS_SECTION;
		m->which = *at;
		*at = SECTION_NONE;
		return;
	}
	for (uint8_t i = 0; i < SECTIONS; i++)
		if (digest_of(ev, VIEW(sections[i], strlen(sections[i]) + 1))) {
			m->kind = MEANS_SECTION_NAME;
			m->which = *at = i;
			m->bound = true;
			return;
		}
}

/* Text that is measured with a NUL more or less than it is logged with; unit: bytes of a character. */
static bool text_bound(const struct measured *ev, struct view text, size_t unit)
{
	uint8_t longer[2 * EVENT_TEXT_MAX + 2];

	if (digest_of(ev, text))
		return true;
	if (text.n >= unit && digest_of(ev, VIEW(text.p, text.n - unit)))
		return text.p[text.n - 1] == 0 && text.p[text.n - unit] == 0;
	if (text.n + unit > sizeof longer)
		return false;
	if (text.n > 0)
		memcpy(longer, text.p, text.n);
	memset(longer + text.n, 0, unit);
	return digest_of(ev, VIEW(longer, text.n + unit));
}

/* GRUB measures the text behind the word, and has spelled the words in two ways. */
static void grub_command(const struct measured *ev, struct meaning *m)
{
	static const struct {
		const char *word;
		enum meaning_kind kind;
	} words[] = {{"grub_cmd: ", MEANS_GRUB_COMMAND}, {"kernel_cmdline: ", MEANS_COMMAND_LINE},
	        {"grub_kernel_cmdline ", MEANS_COMMAND_LINE}, {"module_cmdline: ", MEANS_GRUB_COMMAND},
	        {"grub_cmd ", MEANS_GRUB_COMMAND}};

	for (size_t i = 0; i < COUNT(words); i++) {
		size_t n = strlen(words[i].word);
		if (ev->data.n < n || memcmp(ev->data.p, words[i].word, n) != 0)
			continue;
		m->kind = words[i].kind;
		m->said = VIEW(ev->data.p + n, ev->data.n - n);
		m->bound = text_bound(ev, m->said, 1);
		return;
	}
	m->kind = MEANS_COMMAND_LINE; /* systemd-boot before version 252 */
	m->said = ev->data;
	m->bound = text_bound(ev, ev->data, 2);
}

/* The label is not measured: it only says what the digest should be looked up as. */
static void tagged(const struct measured *ev, struct meaning *m)
{
	struct rd r = rd_of(ev->data);
	uint32_t tag = rd_le32(&r);
	struct view label = rd_view(&r, rd_le32(&r));

	if (!rd_ok(&r) || ev->pcr != 9)
		return;
	m->said = label;
	if (tag == (uint32_t)TAG_LOAD_OPTIONS)
		m->kind = MEANS_LOAD_OPTIONS;
	else if (tag == (uint32_t)TAG_INITRD)
		m->kind = MEANS_INITRD;
}

static void loaded_text(const struct measured *ev, uint8_t *at, struct meaning *m)
{
	switch (ev->pcr) {
	case 8:
		grub_command(ev, m);
		break;
	case 9:
		m->kind = MEANS_GRUB_FILE;
		m->said = ev->data;
		break;
	case 11:
		section(ev, at, m);
		break;
	case 12:
		m->kind = MEANS_COMMAND_LINE;
		m->said = ev->data;
		m->bound = text_bound(ev, ev->data, 2);
		break;
	case 14:
		m->kind = MEANS_MOK;
		m->said = ev->data;
		break;
	}
}

static void action(const struct measured *ev, struct meaning *m)
{
	says(ev, m, MEANS_ACTION);
	if (ev->pcr == 7) /* TCG PFP 3.3.4.8: "UEFI Debug Mode", "DMA Protection Disabled": nothing good is said here */
		m->kind = MEANS_DEBUGGER;
}

void meaning_of(const struct measured *ev, uint8_t *section_at, struct meaning *out)
{
	*out = (struct meaning){.kind = MEANS_UNKNOWN};
	if (ev->pcr == 11 && ev->type != EV_SEPARATOR) {
		section(ev, section_at, out);
		return;
	}
	switch (ev->type) {
	case EV_SEPARATOR:
		out->kind = MEANS_SEPARATOR;
		break;
	case EV_S_CRTM_VERSION:
		says(ev, out, MEANS_FIRMWARE_VERSION);
		break;
	case EV_EFI_PLATFORM_FIRMWARE_BLOB:
	case EV_EFI_PLATFORM_FIRMWARE_BLOB2:
		out->kind = ev->pcr == 0 ? MEANS_FIRMWARE : MEANS_DRIVER;
		break;
	case EV_EFI_VARIABLE_BOOT:
	case EV_EFI_VARIABLE_BOOT2:
		boot_variable(ev, out);
		break;
	case EV_EFI_BOOT_SERVICES_DRIVER:
	case EV_EFI_RUNTIME_SERVICES_DRIVER:
	case EV_EFI_BOOT_SERVICES_APPLICATION:
		out->kind = ev->pcr == 4 ? MEANS_LOADER : MEANS_DRIVER;
		out->said = ev->data;
		break;
	case EV_ACTION:
	case EV_EFI_ACTION:
		action(ev, out);
		break;
	case EV_EFI_VARIABLE_DRIVER_CONFIG:
		configuration(ev, out);
		break;
	case EV_EFI_VARIABLE_AUTHORITY:
		authority(ev, out);
		break;
	case EV_IPL:
		loaded_text(ev, section_at, out);
		break;
	case EV_EVENT_TAG:
		tagged(ev, out);
		break;
	default:
		break;
	}
}

/* "sbat,1,2021030218\n": the third field dates the list. */
uint32_t meaning_sbat(struct view said)
{
	static const char head[] = "sbat,";
	uint64_t level = 0;
	size_t at = sizeof head - 1;

	if (said.n < at || memcmp(said.p, head, at) != 0)
		return 0;
	while (at < said.n && said.p[at] != ',')
		at++;
	for (at++; at < said.n && said.p[at] >= '0' && said.p[at] <= '9' && level <= UINT32_MAX; at++)
		level = 10 * level + (said.p[at] - '0');
	return level <= UINT32_MAX ? (uint32_t)level : 0;
}

/* ---- As text ---- */

static bool printable(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < 0x20 || v.p[i] > 0x7e)
			return v.p[i] == 0 && i == v.n - 1;
	return true;
}

/* Firmware says which of the two it writes nowhere: Latin text in two bytes has a zero in each second one. */
static bool looks_wide(struct view v)
{
	if (v.n < 2 || v.n % 2 != 0)
		return false;
	for (size_t i = 1; i < v.n; i += 2)
		if (v.p[i] != 0)
			return false;
	return true;
}

static int guid_text(const uint8_t *p, char *out, size_t cap)
{
	static const uint8_t order[UEFI_GUID_LEN] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	char hex[3];
	size_t n = 0;

	if (cap < 2 * UEFI_GUID_LEN + 4 + 1)
		return -1;
	for (size_t i = 0; i < UEFI_GUID_LEN; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[n++] = '-';
		memcpy(out + n, hex_put(hex, p + order[i], 1), 2);
		n += 2;
	}
	out[n] = 0;
	return 0;
}

int meaning_text(const struct meaning *m, char *out, size_t cap)
{
	struct view v = m->said;

	if (looks_wide(v))
		return text16_get(out, cap, v);
	if (printable(v) && v.n < cap) {
		if (v.n > 0)
			memcpy(out, v.p, v.n);
		out[v.n] = 0;
		return 0;
	}
	if (m->kind == MEANS_FIRMWARE_VERSION && v.n == UEFI_GUID_LEN)
		return guid_text(v.p, out, cap);
	return m->kind == MEANS_COMMAND_LINE ? text16_get(out, cap, v) : -1;
}
