#!/bin/sh
# swtpm-start: switches the software TPM in DIR on, as a machine's firmware does: Startup(CLEAR).
# usage: swtpm-start.sh DIR      its address is then swtpm:path=DIR/sock
set -eu
if [ $# != 1 ] || [ ! -d "$1" ]; then
	echo 'usage: swtpm-start.sh DIR' >&2
	exit 2
fi
dir=$(cd "$1" && pwd)
if [ -e "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; then
	echo "swtpm-start: the TPM in $dir is on" >&2
	exit 1
fi
rm -f "$dir/sock" "$dir/sock.ctrl" "$dir/pid"
# It listens before it goes to the background, so nobody needs to wait.
exec swtpm socket --tpm2 --tpmstate "dir=$dir" --server "type=unixio,path=$dir/sock" \
	--ctrl "type=unixio,path=$dir/sock.ctrl" --flags not-need-init,startup-clear \
	--pid "file=$dir/pid" --daemon </dev/null >/dev/null 2>&1
