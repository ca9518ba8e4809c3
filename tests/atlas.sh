#!/bin/sh
# atlas: fetches the maps of countries into build/atlas, once. They are data of others and no part of this tree:
#   countries-10m.json, countries-50m.json   world-atlas 2.0.2 (Natural Earth, public domain; package ISC)
#   borders.json                             @rapideditor/country-coder 5.6.1 (ISC): exact borders, loose coasts
# usage: tests/atlas.sh
set -u
cd "$(dirname "$0")/.." || exit 2
atlas=build/atlas
mkdir -p "$atlas"

fail() {
	echo "merestone: error: $1" >&2
	exit 3
}

# fetch PACKAGE FILE SHA256: the file of the package, or nothing
fetch() {
	name=$(basename "$2")
	if [ ! -s "$atlas/$name" ]; then
		command -v npm >/dev/null || fail "npm is needed to fetch the map $name"
		work=$(mktemp -d)
		(cd "$work" && timeout 120 npm pack --silent "$1" >/dev/null 2>&1 && tar -xzf ./*.tgz "package/$2") ||
			{ rm -rf "$work"; fail "the package $1 cannot be had"; }
		mv "$work/package/$2" "$atlas/$name.new"
		rm -rf "$work"
		echo "$3  $atlas/$name.new" | sha256sum --status -c - || fail "$name of $1 is not the file that is expected"
		mv "$atlas/$name.new" "$atlas/$name"
	fi
}

fetch world-atlas@2.0.2 countries-10m.json 3bc6f1d367a9bcec479841bae0e76092f512838411d0cef124e92eec4db45f79
fetch world-atlas@2.0.2 countries-50m.json 04342cdc1e3016bcd7db1630de95684d67b79fe3c8c460321e87aef469502394
fetch @rapideditor/country-coder@5.6.1 src/data/borders.json 1b7bcaec215f7a7df5404d633f193cf069befbf55316deeae2e1178a96a6db3c
