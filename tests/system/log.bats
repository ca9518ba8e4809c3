#!/usr/bin/env bats
# merestone log on boot logs of real machines, beside tpm2_eventlog, and what reference sets are made of them.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0

setup() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	OURS=$ROOT/tests/vectors/eventlog
	REAL=$ROOT/../shared/fixtures/eventlogs
	cd "$BATS_TEST_TMPDIR" || return
}

merestone() {
	"$ROOT/build/merestone" "$@"
}

real() { # skips without the logs of others
	[ -d "$REAL" ] || skip "the logs of real machines are not here"
}

# "sha256 7 2f96..", from what tpm2_eventlog prints below "pcrs:"
theirs() {
	awk '/^pcrs:/ {on = 1; next} on && /^  [a-z0-9_]+:/ {bank = $1; sub(":", "", bank)}
		on && /: 0x/ {print bank, $1, substr($3, 3)}' | sort
}

ours() {
	jq -r '.pcrs | to_entries[] | .key as $bank | .value | to_entries[] | "\($bank) \(.key) \(.value)"' | sort
}

# same LOG [REGISTER]: both replay to the same, but for a register where tpm2_eventlog is known to differ
same() {
	tpm2_eventlog "$1" 2>/dev/null | theirs | grep -v "^sha[0-9]* ${2-none} " >theirs.txt || return 1
	merestone log "$1" --json | ours | grep -v "^sha[0-9]* ${2-none} " >ours.txt || return 1
	[ -s theirs.txt ] && diff theirs.txt ours.txt
}

@test "replay of our captures is that of tpm2_eventlog" {
	command -v tpm2_eventlog >/dev/null || skip "tpm2_eventlog is not installed"
	for log in "$OURS"/*.eventlog; do
		same "$log" || { echo "$log"; return 1; }
	done
}

@test "replay of real logs is that of tpm2_eventlog in every bank" {
	real
	command -v tpm2_eventlog >/dev/null || skip "tpm2_eventlog is not installed"
	for name in goattest-crypto_agile_eventlog goattest-ubuntu_2104_shielded_vm_no_secure_boot_eventlog \
		goeventlog-arch-linux-workstation goeventlog-rhel8-uefi keylime-secureboot tpm2tools-event-bootorder \
		tpm2tools-event-moklisttrusted tpm2tools-event-postcode tpm2tools-event-sd-boot-fedora37 \
		goattest-ebs_event_missing_eventlog; do
		same "$REAL/$name.bin" || { echo "$name"; return 1; }
	done
	# It extends what only says the locality that PCR 0 starts from.
	same "$REAL/keylime-baremetal.bin" 0
}

@test "a register that starts from another locality is named" {
	real
	run merestone log "$REAL/keylime-baremetal.bin"
	[ "$status" -eq 0 ]
	[[ $output == *"PCR 0 starts from locality 3"* ]]
	[[ $output == *"0ee9a7feba8f4172f1a7451594aa5731665a4d353ac61814042ce107a00742f2"* ]]
}

@test "each real log is read, or refused with its reason" {
	real
	for log in "$REAL"/*.bin; do
		run merestone log "$log"
		case ${log##*/} in
		keylime-bogus.bin) [ "$status" -eq 1 ] && [[ $output == *"there is no such register"* ]] ;;
		goattest-sb_cert_eventlog.bin) [ "$status" -eq 1 ] && [[ $output == *"PCR 0 has no separator"* ]] ;;
		*) [ "$status" -eq 0 ] ;;
		esac || { echo "$log: $status: $output"; return 1; }
	done
}

@test "a log of the old form is shown, and said to prove nothing" {
	real
	run merestone log "$REAL/goattest-option_rom_eventlog.bin"
	[ "$status" -eq 0 ]
	[[ $output == *"old, SHA-1 alone"* && $output == *"an authority refuses it"* ]]
}

@test "oddities of real logs are named" {
	real
	run merestone log "$REAL/goeventlog-arch-linux-workstation.bin"
	[[ $output == *"event 24 (EV_IPL on PCR 8): its payload is not what was measured"* ]]
	run merestone log "$REAL/tpm2tools-event-postcode.bin"
	[[ $output == *"one byte more than was measured, as older shim does"* ]]
}

@test "Secure Boot, keys, loaders, image and command line are told" {
	run merestone log "$OURS/ovmf-secureboot-sdboot.eventlog"
	[ "$status" -eq 0 ]
	for text in "Secure Boot   on" "PK            9d610e7f54d1" "Authority     b7f947fbfed1" \
		"Loader        9bf2519c746e" "Command line  console=ttyS0,115200 panic=-1" '.cmdline' "Initrd        89b9dd02bfb5"; do
		[[ $output == *"$text"* ]] || { echo "$text"; return 1; }
	done
}

@test "the JSON has events, registers and warnings" {
	merestone log "$OURS/ovmf-nosecureboot-direct.eventlog" --json >log.json
	[ "$(jq -r .secure_boot log.json)" = off ]
	[ "$(jq '.events | length' log.json)" -gt 30 ]
	[ "$(jq -r '.warnings[0]' log.json)" = "Secure Boot is off" ]
	[ "$(jq -r '[.events[] | select(.meaning == "section")] | length' log.json)" -eq 4 ]
}

@test "a cut log is refused with a sentence" {
	head -c 5000 "$OURS/ovmf-secureboot.eventlog" >cut.log
	run merestone log cut.log
	[ "$status" -eq 1 ]
	[[ $output == *"merestone: error: cut.log: "* ]]
	run merestone log absent
	[ "$status" -ne 0 ]
	run merestone log
	[ "$status" -eq 2 ]
}

@test "a hostile text in a log moves no terminal" {
	# The first character of the command line in register 12 becomes ESC; its digest no longer holds.
	cp "$OURS/ovmf-secureboot-sdboot.eventlog" log
	at=$(LC_ALL=C grep -aboP 'c\x00o\x00n\x00s\x00o\x00l\x00e\x00=\x00' log | head -1 | cut -d: -f1)
	[ -n "$at" ]
	printf '\033' | dd of=log bs=1 seek="$at" conv=notrunc 2>/dev/null
	run merestone log log
	[ "$status" -eq 0 ]
	[[ $output != *$'\033'* && $output == *'\x1b'* && $output == *"NOT what was measured"* ]]
}

@test "what is learnt by meaning is a set that can be put" {
	merestone reference learn "$OURS/ovmf-secureboot-sdboot.eventlog" --semantic >set.json
	[ "$(jq -c .by_meaning set.json)" = "[2,4,7,9,11,12]" ]
	[ "$(jq -c '.pcrs | keys' set.json)" = '["0","1","3"]' ]
	[ "$(jq -r '.uki[".linux"][0]' set.json)" = 51349501a3d1ff83836437d2b365fd2d57f2feb8642d315e5181dec23d4c3275 ]
}

@test "a Keylime reference state becomes a set, with a word on what is not carried over" {
	zero=0x$(printf '%064d' 0)
	jq -n --arg d "$zero" '{scrtm_and_bios: [{scrtm: {sha256: $d}, platform_firmware: [{sha256: $d}]}],
		pk: [{SignatureOwner: "o", SignatureData: "0x3082"}], kek: [{SignatureOwner: "o", SignatureData: "0x3082"}],
		db: [{SignatureOwner: "o", SignatureData: "0x3082"}], dbx: [], mokdig: [], mokxdig: [],
		kernels: [{shim_authcode_sha256: $d, grub_authcode_sha256: $d, kernel_authcode_sha256: $d,
			initrd_plain_sha256: $d, kernel_cmdline: "quiet"}]}' >state.json
	run --separate-stderr merestone reference import --keylime state.json
	[ "$status" -eq 0 ]
	[ "$(jq -c .by_meaning <<<"$output")" = "[0,1,2,4,7,9]" ]
	[[ $stderr == *"kernel_cmdline is not carried over"* ]]
	run merestone reference import --keylime "$OURS/ovmf-secureboot.eventlog"
	[ "$status" -eq 1 ]
	run merestone reference import
	[ "$status" -eq 2 ]
}
