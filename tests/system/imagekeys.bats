#!/usr/bin/env bats
# The keys of an appliance: what we write for the firmware are the bytes that efitools writes.

# shellcheck disable=SC2154
bats_require_minimum_version 1.5.0

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
K=$BATS_FILE_TMPDIR/keys

setup_file() {
	"$ROOT/build/merestone" image keys "$K"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

owner() { # the GUID in a signature list, as people write it
	local h
	h=$(od -An -tx1 -j 28 -N 16 "$K/db.esl" | tr -d ' \n')
	echo "${h:6:2}${h:4:2}${h:2:2}${h:0:2}-${h:10:2}${h:8:2}-${h:14:2}${h:12:2}-${h:16:4}-${h:20:12}"
}

# by NAME KEY: the variable, signed by that key
by() {
	TZ=UTC sign-efi-sig-list -t '2026-01-01 00:00:00' -g "$(owner)" -k "$K/$2.key" -c "$K/$2.crt" "$1" "$K/$1.esl" "$1.auth" >/dev/null
}

@test "a signature list is the one that efitools makes of the certificate" {
	for name in PK KEK db; do
		cert-to-efi-sig-list -g "$(owner)" "$K/$name.crt" "$name.esl"
		cmp "$name.esl" "$K/$name.esl"
	done
}

@test "a signed variable is the one that efitools makes, each signed by the key above it" {
	by PK PK
	by KEK PK
	by db KEK
	for name in PK KEK db; do
		cmp "$name.auth" "$K/$name.auth"
	done
}

@test "certificates are of RSA with 2048 bits, and sign themselves" {
	for name in PK KEK db; do
		openssl verify -CAfile "$K/$name.crt" "$K/$name.crt"
		openssl x509 -in "$K/$name.crt" -noout -text | grep -q 'Public-Key: (2048 bit)'
	done
}

@test "the other three are of P-256, and their halves belong together" {
	for name in pcr update recovery; do
		openssl pkey -in "$K/$name.key" -pubout | cmp - "$K/$name.pub"
		openssl pkey -pubin -in "$K/$name.pub" -noout -text | grep -q 'prime256v1'
	done
}

@test "private keys are their owner's alone" {
	[ "$(stat -c %a "$K")" = 700 ]
	for name in PK KEK db pcr update recovery; do
		[ "$(stat -c %a "$K/$name.key")" = 600 ]
	done
}

@test "keys that are there are not replaced" {
	sha256sum "$K"/* >before
	run -3 "$ROOT/build/merestone" image keys "$K"
	[[ $output == *"keys are not replaced"* ]]
	sha256sum --check --quiet before
}

@test "a recovery key opens no state that was made for another, and nothing that is no state" {
	run -1 "$ROOT/build/merestone" image recover --key "$K/recovery.key" "$ROOT/tests/vectors/statetoken/header.luks"
	[[ $output == *"made for another recovery key"* ]]
	run -1 "$ROOT/build/merestone" image recover --key "$K/recovery.key" "$K/db.crt"
	[[ $output == *"neither an encrypted volume nor a recovery token"* ]]
	run -1 "$ROOT/build/merestone" image recover --key "$K/db.crt" "$ROOT/tests/vectors/statetoken/recovery.json"
}
