# shellcheck shell=bash
# The two trees: the initramfs (one static program and modules) and the root, with neither shell nor interpreter.
# Every file is noted in $work/files: its path, what package or source it is from.
# shellcheck disable=SC2154 # build.sh has the variables

ROOT_UUID=6d657265-7374-6f6e-652d-726f6f740000
LIB=/usr/lib/x86_64-linux-gnu

# tree_put MODE FROM TREE PATH [ORIGIN]: a file of the image. ORIGIN is the file that a package owns, or nothing: ours.
tree_put() {
	install -D -m "$1" "$2" "$work/$3$4"
	printf '%s\t%s\t%s\n' "$3" "$4" "${5-}" >>"$work/files"
}

# tree_ours MODE FROM TREE PATH: a program of this house, without what tells where it was built.
tree_ours() {
	[ -x "$2" ] || fail "$2 is not built" 'make image'
	strip --strip-all --remove-section=.comment --remove-section=.note.gnu.build-id -o "$work/stripped" "$2"
	tree_put "$1" "$work/stripped" "$3" "$4"
}

# tree_debian FILE: a file of a package, where it is here; with the libraries that it needs.
tree_debian() {
	local file path
	[ -e "$1" ] || fail "$1 is missing" 'make deps-image'
	tree_need "$1"
	while read -r file; do
		path=$(realpath "$(dirname "$file")")/$(basename "$file")
		[ -e "$work/root$path" ] || tree_put 755 "$file" root "$path" "$(realpath "$file")"
	done < <(echo "$1" && tree_libraries "$1")
}

tree_need() {
	! tree_ldd "$1" | grep 'not found' >&2 || fail "a library of $1 is missing"
}

# What the environment puts before every program here is no part of the image.
tree_ldd() {
	env -u LD_PRELOAD -u LD_LIBRARY_PATH ldd "$1" 2>/dev/null
}

tree_libraries() {
	tree_ldd "$1" | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }'
}

tree_initramfs() {
	local module
	mkdir -p "$work/initrd"/{proc,sys,dev,run,root,esp,tmp,modules}
	kernel_modules >"$work/loaded"
	while read -r module; do
		tree_put 644 "$module" initrd "/modules/$(basename "$module")" kernel
	done <"$work/loaded"
	sed 's|.*/||' "$work/loaded" >"$work/modules"
	tree_put 644 "$work/modules" initrd /modules/list
	tree_ours 755 "$programs/firmware/init/first" initrd /init
	find "$work/initrd" -exec touch -h -d "@$epoch" {} +
	(cd "$work/initrd" && find . -mindepth 1 -print0 | sort -z |
		cpio -0 -o -H newc --reproducible --owner=0:0 --quiet) | zstd -q -19 -T1 >"$dir/initrd.cpio.zst"
}

tree_root() {
	local root=$work/root line program
	mkdir -p "$root"/{proc,sys,dev,run,state,esp,tmp,etc/merestone,usr/bin,usr/sbin,usr/lib,usr/lib64,usr/libexec/merestone,usr/share/merestone}
	ln -s usr/bin "$root/bin"
	ln -s usr/sbin "$root/sbin"
	ln -s usr/lib "$root/lib"
	ln -s usr/lib64 "$root/lib64"
	tree_program firmware/init/supervisor /usr/sbin/init
	tree_program merestone-agent /usr/bin/merestone-agent
	for program in quoter locator prover state updater; do
		tree_program "libexec/$program" "/usr/libexec/merestone/$program"
	done
	while read -r line; do
		case $line in
		'' | '#'*) ;;
		*) tree_debian "$line" ;;
		esac
	done <"$here/programs.list"
	tree_loader
	tree_etc
}

# tree_program BUILT PATH: with its libraries.
tree_program() {
	local file
	tree_ours 755 "$programs/$1" root "$2"
	tree_need "$programs/$1"
	for file in $(tree_libraries "$programs/$1"); do
		tree_debian "$file"
	done
}

# The kernel looks for the loader under its old name only.
tree_loader() {
	[ -e "$work/root/usr/lib64/ld-linux-x86-64.so.2" ] || ln -s "..${LIB#/usr}/ld-linux-x86-64.so.2" "$work/root/usr/lib64/"
	[ -e "$work/root/usr/lib64/ld-linux-x86-64.so.2" ] || fail 'the root has no program loader'
}

tree_etc() {
	local key
	tree_text /etc/passwd <<-'END'
		root:x:0:0:root:/:/nonexistent
		quoter:x:61210:61210:TPM and measurement logs:/:/nonexistent
		agent:x:61211:61211:network:/:/nonexistent
		locator:x:61212:61212:satellite receiver:/:/nonexistent
		updater:x:61213:61213:image slots:/:/nonexistent
	END
	tree_text /etc/group <<-'END'
		root:x:0:
		quoter:x:61210:
		agent:x:61211:
		locator:x:61212:
		updater:x:61213:
	END
	tree_text /etc/os-release <"$dir/os-release"
	echo "$version" | tree_text /etc/merestone/version
	tree_text /etc/nftables.conf <"$here/../init/nftables.conf"
	for key in update pcr recovery; do
		tree_text "/etc/merestone/$key.pub" <"$keys/$key.pub"
	done
	[ ! -e "$keys/officer.pub" ] || tree_text /etc/merestone/officer.pub <"$keys/officer.pub"
}

tree_text() {
	cat >"$work/text"
	tree_put 644 "$work/text" root "$1"
}

# The root as it lies in its slot: erofs, the verity tree behind it, and nothing in it that is not under the root hash.
tree_seal() {
	local size hash salt
	find "$work/root" -exec touch -h -d "@$epoch" {} +
	mkfs.erofs -zlz4hc -C65536 -T"$epoch" --all-root -U "$ROOT_UUID" -x-1 "$dir/root.img" "$work/root" >"$work/erofs.log" 2>&1 ||
		fail "mkfs.erofs: $(tail -1 "$work/erofs.log")"
	truncate -s %4096 "$dir/root.img"
	size=$(stat -c %s "$dir/root.img")
	salt=$(printf 'merestone root %s' "$name" | sha256sum | cut -d' ' -f1)
	hash=$(veritysetup format --no-superblock --hash=sha256 --data-block-size=4096 --hash-block-size=4096 --salt="$salt" \
		--data-blocks=$((size / 4096)) --hash-offset="$size" "$dir/root.img" "$dir/root.img" | awk '/^Root hash:/ { print $3 }')
	[[ $hash =~ ^[0-9a-f]{64}$ ]] || fail 'veritysetup gave no root hash'
	printf '{"root_hash":"%s","salt":"%s","blocks":%d}\n' "$hash" "$salt" $((size / 4096)) >"$dir/root.json"
	[ "$(stat -c %s "$dir/root.img")" -le $((SLOT_MIB << 20)) ] || fail "the root does not fit a slot of $SLOT_MIB MiB"
}
