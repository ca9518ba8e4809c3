#!/usr/bin/env bats
# The locator on real gpsd: gpsfake plays logs of our own, faster than they were written; what must pass the rule of the
# clock speaks live.

bats_require_minimum_version 1.5.0
load housekit
export RECEIVER=$ROOT/build/tools/gnsslog
ASK=$ROOT/build/tools/askgnss
# shellcheck source=tests/tools/receiver.sh
. "$TOOLS/receiver.sh"

teardown() {
	receiver_off "$BATS_TEST_TMPDIR/receiver"
	[ ! -s "$BATS_TEST_TMPDIR/fake.pid" ] || kill "$(cat "$BATS_TEST_TMPDIR/fake.pid")" 2>/dev/null || true
}

# play SECONDS_OF_LOG [OPTION]... SCENARIO: gpsfake with that log, again and again; its gpsd's port is in $PORT.
play() {
	local seconds=$1
	shift
	PORT=$(free_port)
	"$RECEIVER" --for "$seconds" "$@" >"$BATS_TEST_TMPDIR/log"
	gpsfake -q -n -c 0.01 -P "$PORT" "$BATS_TEST_TMPDIR/log" >"$BATS_TEST_TMPDIR/fake.log" 2>&1 3>&- 4>&- &
	echo $! >"$BATS_TEST_TMPDIR/fake.pid"
}

found() { # found DOUBT [OPTION]...: the locator sees it in what is played
	run "$ASK" "${@:2}" --until "$1" "$BUILD/libexec" "127.0.0.1:$PORT" 30
	echo "$output"
	[ "$status" = 0 ]
}

live() { # live [OPTION]... SCENARIO
	receiver_on "$BATS_TEST_TMPDIR/receiver" "$@"
	PORT=$(cat "$BATS_TEST_TMPDIR/receiver/gpsd.port")
}

# Nothing but certain, once there was a fix.
believed() {
	run "$ASK" --site 52.52,13.405,20 "$BUILD/libexec" "127.0.0.1:$PORT" 20
	echo "$output"
	[ "$status" = 0 ]
	[ "$(tail -1 <<<"$output")" = "doubts: certain " ]
	[ -z "$(sed '1,/certain/d' <<<"$output")" ]
}

@test "a genuine NMEA receiver raises no doubt" {
	live genuine
	believed
}

@test "a genuine u-blox receiver raises no doubt" {
	live --ubx genuine
	believed
}

@test "a genuine log that is replayed raises the doubt of the clock and no other" {
	play 60 genuine
	found clock
	run ! grep -E 'doubts:.*(estimate|simulated|stale|jump|frozen|flat|altitude|spoofed|jammed|moved)' <<<"$output"
}

@test "a jump of 9.4 km is a jump, and an alarm" {
	live --after 6 jump
	found jump --alarm
	grep -qx alarm <<<"$output"
}

@test "a simulated fix is simulated" {
	play 40 simulated
	found simulated
}

@test "a position that stays the same to the last digit is frozen" {
	play 100 --after 5 frozen
	found frozen
}

@test "signals that are all equally strong are flat" {
	play 60 --after 5 flat
	found flat
}

@test "four satellites are few" {
	play 60 --after 5 few
	found few
}

@test "a time half a minute off is the clock, and an alarm" {
	live --after 6 clock
	found clock --alarm
	grep -qx alarm <<<"$output"
}

@test "a rise of 400 m in a second is the altitude" {
	play 60 --after 20 altitude
	found altitude
}

@test "a fix without an estimate has none" {
	play 40 no-estimate
	found no-estimate
}

@test "what the u-blox calls spoofed is spoofed" {
	play 60 --ubx --after 10 spoofed
	found spoofed
}

@test "what the u-blox calls jammed is jammed" {
	play 60 --ubx --after 10 jammed
	found jammed
}

@test "a fixed site that moves 67 m has moved" {
	play 60 --after 30 moved
	found moved --site 52.52,13.405,10
}

@test "a receiver that loses the sky has no fix" {
	live --after 5 no-fix
	found certain
	found no-fix
}

@test "a gpsd that goes away is stale and an alarm, and believed again when it is back" {
	live genuine
	(
		sleep 5
		gpsd_off "$BATS_TEST_TMPDIR/receiver"
	) 3>&- 4>&- &
	found stale --alarm
	grep -qx alarm <<<"$output"
	gpsd_on "$BATS_TEST_TMPDIR/receiver"
	found certain
	grep -q 'fix: 52.5200 13.4050' <<<"$output"
}

@test "the locator and its client say what is no address" {
	run "$ASK" "$BUILD/libexec" localhost:2947 1
	[ "$status" = 3 ]
	[[ $output == *"localhost:2947 is no address and port"* ]]
	run "$BUILD/libexec/locator" --gpsd
	[ "$status" = 2 ]
	[[ $output == *"usage: locator --gpsd IP:PORT"* ]]
}
