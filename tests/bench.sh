#!/usr/bin/env bash
# bench: what an attestation costs the authority, and how much memory its processes take. CPU time and ratios to what the
# same machine can do at best, measured in the same run; no time is judged. Rows: build/bench/authority.json.
set -euo pipefail
cd "$(dirname "$0")/.."

D=build/bench
LOAD=$D/load
LOG=tests/vectors/eventlog/ovmf-secureboot.eventlog
SIZES=${SIZES:-"10 100 1000 10000"}
COUNT=${COUNT:-3000}
AUTHORITY_PID=
AGENT_PID=
MACHINE=
# shellcheck source=tests/tools/house.sh
. tests/tools/house.sh
# shellcheck source=tests/bench/cloudlet.sh
. tests/bench/cloudlet.sh

stop() {
	authority_down
}
trap 'machine_off; stop' EXIT

# start DIR: the authority in DIR; its port may have changed since it was made.
start() {
	local port
	port=$(free_port)
	sed -i "s/127\.0\.0\.1:[0-9]*/127.0.0.1:$port/" "$1/authority/authority.json" "$1/authority/officer/kit.json"
	authority_up build/merestoned "$1/authority" "$port" "$1/authority.log"
}

# make_authority DIR [OPTION]...: with one reference set, one fence, one domain and one dataset, running.
make_authority() {
	local dir=$1
	shift
	rm -rf "$dir"
	mkdir -p "$dir"
	build/merestone init "$dir/authority" --trust-domain bench.merestone --listen 127.0.0.1:1 "$@" >/dev/null
	start "$dir"
	export MERESTONE_KIT="$dir/authority/officer"
	build/merestone reference learn "$LOG" >"$dir/edge.json"
	echo '{"fence":"germany","references":["edge"],"lease_s":600,"location_level":1}' >"$dir/domain.json"
	{
		build/merestone reference put edge "$dir/edge.json"
		build/merestone fence put germany tests/vectors/fence/geoA.json
		build/merestone domain put bench "$dir/domain.json"
		build/merestone dataset create bench --domain bench
	} >/dev/null
}

# usable DIR: enrolled by these very programs, not so long ago that certificates or nonces have ended.
usable() {
	local program
	[ -n "$(find "$1/enrolled" -mmin -600 2>/dev/null)" ] || return 1
	for program in "$LOAD" build/merestone build/libexec/*; do
		[ "$1/enrolled" -nt "$program" ] || return 1
	done
}

# fleet N: an authority that knows N machines, running.
fleet() {
	local dir="$D/fleet-$1"
	if usable "$dir"; then
		start "$dir"
		return
	fi
	printf 'enrolling %s machines\n' "$1" >&2
	make_authority "$dir"
	"$LOAD" enrol "$dir/authority" "$dir/machines" "$LOG" "$1"
	touch "$dir/enrolled"
	stop
	start "$dir" # so that its memory is that of a process which has enrolled nobody
}

# attest N full|renewal AT_ONCE
attest() {
	"$LOAD" attest "$D/fleet-$1/authority" "$D/fleet-$1/machines" "$LOG" "$AUTHORITY_PID" "$COUNT" "$2" "$3"
}

# Ten at once for every size, so that only the size differs; then as many as keep the authority busy.
measure() {
	local dir n
	for n in $SIZES; do
		fleet "$n"
		dir="$D/fleet-$n"
		[ "$n" != 10 ] || "$LOAD" floors "$dir/authority" "$dir/machines" "$LOG" "$D"
		[ "$n" != 1000 ] || "$LOAD" connect "$dir/authority" "$dir/machines" "$LOG" "$AUTHORITY_PID" 1000
		attest "$n" full 10
		attest "$n" renewal 10
		[ "$n" -lt 1000 ] || attest "$n" full 64
		[ "$n" -lt 1000 ] || attest "$n" renewal 64
		"$LOAD" memory "$dir/authority" "$dir/machines" "$LOG" "$AUTHORITY_PID"
		stop
	done
	measure_cloudlet
}

finish() {
	jq -s -f tests/bench/rows.jq "$D/rows.jsonl" >"$D/all.json"
	jq 'map(del(.goal))' "$D/all.json" >"$D/authority.json"
	jq -r '["", "value", "unit", "floor", "peer", "ratio", "goal"],
		(.[] | [.name, .value, .unit, .floor // "-", .peer // "-", .ratio // "-", .goal // "-"]) | @tsv' "$D/all.json" |
		awk -F '\t' '{ printf "%-66s %9s %-5s %8s %8s %6s %6s\n", $1, $2, $3, $4, $5, $6, $7 }'
	rm "$D/all.json"
	printf '\nrows: %s\n' "$D/authority.json"
}

mkdir -p "$D"
measure >"$D/rows.jsonl"
finish
