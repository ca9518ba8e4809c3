#!/usr/bin/env bats
# Machines whose boots are approved by what they mean: a set learnt from one, told to people, and an update with two images.

# shellcheck disable=SC2154,SC2034
load housekit.bash

VIA_MENU=$ROOT/tests/vectors/eventlog/ovmf-secureboot-sdboot.eventlog
DIRECT=$ROOT/tests/vectors/eventlog/ovmf-secureboot.eventlog

setup_file() {
	LOG=$VIA_MENU
	make_tpm m1
	ROOTS=$H/vendor/roots.pem make_authority
	start_authority
	officer reference learn "$VIA_MENU" --semantic >"$H/menu.json"
	officer reference put menu "$H/menu.json" >/dev/null
	officer fence put geoA "$FENCES/geoA.json" >/dev/null
	echo '{"fence":"geoA","references":["menu","direct"],"lease_s":600,"location_level":1}' >"$H/domain.json"
	officer domain put geoA "$H/domain.json" >/dev/null
	officer dataset create maps --domain geoA >/dev/null
	make_machine m1
}

teardown_file() {
	tear_down_house
}

reboot() { # reboot LOG
	power_off m1
	boot m1 "$1"
	configure m1 m1 "$1"
}

@test "a set that was learnt by meaning approves the machine, and its renewals" {
	run agent m1 attest
	says 0
	[ "$(allowed m1)" = geoA ]
	run agent m1 attest
	says 0
	[ "$(allowed m1)" = geoA ]
}

@test "another loader is denied in words that name register, event, expected and found" {
	reboot "$DIRECT"
	run agent m1 attest
	says 1 "reference menu: PCR 4: event " "a boot loader has digest " "is none of the 2 of the reference"
}

@test "the case is explained with the way out" {
	case=$(officer --json cloudlet list | jq '.[0].last_case')
	run officer explain "$case"
	says 0 "PCR 4: event " "the way out: " "sign a reference set"
}

@test "old and new image are approved at once while an update runs" {
	officer reference learn "$DIRECT" --semantic >"$H/direct.json"
	officer reference put direct "$H/direct.json" >/dev/null
	run agent m1 attest
	says 0
	[ "$(allowed m1)" = geoA ]
	reboot "$VIA_MENU"
	run agent m1 attest
	says 0
	[ "$(allowed m1)" = geoA ]
}

@test "when its time is over, the old image is denied" {
	jq '.valid_until = 1700000000' "$H/menu.json" >"$H/ended.json"
	officer reference put menu "$H/ended.json" >/dev/null
	run agent m1 attest
	says 1 "PCR 4"
	reboot "$DIRECT"
	run agent m1 attest
	says 0
}

@test "a pattern for the command line lets a machine's own options vary, and nothing else" {
	jq '.command_line = {pattern: ["console=ttyS0,115200 panic=-1 lockdown=integrity gf.root=* gf.fs=* gf.verity=* gf.nomod=1 gf.export=1"]}
		| .allowed_events["9"] = []' "$H/menu.json" >"$H/pattern.json"
	officer reference put menu "$H/pattern.json" >/dev/null
	reboot "$VIA_MENU"
	run agent m1 attest
	says 0
	jq '.command_line = {pattern: ["console=* panic=-1"]}' "$H/pattern.json" >"$H/narrow.json"
	officer reference put menu "$H/narrow.json" >/dev/null
	run agent m1 attest
	says 1 "PCR 12: event 26 (EV_IPL): the kernel command line " "fits no pattern of the reference"
}

@test "a set that says nothing of a register is refused before it is sent" {
	jq 'del(.uki) | del(.allowed_events)' "$H/menu.json" >"$H/hole.json"
	run officer reference put hole "$H/hole.json"
	says 1 "PCR 11 has no rule, and no rule never means any value"
}
