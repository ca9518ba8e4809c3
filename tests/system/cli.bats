#!/usr/bin/env bats
# The command line by itself: usage, files that init makes, and what can be asked without an authority.

bats_require_minimum_version 1.5.0

setup_file() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	export ROOT
	"$ROOT/build/merestone" init "$BATS_FILE_TMPDIR/authority" --trust-domain edge.example --listen 127.0.0.1:1 >/dev/null
}

setup() {
	A=$BATS_FILE_TMPDIR/authority
	VECTORS=$ROOT/tests/vectors
	cd "$BATS_TEST_TMPDIR" || return
	unset MERESTONE_KIT
}

merestone() {
	"$ROOT/build/merestone" "$@"
}

# refused STATUS TEXT COMMAND...: the exit status, and an error line with that text
refused() {
	local status_wanted=$1 text=$2
	shift 2
	run "$@"
	echo "$output"
	[ "$status" -eq "$status_wanted" ] && [[ $output == *"merestone: error: "*"$text"* ]]
}

hinted() {
	[[ $output == *"merestone: hint: "*"$1"* ]]
}

modes() { # modes MODE FILE...
	local mode=$1 file
	shift
	for file; do
		[ "$(stat -c %a "$A/$file")" = "$mode" ] || { echo "$file: $(stat -c %a "$A/$file")"; return 1; }
	done
}

circle() {
	printf '{"type":"Circle","center":[4.35,50.85],"radius_m":400000}\n'
}

@test "no noun prints the usage and exits 2" {
	run merestone
	[ "$status" -eq 2 ]
	[[ $output == "usage: merestone"* ]]
}

@test "help names every verb and exits 0" {
	run merestone help
	[ "$status" -eq 0 ]
	for words in init 'fence put' 'fence check' 'reference learn' 'domain put' 'dataset create' 'ek approve' \
		'cloudlet revoke' 'report verify' explain; do
		[[ $output == *"merestone $words"* ]]
	done
}

@test "an unknown noun exits 2 and says where to look" {
	refused 2 'there is no "fense"' merestone fense put
	hinted 'merestone help'
}

@test "an unknown verb exits 2 with the verbs of its noun" {
	run merestone fence burn
	[ "$status" -eq 2 ]
	[[ $output == *"merestone fence put"*"merestone fence check"* ]]
	[[ $output != *"merestone domain"* ]]
}

@test "missing, spare and unknown arguments exit 2" {
	for words in init 'init a b --trust-domain x' 'fence put a' 'fence check a 1 2' 'report verify a' explain \
		'explain 1 2' 'dataset create a' 'cloudlet list --all' 'fence put a b --version'; do
		# shellcheck disable=SC2086
		run merestone $words
		[ "$status" -eq 2 ] || { echo "$words: $status"; false; }
		[[ $output == *usage:* ]]
	done
}

@test "init keeps keys to their owner and shows what is public" {
	modes 700 door door/blobs judge decider keeper officer auditor
	modes 600 keeper/{ca,lease,result,dataset}.key door/tls.key officer/{officer,tls}.key auditor/tls.key
	modes 644 authority.json authority.pub ca.pem decider/officers.pem officer/{kit.json,tls.pem,ca.pem,authority.pub}
	[ ! -e "$A/auditor/officer.key" ]
	[ "$(find "$A" -name '*.key' ! -perm 600)" = "" ]
}

@test "init makes certificates that its CA stands behind" {
	openssl verify -CAfile "$A/ca.pem" -purpose sslserver "$A/door/tls.pem"
	openssl verify -CAfile "$A/ca.pem" -purpose sslclient "$A/officer/tls.pem" "$A/auditor/tls.pem"
	openssl x509 -in "$A/officer/tls.pem" -noout -ext subjectAltName |
		grep -q 'URI:spiffe://edge.example/role/security-officer/officer$'
	openssl x509 -in "$A/door/tls.pem" -noout -checkip 127.0.0.1 | grep -q 'does match'
}

@test "the address in a kit is a name in the door's certificate" {
	merestone --json init a --trust-domain edge.example --listen 127.0.0.1:7 --host edge.example --host localhost
	[ "$(jq -r .url a/officer/kit.json)" = https://edge.example:7 ]
	openssl x509 -in a/door/tls.pem -noout -checkhost edge.example | grep -q 'does match'
	openssl x509 -in a/door/tls.pem -noout -checkhost localhost | grep -q 'does match'
	merestone init b --trust-domain edge.example --listen '[::1]:7'
	[ "$(jq -r .url b/officer/kit.json)" = 'https://[::1]:7' ]
	openssl x509 -in b/door/tls.pem -noout -checkip ::1 | grep -q 'does match'
}

@test "init never writes into a directory that has something in it" {
	mkdir full
	touch full/.hidden
	refused 1 'is not empty' merestone init full --trust-domain edge.example
	[ "$(ls -A full)" = .hidden ]
	refused 1 'is not empty' merestone init "$A" --trust-domain edge.example
}

@test "init refuses a bad trust domain and a bad address before it makes anything" {
	for domain in '' 'Edge.Example' 'edge/example' 'spiffe://edge' 'edge example' "$(printf 'a%.0s' $(seq 300))"; do
		refused 1 'is not a trust domain' merestone init d --trust-domain "$domain"
	done
	refused 1 --listen merestone init d --trust-domain edge.example --listen 8443
	[ ! -e d ]
}

@test "init refuses a short passphrase and leaves no key" {
	printf 'short\n' >pass
	refused 1 'shorter than 12' merestone init d --trust-domain edge.example --passphrase-file pass
	[ "$(find d -type f)" = "" ]
	printf 'a long passphrase\n' >pass
	merestone init d --trust-domain edge.example --passphrase-file pass
	head -1 d/keeper/lease.key | grep -q ENCRYPTED
	head -1 d/officer/officer.key | grep -qv ENCRYPTED
}

@test "init refuses vendor roots that pin nothing" {
	printf 'nothing\n' >roots.pem
	run merestone init d --trust-domain edge.example --ek-roots roots.pem
	[ "$status" -eq 1 ]
	[[ $output == *roots.pem* ]]
	[ ! -e d ]
	run merestone init d --trust-domain edge.example --ek-roots "$VECTORS/nothing.pem"
	[ "$status" -eq 3 ]
}

@test "fence check says inside, outside and ambiguous, and only inside is yes" {
	run merestone fence check "$VECTORS/fence/geoA.json" 52.52 13.405 1000
	[ "$status" -eq 0 ]
	[[ $output == *": inside,"* ]]
	refused 1 'is outside' merestone fence check "$VECTORS/fence/geoA.json" 48.8566 2.3522 1000
	refused 1 'is ambiguous' merestone fence check "$VECTORS/fence/geoA.json" 52.52 13.405 500000
	refused 1 'is outside' merestone fence check "$VECTORS/fence/geoA.json" 51.5074 -0.1278 1000
}

@test "fence check --json is JSON whatever the file is called" {
	cp "$VECTORS/fence/geoC.json" 'a "fence".json'
	merestone --json fence check 'a "fence".json' 50.85 4.35 10 >out
	[ "$(jq -r '[.fence, .place] | join("|")' out)" = 'a "fence".json|inside' ]
	jq -e '.distance_m > 399000 and .needed_m > 10' out
}

@test "fence check refuses positions that are none and files that are no fence" {
	refused 1 LAT merestone fence check "$VECTORS/fence/geoA.json" 91 13 10
	refused 1 LON merestone fence check "$VECTORS/fence/geoA.json" 52 181 10
	refused 1 UNCERTAINTY_M merestone fence check "$VECTORS/fence/geoA.json" 52 13 -1
	refused 1 LAT merestone fence check "$VECTORS/fence/geoA.json" 52,5 13 10
	echo '{"geometry":7}' >bad.json
	refused 1 bad.json merestone fence check bad.json 52 13 10
	refused 3 none.json merestone fence check none.json 52 13 10
}

@test "a circle and a polygon of plain GeoJSON become fences with the map's accuracy" {
	circle >circle.json
	jq .geometry "$VECTORS/fence/geoA.json" >polygon.json
	for file in circle.json polygon.json; do
		refused 1 'how accurate' merestone --kit "$A/officer" fence put a "$file" --version 1
		hinted --map-accuracy
		# what is left to fail is the authority, which is not there
		refused 3 'no answer from' merestone --kit "$A/officer" fence put a "$file" --version 1 --map-accuracy 100
	done
}

@test "documents are refused where they can be mended: before they are sent" {
	echo '{}' >empty.json
	refused 1 'fence' merestone --kit "$A/officer" domain put a empty.json --version 1
	refused 1 'is not a name' merestone --kit "$A/officer" domain put a_b empty.json --version 1
	refused 1 --version merestone --kit "$A/officer" domain put a empty.json --version 1.5
	refused 1 ek_sha256 merestone --kit "$A/officer" ek approve berlin-1 abc --version 1
	refused 1 UTF-8 merestone --kit "$A/officer" cloudlet revoke berlin-1 --reason $'\xff' --version 1
}

@test "an auditor's kit signs nothing" {
	circle >circle.json
	run merestone --kit "$A/auditor" fence put a circle.json --version 1 --map-accuracy 100
	[ "$status" -ne 0 ]
	hinted "officer's kit"
}

@test "without a kit there is a hint" {
	refused 1 'no kit is named' merestone fence list
	hinted MERESTONE_KIT
	MERESTONE_KIT=$A/officer refused 3 'no answer from https://127.0.0.1:1' merestone fence list
	hinted 'is the authority running'
	refused 3 kit.json merestone --kit "$BATS_TEST_TMPDIR" fence list
}

@test "reference learn turns a boot log into the reference set of the vectors" {
	merestone reference learn "$VECTORS/eventlog/ovmf-secureboot.eventlog" >set.json
	diff <(jq -S . set.json) <(jq -S . "$VECTORS/reference/ovmf-secureboot.json")
	merestone reference learn - <"$VECTORS/eventlog/ovmf-secureboot.eventlog" | cmp - set.json
}

@test "reference import --corim prints a set, and what was left out on standard error" {
	run --separate-stderr merestone reference import --corim "$VECTORS/corim/parsec.corim"
	[ "$status" -eq 0 ]
	jq -e '.pcrs | keys == ["0", "1", "11", "12", "2", "3", "4", "7", "9"]' <<<"$output"
	# shellcheck disable=SC2154
	[[ $stderr == *"3 digests of other algorithms than SHA-256: left out"* ]]
	merestone reference import --corim - <"$VECTORS/corim/parsec.corim" 2>err | jq -e .pcrs >/dev/null
	run --separate-stderr merestone reference import --corim "$VECTORS/corim/signed.corim"
	[ "$status" -eq 0 ] && [[ $stderr == *"the signature was not verified"* ]]
}

@test "reference import --corim refuses what leaves a register open, and says which" {
	refused 1 "gives no SHA-256 of PCR 1, 2, 3, 9, 11, 12" merestone reference import --corim "$VECTORS/corim/known.corim"
	hinted --log
	refused 1 "PCR 0: the boot log is of a machine that the CoRIM does not approve" merestone reference import \
		--corim "$VECTORS/corim/known.corim" --log "$VECTORS/eventlog/ovmf-secureboot.eventlog"
	refused 1 "EnactTrust" merestone reference import --corim "$VECTORS/corim/enacttrust.corim"
	refused 1 "CoRIM: CBOR" merestone reference import --corim "$VECTORS/eventlog/ovmf-secureboot.pcrs"
	refused 3 "missing.corim" merestone reference import --corim missing.corim
	run merestone reference import --corim "$VECTORS/corim/whole.corim" --keylime state.json
	[ "$status" -eq 2 ]
}

@test "reference learn refuses what is no boot log, and prints nothing" {
	head -c 5000 /dev/zero >garbage
	head -c 1000 "$VECTORS/eventlog/ovmf-secureboot.eventlog" >short
	for file in garbage short /dev/null; do
		run --separate-stderr merestone reference learn "$file"
		[ "$status" -ne 0 ]
		[ "$output" = "" ]
		# shellcheck disable=SC2154
		[[ $stderr == *"$file"* ]]
	done
}

@test "report verify refuses garbage and a missing file, each in its way" {
	echo garbage >report.json
	refused 1 report.json merestone report verify report.json --key "$A/authority.pub"
	printf '{"payload":"e30","protected":"e30","signature":"AA"}\n' >report.json
	refused 1 report.json merestone report verify report.json --key "$A/authority.pub"
	refused 3 none.json merestone report verify none.json --key "$A/authority.pub"
	refused 3 none.pub merestone report verify report.json --key none.pub
	refused 1 report.json merestone report verify report.json --key report.json
}

unhex() {
	printf %b "$(sed 's/../\\x&/g')"
}

b64url() {
	base64 -w0 | tr '+/' '-_' | tr -d =
}

# number KEY OFFSET: x or y of a P-256 key
number() {
	openssl pkey -in "$1" -pubout -outform DER | tail -c 64 | tail -c "+$2" | head -c 32 | b64url
}

# sign KEY: r || s over standard input
sign() {
	openssl dgst -sha256 -sign "$1" | openssl asn1parse -inform DER | sed -n 's/.*INTEGER *:/0000/p' |
		while read -r hex; do printf %s "${hex: -64}"; done | unhex | b64url
}

# report KEY: the report of a first case, made without a line of the program's
report() {
	local kid record digest leaf payload head
	kid=$(printf '{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}' "$(number "$1" 1)" "$(number "$1" 33)" |
		openssl dgst -sha256 -binary | b64url)
	record='{"case":1,"time":1800000000,"kind":"attest","machine":"berlin-1","outcome":"refusal","reason":"stale","sentence":"too late","hint":""}'
	digest=$(printf %s "$record" | sha256sum | cut -c 1-64)
	leaf=$(printf '%064d%s' 0 "$digest" | unhex | sha256sum | cut -c 1-64)
	payload=$(printf '{"format":"merestone-report/1","case":1,"issued":1800000000,"record":"%s","previous":"%064d","leaf":"%s","head":{"case":1,"hash":"%s"}}' \
		"$(printf %s "$record" | b64url)" 0 "$leaf" "$leaf" | b64url)
	head=$(printf '{"alg":"ES256","kid":"%s","typ":"merestone-report+jws"}' "$kid" | b64url)
	printf '{"payload":"%s","protected":"%s","signature":"%s"}\n' "$payload" "$head" \
		"$(printf %s.%s "$head" "$payload" | sign "$1")"
}

@test "report verify needs the report and the authority's key, and nothing else" {
	report "$A/keeper/result.key" >report.json
	offline=
	! unshare -rn true 2>/dev/null || offline='unshare -rn'
	run $offline "$ROOT/build/merestone" report verify report.json --key "$A/authority.pub"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *berlin-1*"too late"* ]]
	merestone --json report verify report.json --key "$A/authority.pub" | jq -e .verified
}

@test "report verify refuses another key and a changed byte" {
	report "$A/keeper/result.key" >report.json
	refused 1 report.json merestone report verify report.json --key "$A/officer/officer.key"
	for at in 30 200 600 -5; do
		if [ "$at" -lt 0 ]; then at=$(($(stat -c %s report.json) + at)); fi
		cp report.json changed.json
		printf '~' | dd of=changed.json bs=1 seek="$at" conv=notrunc status=none
		refused 1 changed.json merestone report verify changed.json --key "$A/authority.pub"
	done
	report "$A/officer/officer.key" >forged.json
	refused 1 forged.json merestone report verify forged.json --key "$A/authority.pub"
}

@test "a case is a whole number from one on" {
	for number in 0 -1 1.5 x '' 99999999999999999999; do
		refused 1 CASE merestone --kit "$A/auditor" explain "$number"
		refused 1 CASE merestone --kit "$A/auditor" report pull "$number"
	done
}
