#include "cmd/libexec.h"

#include <libgen.h>
#include <stdio.h>
#include <unistd.h>

void libexec_find(char out[PATH_MAX])
{
	char self[PATH_MAX] = "";
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	if (n > 0 && snprintf(out, PATH_MAX, "%s/libexec", dirname(self)) < PATH_MAX && access(out, X_OK) == 0)
		return;
	snprintf(out, PATH_MAX, "%s", MERESTONE_LIBEXEC);
}
