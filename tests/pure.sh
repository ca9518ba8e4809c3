#!/bin/sh
# pure: objects that must be pure may not call for memory, files, clocks or output, nor keep anything that can change.
# The objects come in $PURE; TAP goes to standard output.
set -u
banned='malloc|calloc|realloc|free|mmap|open|open64|openat|fopen|fopen64|read|write|recv|send|socket|ioctl|stat|fstat'
banned="$banned|time|clock|clock_gettime|gettimeofday|getenv|printf|fprintf|vfprintf|puts|rand|random|getrandom|log_[a-z]+"
[ -n "${PURE-}" ] || echo 'ok - no pure object is there yet # SKIP'
for object in ${PURE-}; do
	calls=$(nm -u "$object" | awk '{print $2}' | sed 's/@.*//; s/^__\(.*\)_chk$/\1/' | grep -Ex "$banned" | tr '\n' ' ')
	# Constant tables of pointers lie in .data.rel.ro: the loader writes them, nobody else can.
	state=$(nm -f sysv "$object" | awk -F'|' '$7 ~ /^\.(data|bss|tdata|tbss)/ && $7 !~ /^\.data\.rel\.ro/ {printf "%s ", $1}')
	if [ -z "$calls$state" ]; then
		echo "ok - $object is pure"
	else
		echo "not ok - $object is pure"
		echo "# calls: ${calls:-none}; variables: ${state:-none}"
	fi
done
