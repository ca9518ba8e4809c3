# shellcheck shell=bash
# The kernel: Debian's package, downloaded and taken apart once; its modules, in the order in which they are loaded.
# shellcheck disable=SC2154 # build.sh has the variables

# Sets kernel_deb, kernel (the directory it was unpacked to) and release.
kernel_get() {
	local suffix=amd64
	[ "$variant" = generic ] || suffix=cloud-amd64
	kernel_deb=$(kernel_find "$cache/debs" "$suffix")
	[ -n "$kernel_deb" ] || kernel_download "$suffix"
	kernel_deb=$(kernel_find "$cache/debs" "$suffix")
	[ -n "$kernel_deb" ] || fail "the package of the kernel ($suffix) is not in $cache/debs"
	kernel=$cache/kernel/$(basename "$kernel_deb" .deb)
	[ -d "$kernel" ] || kernel_unpack
	release=$(basename "$kernel"/boot/vmlinuz-*)
	release=${release#vmlinuz-}
}

# The newest package of a flavour, or nothing. "amd64" is not "cloud-amd64" nor "rt-amd64".
kernel_find() {
	[ ! -d "$1" ] || find "$1" -maxdepth 1 -regextype posix-extended -regex ".*/linux-image-[0-9.]+-[0-9]+-$2_[^/]*[.]deb" | sort -V | tail -1
}

kernel_download() {
	local package
	mkdir -p "$cache/debs"
	package=$(apt-cache depends "linux-image-$1" 2>/dev/null | awk '/^ *Depends: linux-image-/ { print $2; exit }')
	[ -n "$package" ] || fail "apt knows no linux-image-$1" 'apt-get update'
	mkdir "$work/get"
	(cd "$work/get" && apt-get -qq download "$package" 2>"$work/apt.log") ||
		fail "$package cannot be had: $(head -1 "$work/apt.log")" 'apt-get update, or put the package into build/firmware/debs'
	mv "$work/get"/*.deb "$cache/debs/"
}

# Two builds at once may both do this; the first one's is kept.
kernel_unpack() {
	local new=$kernel.$$
	mkdir -p "$new"
	dpkg-deb --fsys-tarfile "$kernel_deb" | tar -x -C "$new" ./boot ./lib/modules
	depmod -b "$new" "$(basename "$new"/lib/modules/*)"
	mv -T "$new" "$kernel" 2>/dev/null || rm -rf "$new"
}

# The files of the modules that modules.list names, each once, behind those that it needs.
kernel_modules() {
	local for_whom module
	while read -r for_whom module; do
		case $for_whom in
		both | "$variant") ;;
		*) continue ;;
		esac
		modprobe -C /dev/null -d "$kernel" -S "$release" --show-depends "$module" ||
			fail "the kernel $release has no module $module" 'firmware/image/modules.list'
	done <"$here/modules.list" | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}
