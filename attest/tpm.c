#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include "attest/attest.h"

int tpm_open(struct tpm *t, const char *tcti, struct err *e)
{
	/* The library prints what we say better, and prints it twice. */
	if (setenv("TSS2_LOG", "all+none", 1) != 0)
		return err_sys(e, "environment");
	TSS2_TCTI_CONTEXT *link = NULL;
	TSS2_RC rc = Tss2_TctiLdr_Initialize(tcti, &link);
	if (rc != TSS2_RC_SUCCESS) {
		err_set(e, WHY_SYSTEM, "no TPM at %s (TSS 0x%08" PRIx32 ")", tcti, rc);
		return err_hint(e, "name the machine's TPM, for instance device:/dev/tpmrm0");
	}
	*t = (struct tpm){.tcti = link};
	if (tpm_again(t, e) == 0)
		return 0;
	Tss2_TctiLdr_Finalize(&link);
	*t = (struct tpm){0};
	return -1;
}

int tpm_again(struct tpm *t, struct err *e)
{
	if (t->esys)
		Esys_Finalize(&t->esys);
	t->srk = t->ak = ESYS_TR_NONE;
	TSS2_RC rc = Esys_Initialize(&t->esys, t->tcti, NULL);
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	t->esys = NULL;
	return err_set(e, WHY_SYSTEM, "the TPM library does not start (TSS 0x%08" PRIx32 ")", rc);
}

void tpm_close(struct tpm *t)
{
	TSS2_TCTI_CONTEXT *link = t->tcti;
	if (t->esys)
		Esys_Finalize(&t->esys);
	if (link)
		Tss2_TctiLdr_Finalize(&link);
	t->tcti = NULL;
}

/* Codes that say nothing about what was asked: the TPM is away, busy or locked. */
static bool says_nothing(TSS2_RC rc)
{
	TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;
	if (layer != TSS2_TPM_RC_LAYER && layer != TSS2_RESMGR_TPM_RC_LAYER)
		return true;
	switch (rc & ~TSS2_RC_LAYER_MASK) {
	case TPM2_RC_LOCKOUT:
	case TPM2_RC_RETRY:
	case TPM2_RC_TESTING:
	case TPM2_RC_FAILURE:
	case TPM2_RC_INITIALIZE:
	case TPM2_RC_OBJECT_MEMORY:
	case TPM2_RC_SESSION_MEMORY:
	case TPM2_RC_MEMORY:
		return true;
	default:
		return false;
	}
}

int tpm_fail(struct err *e, uint32_t rc, enum why why, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX / 2];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (says_nothing(rc))
		return err_set(
		        e, WHY_SYSTEM, "the TPM gives no answer: %s (TPM 0x%03" PRIx32 ")", Tss2_RC_Decode(rc), rc);
	rc &= ~TSS2_RC_LAYER_MASK;
	if (why != WHY_SYSTEM)
		return err_set(e, why, "%s (TPM 0x%03" PRIx32 ")", text, rc);
	return err_set(e, why, "%s: %s (TPM 0x%03" PRIx32 ")", text, Tss2_RC_Decode(rc), rc);
}

void tpm_flush(struct tpm *t, uint32_t *handle)
{
	if (*handle == ESYS_TR_NONE)
		return;
	if (Esys_FlushContext(t->esys, *handle) != TSS2_RC_SUCCESS)
		(void)Esys_TR_Close(t->esys, handle); /* gone in the TPM: forget it here too */
	*handle = ESYS_TR_NONE;
}

int tpm_session(struct tpm *t, uint32_t *session, struct err *e)
{
	return tpm_session_by(t, TPM2_ALG_SHA256, session, e);
}

int tpm_session_by(struct tpm *t, uint16_t hash, uint32_t *session, struct err *e)
{
	const TPMT_SYM_DEF sym = {.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
	ESYS_TR s = ESYS_TR_NONE;
	TSS2_RC rc = Esys_StartAuthSession(t->esys, t->srk, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
	        NULL, TPM2_SE_POLICY, &sym, hash, &s);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot start a session");
	const TPMA_SESSION both = TPMA_SESSION_ENCRYPT | TPMA_SESSION_CONTINUESESSION;
	rc = Esys_TRSess_SetAttributes(t->esys, s, both, both);
	if (rc != TSS2_RC_SUCCESS) {
		tpm_flush(t, &s);
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot encrypt a session");
	}
	*session = s;
	return 0;
}

void tpm_scrub(struct tpm *t)
{
	TPM2B_DIGEST *random = NULL; /* 10 bytes of header, 2 of length, 48: past the 48 that an unsealed key takes */
	(void)Esys_GetRandom(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, 48, &random);
	Esys_Free(random);
}

int tpm_clock(struct tpm *t, struct tpm_clock *out, struct err *e)
{
	TPMS_TIME_INFO *info = NULL;
	TSS2_RC rc = Esys_ReadClock(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &info);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(e, rc, WHY_SYSTEM, "cannot read the TPM's clock");
	*out = (struct tpm_clock){
	        .clock_ms = info->clockInfo.clock,
	        .reset_count = info->clockInfo.resetCount,
	        .restart_count = info->clockInfo.restartCount,
	        .safe = info->clockInfo.safe == TPM2_YES,
	};
	Esys_Free(info);
	return 0;
}
