# shellcheck shell=bash
# The disk: a GPT with the ESP, two slots for the root, and the state, which the first boot fills.
# shellcheck disable=SC2154 # build.sh has the variables

ESP_MIB=128
SLOT_MIB=64
STATE_MIB=128
DISK_ID=6d657265-7374-6f6e-652d-6469736b0000

disk_build() {
	disk_esp
	disk_table
	disk_fill 1 "$dir/esp.img"
	disk_fill $((1 + ESP_MIB)) "$dir/root.img"
}

# FAT with a date and a number of its own choosing is not twice the same.
disk_esp() {
	export MTOOLS_SKIP_CHECK=1 MTOOLSRC=/dev/null
	rm -f "$dir/esp.img"
	truncate -s "${ESP_MIB}M" "$dir/esp.img"
	mkfs.vfat -F 32 -n MEREBOOT --invariant "$dir/esp.img" >/dev/null
	mmd -i "$dir/esp.img" ::/EFI ::/EFI/BOOT ::/EFI/Linux ::/loader ::/loader/keys ::/loader/keys/auto ::/merestone
	printf 'timeout 0\neditor no\nauto-firmware no\nsecure-boot-enroll %s\n' "$enrol" >"$dir/loader.conf"
	disk_copy "$dir/systemd-bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI
	disk_copy "$dir/merestone_$version.efi" "::/EFI/Linux/merestone_$version.efi"
	disk_copy "$dir/loader.conf" ::/loader/loader.conf
	for key in PK KEK db; do
		[ ! -e "$keys/$key.auth" ] || disk_copy "$keys/$key.auth" "::/loader/keys/auto/$key.auth"
	done
}

disk_copy() {
	cp "$1" "$work/copy"
	touch -d "@$epoch" "$work/copy"
	mcopy -m -i "$dir/esp.img" "$work/copy" "$2"
}

disk_table() {
	rm -f "$dir/merestone.img"
	truncate -s $((2 + ESP_MIB + 2 * SLOT_MIB + STATE_MIB))M "$dir/merestone.img"
	sfdisk -q "$dir/merestone.img" <<-END
		label: gpt
		label-id: $DISK_ID
		start=1MiB, size=${ESP_MIB}MiB, type=U, name=esp, uuid=${DISK_ID%0000}0001
		size=${SLOT_MIB}MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=root-a, uuid=${DISK_ID%0000}0002
		size=${SLOT_MIB}MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=root-b, uuid=${DISK_ID%0000}0003
		size=${STATE_MIB}MiB, type=L, name=state, uuid=${DISK_ID%0000}0004
	END
}

# disk_fill MIB FILE
disk_fill() {
	dd if="$2" of="$dir/merestone.img" bs=1M seek="$1" conv=notrunc,sparse status=none
}

# What the authority and an update need to know of this image.
disk_describe() {
	"$programs/merestone" image manifest "$dir" --keys "$keys" --platforms "$here/platforms.json" >"$dir/reference.json"
	"$programs/merestone" update pack "$dir" --key "$keys/update.key" >/dev/null
}
