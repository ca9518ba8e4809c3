#!/usr/bin/env bats
# Datasets that the agent opens by itself, as an appliance does, and closes again.

# shellcheck disable=SC2154
load housekit.bash

setup_file() {
	make_tpm m1
	ROOTS=$H/vendor/roots.pem make_authority
	start_authority
	make_domains 6 geoA geoB
	make_machine m1
	agent m1 attest >/dev/null
	echo 'the plaintext' >"$H/plain"
	agent m1 data put geoA "$H/plain"
	mkdir "$H/m1/opened"
	jq '.data={directory:"opened",datasets:["geoA"]}' "$H/m1/agent.json" >"$H/new.json"
	mv "$H/new.json" "$H/m1/agent.json"
	"$BUILD/merestone-agent" --config "$H/m1/agent.json" run 2>"$H/run.log" 3>&- &
	echo $! >"$H/run.pid"
}

teardown_file() {
	kill "$(cat "$H/run.pid")" 2>/dev/null || true
	tear_down_house
}

logged() {
	grep -q "$1" "$H/run.log"
}

@test "what the configuration names is opened after an attestation, and what it is is logged" {
	until_true logged "dataset geoA opened: 14 bytes, sha256 $(sha256sum <"$H/plain" | cut -d' ' -f1)"
	cmp "$H/plain" "$H/m1/opened/geoA"
	logged 'endorsement key [0-9a-f]\{64\}'
}

@test "what a lease opened ends with it, without an authority too" {
	[ -e "$H/m1/opened/geoA" ]
	stop_authority
	until_true logged 'no answer from'
	until_true test ! -e "$H/m1/opened/geoA" || until_true test ! -e "$H/m1/opened/geoA"
	start_authority
}

@test "what was opened is closed when a domain denies" {
	until_true test -e "$H/m1/opened/geoA" || until_true test -e "$H/m1/opened/geoA"
	officer cloudlet revoke m1 >/dev/null
	until_true test ! -e "$H/m1/opened/geoA" || until_true test ! -e "$H/m1/opened/geoA"
	[ -z "$(ls -A "$H/m1/opened")" ]
}
