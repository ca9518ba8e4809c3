#!/bin/sh
# deps: installs the Debian packages that a target needs and that are missing.
# usage: tests/deps.sh build|demo|bench|image|vm|check
set -eu

build='gcc libc6-dev make pkg-config libtss2-dev libssl-dev libcurl4-openssl-dev libevent-dev libjansson-dev libsqlite3-dev libseccomp-dev libcryptsetup-dev'
demo="$build swtpm swtpm-tools libtss2-tcti-swtpm0 tpm2-tools jq curl openssl gpsd"
image="$build musl-tools linux-libc-dev binutils kmod cpio zstd erofs-utils cryptsetup-bin systemd-boot-efi osslsigncode mtools dosfstools fdisk jq nftables e2fsprogs"
vm="$demo $image qemu-system-x86 ovmf efitools"
bench="$vm g++ libgeos-dev libs2-dev"
check="$vm sbsigntool faketime attr g++ libgeographiclib-dev libcmocka-dev clang libclang-rt-14-dev clang-format clang-tidy cppcheck bats mandoc shellcheck binutils procps gpsd-clients gpsd-tools iproute2"

fail() {
	echo "merestone: error: $1" >&2
	exit 2
}

case "${1-}" in
build) want=$build ;;
demo) want=$demo ;;
bench) want=$bench ;;
image) want=$image ;;
vm) want=$vm ;;
check) want=$check ;;
*) fail 'usage: tests/deps.sh build|demo|bench|image|vm|check' ;;
esac

command -v dpkg-query >/dev/null || fail "this needs Debian's packages ($want)"
missing=
for package in $want; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=absent
	[ "$status" = installed ] || missing="$missing $package"
done

# An image's kernel is downloaded, not installed: the lists must name one that is still offered.
stale=
case $1 in
image | vm | check)
	[ -n "$(find build/firmware/debs -name '*.deb' 2>/dev/null)" ] ||
		[ -n "$(find /var/lib/apt/lists/partial -maxdepth 0 -mtime -2 2>/dev/null)" ] || stale=stale
	;;
esac
[ -n "$missing$stale" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	as_root='env'
elif command -v sudo >/dev/null; then
	as_root='sudo env'
elif [ -z "$missing" ]; then
	exit 0
else
	fail "these packages are missing, and neither root nor sudo is at hand to install them:$missing"
fi
[ -z "$missing" ] || echo "installing:$missing"
# The lists are words on purpose.
# shellcheck disable=SC2086
{
	$as_root DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null || [ -z "$missing" ]
	[ -z "$missing" ] || $as_root DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing </dev/null
}
