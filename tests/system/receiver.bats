#!/usr/bin/env bats
# A machine with a receiver: a real gpsd, and what its operator, its officer and an auditor see when it is attacked.

# shellcheck disable=SC2154,SC2034
load housekit.bash
RECEIVER=$ROOT/build/tools/gnsslog
# shellcheck source=tests/tools/receiver.sh
. "$TOOLS/receiver.sh"

setup_file() {
	make_tpm m1
	ROOTS=$H/vendor/roots.pem make_authority
	start_authority
	make_domains 600 geoA geoB
	demand geoA 3 '{gnss_k:3,dwell_s:1}'
	make_machine m1
	agent m1 tag request "$H/request"
	officer tag issue m1 52.52 13.405 500 --request "$H/request" -o "$H/answer"
	agent m1 tag write "$H/answer"
	echo 'what only Germany may read' >"$H/plain"
}

teardown_file() {
	receiver_off "$H/receiver"
	tear_down_house
}

setup() {
	receiver_off "$H/receiver"
}

demand() { # demand DOMAIN LEVEL [MORE]
	jq -n --arg f "$1" --argjson l "$2" '{fence:$f,references:["edge"],lease_s:600,location_level:$l}+'"${3:-null}" >"$H/domain.json"
	officer domain put "$1" "$H/domain.json" >/dev/null
}

hears() { # hears [OPTION]... SCENARIO: from now on; it is genuine until it is attacked
	receiver_on "$H/receiver" --at 52.52,13.405 --after 1000000 "$@"
	configure m1
	jq --arg a "127.0.0.1:$(cat "$H/receiver/gpsd.port")" '.gnss={gpsd:$a}' "$H/m1/agent.json" >"$H/new.json"
	mv "$H/new.json" "$H/m1/agent.json"
}

case_of() {
	agent m1 --json status | jq .case
}

@test "without a receiver a machine is denied where one is asked for, and told the way out" {
	configure m1
	agent m1 attest >"$H/said" || true
	grep -q 'm1 shows no satellite fix, and domain geoA needs one' "$H/said"
	grep -q 'give "gnss" in the agent' "$H/said"
	[ "$(allowed m1)" = geoB ]
}

@test "a receiver that agrees with the tag opens the data, and the result says who says what" {
	hears genuine
	agent m1 attest >/dev/null || true
	[ "$(allowed m1)" = 'geoA geoB' ]
	agent m1 data put geoA "$H/plain"
	officer --json explain "$(case_of)" >"$H/record"
	jq -e '.ear.merestone_location|.level==3 and .gnss.doubts==[] and (.gnss.eph_m>0)' "$H/record"
	jq -e '.ear.submods.geoA|.merestone_place.level==3 and
		(.merestone_sources|map(.source+" "+.verdict)==["declared TRUE","tag TRUE","gnss TRUE"])' "$H/record"
}

@test "who came and who stayed stands in the record, for people too" {
	hears genuine
	sleep 1
	agent m1 attest >/dev/null || true
	run officer explain "$(case_of)"
	says 0 'Event      dwell: fence geoA, domain geoA'
	first=
	for number in $(seq 1 "$(case_of)"); do
		[ -n "$first" ] || first=$(officer --json explain "$number" | jq -r 'select([.events[]?|.event+.domain]|index("entergeoA"))|.case')
	done
	[ "$first" -lt "$(case_of)" ]
	officer report pull "$first" -o "$H/report"
	run "$BUILD/merestone" report verify "$H/report" --key "$H/authority/authority.pub"
	says 0 'event     enter  fence geoA, domain geoA'
}

@test "attack_A109 a doubt while the agent runs ends leases at once, and the rest come back" {
	hears --ubx spoofed
	agent m1 attest >/dev/null || true
	cp "$H/m1/state/lease/geoA.json" "$H/kept"
	"$BUILD/merestone-agent" --config "$H/m1/agent.json" run 2>"$H/run.err" 3>&- 4>&- &
	runner=$!
	until_true grep -q 'again in' "$H/run.err"
	receiver_attacked "$H/receiver"
	until_true test ! -e "$H/m1/state/lease/geoA.json"
	until_true test -e "$H/m1/state/lease/geoB.json"
	kill "$runner"
	wait "$runner"
	grep -q 'the receiver has a doubt' "$H/run.err"
	run agent m1 --json status
	jq -e '.domains.geoA|.allow==false and .reason=="outside" and (.sentence|contains("spoofed"))' <<<"$output"
	cp "$H/kept" "$H/m1/state/lease/geoA.json"
	run agent m1 data get geoA "$H/out"
	says 1 'TPM 0x126'
	[ ! -e "$H/out" ]
}

@test "attack_A109 a receiver elsewhere is denied at each level, and that is an exit" {
	hears genuine
	agent m1 attest >/dev/null || true
	[ "$(allowed m1)" = 'geoA geoB' ]
	receiver_off "$H/receiver"
	receiver_on "$H/receiver" --at 48.8566,2.3522 --after 1000000 genuine
	jq '.gnss.fixed=false' "$H/m1/agent.json" >"$H/new.json"
	mv "$H/new.json" "$H/m1/agent.json"
	run agent m1 attest
	says 1 'from where the geo tag says'
	denied=$(($(case_of) - 1))
	officer --json explain "$denied" | jq -e '[.events[]|.event+" "+.domain]|contains(["exit geoA"])'
}

@test "a gpsd that is not there is no fix, and a locator that dies ends the agent" {
	hears genuine
	receiver_off "$H/receiver"
	agent m1 attest >"$H/said" || true
	grep -q 'doubtful: no-fix' "$H/said"
	"$BUILD/merestone-agent" --config "$H/m1/agent.json" run 2>"$H/run.err" 3>&- 4>&- &
	runner=$!
	until_true grep -q 'again in' "$H/run.err"
	kill "$(pgrep -P "$runner" -f merestone-locator)"
	status=0
	wait "$runner" || status=$?
	[ "$status" = 3 ]
}
