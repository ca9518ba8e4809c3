/* init: what starts the appliance, merestone-appliance(7). Two programs: `first` in the initramfs, static and without
 * OpenSSL, and the supervisor, process 1 of the verified root. What both use, and what the command line tool shares with
 * them, is here. */
#ifndef FIRMWARE_INIT_INIT_H
#define FIRMWARE_INIT_INIT_H

#include "base/err.h"
#include "base/name.h"
#include "base/sha.h"
#include "base/wr.h"
#include "firmware/firmware.h"

#define TPM_DEVICE   "/dev/tpm0"
#define RUN_DIR      "/run/merestone"
#define RUN_EVENTLOG RUN_DIR "/eventlog"
#define RUN_SITE     RUN_DIR "/site.jws"
#define RUN_PCRSIG   RUN_DIR "/pcrsig.json"
#define RUN_BOOT     RUN_DIR "/boot.json"
#define RUN_CA       RUN_DIR "/ca.pem"
#define RUN_DATA     RUN_DIR "/data"        /* what is opened: in memory, the agent's alone */
#define RUN_FLOOR    "/run/merestone/floor" /* and the version floor to raise, in decimal */
#define RUN_REBOOT   RUN_DIR "/reboot"      /* the updater writes to it what for */
#define TPM_SHARED   "/dev/tpmrm0"
#define IMA_LIST     "/sys/kernel/security/ima/binary_runtime_measurements"
#define STATE_MAPPED "merestone-state" /* below /dev/mapper */
#define AGENT_STATE  "/state/agent"
#define QUOTER_STATE "/state/quoter"
#define RUN_STICK    RUN_DIR "/stick"   /* the partition MERESTONE of another disk, for the updater */
#define RUN_TROUBLE  RUN_DIR "/trouble" /* what first has to say, a line each */

enum { PCRSIG_MAX = 4096 };    /* of the section .pcrsig: ours has 270 */
enum { SITE_MAX = 16 * 1024 }; /* bytes of a site file: ours has 3 KB, most of it the authority's certificate */

/* ---- the site file (site.c), merestone-appliance(7): where a machine belongs ---- */

#define SITE_TYP    "merestone-site+jws"
#define SITE_FORMAT "merestone-site/1"
enum { SITE_DATA_MAX = 16, SITE_CA_MAX = 8 * 1024, IPV4_LEN = 4 };

struct netconf { /* what an interface gets */
	uint8_t address[IPV4_LEN];
	uint8_t prefix; /* 8 to 30 */
	bool has_gateway;
	uint8_t gateway[IPV4_LEN]; /* in the same net */
	uint32_t lease_s;          /* DHCP; else 0 */
};
/* The address is one that a machine can have, the gateway another one of its net. WHY_MALFORMED. */
int netconf_check(const struct netconf *c, struct err *e);

struct site {
	char name[NAME_CAP];
	char trust_domain[256];
	char authority[64];   /* https://ADDRESS:PORT, numeric: nothing here looks up names */
	char host[16];        /* ADDRESS */
	uint16_t port;        /* PORT */
	char ca[SITE_CA_MAX]; /* PEM: the only root that is believed */
	bool dhcp;
	struct netconf network; /* unless dhcp */
	bool has_location;
	double lat_deg, lon_deg, uncertainty_m;
	char data[SITE_DATA_MAX][NAME_CAP]; /* opened after each attestation */
	size_t ndata;
	char officer[44]; /* kid of the key that signed it */
};

/* A compact JWS. Form, typ and every member are checked; the signature, too, when officer (a PEM public key) is not empty:
 * without one the file counts for what it is measured as. WHY_MALFORMED, WHY_UNKNOWN for another officer, WHY_FORGED. */
int site_parse(struct view jws, struct view officer, struct site *out, struct err *e);
/* agent.json of merestone-agent(8) on the appliance; variant: of its image, NULL when that does not say. */
void site_agent(const struct site *s, const char *variant, struct wr *out);

/* ---- the kernel's command line (bootline.c), pure ---- */

enum { BOOTLINE_MAX = 2048, SALT_MAX = 32, VERITY_BLOCK = 4096 };

struct bootline {
	uint8_t root[SHA_LEN]; /* merestone.root */
	uint8_t salt[SALT_MAX];
	size_t nsalt;
	uint64_t blocks; /* merestone.blocks: of data; the hash tree begins behind them */
	bool debug;      /* merestone.debug: of an image whose kernel talks, so that its registers are others */
};

/* Words that do not begin with "merestone." are the kernel's own. A missing, repeated or unknown word of ours is
 * WHY_MALFORMED. */
int bootline_parse(struct view line, struct bootline *out, struct err *e);

/* ---- dm-verity (verity.c), pure ---- */

/* The first block behind the data is the top of the hash tree: it is of this root when H(salt || block) is the root hash. */
bool verity_fits(const struct bootline *b, const uint8_t top[VERITY_BLOCK]);
/* The line that the kernel's device mapper takes; a block that does not fit makes the kernel panic. With a NUL behind. */
void verity_table(const struct bootline *b, const char *device, struct wr *out);

/* SHA-256 where there is no OpenSSL (sha2.c): FIPS 180-4. */
void sha2_256(uint8_t out[SHA_LEN], const struct view *parts, size_t n);

/* ---- events of our own (pcrevent.c), pure ---- */

#define SITE_EVENT "merestone-site" /* register 12; a NUL and the file's digest follow, and the digest is the event's */
#define UP_EVENT   "merestone:up"   /* register 11: after it nothing of this boot can be unsealed */
enum { PCR_SITE = 12, PCR_UP = 11 };

struct pcrevent {
	uint32_t pcr;
	uint8_t digest[SHA_LEN];
	struct view data;
};

/* TPM2_PCR_Extend with an empty password: in the sha256 bank, and in each further bank that the log names with the same
 * digest cut or filled with zeros, so that the log stays whole. log may be empty: sha256 alone. */
void pcrevent_command(struct wr *w, const struct pcrevent *ev, struct view log);
/* 0, or WHY_SYSTEM with the TPM's code. */
int pcrevent_response(struct view v, struct err *e);
/* The TCG_PCR_EVENT2 of it, EV_EVENT_TAG. WHY_MALFORMED when the log has no header that we read. */
int pcrevent_record(struct wr *w, const struct pcrevent *ev, struct view log, struct err *e);
/* The bytes of a log up to its last event: padding cut off. */
int pcrevent_whole(struct view log, struct view *out, struct err *e);

/* ---- watchdogs (watchdog.c) ---- */

/* Every one that the machine has, of hardware or of the kernel: not fed for WATCHDOG_S it starts the machine anew, and boot
 * counting sees that. `first` opens them and hands them on, so that a root that hangs is left again. */
void watchdog_open(void);
void watchdog_feed(void);
enum { WATCHDOG_S = 60, WATCHDOG_FEED_S = 10 };

/* Extends, then appends to the log file; a file that is not there is no error (pcrextend.c). */
int pcrextend(const char *tpm, const char *log, const struct pcrevent *ev, struct err *e);

#endif
