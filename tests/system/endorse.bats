#!/usr/bin/env bats
# Machines as their vendors make them: a software TPM by swtpm_setup and nothing else, whose vendor an officer pins by a
# signed document; and the certificates of real vendors.

# shellcheck disable=SC2154
load housekit.bash

setup_file() {
	make_authority
	start_authority
	make_domains 600 geoA
}

teardown_file() {
	tear_down_house
}

# as_delivered NAME: RSA-2048 and P-384 endorsement keys with certificates, as swtpm_setup makes them
as_delivered() {
	local tpm=$H/$1/tpm
	mkdir -p "$tpm" "$H/maker"
	printf 'statedir = %s\nsigningkey = %s/key.pem\nissuercert = %s/issuer.pem\ncertserial = %s/serial\n' \
		"$H/maker" "$H/maker" "$H/maker" "$H/maker" >"$H/maker/localca.conf"
	printf -- '--tpm-manufacturer id:00001014\n--tpm-model swtpm\n--tpm-version id:20191023\n' >"$H/maker/localca.options"
	printf 'create_certs_tool = %s\ncreate_certs_tool_config = %s\ncreate_certs_tool_options = %s\nactive_pcr_banks = sha256\n' \
		"$(command -v swtpm_localca)" "$H/maker/localca.conf" "$H/maker/localca.options" >"$H/maker/setup.conf"
	swtpm_setup --tpm2 --config "$H/maker/setup.conf" --tpmstate "$tpm" --create-ek-cert --overwrite >"$H/maker/log" 2>&1
	cat "$H/maker/swtpm-localca-rootca-cert.pem" "$H/maker/issuer.pem" >"$H/maker/roots.pem"
}

# nv_drop NAME INDEX: the platform may, and nobody has taken it
nv_drop() {
	TPM2TOOLS_TCTI=swtpm:path=$H/$1/tpm/sock tpm2_nvundefine -C p "$2"
}

@test "a machine whose vendor nobody pinned is refused, and enrols once an officer has" {
	as_delivered plain
	make_machine plain
	run agent plain attest
	says 1 'no vendor roots' 'ek approve plain'
	officer ek import-roots "$H/maker/roots.pem" --name maker
	run agent plain attest
	says 0
	[ "$(allowed plain)" = geoA ]
	TPM2TOOLS_TCTI=swtpm:path=$H/plain/tpm/sock tpm2_getcap handles-nv-index | grep -qi 0x1c00016
}

@test "a machine with an RSA key alone enrols too" {
	as_delivered rsa
	make_machine rsa
	nv_drop rsa 0x1c00016
	run agent rsa attest
	says 0
	[ "$(allowed rsa)" = geoA ]
}

@test "a vendor that a newer document leaves out is believed no more" {
	as_delivered late
	make_machine late
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$H/other.key" -out "$H/other.pem" \
		-subj /CN=Other -days 2 2>/dev/null
	officer ek import-roots "$H/other.pem" --name maker
	run agent late attest
	says 1 'no pinned vendor root'
	run agent plain attest # who is enrolled stays so
	says 0
}

@test "roots that cannot be pinned are named, and the others are taken" {
	mkdir -p "$H/some"
	cp "$H/other.pem" "$H/some/a.pem"
	openssl x509 -in "$H/maker/issuer.pem" -outform DER -out "$H/some/b.der"
	echo nothing >"$H/some/c.txt"
	openssl x509 -in "$H/authority/door/tls.pem" -out "$H/some/d.pem"
	cp "$H/other.pem" "$H/some/e-again.pem"
	run officer ek import-roots "$H/some" --name several
	says 0 'vendor several is at version 1' 'refused: '"$H"'/some/c.txt: it holds no certificate' \
		'd.pem: vendor roots: ' 'is not a certification authority' '2 certificates are pinned, 2 were refused'
	run officer ek roots
	says 0 several maker CERTIFICATES
	run officer ek import-roots "$H/some/c.txt"
	says 1 'holds no certificate that can be pinned'
	run officer ek import-roots "$H/nowhere"
	says 3 nowhere
}

@test "the certificates of real vendors load, each of them" {
	roots=$ROOT/../shared/fixtures/ek-roots
	[ -d "$roots" ] || skip 'they are not here'
	run officer ek import-roots "$roots" --name real
	says 0 'vendor real is at version 1' ', 0 were refused'
	[ "$(officer --json ek roots | jq '.[]|select(.name=="real").certificates')" -ge 40 ]
}
