/* merestone: a table and a loop. `merestone NOUN VERB`; exit 0 yes, 1 no, 2 usage, 3 could not ask. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/cli.h"

static const struct verb {
	const char *noun, *verb; /* verb "" for nouns that are their own verb */
	const char *args;
	const char *help;
	int (*run)(struct cli *c, struct err *e);
} verbs[] = {
        {"init", "",
                "DIR --trust-domain NAME [--listen ADDRESS:PORT] [--host NAME]... [--ek-roots FILE] "
                "[--passphrase-file FILE]",
                "make an authority and its officer's kit", cmd_init},
        {"fence", "put", "NAME FILE [--map-accuracy M] [--version N]", "sign and send a fence", cmd_fence_put},
        {"fence", "list", "", "fences", cmd_fence_list},
        {"fence", "import",
                "MAP|--country DE,FR [--atlas MAP] --map-accuracy M [--where PROPERTY=VALUE] [--layer NAME] "
                "[--edges rfc7946|geodesic] [--seam rfc7946|spherical] [--id ID] [--provenance TEXT] [--licence TEXT] "
                "[--out FILE]",
                "make a fence of a GeoJSON or TopoJSON map, and say what was wrong with it", cmd_fence_import},
        {"fence", "compile", "NAME|FILE --out FILE", "a fence that is mapped, not read: the same answers",
                cmd_fence_compile},
        {"fence", "check", "NAME|FILE LAT LON [UNCERTAINTY_M|--accuracy M] [--svg FILE]", "is this circle inside?",
                cmd_fence_check},
        {"log", "", "EVENTLOG", "what a boot log says, and whether it holds together", cmd_log},
        {"reference", "learn", "EVENTLOG [--semantic]", "print the reference set that a boot log gives",
                cmd_reference_learn},
        {"reference", "import", "--keylime FILE|--corim FILE [--log EVENTLOG]",
                "print a reference state of Keylime, or a CoRIM, as a reference set", cmd_reference_import},
        {"reference", "put", "NAME FILE [--version N]", "sign and send a reference set", cmd_reference_put},
        {"reference", "list", "", "reference sets", cmd_reference_list},
        {"runtime", "learn", "LIST", "print the runtime set that a kernel's list gives", cmd_runtime_learn},
        {"runtime", "put", "NAME FILE [--version N]", "sign and send a runtime set", cmd_runtime_put},
        {"runtime", "list", "", "runtime sets", cmd_runtime_list},
        {"domain", "put", "NAME FILE [--version N]", "sign and send a trust domain", cmd_domain_put},
        {"domain", "list", "", "trust domains", cmd_domain_list},
        {"landmark", "put", "NAME FILE [--version N]", "sign and send who measures distances, and where it stands",
                cmd_landmark_put},
        {"landmark", "list", "", "landmarks", cmd_landmark_list},
        {"dataset", "create", "NAME --domain DOMAIN [--epoch N] [--version N]", "give a dataset a key",
                cmd_dataset_create},
        {"dataset", "list", "", "datasets", cmd_dataset_list},
        {"ek", "approve", "MACHINE SHA256", "believe an endorsement key without a certificate", cmd_ek_approve},
        {"ek", "list", "", "approved endorsement keys", cmd_ek_list},
        {"ek", "import-roots", "FILE|DIRECTORY [--name NAME] [--version N]",
                "believe the endorsement certificates of these TPM vendors", cmd_ek_import_roots},
        {"ek", "roots", "", "vendors whose certificates are believed", cmd_ek_roots},
        {"cloudlet", "add", "NAME [--ek SHA256] [--version N]", "admit a machine by name", cmd_cloudlet_add},
        {"cloudlet", "revoke", "NAME [--reason TEXT] [--version N]", "revoke it", cmd_cloudlet_revoke},
        {"cloudlet", "list", "", "machines and their last attestation", cmd_cloudlet_list},
        {"tag", "issue",
                "MACHINE LAT LON RADIUS_M --request FILE [--site NAME] [--days N] [--map SHA256] [--serial N] [-o "
                "FILE]",
                "sign where a machine stands, and permit its TPM to hold that", cmd_tag_issue},
        {"tag", "show", "FILE", "what an answer of tag issue, or the tag in a machine's state, says", cmd_tag_show},
        {"image", "keys", "DIR", "make what images are signed with", cmd_image_keys},
        {"image", "predict", "BUILT --keys DIR", "what a boot of an image will measure", cmd_image_predict},
        {"image", "manifest", "BUILT --keys DIR [--site FILE]... [--platforms FILE]",
                "the reference set that approves an image", cmd_image_manifest},
        {"image", "pcrsig", "UKI --key FILE", "sign what an image's state opens in", cmd_image_pcrsig},
        {"image", "recover", "DEVICE|TOKEN --key FILE", "the phrase that opens a machine's state without its TPM",
                cmd_image_recover},
        {"image", "flash", "DISK|FILE [--image FILE] [--site FILE] [--yes]",
                "write an image, after showing what that erases, and read it back", cmd_image_flash},
        {"image", "site",
                "NAME [--authority URL] [--ca FILE] [--address A.B.C.D/BITS [--gateway A.B.C.D]] "
                "[--location LAT,LON,UNCERTAINTY_M] [--data DATASET]... --out FILE",
                "sign where an appliance belongs: its site file", cmd_image_site},
        {"update", "pack", "DIR --key FILE [--requires-floor N]", "make a release of what the image's build made",
                cmd_update_pack},
        {"update", "publish", "DIR", "send a release to the authority", cmd_update_publish},
        {"update", "approve", "VERSION --key PUB [--variant NAME] [--wave MACHINE,...]... [--version N]",
                "let machines take it, wave by wave", cmd_update_approve},
        {"update", "status", "", "how far approved updates are", cmd_update_status},
        {"report", "pull", "CASE [-o FILE]", "fetch the signed report of a case", cmd_report_pull},
        {"report", "verify", "FILE --key PUB", "verify a report, with no network and no authority", cmd_report_verify},
        {"explain", "", "CASE", "what was decided, why, and the way out", cmd_explain},
};

static void print_verb(FILE *f, const struct verb *v)
{
	fprintf(f, "  merestone %s%s%s %s\n", v->noun, *v->verb ? " " : "", v->verb, v->args);
}

static int help(FILE *f)
{
	fputs("usage: merestone [--kit DIR] [--json] NOUN VERB ...\n\n", f);
	for (size_t i = 0; i < COUNT(verbs); i++) {
		print_verb(f, &verbs[i]);
		fprintf(f, "        %s\n", verbs[i].help);
	}
	fputs("\nThe kit (or MERESTONE_KIT) is the directory with your keys. Exit status: 0 yes, 1 no, 2 usage, 3 "
	      "could not ask.\n",
	        f);
	return f == stdout ? 0 : CLI_USAGE;
}

/* A noun we know with a verb we do not: say which verbs it has. */
static int usage(const char *noun)
{
	bool known = false;

	for (size_t i = 0; i < COUNT(verbs); i++)
		if (strcmp(verbs[i].noun, noun) == 0) {
			if (!known)
				fputs("usage:\n", stderr);
			known = true;
			print_verb(stderr, &verbs[i]);
		}
	if (!known)
		fprintf(stderr,
		        "merestone: error: there is no \"%s\"\nmerestone: hint: merestone help lists what there is\n",
		        noun);
	return CLI_USAGE;
}

static int run(const struct verb *v, struct cli *c)
{
	struct err e = {0};
	int rc = v->run(c, &e);

	if (rc == CLI_USAGE) {
		if (e.why != WHY_NONE)
			log_err(&e);
		fputs("usage:\n", stderr);
		print_verb(stderr, v);
		return CLI_USAGE;
	}
	if (rc == 0)
		return 0;
	log_err(&e);
	return e.why == WHY_SYSTEM ? 3 : 1;
}

int main(int argc, char **argv)
{
	struct cli c = {.kit = getenv("MERESTONE_KIT"), .argc = argc - 1, .argv = argv + 1};
	const char *noun, *verb;

	log_name("merestone");
	(void)signal(SIGPIPE, SIG_IGN); /* a connection that ends is an answer, not our end */
	c.json = cli_flag(&c, "--json");
	(void)cli_option(&c, "--kit", &c.kit);
	if (c.argc < 1)
		return help(stderr);
	noun = c.argv[0];
	verb = c.argc > 1 ? c.argv[1] : "";
	if (strcmp(noun, "help") == 0 || strcmp(noun, "--help") == 0 || strcmp(noun, "-h") == 0)
		return help(stdout);
	if (strcmp(noun, "version") == 0 || strcmp(noun, "--version") == 0)
		return puts("merestone " MERESTONE_VERSION) == EOF;
	for (size_t i = 0; i < COUNT(verbs); i++) {
		int words = *verbs[i].verb ? 2 : 1;

		if (strcmp(verbs[i].noun, noun) != 0 || (words == 2 && strcmp(verbs[i].verb, verb) != 0))
			continue;
		c.argc -= words;
		c.argv += words;
		return run(&verbs[i], &c);
	}
	return usage(noun);
}
