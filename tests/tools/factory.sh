#!/bin/sh
# factory: makes a machine: a new software TPM in DIR, switched on, with a P-256 endorsement certificate by a vendor CA
# that is thrown away with its directory.
# usage: factory.sh DIR CA_DIR   the vendor's root and intermediate are then in CA_DIR/roots.pem
set -eu
[ $# = 2 ] || {
	echo 'usage: factory.sh DIR CA_DIR' >&2
	exit 2
}
tools=$(cd "$(dirname "$0")" && pwd)
ekvendor=${EKVENDOR:-$tools/../../build/tools/ekvendor}
mkdir -p "$1" "$2"
dir=$(cd "$1" && pwd)
ca=$(cd "$2" && pwd)
umask 077

fail() {
	echo "factory: error: $1" >&2
	exit 3
}

[ -x "$ekvendor" ] || fail "$ekvendor is not built: make build/tools/ekvendor"
[ -z "$(ls -A "$dir")" ] || fail "$dir is not empty"

# The CA makes itself at its first certificate.
[ -e "$ca/localca.conf" ] || cat >"$ca/localca.conf" <<EOF
statedir = $ca
signingkey = $ca/signkey.pem
issuercert = $ca/issuercert.pem
certserial = $ca/certserial
EOF
[ -e "$ca/localca.options" ] || : >"$ca/localca.options"

"$tools/swtpm-start.sh" "$dir" || fail "the software TPM in $dir does not start"
tcti=swtpm:path=$dir/sock
key=$("$ekvendor" show "$tcti") || fail 'the endorsement key cannot be made'
swtpm_localca --type ek --ek "$key" --dir "$dir" --vmid "$(basename "$dir")" --tpm2 --decryption \
	--configfile "$ca/localca.conf" --optsfile "$ca/localca.options" --logfile "$ca/log" \
	--tpm-spec-family 2.0 --tpm-spec-level 0 --tpm-spec-revision 164 \
	--tpm-manufacturer id:00001014 --tpm-model swtpm --tpm-version id:20191023 >/dev/null 2>&1 ||
	fail "the vendor issues no certificate, see $ca/log"
"$ekvendor" put "$tcti" "$dir/ek.cert" || fail 'the certificate cannot be written to the TPM'
cat "$ca/swtpm-localca-rootca-cert.pem" "$ca/issuercert.pem" >"$ca/roots.pem"
