#!/usr/bin/env bats
# An update from the build to a machine that runs it: signed twice, brought by the agent, written by the updater.

# shellcheck disable=SC2154
load housekit.bash

setup_file() {
	make_tpm m1
	make_tpm m2
	ROOTS=$H/vendor/roots.pem make_authority
	start_authority
	make_domains 600 geoA
	officer reference learn "$NEXT" >"$H/next.json"
	officer reference put next "$H/next.json" >/dev/null
	both_approved
	for name in m1 m2; do
		make_machine "$name"
		mkdir -p "$H/$name/spool" "$H/$name/esp"
		jq '.update={variant:"cloud",spool:"spool"}' "$H/$name/agent.json" >"$H/$name/new.json"
		mv "$H/$name/new.json" "$H/$name/agent.json"
		head -c 5000 /dev/urandom >"$H/$name/esp/merestone_1.efi"
		head -c 4000000 /dev/zero >"$H/$name/slot"
		agent "$name" attest >/dev/null
	done
	update_key update
	build 2 "$H/next.json"
	merestone update pack "$H/build-2" --key "$H/update.key"
}

teardown_file() {
	tear_down_house
}

NEXT=$BATS_TEST_DIRNAME/../vectors/eventlog/ovmf-secureboot-sdboot.eventlog

merestone() {
	"$BUILD/merestone" "$@"
}

both_approved() {
	echo '{"fence":"geoA","references":["edge","next"],"lease_s":600,"location_level":1}' >"$H/domain.json"
	officer domain put geoA "$H/domain.json" >/dev/null
}

update_key() { # update_key NAME
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$H/$1.key" 2>/dev/null
	openssl pkey -in "$H/$1.key" -pubout -out "$H/$1.pub"
}

build() { # build VERSION REFERENCE [VARIANT]: what the image's build leaves
	local dir=$H/build-$1
	mkdir -p "$dir"
	printf 'IMAGE_ID=merestone\nIMAGE_VERSION=%d\nVARIANT_ID=%s\n' "$1" "${3:-cloud}" >"$dir/os-release"
	printf '{"root_hash":"%064d","salt":"00","blocks":1}' "$1" >"$dir/root.json"
	head -c 1500000 /dev/urandom >"$dir/merestone_$1.efi"
	head -c 2500000 /dev/urandom >"$dir/root.img"
	cp "$2" "$dir/reference.json"
}

updater() { # updater MACHINE VERSION VERB [OPTION]...: on a machine that runs this version
	printf 'IMAGE_ID=merestone\nIMAGE_VERSION=%d\nVARIANT_ID=cloud\n' "$2" >"$H/$1/os-release"
	"$BUILD/libexec/updater" --from "$H/$1/spool" --stick "$H/$1/stick" --esp "$H/$1/esp" --slot "$H/$1/slot" \
		--os-release "$H/$1/os-release" --key "$H/update.pub" "${@:4}" "$3"
}

stick() { # stick MACHINE BUILD: the operator brings it
	rm -rf "$H/$1/stick"
	cp -r "$2/update" "$H/$1/stick"
}

state_of() { # state_of MACHINE
	officer --json update status | jq -r --arg name "$1" '.machines[]|select(.name==$name).state'
}

brings() { # brings MACHINE: until what is offered is in its spool
	agent "$1" run 2>>"$H/$1/log" 3>&- &
	local pid=$!
	until_true test -e "$H/$1/spool/manifest.jws"
	kill "$pid"
	wait "$pid" || true
}

@test "a build becomes a release: a signed manifest and the two files" {
	cd "$H/build-2/update"
	cmp uki ../merestone_2.efi
	cmp root ../root.img
	cut -d. -f2 manifest.jws | tr _- /+ | base64 -d 2>/dev/null | jq -e '.version==2 and .variant=="cloud"
		and .requires_floor==1 and (.pcrs|keys)==["11","4","9"] and .uki.size==1500000'
}

@test "a build without its prediction, or with a floor above itself, is no release" {
	build 5 "$H/next.json"
	run merestone update pack "$H/build-5" --key "$H/update.key" --requires-floor 6
	says 1 'requires-floor'
	rm "$H/build-5/reference.json"
	run merestone update pack "$H/build-5" --key "$H/update.key"
	says 3 'reference.json' 'merestone image manifest'
	[ ! -e "$H/build-5/update/manifest.jws" ]
}

@test "what differs from its manifest is not published" {
	build 6 "$H/next.json"
	merestone update pack "$H/build-6" --key "$H/update.key"
	printf x | dd of="$H/build-6/update/root" bs=1 seek=1000 conv=notrunc status=none
	run officer update publish "$H/build-6/update"
	says 1 'the bytes that came have another SHA-256'
	run officer update approve 6 --variant cloud --key "$H/update.pub"
	says 1 'there is no blob called cloud-6-manifest'
}

@test "what was not published, or was signed by another key, is not approved" {
	officer update publish "$H/build-2/update"
	run officer update approve 9 --variant cloud --key "$H/update.pub"
	says 1 'there is no blob called cloud-9-manifest'
	update_key stranger
	run officer update approve 2 --variant cloud --key "$H/stranger.pub"
	says 1 'update manifest'
	run officer update approve 2 --key "$H/update.pub"
	says 1 'generic-2-manifest'
}

@test "nobody is brought an update before it is approved" {
	agent m1 run 2>"$H/m1/early" 3>&- &
	pid=$!
	until_true grep -q 'case [0-9]*, again' "$H/m1/early"
	kill "$pid"
	wait "$pid" || true
	[ ! -e "$H/m1/spool/manifest.jws" ]
}

@test "the first wave is brought it, the rest waits" {
	officer update approve 2 --variant cloud --key "$H/update.pub" --wave m1
	brings m1
	cmp "$H/m1/spool/uki" "$H/build-2/merestone_2.efi"
	cmp "$H/m1/spool/root" "$H/build-2/root.img"
	cmp "$H/m1/spool/attested" /proc/sys/kernel/random/boot_id
	[ "$(state_of m1)" = offered ]
	[ "$(state_of m2)" = waiting ]
	run officer update status
	says 0 'VARIANT  UPDATE  WAVES  OPEN  HALTED' 'm1    cloud'
}

@test "the updater writes the idle slot and gives the new version three starts" {
	updater m1 1 apply
	cmp -n 2500000 "$H/m1/slot" "$H/build-2/root.img"
	cmp "$H/m1/esp/merestone_2+3.efi" "$H/build-2/merestone_2.efi"
	[ "$(ls "$H/m1/esp")" = $'merestone_1.efi\nmerestone_2+3.efi' ]
}

@test "a version on trial takes no update; once kept it does" {
	build 3 "$H/next.json"
	merestone update pack "$H/build-3" --key "$H/update.key"
	mv "$H/m1/esp/merestone_2+3.efi" "$H/m1/esp/merestone_2+2-1.efi" # what the boot loader does
	stick m1 "$H/build-3"
	run updater m1 2 apply
	says 1 'version 2 runs on trial'
	updater m1 2 keep
	[ "$(ls "$H/m1/esp")" = $'merestone_1.efi\nmerestone_2.efi' ]
	updater m1 2 apply
	[ "$(ls "$H/m1/esp")" = $'merestone_2.efi\nmerestone_3+3.efi' ]
	cmp -n 2500000 "$H/m1/slot" "$H/build-3/root.img"
}

@test "the next wave opens when the first has attested with the new image" {
	run state_of m2
	says 0 waiting
	power_off m1
	boot m1 "$NEXT"
	jq --arg log "$NEXT" '.eventlog=$log' "$H/m1/agent.json" >"$H/m1/new.json"
	mv "$H/m1/new.json" "$H/m1/agent.json"
	agent m1 attest
	[ "$(state_of m1)" = 'done' ]
	brings m2
	[ "$(state_of m2)" = offered ]
}

@test "a machine that is refused with the new image halts it for all" {
	officer update approve 2 --variant cloud --key "$H/update.pub"
	rm "$H/m2/spool/manifest.jws"
	brings m2
	put_domain geoA 600 # the new image is approved no more
	power_off m2
	boot m2 "$NEXT"
	jq --arg log "$NEXT" '.eventlog=$log' "$H/m2/agent.json" >"$H/m2/new.json"
	mv "$H/m2/new.json" "$H/m2/agent.json"
	run agent m2 attest
	says 1 'no domain admits this machine'
	[ "$(state_of m2)" = failed ]
	officer --json update status | jq -e '.updates[0].halted'
	both_approved
}

@test "an approval cannot go back to an earlier release" {
	officer update publish "$H/build-3/update"
	officer update approve 3 --variant cloud --key "$H/update.pub"
	run officer update approve 2 --variant cloud --key "$H/update.pub"
	says 1 'version 3 of cloud was approved already' 'under a higher version'
}

# ---- what the updater refuses, whoever brought it; nothing is written ----

refuses() { # refuses WORDS...: machine m2, which runs version 1
	rm -f "$H/m2/spool/manifest.jws"
	before=$(sha256sum "$H/m2/slot" "$H"/m2/esp/*)
	run updater m2 1 apply
	says 1 "$@"
	[ "$(sha256sum "$H/m2/slot" "$H"/m2/esp/*)" = "$before" ]
}

@test "attack_A120 an update by another key is not written" {
	merestone update pack "$H/build-3" --key "$H/stranger.key"
	stick m2 "$H/build-3"
	merestone update pack "$H/build-3" --key "$H/update.key"
	refuses 'update manifest'
}

@test "attack_A121 a payload that was cut, grew or changed is not written" {
	stick m2 "$H/build-3"
	truncate -s -1 "$H/m2/stick/root"
	refuses 'the root file system of version 3' 'bytes, the manifest says'
	stick m2 "$H/build-3"
	echo more >>"$H/m2/stick/uki"
	refuses 'the kernel image of version 3' 'bytes, the manifest says'
	stick m2 "$H/build-3"
	printf x | dd of="$H/m2/stick/root" bs=1 seek=2000000 conv=notrunc status=none
	refuses 'digest'
}

@test "attack_A122 a downgrade, another variant or another product is not written" {
	stick m2 "$H/build-3"
	rm -f "$H/m2/spool/manifest.jws"
	cp "$H/m2/esp/merestone_1.efi" "$H/m2/esp/merestone_4.efi"
	run updater m2 4 apply
	says 1 'the update is version 3, and version 4 runs'
	rm "$H/m2/esp/merestone_4.efi"
	build 7 "$H/next.json" generic
	merestone update pack "$H/build-7" --key "$H/update.key"
	stick m2 "$H/build-7"
	refuses 'the update is of variant generic, this machine is cloud'
	sed -i 's/IMAGE_ID=merestone/IMAGE_ID=other/' "$H/build-7/os-release"
	run merestone update pack "$H/build-7" --key "$H/update.key"
	says 1 'this is no image of merestone'
}

@test "a version that did not start is not written again" {
	cp "$H/m2/esp/merestone_1.efi" "$H/m2/esp/merestone_3+0-3.efi"
	stick m2 "$H/build-3"
	refuses 'version 3 was started 3 times and never became healthy'
	rm "$H/m2/esp/merestone_3+0-3.efi"
}

@test "a release that is refused does not stand in the way of another" {
	cp "$H"/build-7/update/* "$H/m2/spool/" # of another variant
	stick m2 "$H/build-3"
	cp -r "$H/m2/esp" "$H/m2/esp.before"
	updater m2 1 apply
	[ -e "$H/m2/esp/merestone_3+3.efi" ]
	rm -r "$H/m2/esp" && mv "$H/m2/esp.before" "$H/m2/esp"
}

@test "a machine without an update has nothing to do" {
	rm -rf "$H/m2/stick" "$H/m2/spool/manifest.jws"
	run updater m2 1 apply
	[ "$status" = 1 ]
	[ -z "$output" ]
}

@test "nobody publishes without a certificate" {
	run curl -s --cacert "$H/authority/ca.pem" -X PUT -H 'Content-Type: application/octet-stream' --data x \
		"https://127.0.0.1:$(cat "$H/port")/v1/updates/cloud-3-root?upload=0123456789abcdef&offset=0"
	says 0 'certificate'
}
