#!/usr/bin/env bats
# The geo tag, as an operator and an officer handle it, and as a thief does.

# shellcheck disable=SC2154
load housekit.bash

setup_file() {
	make_tpm m1
	make_tpm m2
	ROOTS=$H/vendor/roots.pem make_authority
	start_authority
	make_domains 600 geoA
	level 2
	make_machine m1
	make_machine m2
	give_tag m1 52.52 13.405
	agent m1 attest >/dev/null
	echo 'what only Germany may read' >"$H/plain"
	agent m1 data put geoA "$H/plain"
}

teardown_file() {
	tear_down_house
}

level() { # level N: what geoA demands of a position
	printf '{"fence":"geoA","references":["edge"],"lease_s":600,"location_level":%d}\n' "$1" >"$H/domain.json"
	officer domain put geoA "$H/domain.json" >/dev/null
}

give_tag() { # give_tag MACHINE LAT LON [OPTION]...
	agent "$1" tag request "$H/$1/request"
	officer tag issue "$1" "$2" "$3" 500 --request "$H/$1/request" -o "$H/$1/answer" "${@:4}"
	agent "$1" tag write "$H/$1/answer"
}

opens() { # opens MACHINE
	rm -f "$H/out"
	agent "$1" data get geoA "$H/out" && cmp "$H/out" "$H/plain"
}

@test "a machine with a tag opens its data, and its result says by what the place is known" {
	opens m1
	number=$(agent m1 --json status | jq .case)
	officer --json explain "$number" | jq -e '.ear.merestone_location|.level==2 and .site=="m1" and .tag_serial>0'
}

@test "a machine that only declares its place is denied, and told the way out" {
	run agent m2 attest
	says 1 'm2 shows no geo tag, and domain geoA needs one' 'merestone tag issue'
	level 1
	agent m2 attest
	opens m2
	level 2
}

@test "a new tag ends the leases of the old one at once, in the TPM" {
	opens m1
	give_tag m1 52.53 13.41
	run agent m1 data get geoA "$H/out"
	says 1 'the geo tag in the TPM is not the one of the lease' 'TPM 0x126' 'attest again'
	agent m1 attest
	opens m1
}

@test "an answer works once, and brings a lost tag back" {
	cp "$H/m1/answer" "$H/old"
	rm "$H/m1/state/tag"
	run agent m1 attest
	says 1 'shows no geo tag'
	agent m1 tag write "$H/old"
	agent m1 attest
	give_tag m1 52.52 13.405
	run agent m1 tag write "$H/old"
	says 1 'no request for a geo tag waits'
	agent m1 tag request "$H/m1/request"
	run agent m1 tag write "$H/old"
	says 1 'for another request, another tag or another index'
	agent m1 attest
}

@test "a restart ends a request that waits" {
	agent m1 tag request "$H/m1/request"
	officer tag issue m1 52.52 13.405 500 --request "$H/m1/request" -o "$H/m1/late"
	power_off m1
	boot m1
	run agent m1 tag write "$H/m1/late"
	says 1 'no request for a geo tag waits in this TPM'
	agent m1 attest
	opens m1
}

@test "the officer signs for the machine that asked, and not for nonsense" {
	agent m2 tag request "$H/m2/request"
	run officer tag issue m1 52.52 13.405 500 --request "$H/m2/request"
	says 1 'the request is of machine m2, not of m1'
	run officer tag issue m2 95 13.405 500 --request "$H/m2/request"
	says 1 'LAT is "95"'
	run officer tag issue m2 52.52 13.405 0 --request "$H/m2/request"
	says 1 'RADIUS_M is "0"'
	run officer tag issue m2 52.52 13.405 500 --request "$H/domain.json"
	[ "$status" = 1 ]
	run officer tag issue m2 52.52 13.405 500
	[ "$status" = 2 ]
	run agent m1 tag write "$H/domain.json"
	[ "$status" = 1 ]
}

@test "a tag that a machine made for itself does not count" {
	"$BUILD/merestone" init "$H/rogue" --trust-domain edge.example --listen 127.0.0.1:1 >/dev/null
	agent m2 tag request "$H/m2/request"
	"$BUILD/merestone" --kit "$H/rogue/officer" tag issue m2 52.52 13.405 500 --request "$H/m2/request" -o "$H/m2/answer"
	agent m2 tag write "$H/m2/answer"
	run agent m2 attest
	says 1 'is signed by no security officer'
}

@test "attack A110: another machine's tag on this machine's disk" {
	cp "$H/m1/state/tag" "$H/m2/state/tag"
	run agent m2 attest
	says 1 'the NV index'
	"$ROOT/build/tools/retag" "$H/m2/state/tag" "swtpm:path=$H/m2/tpm/sock"
	run agent m2 attest
	says 1 'the NV index is another one, or has other attributes'
}

@test "a request signed under another machine's name is of no use to who made it" {
	agent m2 tag request "$H/m2/request"
	jq '.machine="m1"' "$H/m2/request" >"$H/m2/lie"
	officer tag issue m1 52.52 13.405 500 --request "$H/m2/lie" -o "$H/m2/answer"
	agent m2 tag write "$H/m2/answer"
	run agent m2 attest
	says 1 "is m1's, and m2 shows it"
}

@test "a tag outside the fence, and a declaration that contradicts it" {
	give_tag m2 48.8566 2.3522
	configure m2 m2 "$LOG" 48.8566 2.3522
	run agent m2 attest
	says 1 'outside fence geoA'
	configure m2
	run agent m2 attest
	says 1 'm2 says that it is 880 km from where its geo tag has it'
	give_tag m2 52.52 13.405 --site hall-7 --days 1
	agent m2 attest
	opens m2
}

@test "tag show says what an answer holds" {
	run officer tag show "$H/m2/answer"
	says 0 'm2 stands at site hall-7: 52.5200000 13.4050000, within 500.000 m'
	officer --json tag show "$H/m2/state/tag" | jq -e '.site=="hall-7" and .not_after-.not_before==86400'
	jq -c '.tag=.tag[0:40]+(if .tag[40:41]=="A" then "B" else "A" end)+.tag[41:]' "$H/m2/answer" >"$H/bad"
	run officer tag show "$H/bad"
	says 1 'geo tag: the signature'
}
