#!/usr/bin/env bats
# Appliances that are not what was approved: their firmware does not start them, or their authority does not admit them.
# And one that hangs. Minutes of emulation: only in check-long. What happens to their state is in imagestate.bats, to
# updates in updatevm.bats, to a changed root in init.bats.

# shellcheck disable=SC2154,SC2030,SC2031
bats_require_minimum_version 1.5.0
load appliancekit.bash

setup_file() {
	[ -n "${MERESTONE_LONG-}" ] || return 0
	image 1
	make_appliance
}

setup() {
	[ -n "${MERESTONE_LONG-}" ] || skip "only in check-long"
}

teardown_file() {
	[ -n "${MERESTONE_LONG-}" ] || return 0
	tear_down_appliance
}

teardown() {
	vm_stop "$V"
}

# Secure Boot refuses the UKI in FILE.
not_started() {
	disk_of 1 "$H/site.jws"
	on_esp "$H/disk.img" "$1" EFI/Linux/merestone_1.efi
	vm_start "$V" "$H/disk.img"
	vm_wait "$V" 'Access Denied|Security Violation|merestone: ' 120
	grep -a 'Access Denied' "$V/serial.log"
	[ -z "$(console)" ]
}

# The machine as it is starts, and its authority denies it: the words are in the explanation.
denied() {
	vm_start "$V" "$H/disk.img"
	vm_wait "$V" 'merestone-agent: error: ' 200
	vm_stop "$V"
	[ "$(domains)" = '' ]
	last_case >"$H/case"
	grep -q '^geoA: denied' "$H/case"
	grep -q -- "$1" "$H/case" || {
		cat "$H/case"
		return 1
	}
	! grep -aq 'dataset geoA opened' "$V/serial.log"
}

# ---- The firmware ----

@test "a kernel image in which one letter of the command line was changed is not started" {
	sed 's/lockdown=integrity/lockdown=Integrity/' "$H/image/cloud-1/merestone_1.efi" >"$H/edited.efi"
	[ "$(cmp -l "$H/edited.efi" "$H/image/cloud-1/merestone_1.efi" | wc -l)" = 1 ]
	not_started "$H/edited.efi"
}

@test "a kernel image that another key signed is not started" {
	osslsigncode remove-signature -in "$H/image/cloud-1/merestone_1.efi" -out "$H/bare.efi"
	osslsigncode sign -h sha256 -certs "$H/keys/KEK.crt" -key "$H/keys/KEK.key" -in "$H/bare.efi" -out "$H/other.efi"
	not_started "$H/other.efi"
}

# ---- The authority ----

@test "the image as it was approved is admitted, start after start" {
	disk_of 1 "$H/site.jws"
	vm_start "$V" "$H/disk.img"
	vm_wait "$V" 'dataset geoA opened' 200
	vm_stop "$V"
	vm_start "$V" -
	vm_wait "$V" 'dataset geoA opened' 200
	[ "$(domains)" = geoA ]
}

@test "with another site file it is another machine" {
	site "$H/moved.jws" --location 50.1109,8.6821,1000
	disk_of 1 "$H/moved.jws"
	denied 'PCR 12: .*something was loaded from outside the image'
}

@test "the debug variant of an approved image gets no key" {
	image 1 IMAGE_DEBUG=1
	disk_of 1-debug "$H/site.jws"
	denied 'PCR 4: .*EV_EFI_BOOT_SERVICES_APPLICATION'
}

@test "with Secure Boot off it is denied" {
	disk_of 1 "$H/site.jws"
	cp "$V/vars.fd" "$H/vars.fd"
	cp "$VM_VARIABLES" "$V/vars.fd"
	denied 'Secure Boot is off'
	cp "$H/vars.fd" "$V/vars.fd"
}

# ---- The watchdog ----

# The programs as they were built, but process 1 does nothing.
hanging_programs() {
	mkdir -p "$1/firmware/init"
	ln -s "$ROOT/build/merestone" "$ROOT/build/merestone-agent" "$ROOT/build/libexec" "$1"
	ln -s "$ROOT/build/firmware/init/first" "$1/firmware/init"
	echo '#include <unistd.h>
int main(void) { for (;;) pause(); }' | gcc -x c -o "$1/firmware/init/supervisor" -
}

@test "a version that hangs is started anew by the watchdog, three times, and then left" {
	hanging_programs "$H/programs"
	image 2 IMAGE_PROGRAMS="$H/programs"
	disk_of 1 "$H/site.jws"
	dd if="$H/image/cloud-2/root.img" of="$H/disk.img" bs=1M seek=$((1 + 128 + 64)) conv=notrunc status=none
	on_esp "$H/disk.img" "$H/image/cloud-2/merestone_2.efi" EFI/Linux/merestone_2+3.efi
	vm_start "$V" "$H/disk.img"
	vm_wait "$V" 'dataset geoA opened' 600
	mdir -b -i "$V/disk.img@@1M" ::/EFI/Linux | grep -F 'merestone_2+0-3.efi'
}
