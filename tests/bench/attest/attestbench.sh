#!/usr/bin/env bash
# attestbench: the rows of build/bench/attest.json. Real boot logs are taken where they are at hand (LOGS=DIR), after
# which comes the one of our own vectors.
set -euo pipefail
cd "$(dirname "$0")/../../.."

LOGS=${LOGS:-../shared/fixtures/eventlogs}
OWN=tests/vectors/eventlog/ovmf-secureboot.eventlog
REAL=(tpm2tools-event-moklisttrusted.bin goattest-ubuntu_2104_shielded_vm_no_secure_boot_eventlog.bin)
D=build/bench

logs=()
for name in "${REAL[@]}"; do
	[ ! -r "$LOGS/$name" ] || logs+=("$LOGS/$name")
done
[ ${#logs[@]} -gt 0 ] || echo "real boot logs are not at hand: ours of 7 KB stands in" >&2

mkdir -p "$D/quoted"
"$D/attest" "$D/quoted" "${logs[@]}" "$OWN" >"$D/attest.jsonl"
jq -s 'map(del(.goal))' "$D/attest.jsonl" >"$D/attest.json"
jq -rs '["", "value", "unit", "floor", "peer", "ratio", "goal"],
	(.[] | [.name, .value, .unit, .floor // "-", .peer // "-", .ratio // "-", .goal // "-"]) | @tsv' "$D/attest.jsonl" |
	awk -F '\t' '{ printf "%-74s %9s %-5s %8s %8s %9s %5s\n", $1, $2, $3, $4, $5, $6, $7 }'
rm -r "$D/attest.jsonl" "$D/quoted"
printf '\nrows: %s\n' "$D/attest.json"
