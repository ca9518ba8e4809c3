#include "cmd/keyfile.h"

#include "cmd/cli.h"

struct es256 *keyfile_open(const char *path, struct err *e)
{
	uint8_t *pem = NULL;
	size_t n = 0;

	if (cli_read(path, &pem, &n, e))
		return NULL;
	struct es256 *key = es256_from_pem(VIEW(pem, n), VIEW(NULL, 0), e);
	mem_wipe(pem, n);
	mem_free(pem);
	if (!key)
		err_in(e, "%s", path);
	return key;
}
