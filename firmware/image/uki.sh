# shellcheck shell=bash
# The unified kernel image: systemd's stub with our sections, signed; and the boot loader, signed.
# shellcheck disable=SC2154 # build.sh has the variables

EFI_PARTS=/usr/lib/systemd/boot/efi

uki_os_release() {
	cat >"$dir/os-release" <<-END
		NAME=Merestone
		ID=merestone
		IMAGE_ID=merestone
		IMAGE_VERSION=$version
		VERSION_ID=$version
		VARIANT_ID=$variant${debug:+-debug}
		PRETTY_NAME="Merestone $version ($variant${debug:+, debug})"
	END
}

# The same for both slots: the first program finds the slot whose hash tree is of this root.
uki_command_line() {
	local root
	root=$(jq -r '"merestone.root=\(.root_hash) merestone.salt=\(.salt) merestone.blocks=\(.blocks)"' "$dir/root.json")
	printf '%s lockdown=integrity panic=-1 oops=panic console=tty0 console=ttyS0 %s' "$root" \
		"$([ -n "$debug" ] && echo merestone.debug || echo quiet)" >"$dir/cmdline"
}

uki_build() {
	local uki=merestone_$version.efi
	uki_command_line
	printf '%s' "$release" >"$work/uname"
	uki_join "$work/measured.efi"
	"$programs/merestone" image pcrsig --key "$keys/pcr.key" "$work/measured.efi" >"$dir/pcrsig.json"
	uki_join "$work/unsigned.efi" .pcrsig="$dir/pcrsig.json"
	uki_sign "$work/unsigned.efi" "$dir/$uki"
	uki_sign "$EFI_PARTS/systemd-bootx64.efi" "$dir/systemd-bootx64.efi"
}

# uki_join OUT [SECTION=FILE]...: each section on its own pages behind the stub's, wherever those end. Fixed addresses
# overlap in silence when a kernel grows. objcopy -p keeps the stub's date, which is none.
uki_join() {
	local to=$1 pair at arguments=()
	shift
	at=$(objdump -h "$EFI_PARTS/linuxx64.efi.stub" |
		awk '$1 ~ /^[0-9]+$/ { print $4, $3 }' | while read -r vma size; do echo $((0x$vma + 0x$size)); done | sort -n | tail -1)
	for pair in .osrel="$dir/os-release" .cmdline="$dir/cmdline" .uname="$work/uname" .initrd="$dir/initrd.cpio.zst" "$@" \
		.linux="$kernel/boot/vmlinuz-$release"; do
		at=$(((at + 4095) & ~4095))
		arguments+=(--add-section "$pair" --change-section-vma "${pair%%=*}=$(printf '0x%x' "$at")")
		at=$((at + $(stat -L -c %s "${pair#*=}")))
	done
	objcopy -p "${arguments[@]}" "$EFI_PARTS/linuxx64.efi.stub" "$to"
}

# uki_sign FROM TO: db's key is a file, or in a token whose URI is in db.uri and whose module is PKCS11_MODULE.
uki_sign() {
	local by=(-key "$keys/db.key")
	[ ! -e "$keys/db.uri" ] || by=(-pkcs11module "${PKCS11_MODULE:?}" -key "$(cat "$keys/db.uri")")
	osslsigncode sign -time "$epoch" -h sha256 -certs "$keys/db.crt" "${by[@]}" -in "$1" -out "$2" >"$work/sign.log" 2>&1 ||
		fail "osslsigncode cannot sign $(basename "$2"): $(tail -1 "$work/sign.log")"
}
