#!/bin/bash
# build: makes the appliance's image as an ordinary user: no loop device, no mount, no namespace. The same inputs give the
# same bytes in every directory, for every user, umask, time zone and date.
# usage: firmware/image/build.sh
#   IMAGE_VARIANT=generic|cloud   the kernel: all hardware, or virtual machines only
#   IMAGE_VERSION=N               a whole number that grows with every image
#   IMAGE_KEYS=DIR                of `merestone image keys`; made when absent (default OUT/keys)
#   IMAGE_DEBUG=1                 a talking kernel and another command line, hence other registers: it never gets keys
#   IMAGE_ENROL=off|manual|force  whether the boot loader may enrol the keys on a machine in Setup Mode
#   IMAGE_PROGRAMS=DIR            where make has put the programs (default build)
#   IMAGE_OUT=DIR                 default build/firmware
#   IMAGE_CACHE=DIR               of the kernel's package (debs/) and what is in it (kernel/); default build/firmware
#   SOURCE_DATE_EPOCH=SECONDS     the date of everything (default: that of the last commit)
# What is in OUT/VARIANT-VERSION afterwards is in merestone-image(7); nothing is when the build fails.
set -euo pipefail
umask 022
export LC_ALL=C TZ=UTC
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
house=$(cd "$here/../.." && pwd)

fail() {
	echo "merestone: error: $1" >&2
	[ -z "${2-}" ] || echo "merestone: hint: $2" >&2
	exit 1
}

variant=${IMAGE_VARIANT:-generic}
version=${IMAGE_VERSION:-1}
debug=${IMAGE_DEBUG:-}
enrol=${IMAGE_ENROL:-manual}
programs=$(realpath -m "${IMAGE_PROGRAMS:-$house/build}")
out=$(realpath -m "${IMAGE_OUT:-$house/build/firmware}")
cache=$(realpath -m "${IMAGE_CACHE:-$house/build/firmware}")
keys=$(realpath -m "${IMAGE_KEYS:-$out/keys}")
epoch=${SOURCE_DATE_EPOCH:-$(git -C "$house" log -1 --format=%ct 2>/dev/null || echo 1767225600)}

case $variant in
generic | cloud) ;;
*) fail "IMAGE_VARIANT is $variant" 'generic or cloud' ;;
esac
case $enrol in
off | manual | force) ;;
*) fail "IMAGE_ENROL is $enrol" 'off, manual or force' ;;
esac
[[ $version =~ ^[1-9][0-9]{0,2}$ && $version -le 255 ]] || fail "IMAGE_VERSION is $version" 'a whole number from 1 to 255: the floor that a TPM keeps knows no more'
[[ $epoch =~ ^[0-9]{1,11}$ ]] || fail "SOURCE_DATE_EPOCH is $epoch" 'seconds since 1970'
PATH=$PATH:/usr/sbin:/sbin
for tool in apt-get cpio dpkg-deb jq ldd mcopy mkfs.erofs mkfs.vfat modprobe objcopy osslsigncode sfdisk veritysetup zstd; do
	command -v "$tool" >/dev/null || fail "$tool is missing" 'make deps-image'
done
export SOURCE_DATE_EPOCH=$epoch

name=$variant-$version${debug:+-debug}
dir=$out/$name.part
work=$dir/work
rm -rf "$dir"
mkdir -p "$work"
trap 'rm -rf "$dir"' EXIT

# shellcheck source=firmware/image/kernel.sh
. "$here/kernel.sh"
# shellcheck source=firmware/image/tree.sh
. "$here/tree.sh"
# shellcheck source=firmware/image/sbom.sh
. "$here/sbom.sh"
# shellcheck source=firmware/image/uki.sh
. "$here/uki.sh"
# shellcheck source=firmware/image/disk.sh
. "$here/disk.sh"

step() {
	printf '%-5s %s\n' "$1" "$2"
}

[ -d "$keys" ] || { step KEYS "$keys" && "$programs/merestone" image keys "$keys"; }
for key in PK.esl KEK.esl db.esl db.crt; do
	[ -s "$keys/$key" ] || fail "the keys have no $key: $keys" 'merestone image keys DIR'
done

step GET "the kernel of $variant"
kernel_get
step ROOT "$name"
uki_os_release
tree_initramfs
tree_root
sbom_write "$work/root/usr/share/merestone/sbom.cdx.json"
tree_seal
step UKI "merestone_$version.efi"
uki_build
sbom_bind "$dir/sbom.cdx.json"
step DISK merestone.img
disk_build
disk_describe
rm -rf "$work" "${out:?}/$name"
mv "$dir" "$out/$name"
ln -f "$out/$name/merestone.img" "$out/merestone.img"
step DONE "$out/$name: $(stat -c '%s' "$out/$name/merestone_$version.efi") bytes of UKI, $(stat -c '%s' "$out/$name/root.img") of root"
