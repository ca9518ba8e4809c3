#!/usr/bin/env bats
# What ran after the boot: a machine with the runtime list of a real boot, and a domain that approves it entry by entry.

# shellcheck disable=SC2154
load housekit.bash

LIST=$ROOT/tests/vectors/ima/ovmf-secureboot.ima # 16 entries; the third begins at byte 217, the fifth at 444

setup_file() {
	make_tpm m1
	ROOTS=$H/vendor/roots.pem make_authority
	start_authority
	make_domains 600 geoA geoB
	officer runtime learn "$LIST" >"$H/files.json"
	officer runtime put files "$H/files.json" >/dev/null
	demand_runtime
	make_machine m1
	with_list m1
}

teardown_file() {
	tear_down_house
}

demand_runtime() {
	printf '{"fence":"geoA","references":["edge"],"lease_s":600,"location_level":1,"runtimes":["files"]}' >"$H/domain.json"
	officer domain put geoA "$H/domain.json" >/dev/null
}

with_list() { # with_list NAME: its list is in its directory
	jq '.ima="list"' "$H/$1/agent.json" >"$H/with.json"
	mv "$H/with.json" "$H/$1/agent.json"
}

run_entries() { # run_entries NAME FROM TO: bytes of the real list; they are measured and listed
	tail -c "+$(($2 + 1))" "$LIST" | head -c "$(($3 - $2))" >"$H/new"
	"$ROOT/build/tools/measure" --ima "$H/new" "swtpm:path=$H/$1/tpm/sock"
	cat "$H/new" >>"$H/$1/list"
}

reboot() { # reboot NAME: with an empty list
	power_off "$1"
	boot "$1"
	: >"$H/$1/list"
}

entries() { # entries NAME: how many the authority has seen, and whether that is all
	cut -d. -f2 "$H/$1/state/result.jwt" | tr -- '-_' '+/' | base64 -d 2>/dev/null |
		jq -r '.merestone_runtime|"\(.entries) \(.complete)"'
}

@test "a machine without a list is denied by the domain that demands one, and by no other" {
	run agent m1 attest
	says 0 'geoA             denied   m1 sends no list of what it ran' 'geoB             allowed'
}

@test "what the list says is approved entry by entry, and only new entries are sent" {
	reboot m1
	run_entries m1 0 217
	run agent m1 attest
	says 0 'geoA             allowed'
	[ "$(entries m1)" = '2 true' ]
	run_entries m1 217 444
	run agent m1 attest --save-evidence "$H/evidence"
	says 0 'geoA             allowed'
	[ "$(entries m1)" = '4 true' ]
	! grep -q boot_aggregate "$H/evidence"
}

@test "an agent that lost its state sends the whole list again" {
	rm "$H/m1/state/ima.sent"
	run agent m1 attest --save-evidence "$H/evidence"
	says 0 'geoA             allowed'
	[ "$(entries m1)" = '4 true' ]
	grep -q boot_aggregate "$H/evidence"
}

@test "a set that no longer approves what ran denies at the next attestation, with entry and name" {
	jq 'del(.files."/mod/virtio.ko")' "$H/files.json" >"$H/fewer.json"
	officer runtime put files "$H/fewer.json"
	run agent m1 attest
	says 0 'geoA             denied   entry 3 (/mod/virtio.ko): no runtime set knows it' 'geoB             allowed'
	officer runtime put files "$H/files.json"
	run agent m1 attest
	says 0 'geoA             allowed'
}

@test "a list with a changed entry is forged" {
	cp "$H/m1/list" "$H/kept"
	printf 'x' | dd of="$H/m1/list" bs=1 seek=290 conv=notrunc status=none
	rm "$H/m1/state/ima.sent"
	run agent m1 attest
	says 1 'PCR 10: the runtime list of 4 entries gives'
	cp "$H/kept" "$H/m1/list"
	run agent m1 attest
	says 0 'geoA             allowed'
}

@test "an unlisted entry is forged: the register knows it" {
	tail -c +445 "$LIST" >"$H/rest"
	"$ROOT/build/tools/measure" --ima "$H/rest" "swtpm:path=$H/m1/tpm/sock"
	run agent m1 attest
	says 1 'PCR 10'
	cat "$H/rest" >>"$H/m1/list"
	run agent m1 attest
	says 0 'geoA             allowed'
	[ "$(entries m1)" = '16 true' ]
}

@test "a list that is longer than one evidence goes in several at once" {
	reboot m1
	head -c 106 "$LIST" >"$H/long"
	for _ in $(seq 200); do tail -c +107 "$LIST"; done >>"$H/long"
	"$ROOT/build/tools/measure" --ima "$H/long" "swtpm:path=$H/m1/tpm/sock"
	cp "$H/long" "$H/m1/list"
	run agent m1 attest
	says 0 'geoA             allowed'
	[ "$(entries m1)" = '3001 true' ]
}

@test "a list of another boot is denied by name" {
	reboot m1
	"$ROOT/build/tools/measure" --extend 5 "$(printf '%064d' 1)" "swtpm:path=$H/m1/tpm/sock"
	run_entries m1 0 217
	run agent m1 attest
	says 0 'geoA             denied   entry 1 (boot_aggregate)' 'the list is of another boot'
}
