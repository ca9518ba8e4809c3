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

units() {
	export CMOCKA_MESSAGE_OUTPUT=TAP
	for source in tests/unit/test_*.c; do
		[ -e "$source" ] || continue
		name=$(basename "$source" .c)
		one "$name" timeout 300 "build/san/unit/$name"
	done
}

system() {
	for script in tests/system/*.bats; do
		[ ! -e "$script" ] || one "$(basename "$script")" timeout 900 bats --tap "$script"
	done
	for script in tests/system/*.sh; do
		[ ! -x "$script" ] || one "$(basename "$script")" timeout 900 "$script"
	done
}

fuzz() {
	for source in tests/fuzz/fuzz_*.c; do
		[ ! -e "$source" ] || basename "$source" .c
	done | xargs -r -P 3 -I '{}' sh -c 'tests/fuzz-one.sh "$1" "$2" >"$3/$1.log" 2>&1' sh '{}' "$seconds" "$logs"
	for source in tests/fuzz/fuzz_*.c; do
		[ -e "$source" ] || continue
		name=$(basename "$source" .c)
		tally "$name" 0 "$logs/$name.log"
	done
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
