#!/usr/bin/env bats
# Distances, circles and edges of geofence/ beside GeographicLib: see tests/geodiff/geodiff.c. MERESTONE_LONG: ten million.

@test "distances, circles and edges are those of GeographicLib, within what geofence.h says" {
	run "$BATS_TEST_DIRNAME/../../build/tools/geodiff" "$([ -z "${MERESTONE_LONG-}" ] && echo 100000 || echo 10000000)"
	echo "$output"
	[ "$status" = 0 ]
	[ "$(grep -c ' 0 wrong' <<<"$output")" = 3 ]
}
