#!/usr/bin/env bats
# The first program and the supervisor, without the firmware: the kernel of an image boots by itself, with the image's
# initramfs and disk. Each boot takes a few seconds; those that must fail say why.

# shellcheck disable=SC2154,SC2030,SC2031
bats_require_minimum_version 1.5.0

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
# shellcheck source=tests/qemu/vm.sh
. "$ROOT/tests/qemu/vm.sh"
I=$BATS_FILE_TMPDIR
BUILT=$I/out/cloud-1

setup_file() {
	PATH=$PATH:/usr/sbin:/sbin
	"$ROOT/build/merestone" image keys "$I/keys" >/dev/null
	env IMAGE_VARIANT=cloud IMAGE_KEYS="$I/keys" IMAGE_PROGRAMS="$ROOT/build" IMAGE_CACHE="$ROOT/build/firmware" \
		IMAGE_OUT="$I/out" "$ROOT/firmware/image/build.sh" >"$I/build.log" 2>&1 || {
		cat "$I/build.log" >&2
		return 1
	}
	objcopy -O binary -j .linux "$BUILT/merestone_1.efi" "$I/kernel"
	"$ROOT/build/merestone" init "$I/authority" --trust-domain edge.example --listen 127.0.0.1:9 >/dev/null
	MERESTONE_KIT=$I/authority/officer "$ROOT/build/merestone" image site edge-1 --authority https://10.0.2.2:9 \
		--out "$I/site.jws" >"$I/site.said"
}

setup() {
	PATH=$PATH:/usr/sbin:/sbin
	V=$BATS_TEST_TMPDIR/vm
	D=$BATS_TEST_TMPDIR/disk.img
}

teardown() {
	vm_stop "$V"
	vm_stop "$V.2"
	[ ! -e "$BATS_TEST_TMPDIR/tpm.pid" ] || kill "$(cat "$BATS_TEST_TMPDIR/tpm.pid")" 2>/dev/null || true
}

long() {
	[ -n "${MERESTONE_LONG-}" ] || skip "only in check-long"
}

disk() {
	cp --sparse=always "$BUILT/merestone.img" "$D"
}

start_of() { # start_of LABEL: where that partition of the disk begins, in bytes
	sfdisk -J "$D" | jq ".partitiontable.partitions[] | select(.name == \"$1\").start * 512"
}

put_site() { # put_site FILE: onto the disk's ESP
	mcopy -o -i "$D@@$(start_of esp)" "$1" ::/merestone/site.jws
}

boot() { # boot [QEMU ARGUMENT]...: with the image's own command line, or LINE
	vm_kernel "$V" "$I/kernel" "$BUILT/initrd.cpio.zst" "${LINE-$(cat "$BUILT/cmdline")}" "$@"
}

# shellcheck disable=SC2120
boot_disk() {
	boot -drive "if=virtio,format=raw,file=$D" "$@"
}

# With a TPM that no firmware wrote to, and a network.
# shellcheck disable=SC2120
boot_machine() {
	local short
	short=$(mktemp -d /tmp/init.XXXXXX)
	mkdir "$BATS_TEST_TMPDIR/tpm"
	# without: of version 1.2
	[ -z "${TPM2-2}" ] || swtpm_setup --tpm2 --tpmstate "$BATS_TEST_TMPDIR/tpm" --pcr-banks sha256 >/dev/null
	swtpm socket ${TPM2---tpm2} --tpmstate "dir=$BATS_TEST_TMPDIR/tpm" --ctrl "type=unixio,path=$short/sock" --terminate \
		--pid "file=$BATS_TEST_TMPDIR/tpm.pid" --daemon </dev/null >/dev/null 2>&1 3>&-
	boot_disk "$@" -chardev "socket,id=ctpm,path=$short/sock" -tpmdev emulator,id=tpm0,chardev=ctpm -device tpm-tis,tpmdev=tpm0 \
		-netdev user,id=n0,restrict=on -device virtio-net-pci,netdev=n0,romfile=
	sleep 1
	rm -rf "$short"
}

stick() { # a second disk with an empty file system
	truncate -s 16M "$BATS_TEST_TMPDIR/stick.img"
	echo 'start=2048, name=MERESTONE' | sfdisk -q --label gpt "$BATS_TEST_TMPDIR/stick.img"
	mkfs.vfat --offset 2048 "$BATS_TEST_TMPDIR/stick.img" 14000 >/dev/null
}

said() {
	grep -aqF -- "$1" "$V/serial.log"
}

@test "a machine starts from either slot, and says that it has neither TPM nor site file" {
	disk
	dd if="$BUILT/root.img" of="$D" bs=1M oflag=seek_bytes seek="$(start_of root-b)" conv=notrunc status=none
	dd if=/dev/zero of="$D" bs=1M count=64 oflag=seek_bytes seek="$(start_of root-a)" conv=notrunc status=none
	boot_disk
	vm_wait "$V" 'merestone: up' 60
	said 'merestone: error: the ESP has no site file'
	said 'merestone: error: this machine has no TPM, or its firmware hides it'
	said 'merestone: error: without a site file this machine belongs nowhere, and waits'
}

@test "attack_A118 a root that the command line does not name is not entered, and no disk is none" {
	long
	disk
	LINE=$(sed 's/merestone.root=../merestone.root=zz/; s/root=zz/root=00/' "$BUILT/cmdline")
	boot_disk
	(V=$V.2 boot)
	vm_wait "$V" 'merestone: error: neither root-a nor root-b is the root that the signed command line names' 60
	vm_wait "$V.2" 'merestone: error: no disk here has a partition root-a or root-b' 60
	vm_wait "$V" 'this machine starts again in 10 s' 5
	run ! said 'merestone: up'
}

@test "a command line that is not ours is refused" {
	long
	disk
	LINE="$(cat "$BUILT/cmdline") merestone.shell" boot_disk
	vm_wait "$V" 'merestone: error: the command line has merestone.shell, which is unknown' 60
}

@test "attack_A118 one changed byte of the root makes the kernel panic" {
	disk
	# the last byte of the super block: nothing reads it but the hash
	printf 'x' | dd of="$D" bs=1 seek="$(($(start_of root-a) + 1024 + 127))" conv=notrunc status=none
	boot_disk
	vm_wait "$V" 'data block 0 is corrupted|Kernel panic' 60
	run ! said 'merestone: up'
}

@test "a site file that cannot be measured is not used, and a clock of another time is set" {
	disk
	put_site "$I/site.jws"
	boot_disk -rtc base=2001-02-03
	vm_wait "$V" 'merestone: up' 60
	said 'merestone: error: the clock of this machine was unset; the date of the image is taken instead'
	said 'merestone: error: the site file is not used, because it was not measured'
}

@test "a machine with a site file has an address, sees a stick, a key and an agent that asks its authority" {
	disk
	put_site "$I/site.jws"
	stick
	boot_machine -drive "if=virtio,format=raw,file=$BATS_TEST_TMPDIR/stick.img"
	vm_wait "$V" 'merestone: the network is eth0 10\.0\.2\.15/24' 60
	vm_wait "$V" 'merestone-agent: endorsement key [0-9a-f]{64}' 60
	said 'merestone-agent: error: no answer from https://10.0.2.2:9'
	vm_wait "$V" 'merestone: the stick vdb1 is here' 20
	run ! said 'merestone: error: the quoter ended'
}

@test "a site file of another kind is said, and the machine waits" {
	disk
	sed 's/^[^.]*/eyJhbGciOiJub25lIn0/' "$I/site.jws" >"$BATS_TEST_TMPDIR/other.jws"
	put_site "$BATS_TEST_TMPDIR/other.jws"
	boot_machine
	vm_wait "$V" 'merestone: up' 60
	said 'merestone: error: the site file: '
	run ! said 'merestone-agent'
}

@test "a root that hangs is left again by the watchdog" {
	long
	mkdir "$I/hanging"
	cp -rs "$ROOT"/build/{merestone,merestone-agent,libexec,firmware/init} "$I/hanging/" && mkdir "$I/hanging/firmware"
	mv "$I/hanging/init" "$I/hanging/firmware/init"
	rm "$I/hanging/firmware/init/supervisor"
	cp /usr/bin/cat "$I/hanging/firmware/init/supervisor" # reads a console that says nothing
	env IMAGE_VARIANT=cloud IMAGE_KEYS="$I/keys" IMAGE_PROGRAMS="$I/hanging" IMAGE_CACHE="$ROOT/build/firmware" \
		IMAGE_OUT="$I/hanging/out" "$ROOT/firmware/image/build.sh" >"$I/build.log" 2>&1
	BUILT=$I/hanging/out/cloud-1
	disk
	boot_disk
	vm_wait "$V" 'merestone: error: the ESP has no site file' 60
	vm_wait "$V" 'softdog: Initiating system reboot' 180
}

@test "a TPM of version 1.2 is said to be one" {
	long
	disk
	TPM2='' boot_machine
	vm_wait "$V" 'merestone: up' 60
	said 'merestone: error: the TPM of this machine is of version 1.2, which cannot attest; 2.0 is needed'
}

@test "where the image has an officer's key, a site file that another officer signed is not used" {
	long
	"$ROOT/build/merestone" init "$I/others" --trust-domain edge.example --listen 127.0.0.1:9 >/dev/null
	mkdir "$I/pinned"
	cp -r "$I/keys" "$I/pinned/keys"
	openssl pkey -in "$I/others/officer/officer.key" -pubout -out "$I/pinned/keys/officer.pub"
	env IMAGE_VARIANT=cloud IMAGE_KEYS="$I/pinned/keys" IMAGE_PROGRAMS="$ROOT/build" IMAGE_CACHE="$ROOT/build/firmware" \
		IMAGE_OUT="$I/pinned/out" "$ROOT/firmware/image/build.sh" >"$I/build.log" 2>&1
	BUILT=$I/pinned/out/cloud-1
	disk
	put_site "$I/site.jws"
	boot_machine
	vm_wait "$V" 'merestone: up' 60
	said 'merestone: error: the site file: the JWS is signed by key '
	run ! said 'merestone-agent'
}

@test "an authority that is a name gets no site file" {
	MERESTONE_KIT=$I/authority/officer run "$ROOT/build/merestone" image site edge-1 \
		--authority https://authority.example:8443 --out "$BATS_TEST_TMPDIR/named.jws"
	[ "$status" = 1 ]
	[[ $output == *'authority: expected https://A.B.C.D:PORT'* ]]
	[ ! -e "$BATS_TEST_TMPDIR/named.jws" ]
}

@test "what the site file does to register 12 is printed when it is made" {
	run cat "$I/site.said"
	[ "$output" = "register 12 is extended with $(sha256sum <"$I/site.jws" | cut -d' ' -f1)" ]
}
