#!/usr/bin/env bats
# A machine as it comes from its maker, in Setup Mode: the image enrols its keys there, and from then on nothing else
# starts. Only in check-long: three starts of a machine.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
export EKVENDOR=$ROOT/build/tools/ekvendor

# shellcheck source=tests/qemu/vm.sh
. "$ROOT/tests/qemu/vm.sh"

setup() {
	[ -n "${MERESTONE_LONG-}" ] || skip "only in check-long"
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	[ ! -d "$BATS_TEST_TMPDIR/machine" ] || vm_remove "$BATS_TEST_TMPDIR/machine"
}

@test "a machine in Setup Mode enrols the keys of its image, and then starts nothing that db did not sign" {
	"$ROOT/build/merestone" image keys keys >/dev/null
	IMAGE_VARIANT=cloud IMAGE_ENROL=force IMAGE_KEYS=$PWD/keys IMAGE_OUT=$PWD/out "$ROOT/firmware/image/build.sh"
	vm_new "$PWD/machine" "$PWD/ca"
	vm_start "$PWD/machine" out/merestone.img
	vm_wait "$PWD/machine" 'Enrolling secure boot keys'
	vm_wait "$PWD/machine" 'merestone: up' 240
	vm_stop "$PWD/machine"

	cp out/cloud-1/merestone_1.efi unsigned.efi
	sbattach --remove unsigned.efi
	mcopy -o -i machine/disk.img@@1M unsigned.efi ::/EFI/Linux/merestone_1.efi
	vm_start "$PWD/machine" -
	vm_wait "$PWD/machine" 'Access Denied|Security Violation'
	run ! grep -a 'merestone: ' machine/serial.log
	vm_stop "$PWD/machine"

	mcopy -o -i machine/disk.img@@1M out/cloud-1/merestone_1.efi ::/EFI/Linux/merestone_1.efi
	vm_start "$PWD/machine" -
	vm_wait "$PWD/machine" 'merestone: up' 240
}
