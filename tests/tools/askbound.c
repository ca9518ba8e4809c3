/* askbound: has this machine measured by one landmark, and prints the nanoseconds of the fastest round each time.
 * usage: askbound LIBEXEC NAME IP:PORT KEY TIMES */
#include <stdio.h>
#include <stdlib.h>

#include "attest/attest.h"
#include "base/hex.h"

static int ask(struct prover *p, const struct prover_landmark *l, uint8_t turn, struct err *e)
{
	const uint8_t context[SHA_LEN] = {turn};
	uint8_t part[BOUNDS_PART_MAX];
	static struct bounds b;
	size_t n;

	if (prover_measure(p, context, l, 1, part, &n, e) != 0)
		return -1;
	if (n == 0)
		return err_set(e, WHY_SYSTEM, "landmark %s does not answer", l->name);
	if (bounds_parse(VIEW(part, n), &b, e) != 0)
		return -1;
	printf("%llu\n", (unsigned long long)b.bound[0].rtt_ns);
	return 0;
}

int main(int argc, char **argv)
{
	struct prover_landmark l = {0};
	struct err e = {0};
	int bad = 0;

	if (argc != 6 || hex_get(l.key, sizeof l.key, argv[4]) != 0) {
		fprintf(stderr, "usage: askbound LIBEXEC NAME IP:PORT KEY TIMES\n");
		return 2;
	}
	snprintf(l.name, sizeof l.name, "%s", argv[2]);
	snprintf(l.address, sizeof l.address, "%s", argv[3]);
	AUTO(prover_stop) struct prover *p = prover_start(argv[1], &e);
	for (long i = 0; p && !bad && i < strtol(argv[5], NULL, 10); i++)
		bad = ask(p, &l, (uint8_t)i, &e);
	if (p && !bad)
		return 0;
	fprintf(stderr, "%s\n", e.text);
	return 3;
}
