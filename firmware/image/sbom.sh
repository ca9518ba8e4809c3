# shellcheck shell=bash
# The bill of materials, CycloneDX 1.5: every file of the image with its package and version. One copy is in the image;
# the one beside it is the same, and names the digests of what was built.
# shellcheck disable=SC2154 # build.sh has the variables

# sbom_write OUT
sbom_write() {
	sbom_boot
	sbom_files >"$work/materials"
	jq -Rn --arg name "$name" --arg version "$version" --arg when "$(date -u -d "@$epoch" +%FT%TZ)" \
		--arg serial "$(sbom_serial)" -f "$here/sbom.jq" <"$work/materials" >"$1"
}

# What is in the UKI and on the ESP besides the trees.
sbom_boot() {
	printf '%s\t%s\t%s\n' uki .linux kernel uki stub "$EFI_PARTS/linuxx64.efi.stub" \
		esp /EFI/BOOT/BOOTX64.EFI "$EFI_PARTS/systemd-bootx64.efi" >>"$work/files"
}

# Lines of: tree, path, SHA-256, package, version, architecture, source. Ours have the package merestone.
sbom_files() {
	local tree path origin file
	while IFS=$'\t' read -r tree path origin; do
		file=$work/$tree$path
		case $tree,$path in
		uki,.linux) file=$kernel/boot/vmlinuz-$release ;;
		uki,* | esp,*) file=$origin ;;
		esac
		printf '%s\t%s\t%s\t%s\n' "$tree" "$path" "$(sha256sum <"$file" | cut -d' ' -f1)" "$(sbom_package "$origin")"
	done <"$work/files" | sort
}

# sbom_package ORIGIN: package, version, architecture and source.
sbom_package() {
	local owner format='${Package}\t${Version}\t${Architecture}\t${source:Package}\n'
	case $1 in
	'') printf 'merestone\t%s\tamd64\tmerestone\n' "$version" ;;
	kernel) dpkg-deb -W --showformat="$format" "$kernel_deb" ;;
	*)
		owner=$(sbom_owner "$1") || fail "no package owns $1"
		dpkg-query -W -f "$format" "$owner"
		;;
	esac
}

# Packages know their files by the names from before /lib became a link.
sbom_owner() {
	local found
	found=$(dpkg-query -S "$1" 2>/dev/null || dpkg-query -S "${1#/usr}" 2>/dev/null) || return 1
	echo "${found%%: *}"
}

# The same list has the same number.
sbom_serial() {
	sha256sum <"$work/materials" | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/urn:uuid:\1-\2-5\3-8\4-\5/'
}

# sbom_bind OUT
sbom_bind() {
	jq --arg root "$(sha256sum <"$dir/root.img" | cut -d' ' -f1)" --arg uki "$(sha256sum <"$dir/merestone_$version.efi" | cut -d' ' -f1)" \
		'.metadata.component.components = [{type: "file", name: "root.img", hashes: [{alg: "SHA-256", content: $root}]},
			{type: "file", name: "uki", hashes: [{alg: "SHA-256", content: $uki}]}]' \
		"$work/root/usr/share/merestone/sbom.cdx.json" >"$1"
}
