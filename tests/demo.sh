#!/usr/bin/env bash
# The main job, end to end: one authority and four machines, four trust domains, eleven attacks. Everything is real: a TPM
# stack for each machine (swtpm), TLS, the store, the evidence. Writes build/demo/result.json; fails if anything differs.
# DEMO: another directory than build/demo; BUILD: other programs than those in build.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/demo/machines.sh
. tests/demo/machines.sh
# shellcheck source=tests/demo/attacks.sh
. tests/demo/attacks.sh

LOG=tests/vectors/eventlog/ovmf-secureboot.eventlog
FENCES=tests/vectors/fence
DATASETS=(geoA geoB geoC)
MACHINES=(cloud cloudlet1 cloudlet2 cloudlet3)

# The user's picture: who opens what.
expected() {
	case "$1 $2" in
	"cloud "* | "cloudlet1 geoA" | "cloudlet1 geoB" | "cloudlet2 geoB" | "cloudlet2 geoC" | "cloudlet3 geoC") echo allow ;;
	*) echo deny ;;
	esac
}

place() {
	case "$1" in
	cloud) echo "50.1109 8.6821 Frankfurt" ;;
	cloudlet1) echo "52.5200 13.4050 Berlin" ;;
	cloudlet2) echo "48.8566 2.3522 Paris" ;;
	cloudlet3) echo "51.5074 -0.1278 London" ;;
	esac
}

step() {
	printf '\n%s\n' "$*"
}

make_authority() {
	step "An authority: its keys, its officer, its ring of four processes"
	"$MERESTONE" init "$D/authority" --trust-domain demo.merestone --listen "127.0.0.1:$PORT" \
		--ek-roots "$D/vendor/roots.pem" | sed 's/^/  /'
	cp "$D/authority/authority.pub" "$D/authority.pub"
	export MERESTONE_KIT="$D/authority/officer"
	start_authority
}

# Fences, references and domains are documents that the officer signs; the door only carries them.
make_domains() {
	local name
	step "The officer signs what may be trusted: one boot, three fences, four domains, four datasets"
	"$MERESTONE" reference learn "$LOG" >"$D/edge.json"
	"$MERESTONE" reference put edge "$D/edge.json" | sed 's/^/  /'
	for name in "${DATASETS[@]}"; do
		"$MERESTONE" fence put "$name" "$FENCES/$name.json" | sed 's/^/  /'
		domain_body "$name" 600 >"$D/$name.json"
		"$MERESTONE" domain put "$name" "$D/$name.json" | sed 's/^/  /'
		"$MERESTONE" dataset create "$name" --domain "$name" | sed 's/^/  /'
	done
	# one more in geoA, for cloudlet1 alone, which must show a satellite fix that agrees with its tag
	jq -n '{fence:"geoA",references:["edge"],lease_s:600,location_level:3,members:["cloudlet1"]}' >"$D/berlin.json"
	"$MERESTONE" domain put berlin "$D/berlin.json" | sed 's/^/  /'
	"$MERESTONE" dataset create berlin --domain berlin | sed 's/^/  /'
	for name in "${MACHINES[@]}"; do
		"$MERESTONE" cloudlet add "$name" | sed 's/^/  /'
	done
}

domain_body() {
	printf '{"fence":"%s","references":["edge"],"lease_s":%d,"location_level":2}\n' "$1" "$2"
}

boot_machines() {
	local name lat lon city
	step "Four machines boot; the officer says where each stands, its TPM holds that, and it asks to join"
	for name in "${MACHINES[@]}"; do
		read -r lat lon city <<<"$(place "$name")"
		boot "$name" "$LOG"
		[ "$name" != cloudlet1 ] || receiver_on "$D/$name" --at "$lat,$lon" --after 1000000 jump
		configure "$name" "$name" "$LOG" "$lat" "$lon"
		give_tag "$name" "$lat" "$lon"
		agent "$name" --json attest >"$D/$name.attest.json" 2>"$D/$name.attest.err" || true
		printf '  %-10s %-10s case %s: %s\n' "$name" "$city" "$(jq -r .case "$D/$name.attest.json")" \
			"$(jq -r '[.domains|to_entries[]|select(.value.allow)|.key]|join(" ")|if .=="" then "nothing" else . end' \
				"$D/$name.attest.json")"
	done
}

# The cloud encrypts; the authority stores ciphertext; every machine fetches it and tries to open it.
move_data() {
	local name dataset
	step "The cloud writes three datasets; each machine fetches each ciphertext and tries to open it"
	for dataset in "${DATASETS[@]}"; do
		head -c 200000 /dev/urandom | base64 >"$D/$dataset.plain"
		agent cloud data put "$dataset" "$D/$dataset.plain"
	done
	for name in "${MACHINES[@]}"; do
		for dataset in "${DATASETS[@]}"; do
			cell "$name" "$dataset"
		done
	done
}

# The machine has what the authority stores (the store puts a digest of 32 bytes behind it).
holds_ciphertext() {
	local cache="$D/$1/state/cache/$2" size
	size=$(stat -c %s "$cache" 2>/dev/null) &&
		[ "$(stat -c %s "$D/authority/door/blobs/$2")" = $((size + 32)) ] &&
		cmp -s -n "$size" "$cache" "$D/authority/door/blobs/$2"
}

# One cell: allow is the original bytes, deny is the ciphertext in the cache and no plaintext.
cell() {
	local out="$D/$1.$2.out" said="$D/$1.$2.json" got
	rm -f "$out"
	if agent "$1" --json data get "$2" "$out" >"$said" 2>"$D/$1.$2.err" && cmp -s "$out" "$D/$2.plain"; then
		got=allow
	elif [ ! -e "$out" ] && holds_ciphertext "$1" "$2"; then
		got=deny
	else
		got=error
	fi
	jq -c --arg machine "$1" --arg dataset "$2" --arg expected "$(expected "$1" "$2")" --arg got "$got" \
		'{machine:$machine,dataset:$dataset,expected:$expected,got:$got,reason:.reason,case:.case}' "$said" \
		>>"$D/cells.jsonl" 2>>"$D/$1.$2.err" ||
		jq -nc --arg machine "$1" --arg dataset "$2" --arg expected "$(expected "$1" "$2")" \
			'{machine:$machine,dataset:$dataset,expected:$expected,got:"error",reason:"system",case:0}' \
			>>"$D/cells.jsonl"
}

print_table() {
	printf '\n  %-12s %-14s %-14s %-14s\n' "" "${DATASETS[@]}"
	jq -rs 'group_by(.machine)[]|[.[0].machine]+map(.got+(if .got=="deny" then " ("+.reason+")" else "" end))|@tsv' \
		"$D/cells.jsonl" | while IFS=$'\t' read -r a b c d; do
		printf '  %-12s %-14s %-14s %-14s\n' "$a" "$b" "$c" "$d"
	done
}

make_report() {
	local number
	step "An auditor pulls a report and verifies it with one public key and no network"
	number=$(jq -r .case "$D/cloudlet1.attest.json")
	"$MERESTONE" --kit "$D/authority/auditor" report pull "$number" -o "$D/report.json"
	"$MERESTONE" report verify "$D/report.json" --key "$D/authority.pub" | sed 's/^/  /'
}

finish() {
	jq -n --arg d "$D" --slurpfile cells "$D/cells.jsonl" --slurpfile attacks "$D/attacks.jsonl" \
		'{cells:$cells,attacks:$attacks,report:($d+"/report.json"),key:($d+"/authority.pub")}' \
		>"$D/result.json"
	local wrong
	wrong=$(jq '[.cells[],.attacks[]|select(.expected!=.got)]|length' "$D/result.json")
	printf '\n%s cells and %s attacks, %s as not expected: %s\n' \
		"$(jq '.cells|length' "$D/result.json")" "$(jq '.attacks|length' "$D/result.json")" "$wrong" "$D/result.json"
	[ "$wrong" = 0 ] && [ "$(jq '.cells|length' "$D/result.json")" = 12 ] &&
		[ "$(jq '.attacks|length' "$D/result.json")" = 11 ]
}

prepare
trap tear_down EXIT
step "A TPM vendor makes four TPMs with endorsement certificates"
make_tpms "${MACHINES[@]}"
make_authority
make_domains
boot_machines
move_data
print_table
make_report
step "Eleven attacks"
run_attacks
finish
