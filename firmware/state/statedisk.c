#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "firmware/init/init.h"
#include "firmware/state/statedisk.h"

enum { SLOT_SEALED, SLOT_RECOVERY, TOKENS = 32, VOLUME_KEY = 64, CHUNK = 256 * 1024 };

static int fail(struct err *e, int rc, const char *what)
{
	errno = rc < 0 ? -rc : EIO;
	return err_sys(e, "%s", what);
}

/* What the library says is said better by its callers. */
static void be_silent(int level, const char *message, void *arg)
{
	(void)level, (void)message, (void)arg;
}

/* 1: nothing but zeros; 0: something; -1. */
static int is_blank(const char *device, struct err *e)
{
	AUTO(fd_close) int fd = open(device, O_RDONLY | O_CLOEXEC);
	AUTO(mem_free) char *chunk = malloc(CHUNK);
	ssize_t n;

	if (fd < 0 || !chunk)
		return err_sys(e, "%s", device);
	while ((n = read(fd, chunk, CHUNK)) > 0)
		if (chunk[0] != 0 || memcmp(chunk, chunk + 1, (size_t)n - 1) != 0)
			return 0;
	return n == 0 ? 1 : err_sys(e, "%s", device);
}

/* The first of that type; NULL without one. Valid until the volume is closed. */
static const char *token_of(struct crypt_device *volume, const char *type)
{
	for (int i = 0; i < TOKENS; i++) {
		const char *text = NULL;
		struct err ignored;

		if (crypt_token_json_get(volume, i, &text) < 0)
			continue;
		AUTO(json_free) json_t *j = json_read(VIEW(text, strlen(text)), TOKEN_MAX, &ignored);
		if (j && strcmp(json_text(j, "type"), type) == 0)
			return text;
	}
	return NULL;
}

/* A LUKS2 header that can be read: the label is ours, and the sealed key is what a first boot writes last. */
static int read_volume(struct statedisk *d, struct err *e)
{
	const char *label = crypt_get_label(d->volume), *token = token_of(d->volume, TOKEN_SEALED);

	d->kind = STATEDISK_OTHER;
	if (!label || strcmp(label, STATE_LABEL) != 0)
		return 0;
	d->kind = token ? STATEDISK_OURS : STATEDISK_HALF;
	return token ? statetoken_sealed_read(VIEW(token, strlen(token)), &d->sealed, e) : 0;
}

static int start(struct statedisk *d, const char *device, struct err *e)
{
	crypt_free(d->volume);
	d->volume = NULL;
	int rc = crypt_init(&d->volume, device);
	return rc < 0 ? fail(e, rc, device) : 0;
}

static int look(struct statedisk *d, const char *device, struct err *e)
{
	int blank;

	if (start(d, device, e))
		return -1;
	if (crypt_load(d->volume, CRYPT_LUKS2, NULL) >= 0) {
		if (read_volume(d, e))
			return -1;
		return d->kind == STATEDISK_HALF ? start(d, device, e) : 0; /* what was loaded is not formatted */
	}
	blank = is_blank(device, e);
	d->kind = blank == 1 ? STATEDISK_BLANK : STATEDISK_OTHER;
	return blank < 0 ? -1 : 0;
}

int statedisk_open(const char *device, struct statedisk *out, struct err *e)
{
	AUTO(statedisk_close) struct statedisk d = {0};

	/* there is neither udev nor another program that locks */
	if (setenv("DM_DISABLE_UDEV", "1", 1) != 0 || crypt_metadata_locking(NULL, 0) < 0)
		return err_sys(e, "environment");
	crypt_set_log_callback(NULL, be_silent, NULL);
	if (look(&d, device, e))
		return -1;
	*out = d;
	d.volume = NULL;
	return 0;
}

void statedisk_close(struct statedisk d)
{
	crypt_free(d.volume);
}

/* The keys are random: making guesses slow would only make each boot slow. */
static const struct crypt_pbkdf_type pbkdf = {
        .type = CRYPT_KDF_PBKDF2, .hash = "sha256", .iterations = 1000, .flags = CRYPT_PBKDF_NO_BENCHMARK};

static int add_slots(struct statedisk *d, const struct secret *key, const struct secret *phrase)
{
	char text[RECOVERY_PHRASE + 1];
	int rc = crypt_keyslot_add_by_volume_key(d->volume, SLOT_SEALED, NULL, 0, (const char *)key->b, sizeof key->b);

	recovery_phrase(phrase, text);
	if (rc >= 0)
		rc = crypt_keyslot_add_by_volume_key(d->volume, SLOT_RECOVERY, NULL, 0, text, RECOVERY_PHRASE);
	mem_wipe(text, sizeof text);
	return rc;
}

int statedisk_format(struct statedisk *d, const struct secret *key, const struct secret *phrase, struct err *e)
{
	struct crypt_params_luks2 params = {.pbkdf = &pbkdf, .sector_size = 512, .label = STATE_LABEL};
	int rc;

	if (d->kind != STATEDISK_BLANK && d->kind != STATEDISK_HALF)
		return err_set(e, WHY_REFUSED, "only a blank partition is ever formatted");
	rc = crypt_format(d->volume, CRYPT_LUKS2, "aes", "xts-plain64", NULL, NULL, VOLUME_KEY, &params);
	if (rc >= 0)
		rc = add_slots(d, key, phrase);
	return rc < 0 ? fail(e, rc, "cannot make the encrypted volume") : 0;
}

int statedisk_map(struct statedisk *d, const struct secret *key, struct err *e)
{
	int rc = crypt_activate_by_passphrase(
	        d->volume, STATE_MAPPED, SLOT_SEALED, (const char *)key->b, sizeof key->b, 0);

	if (rc == -EPERM)
		return err_set(
		        e, WHY_FORGED, "the key that the TPM gave does not open the volume: its header was changed");
	return rc < 0 ? fail(e, rc, "cannot map the encrypted volume") : 0;
}

static int put_token(struct crypt_device *volume, const struct wr *w, struct err *e)
{
	int rc;

	if (!wr_ok(w))
		return err_set(e, WHY_SYSTEM, "a token is longer than %d bytes", TOKEN_MAX);
	rc = crypt_token_json_set(volume, CRYPT_ANY_TOKEN, (const char *)w->p);
	return rc < 0 ? fail(e, rc, "cannot write the volume's header") : 0;
}

int statedisk_finish(struct statedisk *d, const struct sealedkey *k, const uint8_t box[RECOVERY_BOX], struct err *e)
{
	char recovery[TOKEN_MAX] = "", sealed[TOKEN_MAX] = "";
	struct wr r = wr_to(recovery, sizeof recovery - 1), s = wr_to(sealed, sizeof sealed - 1);

	statetoken_recovery(&r, box);
	statetoken_sealed(&s, k);
	if (put_token(d->volume, &r, e) || put_token(d->volume, &s, e))
		return -1;
	d->sealed = *k;
	d->kind = STATEDISK_OURS;
	return 0;
}
