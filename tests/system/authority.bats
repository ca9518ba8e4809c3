#!/usr/bin/env bats
# The authority as processes: how it starts and does not, what each member may, and what a crash, a restart and a full
# disk cost: nothing.

# shellcheck disable=SC2154
load housekit.bash

MEMBERS="door judge decider keeper"

setup_file() {
	make_tpm m1
	ROOTS=$H/vendor/roots.pem make_authority
	# a descriptor that its starter forgot to close
	start_authority 7<"$H/authority/officer/officer.key"
	make_domains 600 geoA
	make_machine m1
	agent m1 attest >/dev/null
}

teardown_file() {
	tear_down_house
	! mountpoint -q "$H/authority/decider" || umount "$H/authority/decider"
}

# pid_of MEMBER: the process that merestoned started
pid_of() {
	pgrep -P "$(cat "$H/pid")" -x "$1"
}

# start_wrong DIRECTORY: one that must not go on running
start_wrong() {
	run timeout 30 "$BUILD/merestoned" "$1"
}

# a_copy NAME: of the authority's directory, on a port of its own
a_copy() {
	cp -a "$H/authority" "$H/$1"
	jq --arg listen "127.0.0.1:$(free_port)" '.listen=$listen' "$H/authority/authority.json" >"$H/$1/authority.json"
}

is_replaced() { # is_replaced MEMBER PID
	local now
	now=$(pid_of "$1") && [ "$now" != "$2" ]
}

only_root() {
	[ "$(id -u)" = 0 ] || skip "only root may look"
}

@test "a port in use is one sentence with a way out, and exit status 3" {
	make_authority "$H/second"
	start_wrong "$H/second"
	says 3 "error: cannot listen on 127.0.0.1:$(cat "$H/port"): Address already in use" 'hint: another program holds this port'
}

@test "a second authority on one directory stops, and the first goes on" {
	jq --arg listen "127.0.0.1:$(free_port)" '.listen=$listen' "$H/authority/authority.json" >"$H/other.json"
	cp "$H/authority/authority.json" "$H/own.json"
	cp "$H/other.json" "$H/authority/authority.json"
	start_wrong "$H/authority"
	cp "$H/own.json" "$H/authority/authority.json"
	says 3 'another process uses the store' 'one authority runs on one directory'
	agent m1 attest
}

@test "a directory that is no authority is not started" {
	mkdir "$H/nothing"
	start_wrong "$H/nothing"
	says 3 authority.json 'No such file' 'hint: make an authority with: merestone init'
	a_copy halfway
	rm -r "$H/halfway/keeper"
	start_wrong "$H/halfway"
	says 3 keeper 'No such file'
	a_copy unreadable
	echo '{"format":"merestone-authority/1","format":"x"}' >"$H/unreadable/authority.json"
	start_wrong "$H/unreadable"
	says 3 authority.json
}

@test "a store of garbage is left as it is, and nothing is decided" {
	a_copy broken
	head -c 65536 /dev/urandom >"$H/broken/decider/trust.db"
	rm -f "$H/broken/decider/"trust.db-*
	sha256sum "$H/broken/decider/trust.db" >"$H/broken.sum"
	start_wrong "$H/broken"
	says 3 'the store is damaged' 'put the last good copy of trust.db in its place'
	sha256sum -c --quiet "$H/broken.sum"
}

@test "a store that was cut short is not started" {
	stop_authority
	a_copy cut
	truncate -s -4096 "$H/cut/decider/trust.db"
	start_wrong "$H/cut"
	says 3 'the store is damaged'
	start_authority
}

@test "a restart keeps everything: the machine renews with the nonce that it has" {
	before=$(officer --json cloudlet list | jq '.[0].generation')
	stop_authority
	start_authority 7<"$H/authority/officer/officer.key"
	agent m1 attest
	[ "$(officer --json cloudlet list | jq '.[0].generation')" = "$before" ]
	[ "$(officer --json fence list | jq -r '.[].name')" = geoA ]
}

@test "the ring is started again when a member is killed, and the machine renews" {
	for member in $MEMBERS; do
		before=$(pid_of "$member")
		kill -KILL "$before"
		until_true is_replaced "$member" "$before"
		until_true healthy
		agent m1 attest
	done
}

@test "a judge's worker that is killed costs nobody anything" {
	kill -KILL $(pgrep -P "$(pid_of judge)")
	agent m1 attest
}

@test "every member has its filter and can gain no privileges" {
	for member in $MEMBERS; do
		grep -qx 'Seccomp:	2' "/proc/$(pid_of "$member")/status"
		grep -qx 'NoNewPrivs:	1' "/proc/$(pid_of "$member")/status"
	done
	for worker in $(pgrep -P "$(pid_of judge)"); do
		grep -qx 'Seccomp:	2' "/proc/$worker/status"
		[ "$(grep Seccomp_filters "/proc/$worker/status" | cut -f 2)" -ge 2 ]
	done
}

@test "every member is its own user, without groups, capabilities or core dumps" {
	only_root
	uid=61200
	for member in $MEMBERS; do
		status=/proc/$(pid_of "$member")/status
		grep -qx "Uid:	$uid	$uid	$uid	$uid" "$status"
		grep -qx "Gid:	$uid	$uid	$uid	$uid" "$status"
		grep -qx 'CapEff:	0000000000000000' "$status"
		grep -qx 'CapPrm:	0000000000000000' "$status"
		[ -z "$(grep Groups "$status" | cut -f 2 | tr -d ' ')" ]
		grep -q 'Max core file size *0 *0 ' "/proc/$(pid_of "$member")/limits"
		uid=$((uid + 1))
	done
}

@test "every member has its own descriptors and no other" {
	only_root
	for member in $MEMBERS; do
		for fd in "/proc/$(pid_of "$member")/fd/"*; do
			case $(readlink "$fd") in
			pipe:* | socket:* | anon_inode:* | /dev/null | "$H/log" | "$H/authority/$member" | "$H/authority/$member"/*) ;;
			*) [[ ${fd##*/} = [012] ]] ;;
			esac
		done
	done
	[ "$(find "/proc/$(pid_of keeper)/fd" -type l | wc -l)" = 5 ]
}

@test "every member has an empty environment, and no argument is a secret" {
	only_root
	for member in $MEMBERS; do
		[ ! -s "/proc/$(pid_of "$member")/environ" ]
		tr '\0' ' ' <"/proc/$(pid_of "$member")/cmdline" >"$H/cmdline"
		grep -Eqx "$member (--trust-domain edge.example|--workers [0-9]+) " "$H/cmdline"
	done
}

@test "no member can read another's files" {
	only_root
	for uid in 61200 61201 61202; do
		run setpriv --reuid "$uid" --regid "$uid" --clear-groups cat "$H/authority/keeper/lease.key"
		[ "$status" != 0 ]
	done
	[ -z "$(find "$H/authority/"{door,judge,decider,keeper} -perm /077)" ]
	[ "$(stat -c %u "$H/authority/keeper/lease.key" "$H/authority/decider/trust.db" | tr '\n' ' ')" = '61203 61202 ' ]
}

@test "a judge that gives every case its own process serves as well" {
	stop_authority
	start_authority --judge=fork
	before=$(pgrep -P "$(pid_of judge)" | sort)
	for _ in 1 2 3; do
		agent m1 attest
	done
	[ "$(pgrep -P "$(pid_of judge)" | sort)" != "$before" ]
}

@test "keys under a passphrase are opened by it alone" {
	echo 'correct horse battery staple' >"$H/pass"
	echo 'incorrect horse battery staple' >"$H/wrong"
	"$BUILD/merestone" init "$H/locked" --trust-domain edge.example --listen "127.0.0.1:$(free_port)" \
		--passphrase-file "$H/pass"
	run timeout 30 "$BUILD/merestoned" --passphrase-file "$H/wrong" "$H/locked"
	says 3 ca.key
	start_wrong "$H/locked"
	says 3 ca.key
	timeout --preserve-status 2 "$BUILD/merestoned" --passphrase-file "$H/pass" "$H/locked"
}

@test "no key stands in a log" {
	for key in "$H/authority/keeper/"*.key "$H/authority/officer/"*.key "$H/authority/door/tls.key"; do
		run grep -cF "$(sed -n 2p "$key")" "$H/log"
		[ "$output" = 0 ]
	done
}

@test "on a full disk everything is refused as the system's fault, and with room again nothing is lost" {
	only_root
	stop_authority
	cp -a "$H/authority/decider" "$H/decider.saved"
	mount -t tmpfs -o size=2m,mode=700 tmpfs "$H/authority/decider" || skip "no tmpfs here"
	cp -a "$H/decider.saved/." "$H/authority/decider"
	start_authority
	agent m1 attest
	dd if=/dev/zero of="$H/authority/decider/filler" bs=4096 2>/dev/null || true
	before=$(cat "$H/m1/state/lease/geoA.json")
	# what the store has room for already is no reason to refuse
	for _ in $(seq 100); do
		run agent m1 attest
		[ "$status" = 0 ] || break
		before=$(cat "$H/m1/state/lease/geoA.json")
	done
	says 3 'the record could not be written' 'the disk is full'
	[ "$(cat "$H/m1/state/lease/geoA.json")" = "$before" ]
	run officer cloudlet add m9
	says 3 'the disk is full'
	rm "$H/authority/decider/filler"
	agent m1 attest
	officer cloudlet add m9
}

@test "it stops when it is asked to, and leaves nobody behind" {
	pids=$(pgrep -P "$(cat "$H/pid")")
	stop_authority
	for pid in $pids; do
		[ ! -e "/proc/$pid" ]
	done
}
