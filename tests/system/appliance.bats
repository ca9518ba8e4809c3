#!/usr/bin/env bats
# A whole appliance, once: its image boots in OVMF with Secure Boot and a TPM, the authority knows it by what the build
# predicted, and it opens its data. The machine is started twice for all of the file.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0
load appliancekit.bash

setup_file() {
	image 1
	make_appliance
	vm_start "$V" "$H/disk.img"
	vm_wait "$V" 'dataset geoA opened' 200
	vm_wait "$V" 'endorsement key' 20
}

teardown_file() {
	tear_down_appliance
}

@test "an appliance starts without a complaint, and says which endorsement key it has" {
	console | grep -qx 'merestone: up'
	console | grep -qxE 'merestone-agent: endorsement key [0-9a-f]{64}'
	run ! grep 'error:' <(console)
}

@test "the authority admits it by the registers that the image's build predicted, and by nothing else" {
	for register in 4 7 9 11; do
		jq -e --arg n "$register" '.pcrs[$n]|length==1' "$H/reference-1.json"
	done
	jq -e --arg site "$(sha256sum <"$H/site.jws" | cut -d' ' -f1)" '.allowed_events["12"]==[$site]' "$H/reference-1.json"
	jq -e '.references==["image-1"]' "$H/domain.json"
	last_case | grep -q '^geoA: allowed'
	[ "$(domains)" = geoA ]
}

@test "it opens what another machine put in, byte for byte" {
	console | grep -F "dataset geoA opened: 100000 bytes, sha256 $(sha256sum <"$H/plain" | cut -d' ' -f1)"
}

@test "an image that db did not sign is not started" {
	vm_stop "$V"
	cp "$H/image/cloud-1/merestone_1.efi" "$H/unsigned.efi"
	sbattach --remove "$H/unsigned.efi"
	on_esp "$V/disk.img" "$H/unsigned.efi" EFI/Linux/merestone_1.efi
	vm_start "$V" -
	vm_wait "$V" 'Access Denied|Security Violation|merestone: ' 120
	grep -a 'Access Denied' "$V/serial.log"
	[ -z "$(console)" ]
}
