#!/usr/bin/env bats
# Updates of a whole appliance: OVMF with Secure Boot, a TPM, an authority on this host. The machine fetches version 2,
# starts it on trial and keeps it; the power is cut while it is written; and a version that does not start is left again.
# Minutes of emulation: only in check-long.

# shellcheck disable=SC2154
load housekit.bash
# shellcheck source=tests/qemu/vm.sh
. "$BATS_TEST_DIRNAME/../qemu/vm.sh"

setup_file() {
	[ -n "${MERESTONE_LONG-}" ] || return 0
	for version in 1 2 3; do
		image "$version"
	done
	free_port >"$H/port"
	vm_new "$H/vm" "$H/vendor" "$H/keys"
	merestone init "$H/authority" --trust-domain edge.example --listen "127.0.0.1:$(cat "$H/port")" --host 127.0.0.1 \
		--host 10.0.2.2 --ek-roots "$H/vendor/roots.pem"
	start_authority
	officer image site edge-1 --authority "https://10.0.2.2:$(cat "$H/port")" --location 52.52,13.405,1000 --data geoA \
		--out "$H/site.jws"
	officer fence put geoA "$FENCES/geoA.json"
	for version in 1 2 3; do
		merestone image manifest "$H/image/cloud-$version" --keys "$H/keys" --site "$H/site.jws" >"$H/reference-$version.json"
		officer reference put "image-$version" "$H/reference-$version.json"
	done
	echo '{"fence":"geoA","references":["image-1","image-2","image-3"],"lease_s":10,"location_level":1}' >"$H/domain.json"
	officer domain put geoA "$H/domain.json"
	officer dataset create geoA --domain geoA
	officer cloudlet add edge-1
	cp --sparse=always "$H/image/cloud-1/merestone.img" "$H/disk.img"
	mcopy -o -i "$H/disk.img@@1M" "$H/site.jws" ::/merestone/site.jws
}

setup() {
	[ -n "${MERESTONE_LONG-}" ] || skip "only in check-long"
}

teardown_file() {
	[ -n "${MERESTONE_LONG-}" ] || return 0
	[ ! -d "$H/vm" ] || vm_remove "$H/vm"
	tear_down_house
}

merestone() {
	"$BUILD/merestone" "$@"
}

image() { # image VERSION
	IMAGE_VARIANT=cloud IMAGE_VERSION=$1 IMAGE_KEYS=$H/keys IMAGE_OUT=$H/image "$ROOT/firmware/image/build.sh" >&2
}

esp_files() {
	mdir -b -i "$H/vm/disk.img@@1M" ::/EFI/Linux | sed 's|.*/||' | sort | tr '\n' ' '
}

state() {
	officer --json update status | jq -r '.machines[0].state'
}

is_state() {
	[ "$(state)" = "$1" ]
}

# The second root partition of the disk: 128 MiB of ESP and the first one are before it.
idle_slot_is_written() {
	dd if="$H/vm/disk.img" bs=1M skip=193 count=1 status=none | tr -d '\0' | grep -qa .
}

waits_for() { # waits_for SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || {
			tail -20 "$H/vm/serial.log"
			return 1
		}
		sleep 0.1
	done
}

# A name on the ESP is never before what it stands for: where version 2 has one, it is there to the last byte.
version_2_is_whole() { # version_2_is_whole NAME
	mcopy -n -o -i "$H/vm/disk.img@@1M" "::/EFI/Linux/$1" "$H/written.efi"
	cmp "$H/written.efi" "$H/image/cloud-2/merestone_2.efi"
	cmp -n "$(stat -c %s "$H/image/cloud-2/root.img")" "$H/vm/disk.img" "$H/image/cloud-2/root.img" -i 193MiB:0
}

# As before the update.
forget_version_2() {
	local name
	name=$(esp_files | tr ' ' '\n' | grep -E '^merestone_2([+][0-9-]+)?[.]efi$' || true)
	if [ -n "$name" ]; then
		version_2_is_whole "$name"
		mdel -i "$H/vm/disk.img@@1M" "::/EFI/Linux/$name"
	fi
	dd if=/dev/zero of="$H/vm/disk.img" bs=1M seek=193 count=64 conv=notrunc status=none
}

approve_2() {
	officer update approve 2 --variant cloud --key "$H/keys/update.pub"
}

@test "the power is cut at twenty points while version 2 is written, and the machine starts each time" {
	vm_start "$H/vm" "$H/disk.img"
	vm_wait "$H/vm" 'case [0-9]+, again' 120
	[ "$(esp_files)" = 'merestone_1.efi ' ]
	officer update publish "$H/image/cloud-2/update"
	for tenths in $(seq 0 2 38); do
		# Starts without the new image count against it: each time it is approved anew.
		approve_2
		waits_for 120 idle_slot_is_written
		sleep "$((tenths / 10)).$((tenths % 10))"
		vm_stop "$H/vm"
		[[ $(esp_files) == *'merestone_1.efi '* ]]
		forget_version_2
		vm_start "$H/vm" -
		vm_wait "$H/vm" 'case [0-9]+, again' 120
	done
	approve_2
}

@test "version 2 is kept once the authority has admitted the machine with it" {
	waits_for 180 is_state 'done'
	vm_wait "$H/vm" 'version 2 is kept' 60
	[ "$(esp_files)" = 'merestone_1.efi merestone_2.efi ' ]
}

@test "a version that does not start is left after three starts, and halted for the fleet" {
	blocks=$(jq .blocks "$H/image/cloud-3/root.json")
	dd if=/dev/zero of="$H/image/cloud-3/root.img" bs=4096 seek="$blocks" count=1 conv=notrunc status=none
	merestone update pack "$H/image/cloud-3" --key "$H/keys/update.key"
	officer update publish "$H/image/cloud-3/update"
	officer update approve 3 --variant cloud --key "$H/keys/update.pub"
	vm_wait "$H/vm" 'an update is written and waits for its start' 120
	waits_for 400 is_state failed
	[[ $(esp_files) == *'merestone_2.efi merestone_3+0-3.efi '* ]]
	officer --json update status | jq -e '.updates[0].halted'
	officer --json cloudlet list | jq -e '.[0].domains==["geoA"]' # on version 2, as before
}

@test "a release comes on a stick, when nobody has approved it and nothing was published" {
	image 4
	merestone image manifest "$H/image/cloud-4" --keys "$H/keys" --site "$H/site.jws" >"$H/reference-4.json"
	officer reference put image-4 "$H/reference-4.json"
	sed -i 's/"image-1"/"image-4"/' "$H/domain.json"
	officer domain put geoA "$H/domain.json"
	truncate -s 64M "$H/stick.img"
	echo 'start=1MiB, name=MERESTONE' | sfdisk -q -X gpt "$H/stick.img"
	mkfs.vfat -C "$H/stick.fat" 61440 >/dev/null
	mcopy -s -i "$H/stick.fat" "$H/image/cloud-4/update" ::/update
	dd if="$H/stick.fat" of="$H/stick.img" bs=1M seek=1 conv=notrunc status=none
	vm_stop "$H/vm"
	vm_start "$H/vm" - -drive "if=virtio,format=raw,readonly=on,file=$H/stick.img"
	vm_wait "$H/vm" 'merestone: the stick vdb1 is here' 120
	vm_wait "$H/vm" 'version 4 is kept' 240
	[ "$(esp_files)" = 'merestone_2.efi merestone_4.efi ' ]
}
