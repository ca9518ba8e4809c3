#!/usr/bin/env bats
# Fences from real maps: ten places at which country borders play tricks, what the import refuses, and how it tells.
# The maps come from npm (tests/atlas.sh); where they cannot be had, their tests are skipped.

bats_require_minimum_version 1.5.0

setup_file() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	export ROOT FENCES=$BATS_FILE_TMPDIR
	"$ROOT/tests/atlas.sh" 2>"$FENCES/why" || return 0
	export ATLAS=$ROOT/build/atlas MERESTONE_ATLAS=$ROOT/build/atlas/countries-10m.json
	for country in FJ AQ IT; do
		merestone fence import --country $country --map-accuracy 2500 --out "$FENCES/coarse-$country" >"$FENCES/report-coarse-$country"
	done
	for what in NL:nameEn=Netherlands BE:iso1A2=BE DE:iso1A2=DE CH:iso1A2=CH IT:iso1A2=IT VA:iso1A2=VA LS:iso1A2=LS \
		ZA:iso1A2=ZA EE:iso1A2=EE RU:country=RU ES:country=ES MA:iso1A2=MA; do
		exact "${what%%:*}" "${what#*:}" 100
	done
	exact US country=US 500
	merestone fence import --country CA --map-accuracy 500 --out "$FENCES/CA" >"$FENCES/report-CA"
}

merestone() {
	"$ROOT/build/merestone" "$@"
}

exact() { # exact NAME PROPERTY=VALUE ACCURACY: from the map with exact borders
	merestone fence import "$ATLAS/borders.json" --where "$2" --map-accuracy "$3" --seam rfc7946 --edges rfc7946 \
		--out "$FENCES/$1" >"$FENCES/report-$1"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	unset MERESTONE_KIT
	maps=0
	[ -z "${ATLAS-}" ] || maps=1
}

need_maps() {
	[ "$maps" = 1 ] || skip "no maps: $(cat "$FENCES/why")"
}

# at FENCE LATITUDE LONGITUDE: the verdict for 20 m
at() {
	merestone --json fence check "$FENCES/$1" "$2" "$3" --accuracy 20 2>/dev/null | jq -r .verdict
}

places() { # places LATITUDE LONGITUDE FENCE=VERDICT...
	local lat=$1 lon=$2 want
	shift 2
	for want; do
		echo "$lat $lon $want: $(at "${want%=*}" "$lat" "$lon")"
		[ "$(at "${want%=*}" "$lat" "$lon")" = "${want#*=}" ]
	done
}

refused() { # refused TEXT COMMAND...
	local text=$1
	shift
	run "$@"
	echo "$output"
	[ "$status" -eq 1 ] && [[ $output == *"merestone: error: "*"$text"* ]]
}

square() { # square WEST SOUTH EAST NORTH
	printf '[[%s,%s],[%s,%s],[%s,%s],[%s,%s],[%s,%s]]' "$1" "$2" "$3" "$2" "$3" "$4" "$1" "$4" "$1" "$2"
}

@test "Baarle: parcels of Belgium in the Netherlands, and the strip between them" {
	need_maps
	places 51.4410 4.9310 NL=outside BE=inside
	places 51.4470 4.9300 NL=inside BE=outside
}

@test "Buesingen is Germany inside Switzerland" {
	need_maps
	places 47.6969 8.6903 DE=inside CH=outside
}

@test "Campione is Italy inside Switzerland, Lugano is not" {
	need_maps
	places 45.9700 8.9710 IT=inside CH=outside
	places 46.0037 8.9511 IT=outside CH=inside
}

@test "Point Roberts is the United States south of Canada" {
	need_maps
	places 48.9850 -123.0600 US=inside CA=outside
}

@test "Fiji lies on both sides of the date line" {
	need_maps
	places -18.0500 178.2000 coarse-FJ=inside
	places -16.8000 -179.9990 coarse-FJ=ambiguous
	places -16.6500 179.3000 coarse-FJ=inside
	places -17.0000 0 coarse-FJ=outside
}

@test "Maseru is Lesotho and not South Africa around it" {
	need_maps
	places -29.3158 27.4869 LS=inside ZA=outside
}

@test "the Vatican is not Italy, not even on a map too coarse to draw it" {
	need_maps
	places 41.9022 12.4533 VA=inside IT=outside coarse-IT=ambiguous
	grep -q 'repaired: .*has no area on this map and lies in what was chosen' "$FENCES/report-coarse-IT"
}

@test "Vaals is the Netherlands where three countries meet" {
	need_maps
	places 50.7708 6.0172 NL=inside DE=outside BE=outside
}

@test "Narva is Estonia on the river to Russia" {
	need_maps
	places 59.3797 28.1791 EE=inside RU=outside
}

@test "the South Pole is Antarctica from every longitude" {
	need_maps
	places -89.99 0 coarse-AQ=inside
	places -90 77 coarse-AQ=inside
	places -89.99 180 coarse-AQ=inside
	places 90 0 coarse-AQ=outside
}

@test "Ceuta is Spain in Africa" {
	need_maps
	places 35.8894 -5.3213 ES=inside MA=outside
}

@test "countries that are chosen together have no border between them" {
	need_maps
	merestone fence import --country DE,FR --map-accuracy 2500 --out both.json >report
	merestone --json fence check both.json 48.5734 7.8030 --accuracy 1000 >rhine
	jq -e '.verdict == "inside" and .distance_m > 3500 and .match_rate == 1 and (.fence_digest | length) == 64' rhine
	grep -q "^fence $(jq -r .fence_digest rhine)$" report
}

@test "every country that the atlas draws is a fence" {
	need_maps
	for country in CA US RU KI NZ CN ID NO GL TF; do
		merestone fence import --country $country --map-accuracy 2500 --out "$country" >/dev/null
	done
}

@test "a country that the map does not draw is refused with the way out" {
	need_maps
	refused 'the map has no country GF' merestone fence import --country GF --map-accuracy 2500
	[[ $output == *"merestone: hint: "*"French Guiana in FR"* ]]
	refused 'no area on this map' merestone fence import --country VA --map-accuracy 2500
}

@test "a bad map is refused by feature, ring and vertex" {
	refuse() { refused "$1" merestone fence import map --map-accuracy 10; }
	echo '{"type":"Polygon","coordinates":[[[0,0],[0.01,0.01],[0.01,0],[0,0.015],[0,0]]]}' >map
	refuse 'feature 1: polygon 1: ring 1: vertex 1: the ring crosses itself'
	echo '{"type":"Polygon","coordinates":[[[50,120],[51,120],[51,121],[50,120]]]}' >map
	refuse 'polygon 1: ring 1: vertex 1: latitude 120 is beyond 90'
	[[ $output == *"swapped"* ]]
	echo '{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1]]]}' >map
	refuse 'vertex 3: the ring is not closed'
	echo '{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,NaN],[0,0]]]}' >map
	refuse 'vertex 3: latitude is not a number'
	printf '{"type":"Polygon","coordinates":[[[0,0],[1,0],[1' >map
	refuse 'vertex 3: the text ends in the middle'
	: >map
	refuse 'not a file, or empty'
}

@test "a map needs an accuracy, and an edge that bends a model" {
	printf '{"type":"Polygon","coordinates":[%s]}' "$(square -123 49 -95 60)" >map
	refused 'nothing says how accurate the map is' merestone fence import map
	refused 'the edge of 28 degrees bends' merestone fence import map --map-accuracy 1000
	merestone fence import map --map-accuracy 1000 --edges rfc7946 --id CA --provenance 'drawn by hand' --licence none >fence
	jq -e '.id == "CA" and .provenance == "drawn by hand" and .edges == "rfc7946" and .map_accuracy_m == 1000' fence
	run merestone fence import map --map-accuracy 1000 --edges great
	[ "$status" -eq 1 ]
}

@test "the report of an import is JSON when asked for" {
	printf '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"a":1},"geometry":{"type":"Polygon","coordinates":[%s]}},{"type":"Feature","properties":{},"geometry":{"type":"Polygon","coordinates":[%s]}}]}' \
		"$(square 0 0 1 1)" "$(square 0.4 0.4 0.6 0.6)" >map
	merestone --json fence import map --map-accuracy 10000 --where a=1 --out fence.json >report
	jq -e '.features == 1 and .repaired == 1 and (.findings[0].text | test("feature 2: .* cut out"))' report
	run -1 merestone fence check fence.json 0.5 0.5 10
}

@test "a map of a hundred megabytes is read in bounded memory" {
	awk 'BEGIN {
		print "{\"type\":\"FeatureCollection\",\"features\":["
		for (f = 0; f < 500; f++) {
			printf "%s{\"type\":\"Feature\",\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[", f ? ",\n" : ""
			for (v = 0; v < 9000; v++)
				printf "[%.7f,%.7f],", (f % 25) * 4 - 50 + cos(v * 6.2831 / 9000), int(f / 25) * 4 - 40 + sin(v * 6.2831 / 9000)
			printf "[%.7f,%.7f]]]},\"properties\":{\"n\":%d}}", (f % 25) * 4 - 49, int(f / 25) * 4 - 40, f
		}
		print "]}"
	}' >map
	[ "$(stat -c %s map)" -gt 100000000 ]
	(ulimit -v 400000 && merestone fence import map --map-accuracy 10 --where n=250 --out fence.json)
	merestone fence check fence.json 0 -50 10
}

@test "a picture is drawn without script, and its text is escaped" {
	cp "$ROOT/tests/vectors/fence/geoA.json" 'a<b>&".json'
	merestone fence check 'a<b>&".json' 50.1109 8.6821 --accuracy 1000 --svg picture.svg
	grep -q '^<svg xmlns="http://www.w3.org/2000/svg"' picture.svg
	grep -q 'a&#60;b&#62;&#38;&#34;.json: inside' picture.svg
	run ! grep -qi 'script\|href\|<b>' picture.svg
	merestone fence check "$ROOT/tests/vectors/fence/geoC.json" 50.8 4.3 --accuracy 1000 --svg circle.svg
	grep -q 'class="u"' circle.svg
}

@test "the radius may be an option or the fourth argument" {
	F=$ROOT/tests/vectors/fence/geoA.json
	[ "$(merestone fence check "$F" 50.1109 8.6821 1000)" = "$(merestone fence check "$F" 50.1109 8.6821 --accuracy 1000)" ]
	run -2 merestone fence check "$F" 50.1109 8.6821
}

# Each country of the points as a fence of its own, as accurate as the map lets it be. A territory with a code of its own is
# not its sovereign's here.
fences_of_points() { # fences_of_points CODES
	local code metres
	jq -c --rawfile codes "$1" '($codes|split("\n")) as $c | .features|=[.[]|select(.geometry)|.properties as $p|
		.properties={of:(if $p.iso1A2|IN($c[]) then $p.iso1A2 else $p.country//"" end)}]' "$ATLAS/borders.json" >points.json
	while read -r code; do
		for metres in 100 500 3000; do
			! merestone fence import points.json --where "of=$code" --map-accuracy $metres --seam rfc7946 --edges rfc7946 \
				--out "$code.json" >/dev/null 2>&1 || break
		done
		merestone fence compile "$code.json" --out "./$code.fence"
	done <"$1"
}

@test "no point is inside a country that is not its own, and nine of ten are inside their own" {
	local points=$ROOT/../shared/fixtures/geo/points.csv name lat lon country code own=0 all=0
	need_maps
	[ -e "$points" ] || skip "no points here"
	grep -oE '^[^,]*,[-0-9.]+,[-0-9.]+,[A-Z]{2}' "$points" >rows
	cut -d, -f4 rows | sort -u >codes
	fences_of_points codes
	while IFS=, read -r name lat lon country; do
		all=$((all + 1))
		while read -r code; do
			merestone fence check "./$code.fence" "$lat" "$lon" 20 >/dev/null 2>&1 || continue
			[ "$code" = "$country" ] || { echo "$name is in $country, and inside $code" && return 1; }
			own=$((own + 1))
		done <codes
	done <rows
	[ "$all" -ge 80 ]
	[ $((own * 10)) -ge $((all * 9)) ]
}

@test "a compiled fence gives the same answers, and is refused when a bit is wrong" {
	local fence=$ROOT/tests/vectors/fence/geoB.json where
	merestone fence compile "$fence" --out f.bin
	for where in "52.52 13.405" "49.4426 6.6450" "0 0"; do
		# shellcheck disable=SC2086
		merestone --json fence check "$fence" $where 2000 | jq 'del(.fence)' >document || true
		# shellcheck disable=SC2086
		merestone --json fence check f.bin $where 2000 | jq 'del(.fence)' | diff - document
	done
	printf '\001' | dd of=f.bin bs=1 seek=1000 conv=notrunc status=none
	run merestone fence check f.bin 52.52 13.405 2000
	[ "$status" = 1 ]
	[[ "$output" == *"f.bin: compiled fence: "* ]]
}

@test "a compiled fence has no document to draw from" {
	merestone fence compile "$ROOT/tests/vectors/fence/geoB.json" --out f.bin
	run merestone fence check f.bin 52.52 13.405 2000 --svg f.svg
	[ "$status" = 1 ]
	[[ "$output" == *"compiled"*"hint: "* ]]
	[ ! -e f.svg ]
}
