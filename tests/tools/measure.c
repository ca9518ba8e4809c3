/* measure: extends a TPM's registers as firmware would have, for machines that have no firmware.
 *   measure LOG TCTI               the sha256 digests of an event log, in order
 *   measure --extend PCR HEX TCTI  one digest
 *   measure --ima LIST TCTI        register 10, by a binary runtime list
 * Exit status: 0 done, 1 refused by log or TPM, 2 usage. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "firmware/firmware.h"

enum { LIST_MAX = 16 * 1024 * 1024 };

struct tpm {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
};

static int tpm_refusal(struct err *e, const char *what, TSS2_RC rc)
{
	return err_set(e, WHY_SYSTEM, "%s: %s", what, Tss2_RC_Decode(rc));
}

/* Starts a TPM that nobody has started yet, as firmware does first of all. */
static int tpm_open(struct tpm *t, const char *tcti, struct err *e)
{
	TSS2_RC rc = Tss2_TctiLdr_Initialize(tcti, &t->tcti);

	if (rc)
		return tpm_refusal(e, tcti, rc);
	rc = Esys_Initialize(&t->esys, t->tcti, NULL);
	if (rc)
		return tpm_refusal(e, "Esys_Initialize", rc);
	rc = Esys_Startup(t->esys, TPM2_SU_CLEAR);
	if (rc && rc != TPM2_RC_INITIALIZE)
		return tpm_refusal(e, "TPM2_Startup", rc);
	return 0;
}

static void tpm_close(struct tpm *t)
{
	Esys_Finalize(&t->esys);
	Tss2_TctiLdr_Finalize(&t->tcti);
}

static int tpm_extend(struct tpm *t, uint32_t pcr, const uint8_t digest[PCR_LEN], struct err *e)
{
	TPML_DIGEST_VALUES values = {.count = 1, .digests = {{.hashAlg = TPM2_ALG_SHA256}}};

	memcpy(values.digests[0].digest.sha256, digest, PCR_LEN);
	TSS2_RC rc = Esys_PCR_Extend(
	        t->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &values);
	return rc ? tpm_refusal(e, "TPM2_PCR_Extend", rc) : 0;
}

/* A start value of PCR 0 other than zero would need another locality than a TCTI has. */
static bool starts_at_zero(const struct event *ev)
{
	if (ev->type == EV_EFI_HCRTM_EVENT)
		return false;
	return ev->type != EV_NO_ACTION || ev->data.n != 17 || memcmp(ev->data.p, "StartupLocality", 16) != 0 ||
	       ev->data.p[16] == 0;
}

static int extend_log(struct tpm *t, struct view log, struct err *e)
{
	struct eventlog l;
	struct event ev;
	int got;

	if (eventlog_open(&l, log, e))
		return -1;
	while ((got = eventlog_next(&l, &ev, e)) > 0) {
		if (!starts_at_zero(&ev))
			return err_set(e, WHY_REFUSED, "event %u: PCR 0 of this log does not start at zero", ev.number);
		if (ev.type != EV_NO_ACTION && tpm_extend(t, ev.pcr, ev.digest, e))
			return err_in(e, "event %u", ev.number);
	}
	return got;
}

static int measure_log(const char *path, const char *tcti, struct err *e)
{
	struct tpm t = {0};
	uint8_t *log = NULL;
	size_t n = 0;

	int rc = file_read(AT_FDCWD, path, EVENTLOG_MAX, &log, &n, e);
	if (rc == 0 && (rc = tpm_open(&t, tcti, e)) == 0)
		rc = extend_log(&t, VIEW(log, n), e);
	tpm_close(&t);
	mem_free(log);
	return rc;
}

static int extend_list(struct tpm *t, struct view list, struct err *e)
{
	struct ima l = ima_open(list, 0);
	uint8_t with[PCR_LEN];
	struct ima_entry x;
	int got;

	while ((got = ima_next(&l, &x, e)) == 1) {
		if (x.violation)
			memset(with, 0xff, sizeof with);
		else
			ima_sha256(with, &x);
		if (tpm_extend(t, IMA_PCR, with, e))
			return -1;
	}
	return got;
}

static int measure_list(const char *path, const char *tcti, struct err *e)
{
	struct tpm t = {0};
	uint8_t *list = NULL;
	size_t n = 0;

	int rc = file_read(AT_FDCWD, path, LIST_MAX, &list, &n, e);
	if (rc == 0 && (rc = tpm_open(&t, tcti, e)) == 0)
		rc = extend_list(&t, VIEW(list, n), e);
	tpm_close(&t);
	mem_free(list);
	return rc;
}

static int measure_one(const char *pcr, const char *hex, const char *tcti, struct err *e)
{
	struct tpm t = {0};
	uint8_t digest[PCR_LEN];
	char *end;
	unsigned long index = strtoul(pcr, &end, 10);

	if (*pcr == '\0' || *end != '\0' || index >= PCR_COUNT)
		return err_set(e, WHY_MALFORMED, "there is no register \"%s\"", pcr);
	if (hex_get(digest, sizeof digest, hex))
		return err_set(e, WHY_MALFORMED, "\"%s\" is not a sha256 in hexadecimal", hex);
	int rc = tpm_open(&t, tcti, e);
	if (rc == 0)
		rc = tpm_extend(&t, (uint32_t)index, digest, e);
	tpm_close(&t);
	return rc;
}

int main(int argc, char **argv)
{
	struct err e = {0};
	int rc;

	log_name("measure");
	if (argc == 3 && argv[1][0] != '-') {
		rc = measure_log(argv[1], argv[2], &e);
	} else if (argc == 4 && strcmp(argv[1], "--ima") == 0) {
		rc = measure_list(argv[2], argv[3], &e);
	} else if (argc == 5 && strcmp(argv[1], "--extend") == 0) {
		rc = measure_one(argv[2], argv[3], argv[4], &e);
	} else {
		fputs("usage: measure LOG TCTI\n       measure --extend PCR HEX TCTI\n       measure --ima LIST TCTI\n",
		        stderr);
		return 2;
	}
	if (rc)
		log_err(&e);
	return rc ? 1 : 0;
}
