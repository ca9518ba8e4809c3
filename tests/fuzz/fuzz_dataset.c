/* A dataset of somebody else's making: nothing that was not encrypted with the key is ever written. The first byte chooses
 * between raw bytes and bytes behind a good header, so that the chunks are reached. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "keystore/keystore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t HEADER[DATASET_HEADER] = {
        'M', 'S', 'T', 'N', 'D', 'A', 'T', 'A', 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1};

static int input(struct view v, bool with_header)
{
	int fd = memfd_create("in", 0);
	if (fd < 0 || (with_header && fd_write_all(fd, HEADER, sizeof HEADER) != 0) ||
	        fd_write_all(fd, v.p, v.n) != 0 || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct secret *key;
	struct err e = {0};
	uint32_t epoch = 0;
	if (size == 0)
		return 0;
	if (!key && !(key = secret_new()))
		abort();
	AUTO(fd_close) int in = input(VIEW(data + 1, size - 1), data[0] & 1), out = memfd_create("out", 0);
	memset(key->b, 9, SECRET_LEN);
	if (dataset_decrypt(in, out, key, "geoa", "maps", &epoch, &e) == 0 || lseek(out, 0, SEEK_END) != 0 ||
	        epoch != 0)
		abort();
	return 0;
}
