# shellcheck shell=bash
# Virtual machines that boot as real ones do: OVMF with Secure Boot and System Management Mode, a software TPM with an
# endorsement certificate, one disk, one network card. Sourced. Software emulation only: KVM is never chosen, whatever
# this machine offers. A machine is a directory DIR, whose path may be long; its sockets are elsewhere:
#   vars.fd      the firmware's variables         tpm/        the TPM's state, persistent over boots
#   disk.img     its own copy of the disk         serial.log  what the console said since the last start
#   pid          of QEMU                          run         where the sockets are

VM_TOOLS=$(cd "$(dirname "${BASH_SOURCE[0]}")/../tools" && pwd)
VM_FIRMWARE=${VM_FIRMWARE:-/usr/share/OVMF/OVMF_CODE_4M.secboot.fd}
VM_VARIABLES=${VM_VARIABLES:-/usr/share/OVMF/OVMF_VARS_4M.fd}

# vm_new DIR CA_DIR [KEYS]: a machine from the factory. With KEYS (PK, KEK and db as .esl files) its Secure Boot
# is on and trusts them; without, it is in Setup Mode.
vm_new() {
	local dir=$1 ca=$2 keys=${3-} run name
	mkdir -p "$dir/tpm"
	run=$(mktemp -d "${TMPDIR:-/tmp}/vm.XXXXXX")
	echo "$run" >"$dir/run"
	vm_tpm "$dir" "$ca"
	cp "$VM_VARIABLES" "$dir/vars.fd"
	[ -z "$keys" ] || for name in db KEK PK; do
		flash-var -t '2026-01-01 00:00:00' "$dir/vars.fd" "$name" "$keys/$name.esl" >/dev/null
	done
}

# One bank of registers, as appliances are sold; the firmware then hashes once.
vm_tpm() {
	local short
	short=$(cat "$1/run")/tpm
	"$VM_TOOLS/factory.sh" "$short" "$2"
	TPM2TOOLS_TCTI=swtpm:path=$short/sock tpm2_pcrallocate sha1:none+sha256:all+sha384:none+sha512:none >/dev/null
	"$VM_TOOLS/swtpm-stop.sh" "$short"
	cp -a "$short/." "$1/tpm/"
	rm -rf "$short"
}

# vm_start DIR DISK|- [QEMU ARGUMENT]...: powers on. DISK is copied at the first start; "-" keeps what the machine has.
vm_start() {
	local dir=$1 disk=$2 run
	shift 2
	run=$(cat "$dir/run")
	[ "$disk" = - ] || cp --sparse=always "$disk" "$dir/disk.img"
	: >"$dir/serial.log"
	rm -f "$run/tpm.sock"
	swtpm socket --tpm2 --tpmstate "dir=$dir/tpm" --ctrl "type=unixio,path=$run/tpm.sock" --terminate \
		--pid "file=$run/tpm.pid" --daemon </dev/null >/dev/null 2>&1
	qemu-system-x86_64 -machine q35,smm=on -accel tcg -cpu max -smp 1 -m 512 -nodefaults -display none \
		-global driver=cfi.pflash01,property=secure,value=on -global ICH9-LPC.disable_s3=1 \
		-drive "if=pflash,format=raw,unit=0,readonly=on,file=$VM_FIRMWARE" \
		-drive "if=pflash,format=raw,unit=1,file=$dir/vars.fd" \
		-drive "if=virtio,format=raw,file=$dir/disk.img" \
		-chardev "socket,id=ctpm,path=$run/tpm.sock" -tpmdev emulator,id=tpm0,chardev=ctpm -device tpm-tis,tpmdev=tpm0 \
		-netdev user,id=n0 -device virtio-net-pci,netdev=n0,romfile= \
		-serial "file:$dir/serial.log" "$@" \
		</dev/null >"$dir/qemu.log" 2>&1 &
	echo $! >"$dir/pid"
	disown
}

# vm_kernel DIR KERNEL INITRD COMMAND_LINE [QEMU ARGUMENT]...: no firmware, no TPM, no disk: a few seconds.
vm_kernel() {
	local dir=$1 kernel=$2 initrd=$3 line=$4
	shift 4
	mkdir -p "$dir"
	: >"$dir/serial.log"
	qemu-system-x86_64 -machine q35 -accel tcg -cpu max -smp 1 -m 512 -nodefaults -display none -no-reboot \
		-kernel "$kernel" -initrd "$initrd" -append "$line" -serial "file:$dir/serial.log" "$@" \
		</dev/null >"$dir/qemu.log" 2>&1 &
	echo $! >"$dir/pid"
	disown
}

# vm_wait DIR REGEX [SECONDS]: until the console says it. 1 when it does not, or when the machine is off before.
vm_wait() {
	local dir=$1 regex=$2 seconds=${3:-120} end
	end=$((SECONDS + seconds))
	while [ "$SECONDS" -lt "$end" ]; do
		! grep -aqE "$regex" "$dir/serial.log" || return 0
		if ! vm_is_on "$dir"; then
			grep -aqE "$regex" "$dir/serial.log" && return 0
			echo "vm: the machine in $dir went off before it said: $regex" >&2
			tail -n 5 "$dir/serial.log" "$dir/qemu.log" >&2
			return 1
		fi
		sleep 0.2
	done
	echo "vm: $seconds s passed and the machine in $dir did not say: $regex" >&2
	tail -n 20 "$dir/serial.log" >&2
	return 1
}

vm_is_on() {
	[ -e "$1/pid" ] && kill -0 "$(cat "$1/pid")" 2>/dev/null
}

# vm_stop DIR: pulls the plug. The TPM loses power as well.
vm_stop() {
	local run
	[ -e "$1/pid" ] || return 0
	run=$(cat "$1/run" 2>/dev/null || true)
	kill -KILL "$(cat "$1/pid")" 2>/dev/null || true
	while vm_is_on "$1"; do
		sleep 0.05
	done
	rm -f "$1/pid"
	[ -z "$run" ] || [ ! -e "$run/tpm.pid" ] || while kill -0 "$(cat "$run/tpm.pid")" 2>/dev/null; do
		sleep 0.05
	done
}

# vm_remove DIR: with its sockets.
vm_remove() {
	vm_stop "$1"
	[ ! -e "$1/run" ] || rm -rf "$(cat "$1/run")"
	rm -rf "$1"
}
