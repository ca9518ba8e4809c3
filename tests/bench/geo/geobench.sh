#!/usr/bin/env bash
# geobench: the rows of build/bench/geofence.json. The countries come from the npm package world-atlas (Natural Earth,
# public domain), fetched into build/atlas; without it, or without node, their rows are left out.
set -euo pipefail
cd "$(dirname "$0")/../../.."

ATLAS=build/atlas
PACKAGE=world-atlas@2.0.2

# Prints the path of the map, fetched when need be.
countries() {
	local map
	command -v node >/dev/null && command -v npm >/dev/null || return 1
	mkdir -p "$ATLAS"
	map=$(find "$ATLAS" -name countries-10m.json -print -quit)
	if [ -z "$map" ]; then
		(cd "$ATLAS" && timeout 120 npm pack --silent "$PACKAGE" >/dev/null && tar -xzf world-atlas-2.0.2.tgz) >&2 || return 1
		map=$ATLAS/package/countries-10m.json
	fi
	echo "$map"
}

mkdir -p build/bench
rings=
if map=$(countries); then
	rings=build/bench/countries.rings
	node tests/bench/geo/atlas.mjs "$map" "$rings"
else
	echo "the countries are left out: node and npm's $PACKAGE are not at hand" >&2
fi
build/bench/fence build/bench/geofence.json ${rings:+"$rings"}
printf '\nrows: build/bench/geofence.json\n'
