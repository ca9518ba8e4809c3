/* swtpm: a real software TPM for one test, in a directory of its own; and the small things tests do to it. */
#ifndef TESTS_UNIT_SWTPM_H
#define TESTS_UNIT_SWTPM_H

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tss2/tss2_esys.h>

#include "attest/attest.h"

struct swtpm {
	char dir[64];
	char tcti[96];
	pid_t pid;
};

static inline bool swtpm_installed(void)
{
	return access("/usr/bin/swtpm", X_OK) == 0;
}

static inline bool swtpm_answers(const struct swtpm *s)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/sock", s->dir);
	bool yes = connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;
	close(fd);
	return yes;
}

/* Switches it on with the state it has: Startup(CLEAR), so a reset. */
static inline int swtpm_on(struct swtpm *s)
{
	char state[128], server[128], ctrl[128];
	(void)snprintf(state, sizeof(state), "dir=%s", s->dir);
	(void)snprintf(server, sizeof(server), "type=unixio,path=%s/sock", s->dir);
	(void)snprintf(ctrl, sizeof(ctrl), "type=unixio,path=%s/sock.ctrl", s->dir);
	s->pid = fork();
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);         /* a test that dies leaves nothing behind */
		(void)!freopen("/dev/null", "w", stderr); /* it notes each command's connection */
		execl("/usr/bin/swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--server", server, "--ctrl",
		        ctrl, "--flags", "not-need-init,startup-clear", (char *)NULL);
		_exit(3);
	}
	for (int i = 0; i < 500 && !swtpm_answers(s); i++)
		nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
	return swtpm_answers(s) ? 0 : -1;
}

/* A power cut. */
static inline void swtpm_off(struct swtpm *s)
{
	char path[128];
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	s->pid = 0;
	(void)snprintf(path, sizeof(path), "%s/sock", s->dir);
	unlink(path);
}

static inline int swtpm_new(struct swtpm *s)
{
	*s = (struct swtpm){.dir = "/tmp/merestone-tpm-XXXXXX"};
	if (!mkdtemp(s->dir))
		return -1;
	(void)snprintf(s->tcti, sizeof(s->tcti), "swtpm:path=%s/sock", s->dir);
	return swtpm_on(s);
}

static inline int swtpm_remove(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st, (void)type, (void)walk;
	return remove(path);
}

static inline void swtpm_free(struct swtpm *s)
{
	swtpm_off(s);
	if (s->dir[0])
		(void)nftw(s->dir, swtpm_remove, 8, FTW_DEPTH | FTW_PHYS);
	s->dir[0] = 0;
}

static inline int swtpm_extend(struct tpm *t, uint32_t pcr)
{
	TPML_DIGEST_VALUES v = {.count = 1, .digests[0].hashAlg = TPM2_ALG_SHA256};
	memset(v.digests[0].digest.sha256, 7, 32);
	return (int)Esys_PCR_Extend(t->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &v);
}

/* Moves the TPM's clock forward: what waiting does, only sooner. */
static inline int swtpm_forward(struct tpm *t, uint64_t ms)
{
	struct tpm_clock c;
	struct err e;
	if (tpm_clock(t, &c, &e) != 0)
		return -1;
	return (int)Esys_ClockSet(
	        t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, c.clock_ms + ms);
}

/* Transient objects and sessions that the TPM still holds. */
static inline unsigned swtpm_left(struct tpm *t)
{
	unsigned n = 0;
	const uint32_t kinds[] = {0x80000000u, 0x02000000u, 0x03000000u};
	for (size_t i = 0; i < COUNT(kinds); i++) {
		TPMS_CAPABILITY_DATA *data = NULL;
		TPMI_YES_NO more;
		if (Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES, kinds[i],
		            16, &more, &data) != TSS2_RC_SUCCESS)
			return 99;
		n += data->data.handles.count;
		Esys_Free(data);
	}
	return n;
}

#endif
