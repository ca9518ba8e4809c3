#!/usr/bin/env bash
# The appliance, end to end: an image is built, boots in a virtual machine with Secure Boot and a TPM, enrols with an
# authority on this host, opens geo-fenced data, is updated to a second version that opens it again without anybody
# touching it, and a tampered one is refused by the firmware and by the authority. Software emulation; about four minutes.
# Writes build/demo-image/result.json; fails if anything differs.  DEMO: another directory.
set -euo pipefail
cd "$(dirname "$0")/.."
export DEMO=${DEMO:-build/demo-image}
# shellcheck source=tests/demo/machines.sh
. tests/demo/machines.sh
# shellcheck source=tests/qemu/vm.sh
. tests/qemu/vm.sh

LOG=tests/vectors/eventlog/ovmf-secureboot.eventlog
PLACE="52.5200 13.4050"
VM=

step() {
	printf '\n%s\n' "$*"
}

# expect NAME EXPECTED GOT: a row of the result.
expect() {
	jq -cn --arg name "$1" --arg expected "$2" --arg got "$3" '{name:$name,expected:$expected,got:$got}' >>"$D/steps.jsonl"
	printf '  %-24s %s\n' "$1" "$3"
}

# image VERSION: into $D/image/cloud-VERSION; the first makes the keys.
image() {
	IMAGE_VARIANT=cloud IMAGE_VERSION=$1 IMAGE_KEYS=$D/keys IMAGE_OUT=$D/image firmware/image/build.sh >"$D/image-$1.log" 2>&1 || {
		tail -5 "$D/image-$1.log" >&2
		return 1
	}
	tail -1 "$D/image-$1.log" | sed 's/^DONE */  /'
}

# approve VERSION: what the build predicted for it, on this site, is a reference set.
approve() {
	"$MERESTONE" image manifest "$D/image/cloud-$1" --keys "$D/keys" --site "$D/site.jws" >"$D/reference-$1.json"
	"$MERESTONE" reference put "image-$1" "$D/reference-$1.json" | sed 's/^/  /'
}

domain() { # domain REFERENCE...: geoA is Germany
	printf '%s\n' "$@" | jq -R . | jq -sc '{fence:"geoA",references:.,lease_s:60,location_level:1}' >"$D/domain.json"
	"$MERESTONE" domain put geoA "$D/domain.json" | sed 's/^/  /'
}

make_authority() {
	"$MERESTONE" init "$D/authority" --trust-domain demo.merestone --listen "127.0.0.1:$PORT" --host 127.0.0.1 \
		--host 10.0.2.2 --ek-roots "$D/vendor/roots.pem" | sed 's/^/  /'
	export MERESTONE_KIT="$D/authority/officer"
	start_authority
	"$MERESTONE" fence put geoA tests/vectors/fence/geoA.json | sed 's/^/  /'
	"$MERESTONE" reference learn "$LOG" >"$D/cloud.json"
	"$MERESTONE" reference put cloud "$D/cloud.json" | sed 's/^/  /'
	# shellcheck disable=SC2086
	"$MERESTONE" image site edge-1 --authority "https://10.0.2.2:$PORT" --location "${PLACE/ /,},1000" --data geoA \
		--out "$D/site.jws" >/dev/null
	approve 1
	domain cloud image-1
	"$MERESTONE" dataset create geoA --domain geoA | sed 's/^/  /'
	"$MERESTONE" cloudlet add cloud | sed 's/^/  /'
	"$MERESTONE" cloudlet add edge-1 | sed 's/^/  /'
}

# Another member of the domain, in Frankfurt, encrypts what the appliance will open.
put_data() {
	boot cloud "$LOG"
	configure cloud cloud "$LOG" 50.1109 8.6821
	agent cloud attest >/dev/null
	head -c 100000 /dev/urandom >"$D/plain"
	agent cloud data put geoA "$D/plain"
	SUM=$(sha256sum "$D/plain" | cut -d' ' -f1)
}

opened() { # opened NAME: what the console says of the data since the machine was last switched on
	local got
	vm_wait "$VM" 'dataset geoA opened' 120 || true
	got=$(grep -ao 'dataset geoA opened: [0-9]* bytes, sha256 [0-9a-f]*' "$VM/serial.log" | tail -1)
	expect "$1" "dataset geoA opened: 100000 bytes, sha256 $SUM" "${got:-$(tail -3 "$VM/serial.log")}"
}

# Which image the authority believes the machine runs, by its last record.
runs() {
	"$MERESTONE" --json update status | jq -r '.machines[]|select(.name=="edge-1")|"version \(.runs): \(.state)"'
}

until_done() {
	for _ in $(seq 60); do
		[ "$(runs)" != "version 2: done" ] || return 0
		sleep 1
	done
}

first_boot() {
	VM=$D/vm-edge
	cp --sparse=always "$D/image/cloud-1/merestone.img" "$D/disk.img"
	mcopy -o -i "$D/disk.img@@1M" "$D/site.jws" ::/merestone/site.jws
	vm_start "$VM" "$D/disk.img"
	opened "version 1 opens"
}

# Nobody touches the machine: it fetches, writes its idle slot, starts anew, and opens its state and the data.
update() {
	approve 2
	domain cloud image-1 image-2
	"$MERESTONE" update publish "$D/image/cloud-2/update" | sed 's/^/  /'
	: >"$VM/serial.log"
	"$MERESTONE" update approve 2 --key "$D/keys/update.pub" --variant cloud | sed 's/^/  /'
	vm_wait "$VM" 'this machine starts again' 200 || true
	: >"$VM/serial.log"
	opened "version 2 opens"
	until_done
	expect "the authority sees" "version 2: done" "$(runs)"
}

# One letter of the command line is another one: the signature does not hold.
tamper() {
	local at
	vm_stop "$VM"
	cp --sparse=always "$VM/disk.img" "$D/tampered.img"
	at=$(grep -abo 'lockdown=integrity' "$D/tampered.img" | cut -d: -f1)
	[ -n "$at" ]
	for at in $at; do
		printf 'lockdown=Integrity' | dd of="$D/tampered.img" bs=1 seek="$at" conv=notrunc status=none
	done
}

refused_by_firmware() {
	VM=$D/vm-edge
	vm_start "$VM" "$D/tampered.img"
	vm_wait "$VM" 'Access Denied|Security Violation|merestone: ' 90 || true
	expect "the firmware refuses" "Access Denied" "$(grep -aoE 'Access Denied|merestone: .*' "$VM/serial.log" | head -1)"
	vm_stop "$VM"
}

# The thief switches Secure Boot off: it starts, but its state stays closed, and the authority sees what it is.
refused_by_authority() {
	cp "$VM_VARIABLES" "$VM/vars.fd"
	vm_start "$VM" -
	vm_wait "$VM" 'the state stays closed' 120 || true
	expect "the TPM refuses" yes "$(grep -aq 'the state stays closed' "$VM/serial.log" && echo yes || echo no)"
	vm_wait "$VM" 'merestone-agent: (case|error)' 120 || true
	sleep 3
	expect "the authority refuses" deny "$(last_decision)"
	vm_stop "$VM"
}

last_decision() {
	local number
	number=$("$MERESTONE" --json cloudlet list | jq '.[]|select(.name=="edge-1").last_case')
	"$MERESTONE" explain "$number" >"$D/refusal.txt" || true
	sed 's/^/  /' "$D/refusal.txt" >&2
	grep -q 'geoA: denied' "$D/refusal.txt" && echo deny || echo allow
}

finish() {
	jq -s '{steps:.}' "$D/steps.jsonl" >"$D/result.json"
	jq -r '[.steps[]|select(.expected!=.got)] as $bad | "\n\(.steps|length) steps, \($bad|length) not as expected: '"$D"'/result.json"' \
		"$D/result.json"
	jq -e '[.steps[]|select(.expected!=.got)]|length==0' "$D/result.json" >/dev/null
}

clean_up() {
	local vm
	tear_down
	for vm in "$D"/vm-*; do
		[ ! -d "$vm" ] || { cp "$vm/serial.log" "$vm.log" && vm_remove "$vm"; }
	done
}

main() {
	prepare
	D=$(realpath "$D")
	: >"$D/steps.jsonl"
	trap clean_up EXIT
	step "Two versions of the image, and what they will measure"
	image 1
	image 2
	step "Two machines from the factory; one has the image's keys in its firmware"
	make_tpms cloud
	vm_new "$D/vm-edge" "$D/vendor" "$D/keys"
	step "An authority, and what it approves: Germany, and the image as its build predicted it"
	make_authority
	put_data
	step "The appliance boots, enrols and opens the data"
	first_boot
	step "Version 2 is published and approved"
	update
	step "A tampered image"
	tamper
	refused_by_firmware
	refused_by_authority
	finish
}

main "$@"
