#!/usr/bin/env bats
# What an image will measure, said from its files and compared with what other tools say of them. The boots are in
# imagestate.bats and updatevm.bats: an authority admits a machine by this prediction alone.

# shellcheck disable=SC2154,SC2034
bats_require_minimum_version 1.5.0
load housekit.bash

B=$H/built

setup_file() {
	"$BUILD/merestone" image keys "$H/keys" >/dev/null
	built
}

teardown_file() {
	tear_down_house
}

# A kernel image as the build makes it, of a kernel and an initrd that are only words.
built() {
	local dir=$B work=$H/work kernel=$H/kernel release=6.1.0 keys=$H/keys epoch=1790000000
	mkdir -p "$dir" "$work" "$kernel/boot"
	printf 'a kernel' >"$kernel/boot/vmlinuz-$release"
	printf 'an initrd' >"$dir/initrd.cpio.zst"
	printf 'quiet' >"$dir/cmdline"
	printf '%s' "$release" >"$work/uname"
	printf 'ID=merestone\nIMAGE_ID=merestone\nIMAGE_VERSION=3\nVARIANT_ID=cloud\n' >"$dir/os-release"
	# shellcheck source=firmware/image/uki.sh
	. "$ROOT/firmware/image/uki.sh"
	uki_join "$work/measured.efi"
	"$BUILD/merestone" image pcrsig --key "$keys/pcr.key" "$work/measured.efi" >"$dir/pcrsig.json"
	uki_join "$work/unsigned.efi" .pcrsig="$dir/pcrsig.json"
	uki_sign "$work/unsigned.efi" "$dir/merestone_3.efi"
	uki_sign "$EFI_PARTS/systemd-bootx64.efi" "$dir/systemd-bootx64.efi"
}

predict() {
	"$BUILD/merestone" image predict "$B" --keys "$H/keys"
}

authenticode() { # authenticode FILE: as another tool computes it
	osslsigncode verify -in "$1" -CAfile "$H/keys/db.crt" |
		sed -n 's/^Calculated message digest *: *\([0-9A-F]*\).*/\1/p' | tr A-F a-f | head -1
}

@test "register 4 has the digests that the signatures are over" {
	predict | awk '$3 == 4 && $4 == "EV_EFI_BOOT_SERVICES_APPLICATION" { print $5 }' >"$H/got"
	{ authenticode "$B/systemd-bootx64.efi" && authenticode "$B/merestone_3.efi"; } >"$H/expected"
	[ "$(wc -l <"$H/expected")" = 2 ]
	diff "$H/expected" "$H/got"
}

@test "register 11 has the sections, each by name and contents" {
	local name
	predict | awk '$3 == 11 { print $5 }' | head -8 >"$H/got"
	for name in linux osrel cmdline initrd; do
		printf '.%s\0' "$name" | sha256sum
		case $name in
		linux) printf 'a kernel' ;;
		osrel) cat "$B/os-release" ;;
		cmdline) cat "$B/cmdline" ;;
		initrd) cat "$B/initrd.cpio.zst" ;;
		esac | sha256sum
	done | cut -d' ' -f1 >"$H/expected"
	diff "$H/expected" "$H/got"
}

@test "registers 9 and 12 have the command line as the kernel is given it, and 9 more than the initrd" {
	printf 'quiet' | iconv -f ascii -t utf-16le | { cat && printf '\0\0'; } | sha256sum | cut -d' ' -f1 >"$H/expected"
	predict | awk '$3 == 9 { print $5 }' | head -1 | diff "$H/expected" -
	predict | awk '$3 == 12 { print $5 }' | head -1 | diff "$H/expected" -
	predict | awk '$3 == 9 { print $5 }' | tail -1 >"$H/got"
	run ! diff -q "$H/got" <(sha256sum <"$B/initrd.cpio.zst" | cut -d' ' -f1)
}

@test "the manifest is a reference set that the authority takes as it is" {
	make_authority
	start_authority
	"$BUILD/merestone" image manifest "$B" --keys "$H/keys" --site "$B/cmdline" --platforms "$ROOT/firmware/image/platforms.json" \
		>"$H/reference.json"
	officer reference put image-3 "$H/reference.json"
	[ "$(jq -r '.pcrs["11"][0]' "$H/reference.json")" = "$(predict | awk '$1 == "PCR" && $2 == 11 { print $3 }')" ]
	[ "$(jq -r '.allowed_events["12"][0]' "$H/reference.json")" = "$(sha256sum <"$B/cmdline" | cut -d' ' -f1)" ]
}

@test "an image of a version that no floor can name is not signed" {
	sed 's/IMAGE_VERSION=3/IMAGE_VERSION=256/' "$B/os-release" >"$H/release"
	objcopy --update-section .osrel="$H/release" "$H/work/measured.efi" "$H/late.efi"
	run -1 "$BUILD/merestone" image pcrsig --key "$H/keys/pcr.key" "$H/late.efi"
	[[ $output == *"versions up to 255"* ]]
}

@test "what is no kernel image is not predicted" {
	run -1 "$BUILD/merestone" image pcrsig --key "$H/keys/pcr.key" "$B/os-release"
	[[ $output == *"no PE32+ image"* ]]
	run -1 "$BUILD/merestone" image pcrsig --key "$H/keys/pcr.key" "$B/systemd-bootx64.efi"
	[[ $output == *"no section .linux"* ]]
}
