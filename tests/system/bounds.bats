#!/usr/bin/env bats
# Distance bounds: real landmarks measure a machine over UDP. A machine of these tests is microseconds away from every
# landmark, wherever that says it stands; what holds datagrams up is a relay.

# shellcheck disable=SC2154
load housekit.bash
export RECEIVER=$ROOT/build/tools/gnsslog
# shellcheck source=tests/tools/receiver.sh
. "$TOOLS/receiver.sh"

setup_file() {
	make_tpm m1
	ROOTS=$H/vendor/roots.pem make_authority
	start_authority
	make_domains 600 geoA
	receiver_on "$H/receiver" --at 52.52,13.405 genuine
	make_machine m1
	agent m1 tag request "$H/m1/request"
	officer tag issue m1 52.52 13.405 500 --request "$H/m1/request" -o "$H/m1/answer"
	agent m1 tag write "$H/m1/answer"
	landmark spree 52.52 13.405
	landmark havel 52.521 13.404
	landmark dahme 52.519 13.406
	landmark sumida 35.68 139.69
	level 4
}

teardown_file() {
	for pid in "$H"/*.udp.pid; do
		kill "$(cat "$pid")" 2>/dev/null || true
	done
	ip link del mb0 2>/dev/null || true
	receiver_off "$H/receiver"
	tear_down_house
}

level() { # level N [MEMBERS]: what geoA demands of a position
	printf '{"fence":"geoA","references":["edge"],"lease_s":600,"location_level":%d%s}\n' "$1" "${2-}" >"$H/domain.json"
	officer domain put geoA "$H/domain.json" >/dev/null
}

# udp NAME COMMAND...: in the background, its output in NAME.log
udp() {
	"${@:2}" >"$H/$1.log" 2>&1 3>&- 4>&- &
	echo $! >"$H/$1.udp.pid"
}

landmark() { # landmark NAME LAT LON [LISTEN]: runs, and an officer has named it
	printf '{"name":"%s","key":"%s.pem","listen":"%s","latitude_deg":%s,"longitude_deg":%s,"uncertainty_m":50}\n' \
		"$1" "$1" "${4:-127.0.0.1:0}" "$2" "$3" >"$H/$1.json"
	"$BUILD/merestone-landmark" --config "$H/$1.json" document >"$H/$1.document"
	officer landmark put "$1" "$H/$1.document" >/dev/null
	udp "$1" ${IN_NAMESPACE:+nsenter -n -t "$IN_NAMESPACE"} "$BUILD/merestone-landmark" --config "$H/$1.json"
	until_true grep -q 'measures on UDP port' "$H/$1.log"
	sed -n 's/.*UDP port //p' "$H/$1.log" >"$H/$1.port"
}

relay() { # relay NAME LANDMARK DELAY_MS [--guess]
	rm -f "$H/$1.port"
	udp "$1" "$ROOT/build/tools/udprelay" "$H/$1.port" "127.0.0.1:$(cat "$H/$2.port")" "${@:3}"
	until_true test -s "$H/$1.port"
}

in_another_network() {
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

# measured_by NAME[=RELAY]...: whom the machine asks, and over what
measured_by() {
	local list='[]' name via
	for name; do
		via=${name#*=}
		name=${name%%=*}
		list=$(jq --arg name "$name" --arg at "${ADDRESS:-127.0.0.1}:$(cat "$H/$via.port")" \
			--arg key "$(jq -r .key "$H/$name.document")" '. + [{name:$name,address:$at,key:$key}]' <<<"$list")
	done
	configure m1
	jq --argjson list "$list" --arg gpsd "127.0.0.1:$(cat "$H/receiver/gpsd.port")" \
		'. + {gnss:{gpsd:$gpsd},landmarks:$list}' "$H/m1/agent.json" >"$H/m1/new.json"
	mv "$H/m1/new.json" "$H/m1/agent.json"
}

@test "landmarks that measure a machine near are location level 4" {
	measured_by spree havel dahme
	agent m1 attest
	[ "$(allowed m1)" = geoA ]
	number=$(agent m1 --json status | jq .case)
	officer --json explain "$number" | jq -e '.ear.submods.geoA.merestone_place.level == 4'
	officer --json explain "$number" | jq -e '.ear.submods.geoA.merestone_sources | any(.source == "bounds")'
}

@test "each evidence is measured anew" {
	measured_by spree havel dahme
	for _ in 1 2; do
		agent m1 attest
		[ "$(allowed m1)" = geoA ]
	done
}

@test "fewer landmarks than the domain asks for are a no" {
	measured_by spree havel
	run agent m1 attest
	says 1 '2 landmarks measured m1 within 1000 km, and domain geoA needs 3'
	measured_by
	run agent m1 attest
	says 1 '0 landmarks measured m1 within 1000 km'
}

@test "a landmark that does not answer is as one that is not there" {
	measured_by spree havel dahme
	kill "$(cat "$H/dahme.udp.pid")"
	run agent m1 attest
	says 1 '2 landmarks measured m1'
	landmark dahme 52.519 13.406
}

@test "attack A113: the machine is near Tokyo, and its tag and its receiver say Berlin" {
	measured_by spree havel dahme sumida
	run agent m1 attest
	says 1 'no place is within'
	level 2
	measured_by sumida
	run agent m1 attest
	says 1 'landmark sumida measured the machine within' 'where it is said to be is 8939 km away'
	level 4
}

@test "a bound that fails ends the leases at once, in the TPM" {
	measured_by spree havel dahme
	agent m1 attest
	echo 'what only Germany may read' >"$H/plain"
	agent m1 data put geoA "$H/plain"
	cp -r "$H/m1/state" "$H/copy"
	measured_by spree havel dahme sumida
	run agent m1 attest
	says 1 'no place is within'
	cp -r "$H/copy/lease/." "$H/m1/state/lease/"
	run agent m1 data get geoA "$H/out"
	says 1 'TPM 0x126'
	measured_by spree havel dahme
	agent m1 attest
	agent m1 data get geoA "$H/out"
	cmp "$H/plain" "$H/out"
}

@test "attack A113: a relay that waits makes the machine farther, and too far does not count" {
	relay slow spree 25
	measured_by spree=slow havel dahme
	run agent m1 attest
	says 1 '2 landmarks measured m1 within 1000 km'
	relay slower sumida 40
	measured_by spree=slow havel sumida=slower
	run agent m1 attest
	says 1 '1 landmarks measured m1 within 1000 km'
}

@test "attack A114: a relay near the landmark that answers first ends the measurement" {
	relay guessing spree 10 --guess
	measured_by spree=guessing havel dahme
	run agent m1 attest
	says 1 '2 landmarks measured m1'
}

@test "attack A115: a landmark that no officer named does not count" {
	printf '{"name":"oder","key":"oder.pem","listen":"127.0.0.1:0","latitude_deg":52.5,"longitude_deg":13.4,"uncertainty_m":1}\n' \
		>"$H/oder.json"
	"$BUILD/merestone-landmark" --config "$H/oder.json" document >"$H/oder.document"
	udp oder "$BUILD/merestone-landmark" --config "$H/oder.json"
	until_true grep -q 'measures on UDP port' "$H/oder.log"
	sed -n 's/.*UDP port //p' "$H/oder.log" >"$H/oder.port"
	measured_by spree havel oder
	run agent m1 attest
	says 1 'no officer has named a landmark oder'
}

@test "a landmark of another key is not listened to" {
	measured_by spree havel dahme
	jq '.landmarks[2].key = .landmarks[1].key' "$H/m1/agent.json" >"$H/m1/new.json"
	mv "$H/m1/new.json" "$H/m1/agent.json"
	run agent m1 attest
	says 1 '2 landmarks measured m1'
}

@test "landmarks are listed, and refused where they say no place" {
	run officer landmark list
	says 0 spree sumida 35.68
	jq '.latitude_deg = 91' "$H/spree.document" >"$H/bad.document"
	run officer landmark put spree "$H/bad.document"
	says 1 'latitude_deg'
	run "$BUILD/merestone-landmark" --config "$H/bad.document"
	[ "$status" = 3 ]
	run "$BUILD/merestone-landmark"
	[ "$status" = 2 ]
}

@test "over a link between two network namespaces a machine is within 100 km" {
	[ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null || skip "network namespaces need root"
	udp namespace unshare -n sleep 1000
	IN_NAMESPACE=$(cat "$H/namespace.udp.pid")
	until_true in_another_network "$IN_NAMESPACE"
	ip link add mb0 type veth peer name mb1 netns "$IN_NAMESPACE" || skip "no veth in this kernel"
	ip addr add 198.18.77.1/30 dev mb0
	ip link set mb0 up
	nsenter -n -t "$IN_NAMESPACE" sh -c 'ip addr add 198.18.77.2/30 dev mb1; ip link set mb1 up; ip link set lo up'
	for name in alster bille elbe; do
		landmark "$name" 52.52 13.405 198.18.77.2:0
	done
	ADDRESS=198.18.77.2 measured_by alster bille elbe
	level 4 ',"bound_m":100000'
	agent m1 attest
	[ "$(allowed m1)" = geoA ]
}
