#!/bin/sh
# swtpm-stop: switches the software TPM in DIR off: orderly, or with --kill as a power cut does.
# usage: swtpm-stop.sh [--kill] DIR
set -eu
orderly=yes
if [ "${1-}" = --kill ]; then
	orderly=
	shift
fi
if [ $# != 1 ] || [ ! -d "$1" ]; then
	echo 'usage: swtpm-stop.sh [--kill] DIR' >&2
	exit 2
fi
dir=$1
[ -e "$dir/pid" ] || exit 0
pid=$(cat "$dir/pid")

# TPM2_Shutdown(CLEAR), so that the clock is saved; swtpm_ioctl -s alone would not.
[ -z "$orderly" ] || TPM2TOOLS_TCTI="swtpm:path=$dir/sock" tpm2_shutdown -c >/dev/null 2>&1 || :
kill -KILL "$pid" 2>/dev/null || :
while kill -0 "$pid" 2>/dev/null; do
	sleep 0.01
done
rm -f "$dir/pid" "$dir/sock" "$dir/sock.ctrl"
