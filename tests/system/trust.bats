#!/usr/bin/env bats
# What an authority believes: documents, machines, evidence, reports. Each refusal is one sentence with its reason, and
# changes nothing.

# shellcheck disable=SC2154
load housekit.bash

setup_file() {
	make_tpm m1
	VENDOR=$H/othervendor make_tpm m2
	ROOTS=$H/vendor/roots.pem make_authority
	start_authority
	make_domains 600 geoA geoB
	make_machine m1
	boot m2
	agent m1 attest >/dev/null
	stored_document fence geoA >"$H/stored.jws"
}

teardown_file() {
	tear_down_house
}

# ---- Documents as bytes ----

stored_document() { # stored_document KIND NAME
	curl -sf --cacert "$H/authority/ca.pem" --cert "$H/authority/officer/tls.pem" --key "$H/authority/officer/tls.key" \
		"https://127.0.0.1:$(cat "$H/port")/v1/document/$1/$2" |
		jq -j '.payload|gsub("-";"+")|gsub("_";"/")|@base64d|fromjson|.document'
}

b64u() {
	base64 -w 0 | tr '+/' '-_' | tr -d =
}

# r and s of an ECDSA signature in DER, 32 bytes each
raw_signature() {
	openssl asn1parse -inform DER | sed -n 's/.*INTEGER *://p' | while read -r number; do
		printf '%b' "$(printf '%64s' "$number" | tr ' ' 0 | sed 's/../\\x&/g')"
	done
}

# sign PAYLOAD [KEY]: a document in the officer's hand, whatever it says
sign() {
	local text
	text=$(cut -d . -f 1 "$H/stored.jws").$(printf %s "$1" | b64u)
	printf '%s.%s' "$text" "$(printf %s "$text" | openssl dgst -sha256 -sign "${2:-$H/authority/officer/officer.key}" |
		raw_signature | b64u)" >"$H/signed.jws"
}

# post FILE: then $STATUS, $REASON and $SENTENCE are the answer's
post() {
	post_document "$1" >"$H/answer"
	STATUS=$(tail -n 1 "$H/answer")
	REASON=$(sed '$d' "$H/answer" | jq -r '.error.reason//"none"')
	SENTENCE=$(sed '$d' "$H/answer" | jq -r '.error.sentence//""')
	echo "$STATUS $REASON $SENTENCE"
}

fence_document() { # fence_document VERSION [RADIUS_M]
	printf '{"kind":"fence","name":"tiny","version":%d,"issued":%d,"body":{"geometry":%s,"map_accuracy_m":10}}' \
		"$1" "$(date +%s)" '{"type":"Circle","center":[13,52],"radius_m":'"${2:-1000}"'}'
}

version_of() { # version_of FENCE
	officer --json fence list | jq --arg name "$1" '[.[]|select(.name==$name).version][0]//0'
}

@test "a document that is signed by hand is as good as one by the program" {
	sign "$(fence_document 1)"
	post "$H/signed.jws"
	[ "$STATUS" = 200 ]
	[ "$(version_of tiny)" = 1 ]
}

@test "the very same document again is a receipt again" {
	cp "$H/signed.jws" "$H/first.jws"
	post "$H/first.jws"
	[ "$STATUS" = 200 ]
	[ "$(version_of tiny)" = 1 ]
}

@test "attack_A101 the same version with other contents is stale" {
	sign "$(fence_document 1 2000)"
	post "$H/signed.jws"
	[ "$STATUS $REASON" = '409 stale' ]
	[[ $SENTENCE == *'fence tiny is at version 1 already'* ]]
}

@test "attack_A101 an older version, replayed, is stale" {
	sign "$(fence_document 5)"
	post "$H/signed.jws"
	[ "$STATUS" = 200 ]
	post "$H/first.jws"
	[ "$STATUS $REASON" = '409 stale' ]
	[ "$(version_of tiny)" = 5 ]
}

@test "a document from the future is stale" {
	sign "$(fence_document 6 | sed "s/\"issued\":[0-9]*/\"issued\":$(($(date +%s) + 4000))/")"
	post "$H/signed.jws"
	[ "$STATUS $REASON" = '409 stale' ]
}

@test "a key that is no officer's signs nothing" {
	cp -r "$H/authority/officer" "$H/impostor"
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$H/impostor/officer.key" 2>/dev/null
	chmod 600 "$H/impostor/officer.key"
	run "$BUILD/merestone" --kit "$H/impostor" fence put tiny "$FENCES/geoC.json"
	says 1 "which is no security officer's" 'hint: sign with the officer'
	[ "$(version_of tiny)" = 5 ]
}

@test "another key under the officer's name signs nothing" {
	sign "$(fence_document 6)" "$H/impostor/officer.key"
	post "$H/signed.jws"
	[ "$STATUS $REASON" = '403 forged' ]
	[ "$(version_of tiny)" = 5 ]
}

@test "attack_A87 a signed document that says a thing twice is malformed" {
	sign "$(fence_document 6 | sed 's/"version":6/"version":6,"version":7/')"
	post "$H/signed.jws"
	[ "$STATUS $REASON" = '400 malformed' ]
	sign "$(fence_document 6 | sed 's/"map_accuracy_m":10/&,"map_accuracy_m":9/')"
	post "$H/signed.jws"
	[ "$STATUS $REASON" = '400 malformed' ]
	[ "$(version_of tiny)" = 5 ]
}

@test "a signed document of an unknown kind, with more to say, or without a version is malformed" {
	for change in 's/"fence"/"spell"/' 's/"version":6,//' 's/"version":6/"version":0/' 's/"version":6/"version":6.5/' \
		's/"name":"tiny"/"name":"..\/tiny"/' 's/"issued"/"also":1,"issued"/' 's/"radius_m":1000/"radius_m":-1/'; do
		sign "$(fence_document 6 | sed "$change")"
		post "$H/signed.jws"
		[ "$STATUS $REASON" = '400 malformed' ]
	done
	[ "$(version_of tiny)" = 5 ]
}

@test "bytes that are no signed document are malformed, and too many are too large" {
	for text in '' x a.b.c '{"payload":"e30","protected":"e30","signature":""}'; do
		printf %s "$text" >"$H/no.jws"
		post "$H/no.jws"
		[ "$REASON" = malformed ]
	done
	head -c 560000 /dev/zero | tr '\0' a >"$H/no.jws"
	post "$H/no.jws"
	[ "$STATUS $REASON" = '413 malformed' ]
}

@test "a domain whose fence nobody has published admits nobody, and says so" {
	echo '{"fence":"nowhere","references":["edge"],"lease_s":60,"location_level":1}' >"$H/lost.json"
	officer domain put lost "$H/lost.json"
	run agent m1 --json attest
	[ "$(jq -r .domains.lost.reason <<<"$output")" = unknown ]
	[[ $(jq -r .domains.lost.sentence <<<"$output") == *'nowhere, which nobody has published'* ]]
	[ "$(allowed m1)" = 'geoA geoB' ]
}

# ---- Machines ----

@test "a machine that nobody has admitted is unknown" {
	mkdir -p "$H/stranger"
	configure stranger m2
	run agent stranger attest
	says 1 'no security officer has admitted a cloudlet stranger' 'hint: merestone cloudlet add stranger'
}

@test "attack_A40 a name that is taken is not for another TPM" {
	mkdir -p "$H/taken"
	configure m1 m2
	mv "$H/m1/agent.json" "$H/taken/agent.json"
	configure m1
	run agent taken attest
	says 1 'merestone ek approve m1'
	officer ek approve m1 "$(grep -oE '[0-9a-f]{64}' <<<"$output" | tail -n 1)"
	run agent taken attest
	says 1 'm1 is enrolled with other keys, which stay in force'
	agent m1 attest
}

@test "a TPM of a vendor that is not pinned is untrusted, until an officer approves its key" {
	officer cloudlet add m2
	configure m2
	run agent m2 attest
	says 1 'endorsement' 'merestone ek approve m2'
	officer ek approve m2 "$(grep -oE '[0-9a-f]{64}' <<<"$output" | tail -n 1)"
	agent m2 attest
}

@test "a machine that is pinned to another endorsement key is refused" {
	mkdir -p "$H/pinned"
	officer cloudlet add pinned --ek "$(printf '%064d' 7)"
	configure pinned m1
	run agent pinned attest
	says 1 'cloudlet pinned is pinned to another endorsement key'
}

@test "attack_A39 one TPM has one name" {
	mkdir -p "$H/double"
	officer cloudlet add double
	configure double m1
	run agent double attest
	says 1 'this TPM is enrolled as m1 already' 'hint: enrol it as m1'
	agent m1 attest
}

# ---- Evidence ----

@test "evidence over a used nonce is stale" {
	agent m1 attest --save-evidence "$H/evidence"
	run agent m1 post /v1/attest "$H/evidence"
	says 1 stale
	agent m1 attest
}

@test "a machine that lost its nonce, or has a wrong one, is told another and goes on" {
	rm "$H/m1/state/next.nonce"
	agent m1 attest
	printf '%064d' 0 >"$H/m1/state/next.nonce"
	case=$(agent m1 --json attest | jq .case)
	[ "$(officer --json explain "$((case - 1))" | jq -r .reason)" = stale ]
	[ "$(officer --json explain "$case" | jq -r .outcome)" = result ]
}

@test "another machine's evidence is refused at once" {
	agent m2 attest --save-evidence "$H/evidence"
	run agent m1 post /v1/attest "$H/evidence"
	says 1 'evidence of m2 came with the certificate of m1'
	agent m2 attest
}

@test "evidence of one bit less, or one more, is refused, and costs the machine nothing" {
	agent m1 attest --save-evidence "$H/evidence"
	size=$(stat -c %s "$H/evidence")
	head -c $((size - 1)) "$H/evidence" >"$H/changed"
	run agent m1 post /v1/attest "$H/changed"
	says 1 malformed
	{ cat "$H/evidence" && echo; } >"$H/changed"
	run agent m1 post /v1/attest "$H/changed"
	says 1 malformed
	agent m1 attest
}

@test "a machine that is revoked hears why, and a new admission lets it in again" {
	officer cloudlet revoke m2 --reason "the site was sold"
	run agent m2 attest
	says 1 'cloudlet m2 is revoked: the site was sold'
	[ "$(officer --json cloudlet list | jq -r '.[]|select(.name=="m2").state')" = revoked ]
	local n
	n=$(officer --json cloudlet list | jq '.[]|select(.name=="m2").leases.ended_case')
	officer cloudlet list | grep "^m2 .*ended in case $n\$"
	officer --json explain "$n" | jq -e '.receipt | .counter > .previous and .sessions == "ended"'
	officer cloudlet add m2
	agent m2 attest
}

# ---- Reports ----

# with_byte FILE AT: a copy with one bit of one byte changed
with_byte() {
	cp "$1" "$H/changed"
	printf '%b' "\\x$(printf %02x $(($(od -An -tu1 -j "$2" -N 1 "$1") ^ 1)))" |
		dd of="$H/changed" bs=1 seek="$2" conv=notrunc 2>/dev/null
	! cmp -s "$1" "$H/changed"
}

verify() {
	"$BUILD/merestone" report verify "$1" --key "$H/authority/authority.pub"
}

@test "a report is verified by a public key alone, and by no other" {
	case=$(agent m1 --json attest | jq .case)
	"$BUILD/merestone" --kit "$H/authority/auditor" report pull "$case" -o "$H/report.json"
	verify "$H/report.json"
	openssl pkey -in "$H/impostor/officer.key" -pubout -out "$H/other.pub"
	run "$BUILD/merestone" report verify "$H/report.json" --key "$H/other.pub"
	[ "$status" = 1 ]
}

@test "a report with any byte changed is not verified" {
	size=$(stat -c %s "$H/report.json")
	for at in 0 1 12 13 14 100 $((size / 3)) $((size / 2)) $((size - 100)) $((size - 91)) $((size - 90)) $((size - 4)) \
		$((size - 3)) $((size - 2)) $((size - 1)); do
		with_byte "$H/report.json" "$at"
		run verify "$H/changed"
		[ "$status" = 1 ]
	done
}

@test "a report with a byte less or more, or of nothing, is not verified" {
	head -c -1 "$H/report.json" >"$H/changed"
	run verify "$H/changed"
	[ "$status" = 1 ]
	{ cat "$H/report.json" && echo; } >"$H/changed"
	run verify "$H/changed"
	[ "$status" = 1 ]
	: >"$H/changed"
	run verify "$H/changed"
	[ "$status" = 1 ]
	run verify "$H/absent"
	says 3 'No such file'
}

@test "a case that never was has no report" {
	run "$BUILD/merestone" --kit "$H/authority/auditor" report pull 999999 -o "$H/none.json"
	says 1 'there is no case 999999'
	[ ! -e "$H/none.json" ]
}
