# shellcheck shell=bash
# The bill of materials, CycloneDX 1.5: every file of the image with its package and version. One copy is in the image;
# the one beside it is the same, and names the digests of what was built.
# shellcheck disable=SC2154 # build.sh has the variables

SBOM_ABOUT='${Package}\t${Version}\t${Architecture}\t${source:Package}\n'

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
	local tree path origin file package
	declare -A owner about
	sbom_owners
	while IFS=$'\t' read -r tree path origin; do
		file=$work/$tree$path
		case $tree,$path in
		uki,.linux) file=$kernel/boot/vmlinuz-$release ;;
		uki,* | esp,*) file=$origin ;;
		esac
		package=$(sbom_package "$origin")
		printf '%s\t%s\t%s\t%s\n' "$tree" "$path" "$(sha256sum <"$file" | cut -d' ' -f1)" "$package"
	done <"$work/files" | sort
}

# Fills owner (a file's package) and about (a package's name, version, architecture and source). Packages know some of
# their files by the names from before /lib became a link.
sbom_owners() {
	local packages path package
	while IFS= read -r path; do
		package=${path%%: *}
		path=/usr${path#*: }
		owner[${path/#\/usr\/usr/\/usr}]=$package
	done < <(cut -f3 "$work/files" | sed -n 's|^/usr\(.*\)|&\n\1|p' | sort -u | xargs dpkg-query -S 2>/dev/null)
	mapfile -t packages < <(printf '%s\n' "${owner[@]}" | sort -u)
	while IFS=$'\t' read -r package path; do
		about[$package]=$path
	done < <(dpkg-query -W -f "\${binary:Package}\t$SBOM_ABOUT" "${packages[@]}")
	about[kernel]=$(dpkg-deb -W --showformat="$SBOM_ABOUT" "$kernel_deb")
}

# sbom_package ORIGIN
sbom_package() {
	case $1 in
	'') printf 'merestone\t%s\tamd64\tmerestone' "$version" ;;
	kernel) echo "${about[kernel]}" ;;
	*) echo "${about[${owner[$1]-none}]-}" | grep . || fail "no package owns $1" ;;
	esac
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
