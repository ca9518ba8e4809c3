#!/usr/bin/env bash
# bench: what an attestation costs the authority, and how much memory its processes take. CPU time and ratios to what the
# same machine can do at best, measured in the same run; no time is judged. Rows: build/bench/authority.json.
set -euo pipefail
cd "$(dirname "$0")/.."

D=build/bench
LOAD=$D/load
LOG=tests/vectors/eventlog/ovmf-secureboot.eventlog
SIZES=${SIZES:-"10 100 1000 10000"}
COUNT=${COUNT:-4000}
AUTHORITY_PID=
QUOTER=

stop() {
	[ -z "$AUTHORITY_PID" ] || { kill "$AUTHORITY_PID" && wait "$AUTHORITY_PID"; } 2>/dev/null || true
	AUTHORITY_PID=
}
trap 'stop; [ -z "$QUOTER" ] || quoter_stop' EXIT

# A port that nobody listens on.
free_port() {
	local port
	for _ in $(seq 50); do
		port=$((20000 + RANDOM % 10000))
		if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			echo "$port"
			return
		fi
	done
	echo "no free port" >&2
	return 1
}

# start DIR: the authority in DIR; its port may have changed since it was made.
start() {
	local port
	port=$(free_port)
	sed -i "s/127\.0\.0\.1:[0-9]*/127.0.0.1:$port/" "$1/authority/authority.json" "$1/authority/officer/kit.json"
	build/merestoned "$1/authority" 2>>"$1/authority.log" &
	AUTHORITY_PID=$!
	for _ in $(seq 100); do
		if curl -sf --cacert "$1/authority/ca.pem" "https://127.0.0.1:$port/v1/health" >/dev/null 2>&1; then
			return
		fi
		kill -0 "$AUTHORITY_PID" 2>/dev/null || break
		sleep 0.1
	done
	echo "the authority did not start:" >&2
	tail -5 "$1/authority.log" >&2
	return 1
}

# make_authority DIR: with one reference set, one fence, one domain and one dataset.
make_authority() {
	rm -rf "$1"
	mkdir -p "$1"
	build/merestone init "$1/authority" --trust-domain bench.merestone --listen 127.0.0.1:1 >/dev/null
	start "$1"
	export MERESTONE_KIT="$1/authority/officer"
	build/merestone reference learn "$LOG" >"$1/edge.json"
	echo '{"fence":"germany","references":["edge"],"lease_s":600,"location_level":1}' >"$1/domain.json"
	{
		build/merestone reference put edge "$1/edge.json"
		build/merestone fence put germany tests/vectors/fence/geoA.json
		build/merestone domain put bench "$1/domain.json"
		build/merestone dataset create bench --domain bench
	} >/dev/null
}

# usable DIR: enrolled by these very programs, not so long ago that certificates or nonces have ended.
usable() {
	local program
	[ -n "$(find "$1/enrolled" -mmin -600 2>/dev/null)" ] || return 1
	for program in build/merestone build/libexec/*; do
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

measure() {
	local dir n
	for n in $SIZES; do
		fleet "$n"
		dir="$D/fleet-$n"
		[ "$n" != 1000 ] || "$LOAD" connect "$dir/authority" "$dir/machines" "$LOG" "$AUTHORITY_PID" 1000
		"$LOAD" attest "$dir/authority" "$dir/machines" "$LOG" "$AUTHORITY_PID" "$COUNT" full
		"$LOAD" attest "$dir/authority" "$dir/machines" "$LOG" "$AUTHORITY_PID" "$COUNT" renewal
		[ "$n" != 10 ] || "$LOAD" floors "$dir/authority" "$dir/machines" "$LOG" "$D"
		stop
	done
}

# Floor of an attestation: transport, one verification, two signatures (result and lease), one hash, one durable row. Peers,
# each measured once on its own: Keylime's check_quote in process with and without a 19 KB boot log, nginx with 8
# connections and per idle connection. Goals are those of this project.
finish() {
	jq -s '
		def named(n): first(.[] | select(.name == n) | .value) // null;
		. as $all
		| ([$all[] | select(.name | startswith("floor:")) | .value] | length) as $known
		| (if $known == 0 then null else
			($all | named("floor: the evidence over bare OpenSSL") + named("floor: ECDSA P-256 verify")
				+ 2 * named("floor: ECDSA P-256 sign") + named("floor: SHA-256 of the evidence")
				+ named("floor: SQLite, durable, 16 in a commit")) end) as $floor
		| map(
			(if (.name | test("^(attestation|renewal) cpu, [0-9]+ machines$")) then $floor else null end) as $f
			| (if (.name | test("^attestation cpu, [0-9]+ machines$")) then 32500
				elif (.name | test("^renewal cpu, [0-9]+ machines$")) then 600
				elif .name == "connection and renewal cpu" then 1082
				elif .name == "door, no connection" then 9.0
				elif .name == "door, each connection" then 26.6
				else null end) as $p
			| . + {floor: $f, peer: $p, ratio: (if $f then .value / $f elif $p then .value / $p else null end)})
		| map(if .ratio then .ratio |= (. * 100 | round / 100) else . end)
		| map(if .floor then .floor |= (. * 100 | round / 100) else . end)' "$D/rows.jsonl" >"$D/authority.json"
	jq -r '["", "value", "unit", "floor", "peer", "ratio"], (.[] | [.name, .value, .unit, .floor // "-", .peer // "-",
		.ratio // "-"]) | @tsv' "$D/authority.json" |
		awk -F '\t' '{ printf "%-58s %10s %-6s %9s %9s %7s\n", $1, $2, $3, $4, $5, $6 }'
	printf '\nrows: %s\n' "$D/authority.json"
}

mkdir -p "$D"
measure >"$D/rows.jsonl"
finish
