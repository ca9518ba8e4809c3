#!/bin/sh
# coverage: runs the unit tests built with --coverage and prints line coverage per source file, least first.
set -eu
cd "$(dirname "$0")/.."
find build/cov -name '*.gcda' -delete
for test in build/cov/unit/test_*; do
	"$test" >/dev/null 2>&1 || echo "merestone: warning: $test failed" >&2
done
find build/cov/obj -name '*.gcda' ! -path '*/tests/*' -exec gcov -n {} + 2>/dev/null |
	awk -F"[':%]" '/^File .*\.c/ {file = $2} /^Lines executed/ && file != "" {printf "%6.2f %% %s\n", $2, file; file = ""}' | sort -n
