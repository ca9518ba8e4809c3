/* SQLite wants absolute names, but the way from the root to our directory may be closed to us: the name stays as it is. */
#include <string.h>

#include "policy/store.h"

static int keep_name(sqlite3_vfs *vfs, const char *name, int cap, char *out)
{
	size_t n = strlen(name) + 1;

	(void)vfs;
	if (n > (size_t)cap)
		return SQLITE_CANTOPEN;
	memcpy(out, name, n);
	return SQLITE_OK;
}

const char *storevfs_name(void)
{
	static sqlite3_vfs shim;
	const sqlite3_vfs *plain = sqlite3_vfs_find(NULL);

	if (shim.zName)
		return shim.zName;
	if (!plain)
		return NULL;
	shim = *plain;
	shim.pNext = NULL;
	shim.zName = "merestone";
	shim.xFullPathname = keep_name;
	return sqlite3_vfs_register(&shim, 0) == SQLITE_OK ? shim.zName : NULL;
}
