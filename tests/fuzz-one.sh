#!/bin/sh
# fuzz-one: fuzzes one parser for some seconds, from its vectors on; says so in TAP.
# usage: tests/fuzz-one.sh fuzz_X SECONDS
set -u
cd "$(dirname "$0")/.." || exit 2
name=$1
corpus=build/fuzz/corpus/$name
found=build/fuzz/found
vectors=tests/vectors/${name#fuzz_}
mkdir -p "$corpus" "$found"
[ -d "$vectors" ] || vectors=
if "build/fuzz/$name" -max_total_time="$2" -timeout=10 -rss_limit_mb=1024 -verbosity=0 -print_final_stats=1 \
	-artifact_prefix="$found/$name-" "$corpus" ${vectors:+"$vectors"}; then
	echo "ok - $name for $2 s"
else
	echo "not ok - $name for $2 s (its input is in $found)"
	exit 1
fi
