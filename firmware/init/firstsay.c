#include "firmware/init/first.h"

void firstsay(FILE *to, const char *before, const struct err *e)
{
	(void)fprintf(to, "%serror: %s\n", before, e->text);
	if (e->hint[0])
		(void)fprintf(to, "%shint: %s\n", before, e->hint);
}

void firstsay_trouble(const struct err *e)
{
	FILE *f = fopen(RUN_TROUBLE, "ae");

	firstsay(stderr, "merestone: ", e);
	if (f) {
		firstsay(f, "", e);
		(void)fclose(f);
	}
}
