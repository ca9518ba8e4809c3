#!/usr/bin/env bats
# A cloudlet: what it can do without its authority, what it can lose, and what its TPM refuses whatever its disk says.

# shellcheck disable=SC2154
load housekit.bash

setup_file() {
	make_tpm m1
	make_tpm m2
	ROOTS=$H/vendor/roots.pem make_authority
	start_authority
	make_domains 600 geoA geoB
	make_machine m1
	make_machine m2
	agent m1 attest >/dev/null
	agent m2 attest >/dev/null
	echo 'the first plaintext' >"$H/plain"
	agent m1 data put geoA "$H/plain"
}

teardown_file() {
	tear_down_house
}

# opens MACHINE DATASET FILE: data get gives exactly FILE
opens() {
	rm -f "$H/out"
	agent "$1" data get "$2" "$H/out" && cmp "$H/out" "$3"
}

# refuses MACHINE DATASET STATUS WORDS...: no plaintext, and the words
refuses() {
	rm -f "$H/out"
	run agent "$1" data get "$2" "$H/out"
	says "${@:3}"
	[ ! -e "$H/out" ]
}

# in_lease MACHINE DATASET FILTER: changes a member of a lease file
in_lease() {
	cp "$H/$1/state/lease/$2.json" "$H/lease.kept"
	jq "$3" "$H/lease.kept" >"$H/$1/state/lease/$2.json"
}

put_back() { # put_back MACHINE DATASET
	cp "$H/lease.kept" "$H/$1/state/lease/$2.json"
}

# with_log FILE: m1 says that this is its event log
with_log() {
	configure m1 m1 "$1"
	run agent m1 attest
	configure m1
}

# ---- Data ----

@test "what one machine put in, another gets out, byte for byte" {
	opens m2 geoA "$H/plain"
}

@test "a dataset of no bytes, of a chunk, of one more, and of many opens to what it was" {
	for size in 0 1 65535 65536 65537 $((5 * 1024 * 1024)); do
		head -c "$size" /dev/urandom >"$H/sized"
		agent m1 data put geoB "$H/sized"
		opens m2 geoB "$H/sized"
	done
}

@test "a file that cannot be put, or is no dataset's, changes nothing" {
	run agent m1 data put geoA "$H/absent"
	says 3 'No such file'
	run agent m1 data put ../geoA "$H/plain"
	says 1 'is not the name of a dataset'
	run agent m1 data put geoX "$H/plain"
	says 1 'there is no lease for dataset geoX'
	opens m2 geoA "$H/plain"
}

@test "nothing that the disk keeps is readable by others, and none of it is plaintext" {
	[ -z "$(find "$H/m1/state" "$H/m2/state" -perm /077)" ]
	[ "$(grep -rlF 'the first plaintext' "$H"/m[12]/state "$H/authority" | wc -l)" = 0 ]
}

@test "a get that fails leaves the file that was there" {
	echo precious >"$H/kept"
	in_lease m1 geoA '.reset_count+=1'
	run agent m1 data get geoA "$H/kept"
	[ "$status" = 1 ]
	put_back m1 geoA
	[ "$(cat "$H/kept")" = precious ]
	[ -z "$(find "$H" -maxdepth 1 -name 'kept.*')" ]
}

@test "ciphertext that does not have its digest is refused" {
	rm -f "$H/m2/state/cache/geoA"
	cp "$H/authority/door/blobs/geoA" "$H/blob.kept"
	printf X | dd of="$H/authority/door/blobs/geoA" bs=1 seek=70 conv=notrunc 2>/dev/null
	refuses m2 geoA 1 'does not have its digest'
	cat "$H/blob.kept" >"$H/authority/door/blobs/geoA"
	opens m2 geoA "$H/plain"
}

@test "ciphertext of a store that lies about its digest too is refused by its tag" {
	size=$(($(stat -c %s "$H/blob.kept") - 32))
	for at in 9 20 30 70 $((size - 1)); do
		rm -f "$H/m2/state/cache/geoA"
		head -c "$size" "$H/blob.kept" >"$H/cipher"
		printf X | dd of="$H/cipher" bs=1 seek="$at" conv=notrunc 2>/dev/null
		{ cat "$H/cipher" && openssl dgst -sha256 -binary "$H/cipher"; } >"$H/blob"
		cat "$H/blob" >"$H/authority/door/blobs/geoA"
		rm -f "$H/out"
		run agent m2 data get geoA "$H/out"
		[ "$status" = 1 ]
		[ ! -e "$H/out" ]
	done
	cat "$H/blob.kept" >"$H/authority/door/blobs/geoA"
	opens m2 geoA "$H/plain"
}

@test "one dataset's ciphertext under another's name is refused" {
	rm -f "$H/m2/state/cache/geoB"
	cat "$H/blob.kept" >"$H/authority/door/blobs/geoB"
	run agent m2 data get geoB "$H/out2"
	[ "$status" = 1 ]
	[ ! -e "$H/out2" ]
	agent m1 data put geoB "$H/plain"
	opens m2 geoB "$H/plain"
}

@test "a dataset's new epoch has a new key, and the old ciphertext says so" {
	officer dataset create geoB --domain geoB --epoch 2
	agent m1 attest
	refuses m1 geoB 1 epoch
	agent m1 data put geoB "$H/plain"
	opens m1 geoB "$H/plain"
	refuses m2 geoB 1 epoch
	agent m2 attest
	opens m2 geoB "$H/plain"
}

# ---- Leases ----

@test "a deadline that was raised by hand is refused by the TPM" {
	in_lease m1 geoA '.deadline_ms+=3600000'
	refuses m1 geoA 1 lease
	put_back m1 geoA
	opens m1 geoA "$H/plain"
}

@test "a lease with any other term changed is refused by the TPM" {
	for change in '.reset_count+=1' '.restart_count+=1' '.generation+=1' '.epoch+=1' '.pcr_digest|=(.[1:]+.[:1])' \
		'.signature|=("AAAA"+.[4:])' '.lease_key|=(.[4:]+.[:4])' '.dataset="geoB"' '.domain="geoB"'; do
		in_lease m1 geoA "$change"
		rm -f "$H/out"
		run agent m1 data get geoA "$H/out"
		put_back m1 geoA
		[ "$status" = 1 ] && [ ! -e "$H/out" ]
	done
	opens m1 geoA "$H/plain"
}

@test "another dataset's lease, and a lease of a machine in the same state, open nothing" {
	jq '.dataset="geoA"' "$H/m1/state/lease/geoB.json" >"$H/other"
	in_lease m1 geoA .
	for lease in "$H/other" "$H/m2/state/lease/geoA.json"; do
		cp "$lease" "$H/m1/state/lease/geoA.json"
		refuses m1 geoA 1
	done
	put_back m1 geoA
	opens m1 geoA "$H/plain"
}

@test "a key that is sealed to another machine opens nothing" {
	cp "$H/m1/state/key/geoA.json" "$H/key.kept"
	cp "$H/m2/state/key/geoA.json" "$H/m1/state/key/geoA.json"
	refuses m1 geoA 1
	cp "$H/key.kept" "$H/m1/state/key/geoA.json"
	opens m1 geoA "$H/plain"
}

swap_disks() {
	mv "$H/m1/state" "$H/swap"
	mv "$H/m2/state" "$H/m1/state"
	mv "$H/swap" "$H/m2/state"
}

@test "two machines whose disks were swapped open nothing, and say why" {
	swap_disks
	for machine in m1 m2; do
		refuses "$machine" geoA 1 'this state belongs to another TPM'
		run agent "$machine" attest
		says 1 'this state belongs to another TPM'
	done
	swap_disks
	opens m1 geoA "$H/plain"
	agent m2 attest
}

@test "after a restart of the machine the old lease is dead until it attests" {
	power_off m2
	boot m2
	refuses m2 geoA 1
	agent m2 attest
	opens m2 geoA "$H/plain"
}

kinds() { # kinds FILE: of the parts of saved evidence, merestone-evidence(5)
	local at=4 n
	while [ "$at" -lt "$(stat -c %s "$1")" ]; do
		n=$(od -An -tx1 -j $((at + 1)) -N 4 "$1" | tr -d ' ')
		od -An -tu1 -j "$at" -N 1 "$1" | tr -d ' '
		at=$((at + 5 + 16#$n))
	done
}

certified() { # 1 when the next evidence shows the counter, else 0
	agent m1 attest --save-evidence "$H/evidence" >/dev/null && kinds "$H/evidence" >"$H/kinds" || return
	grep -cx 21 "$H/kinds" || true
}

@test "the revocation counter is shown when it may be new to the authority" {
	agent m1 attest
	[ "$(certified)" = 0 ]
	agent m1 lease end
	[ "$(certified)" = 1 ]
	opens m1 geoA "$H/plain"
	[ "$(certified)" = 0 ]
	rm "$H/m1/state/result.jwt"
	[ "$(certified)" = 1 ]
}

@test "an agent that runs renews before its lease ends, and stops when it is asked to" {
	put_domain geoA 12
	agent m1 attest
	first=$(jq .deadline_ms "$H/m1/state/lease/geoA.json")
	"$BUILD/merestone-agent" --config "$H/m1/agent.json" run 2>"$H/run.log" 3>&- &
	pid=$!
	until_true renewed "$first"
	kill -TERM "$pid"
	wait "$pid"
	opens m1 geoA "$H/plain"
	put_domain geoA 600
	agent m1 attest
	agent m2 attest
}

@test "the quoter has its filter, its TPM and its socket, and nothing that the agent was given" {
	"$BUILD/merestone-agent" --config "$H/m1/agent.json" run 2>"$H/run.log" 3>&- 7<"$H/authority/officer/officer.key" &
	pid=$!
	until_true grep -q 'case [0-9]*, again' "$H/run.log"
	quoter=$(pgrep -P "$pid")
	grep -qx 'Seccomp:	2' "/proc/$quoter/status"
	grep -qx 'NoNewPrivs:	1' "/proc/$quoter/status"
	readlink "/proc/$quoter/fd/"* >"$H/fds" || true
	kill -TERM "$pid"
	wait "$pid"
	[ "$(grep -c officer.key "$H/fds")" = 0 ]
}

renewed() {
	[ "$(jq .deadline_ms "$H/m1/state/lease/geoA.json")" -gt "$1" ] && [ "$(grep -c 'case [0-9]*, again' "$H/run.log")" -ge 2 ]
}

# ---- What is lost ----

@test "everything on the disk can be lost, and one attestation brings it back" {
	rm -r "$H/m1/state"
	refuses m1 geoA 1
	agent m1 attest
	opens m1 geoA "$H/plain"
}

@test "files of the state that are garbage are replaced by an attestation" {
	for file in certificate.pem next.nonce log.sent result.jwt lease/geoA.json key/geoA.json cache/geoA; do
		head -c 500 /dev/urandom >"$H/m1/state/$file"
		agent m1 attest
		opens m1 geoA "$H/plain"
	done
}

@test "without the authority data opens from the cache, and what needs it says so" {
	stop_authority
	opens m1 geoA "$H/plain"
	run agent m1 attest
	says 3 127.0.0.1
	run agent m1 data put geoA "$H/plain"
	[ "$status" = 3 ]
	opens m1 geoA "$H/plain"
	rm "$H/m1/state/cache/geoA"
	rm -f "$H/out"
	run agent m1 data get geoA "$H/out"
	[ "$status" = 3 ]
	[ ! -e "$H/out" ]
	start_authority
	opens m1 geoA "$H/plain"
}

@test "an authority of another name or key is not spoken to" {
	make_authority "$H/elsewhere" "$(free_port)"
	jq --arg ca "$H/elsewhere/ca.pem" '.ca=$ca' "$H/m1/agent.json" >"$H/m1/wrong.json"
	run "$BUILD/merestone-agent" --config "$H/m1/wrong.json" attest
	[ "$status" != 0 ]
	[[ $output == *certificate* ]]
	agent m1 attest
}

# ---- The machine itself ----

@test "a machine without its TPM says so, and could not ask" {
	configure m1 nowhere
	run agent m1 attest
	configure m1
	says 3 TPM
	agent m1 attest
}

@test "an event log that is missing, cut or garbage is one sentence" {
	rm -f "$H/m1/state/log.sent"
	with_log "$H/absent.log"
	[ "$status" != 0 ]
	[[ $output == *absent.log* || $output == *'event log'* ]]
	head -c -7 "$LOG" >"$H/cut.log"
	with_log "$H/cut.log"
	says 1 'event log'
	head -c 5000 /dev/urandom >"$H/garbage.log"
	with_log "$H/garbage.log"
	says 1 'event log'
	agent m1 attest
}

@test "a log that the registers do not confirm is forged" {
	"$ROOT/build/tools/changelog" "$LOG" 4 >"$H/changed.log"
	with_log "$H/changed.log"
	says 1 'PCR 4'
	agent m1 attest
}

@test "a configuration that is missing or wrong is one sentence" {
	run "$BUILD/merestone-agent" --config "$H/absent.json" attest
	says 3 'No such file'
	jq '.name="../m1"' "$H/m1/agent.json" >"$H/m1/wrong.json"
	run "$BUILD/merestone-agent" --config "$H/m1/wrong.json" attest
	[ "$status" = 1 ]
	[[ $output == *name* ]]
	jq '.location.latitude_deg=91' "$H/m1/agent.json" >"$H/m1/wrong.json"
	run "$BUILD/merestone-agent" --config "$H/m1/wrong.json" attest
	[ "$status" = 1 ]
	[[ $output == *latitude_deg* ]]
}
