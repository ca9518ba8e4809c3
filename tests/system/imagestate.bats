#!/usr/bin/env bats
# The state of an appliance over boots: OVMF with Secure Boot and a TPM. What one image sealed the next one opens; an image
# below the floor or with another's signature, a machine whose Secure Boot is off and a partition that holds something else are
# refused, each in words. Minutes of emulation: only in check-long.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0
load housekit.bash
# shellcheck source=tests/qemu/vm.sh
. "$BATS_TEST_DIRNAME/../qemu/vm.sh"

STATE_AT=$((1 + 128 + 2 * 64)) # MiB, and so long is it
STATE_LEN=128

setup_file() {
	[ -n "${MERESTONE_LONG-}" ] || return 0
	image 1
	image 2
	vm_new "$H/vm" "$H/vendor" "$H/keys"
}

setup() {
	[ -n "${MERESTONE_LONG-}" ] || skip "only in check-long"
}

teardown_file() {
	[ ! -d "$H/vm" ] || vm_remove "$H/vm"
}

teardown() {
	vm_stop "$H/vm"
}

image() { # image VERSION
	IMAGE_VARIANT=cloud IMAGE_VERSION=$1 IMAGE_KEYS=$H/keys IMAGE_OUT=$H/image "$ROOT/firmware/image/build.sh" >&2
}

# boot DISK|-: until the machine is up; what it said of its state is then on the console.
boot() {
	vm_start "$H/vm" "$1"
	vm_wait "$H/vm" 'merestone: up' 150
	vm_stop "$H/vm"
}

state_from() { # state_from DISK FILE
	dd if="$1" of="$2" bs=1M skip="$STATE_AT" count="$STATE_LEN" conv=sparse status=none
}

state_into() { # state_into DISK FILE
	dd if="$2" of="$1" bs=1M seek="$STATE_AT" count="$STATE_LEN" conv=notrunc,sparse status=none
}

# The disk of version 2 with the state of the machine.
second_disk() {
	cp --sparse=always "$H/image/cloud-2/merestone.img" "$H/disk-2.img"
	state_from "$H/vm/disk.img" "$H/state.img"
	state_into "$H/disk-2.img" "$H/state.img"
}

# raise_floor VERSION: as the state program does when the updater asks; the machine is off.
raise_floor() {
	local tpm
	tpm=$(mktemp -d "${TMPDIR:-/tmp}/floor.XXXXXX")
	cp -a "$H/vm/tpm/." "$tpm/"
	"$VM_TOOLS/swtpm-start.sh" "$tpm" 3>&-
	TPM2TOOLS_TCTI=swtpm:path=$tpm/sock tpm2_nvsetbits -C 0x01800110 -i "$((1 << $1))" 0x01800110
	"$VM_TOOLS/swtpm-stop.sh" "$tpm"
	cp -a "$tpm/." "$H/vm/tpm/"
	rm -rf "$tpm"
}

header() { # header DISK: the volume's header and slots, but for what counts up
	state_from "$1" "$H/header.img"
	cryptsetup luksDump "$H/header.img"
}

@test "the first boot makes the state, for the machine and for the holder of the recovery key" {
	boot "$H/image/cloud-1/merestone.img"
	run ! grep -aq 'the state stays closed' "$H/vm/serial.log"
	header "$H/vm/disk.img" >"$H/header-1"
	grep -q 'merestone-sealed' "$H/header-1"
	"$BUILD/merestone" image recover --key "$H/keys/recovery.key" "$H/header.img" >"$H/phrase"
	cryptsetup open --test-passphrase --key-file "$H/phrase" "$H/header.img"
	run "$BUILD/merestone" image recover --key "$H/keys/update.key" "$H/header.img"
	[ "$status" = 1 ]
	[[ $output == *"another recovery key"* ]]
}

@test "the next boot opens the same state" {
	boot -
	run ! grep -aq 'the state stays closed' "$H/vm/serial.log"
	header "$H/vm/disk.img" | diff "$H/header-1" -
}

@test "a newer image opens it, and nothing is sealed anew" {
	second_disk
	boot "$H/disk-2.img"
	run ! grep -aq 'the state stays closed' "$H/vm/serial.log"
	header "$H/vm/disk.img" | diff "$H/header-1" -
}

@test "an image below the version floor opens nothing" {
	header "$H/vm/disk.img" >/dev/null
	cp --sparse=always "$H/header.img" "$H/state.img"
	raise_floor 2
	cp --sparse=always "$H/image/cloud-1/merestone.img" "$H/disk-1.img"
	state_into "$H/disk-1.img" "$H/state.img"
	boot "$H/disk-1.img"
	grep -a 'the state stays closed: this image is version 1, and this machine takes none below 2 any more' "$H/vm/serial.log"
	second_disk
	boot "$H/disk-2.img"
	run ! grep -aq 'the state stays closed' "$H/vm/serial.log"
}

@test "an image with the signature of another one opens nothing, though the firmware starts it" {
	second_disk
	osslsigncode remove-signature -in "$H/image/cloud-2/merestone_2.efi" -out "$H/bare.efi"
	objcopy --update-section .pcrsig="$H/image/cloud-1/pcrsig.json" "$H/bare.efi" "$H/stale.efi"
	osslsigncode sign -h sha256 -certs "$H/keys/db.crt" -key "$H/keys/db.key" -in "$H/stale.efi" -out "$H/signed.efi"
	mcopy -o -i "$H/disk-2.img@@1M" "$H/signed.efi" ::/EFI/Linux/merestone_2.efi
	boot "$H/disk-2.img"
	grep -a 'the state stays closed: nothing is signed for what this image measured into register 11' "$H/vm/serial.log"
	header "$H/vm/disk.img" | diff "$H/header-1" -
}

@test "a machine whose Secure Boot is off opens nothing" {
	second_disk
	cp "$H/vm/vars.fd" "$H/vars.fd"
	cp "$VM_VARIABLES" "$H/vm/vars.fd"
	boot "$H/disk-2.img"
	grep -a 'the state stays closed: Secure Boot is off' "$H/vm/serial.log"
	cp "$H/vars.fd" "$H/vm/vars.fd"
	header "$H/vm/disk.img" | diff "$H/header-1" -
}

@test "a partition that holds something else is left as it is" {
	cp --sparse=always "$H/image/cloud-2/merestone.img" "$H/disk-2.img"
	head -c $((STATE_LEN << 20)) /dev/urandom >"$H/others.img"
	state_into "$H/disk-2.img" "$H/others.img"
	boot "$H/disk-2.img"
	grep -a 'the state stays closed: the partition "state" holds something that this machine did not write' "$H/vm/serial.log"
	state_from "$H/vm/disk.img" "$H/state.img"
	cmp "$H/others.img" "$H/state.img"
}
