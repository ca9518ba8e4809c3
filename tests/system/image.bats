#!/usr/bin/env bats
# The image as it is built, before anything boots it: what is in it, that it is signed, that it is the same bytes wherever
# it is made; and merestone image flash. The first image is built once for the file.

# shellcheck disable=SC2154,SC2030,SC2031
bats_require_minimum_version 1.5.0

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
I=$BATS_FILE_TMPDIR
BUILT=$I/out/cloud-1

setup_file() {
	"$ROOT/build/merestone" image keys "$I/keys" >/dev/null
	build "$ROOT" "$I/out" >"$I/build.log" 2>&1 || {
		cat "$I/build.log" >&2
		return 1
	}
}

setup() {
	PATH=$PATH:/usr/sbin:/sbin
	cd "$BATS_TEST_TMPDIR" || return
}

# build TREE OUT [NAME=VALUE]...
build() {
	local tree=$1 to=$2
	shift 2
	env IMAGE_VARIANT=cloud IMAGE_KEYS="$I/keys" IMAGE_PROGRAMS="$ROOT/build" IMAGE_CACHE="$ROOT/build/firmware" \
		SOURCE_DATE_EPOCH=1790000000 IMAGE_OUT="$to" "$@" "$tree/firmware/image/build.sh"
}

flash() {
	"$ROOT/build/merestone" image flash --image "$BUILT/merestone.img" "$@"
}

root_tree() { # the files of the root, below root/
	fsck.erofs --extract=root "$BUILT/root.img" >/dev/null
}

initrd_tree() { # those of the initramfs, below initrd/
	mkdir initrd
	zstd -qdc "$BUILT/initrd.cpio.zst" | (cd initrd && cpio -i --quiet)
}

# ---- the same bytes ----

@test "an image is the same from another directory, by another user, with another umask, language, time zone and date" {
	local as=()
	mkdir -m 777 "$I/a way off"
	cp -r "$ROOT/firmware" "$I/a way off/"
	cp -r "$I/keys" "$I/a way off/keys"
	if [ "$(id -u)" = 0 ]; then
		chown -R nobody "$I/a way off"
		chmod a+x "$BATS_RUN_TMPDIR" "$I"
		as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
		"${as[@]}" test -r "$ROOT/build/merestone" || as=() # a tree that is root's alone
	fi
	(
		umask 077
		build "$I/a way off" "$I/a way off/out" IMAGE_KEYS="$I/a way off/keys" TZ=Pacific/Kiritimati LANG=de_DE.UTF-8 LC_ALL= \
			HOME=/nonexistent NO_FAKE_STAT=1 "${as[@]}" faketime -f +400d >log 2>&1
	) || { cat log && return 1; }
	diff -r -x manifest.jws "$BUILT" "$I/a way off/out/cloud-1" # an ECDSA signature with a number drawn by lot
	rm -rf "$I/a way off"
}

@test "an image is the same when its programs were compiled in another directory" {
	[ -n "${MERESTONE_LONG-}" ] || skip "only in check-long"
	mkdir elsewhere
	(cd "$ROOT" && git ls-files -z | xargs -0 cp --parents -t "$BATS_TEST_TMPDIR/elsewhere")
	make -C elsewhere -j2 all build/firmware/init/first build/firmware/init/supervisor >log 2>&1 || { cat log && return 1; }
	build elsewhere out IMAGE_PROGRAMS="$PWD/elsewhere/build"
	cmp "$BUILT/merestone.img" out/cloud-1/merestone.img
}

# ---- what is in it ----

@test "the table of partitions is whole, and each holds what was built" {
	local image=$BUILT/merestone.img
	sfdisk --verify "$image" | grep -q 'No errors detected'
	[ "$(sfdisk -d "$image" | sed -n 's/.*name="\(.*\)"/\1/p' | xargs)" = 'esp root-a root-b state' ]
	cmp -n "$(stat -c %s "$BUILT/esp.img")" "$image" "$BUILT/esp.img" -i 1MiB:0
	cmp -n "$(stat -c %s "$BUILT/root.img")" "$image" "$BUILT/root.img" -i 129MiB:0
	cmp -n $(((64 + 128) << 20)) "$image" /dev/zero -i 193MiB:0
}

@test "the root is what its root hash says, and no byte of it can change" {
	local blocks hash salt
	read -r hash salt blocks < <(jq -r '"\(.root_hash) \(.salt) \(.blocks)"' "$BUILT/root.json")
	verify() {
		veritysetup verify --no-superblock --hash=sha256 --data-block-size=4096 --hash-block-size=4096 --salt="$salt" \
			--data-blocks="$blocks" --hash-offset=$((blocks * 4096)) "$1" "$1" "$hash"
	}
	verify "$BUILT/root.img"
	cp "$BUILT/root.img" flipped.img
	printf x | dd of=flipped.img bs=1 seek=$((blocks * 2048)) conv=notrunc status=none
	run ! verify flipped.img
	[ "$(cat "$BUILT/cmdline")" = "merestone.root=$hash merestone.salt=$salt merestone.blocks=$blocks lockdown=integrity \
panic=-1 oops=panic console=tty0 console=ttyS0 quiet" ]
}

@test "kernel and boot loader are signed by db, and by nothing else" {
	for file in merestone_1.efi systemd-bootx64.efi; do
		sbverify --cert "$I/keys/db.crt" "$BUILT/$file"
		run ! sbverify --cert "$I/keys/KEK.crt" "$BUILT/$file"
	done
}

@test "the sections of the kernel image follow each other without overlap, and hold what was built" {
	local end=0 name size at last
	while read -r name size at; do
		last=$name
		[ $((0x$at)) -ge "$end" ]
		end=$((0x$at + 0x$size))
	done < <(objdump -h "$BUILT/merestone_1.efi" | awk '$1 ~ /^[0-9]+$/ { print $2, $3, $4 }')
	[ "$last" = .linux ]
	for name in .osrel=os-release .cmdline=cmdline .initrd=initrd.cpio.zst .pcrsig=pcrsig.json; do
		objcopy -O binary --only-section="${name%%=*}" "$BUILT/merestone_1.efi" section
		cmp section "$BUILT/${name#*=}"
	done
}

@test "the boot partition has a boot loader that cannot be talked to, and one kernel" {
	export MTOOLS_SKIP_CHECK=1
	mdir -b -/ -i "$BUILT/esp.img" :: | sort >files
	diff - files <<-'END'
		::/EFI/
		::/EFI/BOOT/
		::/EFI/BOOT/BOOTX64.EFI
		::/EFI/Linux/
		::/EFI/Linux/merestone_1.efi
		::/loader/
		::/loader/keys/
		::/loader/keys/auto/
		::/loader/keys/auto/KEK.auth
		::/loader/keys/auto/PK.auth
		::/loader/keys/auto/db.auth
		::/loader/loader.conf
		::/merestone/
	END
	mtype -i "$BUILT/esp.img" ::/loader/loader.conf | diff - "$BUILT/loader.conf"
	grep -qx 'timeout 0' "$BUILT/loader.conf"
	grep -qx 'editor no' "$BUILT/loader.conf"
}

@test "the root has neither shell nor interpreter, and nothing in it gives privileges" {
	root_tree
	find root -type f -perm /111 ! -name '*.so*' -printf '/%P\n' | sort >programs
	while read -r program; do
		case $program in
		/usr/sbin/init | /usr/sbin/nft | /usr/sbin/mke2fs | /usr/bin/merestone-agent) ;;
		/usr/libexec/merestone/quoter | /usr/libexec/merestone/locator | /usr/libexec/merestone/prover) ;;
		/usr/libexec/merestone/state | /usr/libexec/merestone/updater) ;;
		*) echo "$program is a program" && return 1 ;;
		esac
	done <programs
	find root -type f -perm /111 -exec sh -c 'for f; do head -c 4 "$f" | grep -q ELF || echo "$f"; done' sh {} + >others
	[ ! -s others ]
	[ -z "$(find root ! -type l -perm /6000)" ]
	[ -z "$(find root ! -type l -perm /022)" ]
	[ -z "$(getfattr -R -d -m - root 2>/dev/null)" ]
}

@test "every program of the root finds its libraries in the root" {
	root_tree
	while read -r program; do
		objdump -p "$program" | awk '$1 == "NEEDED" { print $2 }' | while read -r library; do
			[ -e "root/usr/lib/x86_64-linux-gnu/$library" ] || [ -e "root/usr/lib64/$library" ] ||
				{ echo "$program needs $library" && exit 1; }
		done
	done < <(find root -type f -perm /111)
	[ "$(readlink root/lib64)" = usr/lib64 ]
	[ -e root/usr/lib64/ld-linux-x86-64.so.2 ]
}

@test "the initramfs has one program, modules and their order, and no more" {
	initrd_tree
	[ "$(find initrd -type f ! -path 'initrd/modules/*')" = initrd/init ]
	(cd initrd/modules && find . -name '*.ko' -printf '%f\n') | sort >there
	sort initrd/modules/list | diff there -
	readelf -l initrd/init >segments
	run ! grep INTERP segments
	for module in erofs dm-verity virtio_blk; do
		grep -qx "$module.ko" initrd/modules/list
	done
}

@test "the bill of materials names every file with its digest, its package and version" {
	root_tree
	initrd_tree
	{
		(cd root && find . -type f ! -path ./usr/share/merestone/sbom.cdx.json -exec sha256sum {} +) | sed 's| \+[.]|  root:|'
		(cd initrd && find . -type f -exec sha256sum {} +) | sed 's| \+[.]|  initrd:|'
	} | sort >there
	jq -r '.components[].components[] | "\(.hashes[0].content)  \(.name)"' "$BUILT/sbom.cdx.json" | sort >told
	comm -23 there told >untold
	[ ! -s untold ] || { cat untold && return 1; }
	[ "$(comm -13 there told | sed 's/.*  //' | xargs)" = 'esp:/EFI/BOOT/BOOTX64.EFI uki:.linux uki:stub' ]
	jq -e '.bomFormat == "CycloneDX" and .specVersion == "1.5" and (.serialNumber | test("^urn:uuid:[0-9a-f-]{36}$")) and
		([.components[] | .version, .purl, .supplier.name] | all(. != null and . != "")) and
		([.. | objects | .["bom-ref"]? // empty] | length == (unique | length)) and
		(.dependencies[0].dependsOn - [.components[]["bom-ref"]] == [])' "$BUILT/sbom.cdx.json"
	jq -S 'del(.metadata.component.components)' "$BUILT/sbom.cdx.json" >beside
	jq -S . root/usr/share/merestone/sbom.cdx.json | diff beside -
	[ "$(jq -r '.metadata.component.components[0].hashes[0].content' "$BUILT/sbom.cdx.json")" = \
		"$(sha256sum <"$BUILT/root.img" | cut -d' ' -f1)" ]
}

@test "the debug variant has another command line, and with it other registers" {
	build "$ROOT" out IMAGE_DEBUG=1
	grep -q 'merestone[.]debug$' out/cloud-1-debug/cmdline
	[ "$(jq -r .root_hash out/cloud-1-debug/root.json)" != "$(jq -r .root_hash "$BUILT/root.json")" ]
}

# ---- what does not become an image ----

@test "a build that lacks something says what, and leaves nothing behind" {
	refused() {
		local said=$1
		shift
		run -1 build "$ROOT" "$PWD/none" "$@"
		[[ $output == *"merestone: error: $said"* ]] || { echo "$output" && return 1; }
		[ -z "$(find none -mindepth 1 2>/dev/null)" ]
	}
	refused 'IMAGE_VARIANT is small' IMAGE_VARIANT=small
	refused 'IMAGE_VERSION is 1.2' IMAGE_VERSION=1.2
	refused 'IMAGE_VERSION is 0' IMAGE_VERSION=0
	refused 'IMAGE_VERSION is 256' IMAGE_VERSION=256
	refused 'IMAGE_ENROL is yes' IMAGE_ENROL=yes
	mkdir keys
	refused "the keys have no PK.esl: $PWD/keys" IMAGE_KEYS="$PWD/keys"
	mkdir programs
	ln -s "$ROOT/build/merestone" programs/
	refused "$PWD/programs/firmware/init/first is not built" IMAGE_PROGRAMS="$PWD/programs"
}

# ---- onto a disk ----

@test "a file that is flashed holds the image, and takes no more room" {
	flash new.img
	cmp new.img "$BUILT/merestone.img"
	[ "$(stat -c %b new.img)" -lt $(($(stat -c %s new.img) / 1024)) ]
}

@test "a larger target holds the image, with a table of partitions that is its own, and nothing else of it is touched" {
	head -c 420M /dev/urandom >old.img
	tail -c 2M old.img | head -c 1M >behind
	flash --yes old.img
	sfdisk --verify old.img | grep -q 'No errors detected'
	[ "$(sfdisk -d old.img | sed -n 's/.*start=/start=/p')" = "$(sfdisk -d "$BUILT/merestone.img" | sed -n 's/.*start=/start=/p')" ]
	cmp -i 17408 -n $((385 * 1024 * 1024)) old.img "$BUILT/merestone.img"
	tail -c 2M old.img | head -c 1M | cmp behind -
}

@test "a site file is put on the flashed disk alone, again and again, and the file system stays whole" {
	"$ROOT/build/merestone" init authority --trust-domain edge.example >/dev/null
	for port in 1 2; do
		"$ROOT/build/merestone" --kit authority/officer image site "edge-$port" --authority "https://10.0.2.2:844$port" \
			--out site.jws
		flash --yes --site site.jws disk.img
		mtype -i disk.img@@1M ::/merestone/site.jws | cmp - site.jws
	done
	dd if=disk.img of=esp.img bs=1M skip=1 count=128 status=none
	fsck.vfat -n esp.img
	cmp -i 129MiB disk.img "$BUILT/merestone.img"
	head -c 100 site.jws >half.jws
	run ! flash --site half.jws new.img
	[[ $output == *"half.jws: the site file: not a JWS of three parts"* ]]
	[ ! -e new.img ]
}

@test "what is erased is shown before, and only somebody who agrees erases it" {
	cp --sparse=always "$BUILT/merestone.img" disk.img
	printf x | dd of=disk.img bs=1 seek=200M conv=notrunc status=none
	run -1 flash disk.img </dev/null
	[[ $output == *"disk.img: file, 386 MiB. All of it will be erased."*"partition 2  root-a "*"64 MiB"* ]]
	[[ $output == *"disk.img would be erased, and nobody is here to agree"*"--yes agrees"* ]]
	run -1 script -qec "$ROOT/build/merestone image flash --image $BUILT/merestone.img disk.img" /dev/null <<<no
	[[ $output == *"disk.img is as it was"* ]]
	run ! cmp -s disk.img "$BUILT/merestone.img"
	run -0 script -qec "$ROOT/build/merestone image flash --image $BUILT/merestone.img disk.img" /dev/null <<<yes
	[[ $output == *"writing "*"verifying "*"100 %"*"read back and compared"* ]]
	cmp disk.img "$BUILT/merestone.img"
}

@test "what cannot be flashed is refused with its reason, and is as it was" {
	refused() {
		local said=$1
		shift
		run flash --yes "$@" </dev/null
		[ "$status" -ne 0 ]
		[[ $output == *"merestone: error: "*"$said"* ]] || { echo "$output" && return 1; }
	}
	truncate -s 385M small.img
	refused "small.img is too small: it has 403701760 bytes and the image 404750336" small.img
	[ "$(tr -d '\0' <small.img | wc -c)" = 0 ]
	refused "/dev/null is neither a disk nor a file" /dev/null
	refused "$PWD is neither a disk nor a file" "$PWD"
	ln -s "$BUILT/merestone.img" link.img
	refused "link.img is the image itself" link.img
	refused "No such file or directory" "$PWD/none/disk.img"
	refused "there is no disk /dev/merestone-none" /dev/merestone-none
	[ ! -e /dev/merestone-none ]
	[ ! -e none ]
}

@test "what is no image of ours, or not all of one, is not written" {
	refused() {
		run "$ROOT/build/merestone" image flash --yes --image "$1" target.img
		[ "$status" -ne 0 ]
		[[ $output == *"$2"* ]] || { echo "$output" && return 1; }
		[ ! -e target.img ]
	}
	head -c 300M "$BUILT/merestone.img" >short.img
	refused short.img "the image is cut short: it has 314572800 of 404750336 bytes"
	head -c 4096 "$BUILT/merestone.img" >head.img
	refused head.img "this is no image of a disk: UEFI 5.3.3"
	head -c 1M /dev/zero >zero.img
	refused zero.img "this is no image of a disk: there is no GPT"
	truncate -s 64M other.img
	echo 'label: gpt
size=1MiB, name=data' | sfdisk -q other.img
	refused other.img "this is the image of another disk, without esp, root-a, root-b and state"
	refused /dev/null "an image is a file"
	refused none.img "No such file or directory"
}

@test "a disk of which something is mounted is refused, and one that is free is written" {
	local loop
	[ "$(id -u)" = 0 ] || skip "only root has disks"
	truncate -s 400M disk.img
	loop=$(losetup --find --show disk.img 2>/dev/null) || skip "there are no loop devices here"
	# The loop device is this test's own.
	mkfs.ext4 -q "$loop"
	mkdir mounted
	mount "$loop" mounted || { losetup -d "$loop" && skip "nothing can be mounted here"; }
	run flash --yes "$loop"
	umount mounted
	[ "$status" = 1 ] && [[ $output == *"$loop is in use: it, or a partition of it, is mounted"* ]] || { losetup -d "$loop"; echo "$output"; return 1; }
	run flash --yes "$loop"
	losetup -d "$loop"
	[ "$status" = 0 ] && [[ $output == *"$loop: disk, 400 MiB"* ]]
	cmp -i 17408 disk.img "$BUILT/merestone.img" -n $((385 * 1024 * 1024))
}
