#!/usr/bin/env bash
# firmware: how long an image takes to build and how large it is, and what a machine needs from power-on to its lease, under
# software emulation; build/bench/firmware.json. The shares are the point: the times are those of the emulator. CPU is that
# of the emulator's process.
set -euo pipefail
cd "$(dirname "$0")/../.."
export DEMO=build/bench/appliance
# shellcheck source=tests/demo/machines.sh
. tests/demo/machines.sh
# shellcheck source=tests/qemu/vm.sh
. tests/qemu/vm.sh
ROWS=build/bench/firmware.json

row() { # row NAME VALUE UNIT [GOAL]
	jq -cn --arg name "$1" --arg value "$2" --arg unit "$3" --arg goal "${4-}" \
		'{name: $name, value: ($value | tonumber * 100 | round / 100), unit: $unit}
		 + if $goal == "" then {} else {goal: ($goal | tonumber)} end' >>"$D/rows.jsonl"
}

now() { # microseconds
	echo "${EPOCHREALTIME/./}"
}

seconds() { # seconds FROM TO
	awk -v from="$1" -v to="$2" 'BEGIN { printf "%.3f\n", (to - from) / 1e6 }'
}

# ---- Images ----

image() { # image VARIANT VERSION [NAME=VALUE]...
	env IMAGE_VARIANT="$1" IMAGE_VERSION="$2" IMAGE_KEYS="$D/keys" IMAGE_OUT="$D/image" "${@:3}" firmware/image/build.sh >"$D/image.log" 2>&1 ||
		{ cat "$D/image.log" >&2 && return 1; }
}

mb() { # mb FILE...: 10^6 bytes
	stat -c %s "$@" | awk '{ n += $1 } END { print n / 1e6 }'
}

# The second build is measured: the first one fetches the kernel and makes the keys.
images() { # images VARIANT GOAL_MB
	local from dir=$D/image/$1-1
	image "$1" 1
	from=$(now)
	image "$1" 1
	row "$1: build" "$(seconds "$from" "$(now)")" s
	row "$1: kernel image" "$(mb "$dir/merestone_1.efi")" MB
	row "$1: root" "$(mb "$dir/root.img")" MB
	row "$1: kernel image and root" "$(mb "$dir/merestone_1.efi" "$dir/root.img")" MB "$2"
}

# The image that is looked into: it says what the kernel does, and guestmem is in the place of the updater.
watched_image() {
	local programs=$D/programs
	mkdir -p "$programs/libexec" "$programs/firmware/init"
	ln -s "$PWD"/build/merestone{,-agent} "$programs"
	ln -s "$PWD"/build/libexec/* "$programs/libexec"
	ln -sf "$PWD/build/bench/guestmem" "$programs/libexec/updater"
	ln -s "$PWD"/build/firmware/init/{first,supervisor} "$programs/firmware/init"
	image cloud 1 IMAGE_DEBUG=1 IMAGE_PROGRAMS="$programs"
}

# ---- A machine ----

make_authority() {
	"$MERESTONE" init "$D/authority" --trust-domain bench.merestone --listen "127.0.0.1:$PORT" --host 127.0.0.1 \
		--host 10.0.2.2 --ek-roots "$D/vendor/roots.pem" >/dev/null
	export MERESTONE_KIT="$D/authority/officer"
	start_authority
	"$MERESTONE" image site edge-1 --authority "https://10.0.2.2:$PORT" --location 52.52,13.405,1000 --out "$D/site.jws" >/dev/null
	"$MERESTONE" fence put geoA tests/vectors/fence/geoA.json >/dev/null
	approve cloud-1 image-1
	approve cloud-1-debug watched
	echo '{"fence":"geoA","references":["image-1","watched"],"lease_s":60,"location_level":1}' >"$D/domain.json"
	"$MERESTONE" domain put geoA "$D/domain.json" >/dev/null
	"$MERESTONE" cloudlet add edge-1 >/dev/null
}

approve() { # approve BUILT NAME
	"$MERESTONE" image manifest "$D/image/$1" --keys "$D/keys" --site "$D/site.jws" >"$D/$2.json"
	"$MERESTONE" reference put "$2" "$D/$2.json" >/dev/null
}

disk() { # disk BUILT
	cp --sparse=always "$D/image/$1/merestone.img" "$D/disk.img"
	mcopy -o -i "$D/disk.img@@1M" "$D/site.jws" ::/merestone/site.jws
}

cpu() { # of the emulator, in microseconds
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*[)] /, ""); printf "%d\n", ($12 + $13) * 1e6 / hz }' "/proc/$(cat "$VM/pid")/stat"
}

# reach NAME REGEX: when the console says it, AT[NAME] and CPU[NAME] are the time and the CPU time so far.
declare -A AT CPU
reach() {
	local end=$((SECONDS + 200))
	until grep -aqE "$2" "$VM/serial.log"; do
		if [ "$SECONDS" -gt "$end" ] || ! vm_is_on "$VM"; then
			echo "the appliance did not say: $2" >&2
			tail -5 "$VM/serial.log" >&2
			return 1
		fi
		sleep 0.02
	done
	AT[$1]=$(now)
	CPU[$1]=$(cpu)
}

start() { # start DISK|-
	vm_start "$VM" "$1"
	AT[on]=$(now)
}

attested() { # attested NAME: rows from power-on
	reach loader 'BdsDxe: starting'
	reach lease 'case [0-9]+, again'
	row "power-on to lease, $1" "$(seconds "${AT[on]}" "${AT[lease]}")" s
	row "of it from the boot loader on, $1" "$(seconds "${AT[loader]}" "${AT[lease]}")" s
}

# The kernel counts its own time until it starts the first program.
watched() {
	local kernel
	start "$D/disk.img"
	reach user 'Run /init as init process'
	reach lease 'case [0-9]+, again'
	kernel=$(grep -aoE '[0-9]+[.][0-9]+\] Run /init' "$VM/serial.log" | cut -d']' -f1)
	row "kernel start to the first program" "$kernel" s
	row "the first program to lease, first start" "$(seconds "${AT[user]}" "${AT[lease]}")" s
	row "the first program to lease, first start, cpu" "$(seconds "${CPU[user]}" "${CPU[lease]}")" s
	vm_stop "$VM"
	start -
	reach user 'Run /init as init process'
	reach lease 'case [0-9]+, again'
	row "the first program to lease" "$(seconds "${AT[user]}" "${AT[lease]}")" s
	row "the first program to lease, cpu" "$(seconds "${CPU[user]}" "${CPU[lease]}")" s 3
	reach memory 'bench: quoter'
	sleep 3
	resident agent 12
	resident quoter 8
	vm_stop "$VM"
}

resident() { # resident NAME GOAL_MIB
	row "$1, resident in the appliance" \
		"$(grep -aoE "bench: $1 [0-9]+" "$VM/serial.log" | tail -1 | awk '{ print $3 / 1024 }')" MiB "$2"
}

clean_up() {
	tear_down
	[ ! -d "$VM" ] || vm_remove "$VM"
}

main() {
	prepare
	D=$(realpath "$D")
	VM=$D/vm
	: >"$D/rows.jsonl"
	trap clean_up EXIT
	images cloud 25
	images generic 40
	watched_image
	vm_new "$VM" "$D/vendor" "$D/keys"
	make_authority
	disk cloud-1
	start "$D/disk.img"
	attested 'first start'
	vm_stop "$VM"
	start -
	attested 'later'
	vm_stop "$VM"
	disk cloud-1-debug
	watched
	jq -s 'map({name, value, unit, floor: null, peer: null, ratio: null})' "$D/rows.jsonl" >"$ROWS"
	jq -r '[.name, .value, .unit, .goal // "-"] | @tsv' "$D/rows.jsonl" | awk -F '\t' '{ printf "%-50s %9s %-4s %6s\n", $1, $2, $3, $4 }'
	printf '\nrows: %s\n' "$ROWS"
}

command -v qemu-system-x86_64 >/dev/null || {
	echo "no QEMU: no rows of the appliance" >&2
	exit 0
}
main
