/* The archive that systemd's stub 252 makes in memory (src/boot/efi/cpio.c): "newc" of cpio(5), numbers in small
 * hexadecimal digits, no owner, no date, files numbered from 1. */
#include <string.h>

#include "firmware/image/predict.h"

#define DIRECTORY ".extra"
#define FILE_NAME ".extra/tpm2-pcr-signature.json"

enum { MODE_DIRECTORY = 040555, MODE_FILE = 0100444 };

static void pad4(struct wr *w, size_t from)
{
	while ((w->n - from) % 4 != 0 && wr_ok(w))
		wr_u8(w, 0);
}

static void entry(struct wr *w, size_t from, unsigned inode, unsigned mode, const char *name, struct view contents)
{
	/* magic, inode, mode, uid, gid, links, date, size, four device numbers, length of the name with its NUL, checksum */
	wr_fmt(w, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", inode, mode, 0u, 0u, 1u, 0u,
	        (unsigned)contents.n, 0u, 0u, 0u, 0u, (unsigned)strlen(name) + 1, 0u);
	wr_bytes(w, name, strlen(name) + 1);
	pad4(w, from);
	wr_view(w, contents);
	pad4(w, from);
}

void stubcpio_write(struct wr *w, struct view pcrsig)
{
	static const char trailer[] = "070701"
	                              "00000000"
	                              "00000000"
	                              "00000000"
	                              "00000000"
	                              "00000001"
	                              "00000000"
	                              "00000000"
	                              "00000000"
	                              "00000000"
	                              "00000000"
	                              "00000000"
	                              "0000000B"
	                              "00000000"
	                              "TRAILER!!!\0\0\0"; /* and the NUL of the literal: a multiple of four */
	size_t from = w->n;

	entry(w, from, 1, MODE_DIRECTORY, DIRECTORY, VIEW(NULL, 0));
	entry(w, from, 2, MODE_FILE, FILE_NAME, pcrsig);
	wr_bytes(w, trailer, sizeof trailer);
}
