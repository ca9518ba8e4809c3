#!/bin/sh
# run: runs the tests that are built and counts them; the last line is "N passed, N failed, N skipped".
# usage: tests/run.sh [--seconds N] [pure|units|system|fuzz|lint]...
# Everything it runs speaks TAP; something that says nothing, or dies without saying why, counts as failed.
set -u
cd "$(dirname "$0")/.." || exit 2

seconds=30
if [ "${1-}" = --seconds ]; then
	seconds=$2
	shift 2
fi
[ $# -gt 0 ] || set -- pure units system fuzz lint

logs=build/check
mkdir -p "$logs"
passed=0
failed=0
skipped=0

count() {
	grep -Eci "$1" "$2"
}

# tally NAME STATUS LOG
tally() {
	skip=$(count '^(not )?ok.*# *skip' "$3")
	bad=$(($(count '^not ok' "$3") - $(count '^not ok.*# *skip' "$3")))
	good=$(($(count '^ok' "$3") - $(count '^ok.*# *skip' "$3")))
	if [ "$2" -ne 0 ] && [ "$bad" -eq 0 ]; then
		echo "not ok - $1 ended with status $2" >>"$3"
		bad=1
	elif [ $((skip + bad + good)) -eq 0 ]; then
		echo "not ok - $1 said nothing" >>"$3"
		bad=1
	fi
	passed=$((passed + good))
	failed=$((failed + bad))
	skipped=$((skipped + skip))
	printf '%-28s %d passed, %d failed, %d skipped\n' "$1" "$good" "$bad" "$skip"
	[ "$bad" -eq 0 ] || sed 's/^/    /' "$3"
}

# one NAME COMMAND...
one() {
	name=$1
	shift
	"$@" </dev/null >"$logs/$name.log" 2>&1
	tally "$name" $? "$logs/$name.log"
}

pure() {
	one pure tests/pure.sh
}

# each AT_ONCE DIRECTORY PATTERN COMMAND: runs COMMAND, with the name of a file that fits as $1 and $seconds as $2, for
# every such file. Commands say nothing until all have ended; they are then told in order.
each() {
	at_once=$1 under=$2 pattern=$3
	export seconds logs
	find "$under" -maxdepth 1 -name "$pattern" -printf '%f\n' | sort >"$logs/names"
	xargs -r -a "$logs/names" -P "$at_once" -I '{}' sh -c \
		"{ $4; } </dev/null >\"\$logs/\$1.log\" 2>&1; echo \$? >\"\$logs/\$1.status\"" sh '{}'
	while read -r name; do
		tally "${name%.c}" "$(cat "$logs/$name.status")" "$logs/$name.log"
	done <"$logs/names"
}

# shellcheck disable=SC2016 # for each() to expand
units() {
	CMOCKA_MESSAGE_OUTPUT=TAP each 2 tests/unit 'test_*.c' 'timeout 300 "build/san/unit/${1%.c}"'
}

# 4900 s for each file in check-long.
# shellcheck disable=SC2016
system() {
	each 2 tests/system '*.bats' 'timeout "${MERESTONE_LONG:+4}900" bats --tap "tests/system/$1"'
}

# shellcheck disable=SC2016
fuzz() {
	each 6 tests/fuzz 'fuzz_*.c' 'tests/fuzz-one.sh "${1%.c}" "$seconds"'
}

lint() {
	one lint tests/lint.sh
}

for kind; do
	case $kind in
	pure | units | system | fuzz | lint) "$kind" ;;
	*)
		echo "merestone: error: no kind of test is called $kind" >&2
		exit 2
		;;
	esac
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
