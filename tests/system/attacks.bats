#!/usr/bin/env bats
# Each attack in tests/unit/README.md has a test of its name.

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

@test "every attack of the table has a test that bears its number" {
	numbers=$(sed -n 's/^| \(A[0-9]*\) |.*/\1/p' "$ROOT/tests/unit/README.md")
	[ "$(wc -l <<<"$numbers")" -ge 42 ]
	for number in $numbers; do
		grep -rqE "static void attack_([A0-9b]+_)*${number}b?_|@test \"attack_${number} " "$ROOT/tests/unit" "$ROOT/tests/system" \
			--include='test_*.c' --include='*.bats' || {
			echo "no test of $number"
			return 1
		}
	done
}
