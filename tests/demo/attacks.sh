# shellcheck shell=bash
# The attacks of the demo, each really carried out. Each ends in `attack NAME SAID`, where SAID is what the attacker got:
# JSON with a reason and a sentence, of the agent or of the authority. Sourced by tests/demo.sh.

# attack NAME deny|allow FILE: one line of the story and one of the result. FILE holds {reason, sentence}.
attack() {
	jq -c --arg name "$1" --arg got "$2" \
		'{name:$name,expected:"deny",got:$got,reason:(.reason//"none"),sentence:(.sentence//"")}' "$3" >>"$D/attacks.jsonl"
	printf '  %-18s %-6s %s\n' "$1" "$2" "$(jq -r '.sentence//""' "$3")"
}

# Decision of one domain in an attestation summary, as {reason, sentence}.
decision_of() {
	jq -c --arg d "$1" '.domains[$d]//.error|{reason,sentence}' "$2"
}

# What `data get` says when it must fail; "allow" on the first line when it does not.
try_get() {
	local machine=$1 dataset=$2 out="$D/attack.out"
	rm -f "$out"
	if agent "$machine" --json data get "$dataset" "$out" >"$D/attack.json" 2>"$D/attack.err"; then
		echo allow
	else
		echo deny
	fi
}

try_attest() {
	agent "$1" --json attest >"$D/attack.json" 2>"$D/attack.err" || true
}

# The boot loader is another one: the log says so, the TPM agrees, and the reference set does not.
changed_boot() {
	local log="$D/changed.eventlog" got=deny
	power_off cloudlet1
	build/tools/changelog "$LOG" 4 >"$log"
	boot cloudlet1 "$log"
	configure cloudlet1 cloudlet1 "$log" 52.5200 13.4050
	try_attest cloudlet1
	[ "$(try_get_quiet cloudlet1 geoA)" = deny ] || got=allow
	decision_of geoA "$D/attack.json" >"$D/attack.said"
	attack changed-boot "$got" "$D/attack.said"
	power_off cloudlet1
	boot cloudlet1 "$LOG"
	configure cloudlet1 cloudlet1 "$LOG" 52.5200 13.4050
	agent cloudlet1 attest >/dev/null
}

# The same as try_get, leaving attack.json to what was there.
try_get_quiet() {
	if agent "$1" data get "$2" "$D/attack.out" >/dev/null 2>&1; then
		echo allow
	else
		echo deny
	fi
}

# The machine leaves the fence: the lease is not renewed.
moved() {
	local got=deny
	configure cloudlet1 cloudlet1 "$LOG" 52.2297 21.0122 # Warsaw
	try_attest cloudlet1
	[ "$(try_get_quiet cloudlet1 geoA)" = deny ] || got=allow
	decision_of geoA "$D/attack.json" >"$D/attack.said"
	attack moved "$got" "$D/attack.said"
	configure cloudlet1 cloudlet1 "$LOG" 52.5200 13.4050
	agent cloudlet1 attest >/dev/null
}

denies_berlin() {
	agent cloudlet1 --json status >"$D/attack.json" 2>"$D/attack.err" || true
	[ "$(jq .domains.berlin.allow "$D/attack.json")" = false ]
}

# The receiver is led 9.4 km away while the agent runs: it wakes, tells the authority, and its leases end, also a copy of
# one.
gnss_jump() {
	local got=deny runner
	agent cloudlet1 attest >/dev/null
	agent cloudlet1 data put berlin "$D/geoA.plain"
	[ "$(try_get_quiet cloudlet1 berlin)" = allow ] || got="no lease before the jump"
	"$AGENT" --config "$D/cloudlet1/agent.json" run 2>"$D/cloudlet1.run.err" &
	runner=$!
	receiver_until grep -q "again in" "$D/cloudlet1.run.err"
	cp "$D/cloudlet1/state/lease/berlin.json" "$D/kept.json"
	receiver_attacked "$D/cloudlet1"
	receiver_until denies_berlin
	[ "$(try_get_quiet cloudlet1 berlin)" = deny ] || got=allow
	kill "$runner"
	wait "$runner"
	cp "$D/kept.json" "$D/cloudlet1/state/lease/berlin.json"
	[ "$(try_get_quiet cloudlet1 berlin)" = deny ] || got="a lease that was kept opens"
	decision_of berlin "$D/attack.json" >"$D/attack.said"
	attack gnss-jump "$got" "$D/attack.said"
}

# A simulator in place of the receiver: where a fix is wanted it is refused, and where the tag is enough the tag counts.
simulated_fix() {
	local got=deny lat lon city
	read -r lat lon city <<<"$(place cloudlet1)"
	receiver_off "$D/cloudlet1"
	receiver_on "$D/cloudlet1" --at "$lat,$lon" --after 1000000 simulated
	configure cloudlet1 cloudlet1 "$LOG" "$lat" "$lon"
	agent cloudlet1 attest >/dev/null
	[ "$(try_get_quiet cloudlet1 berlin)" = allow ] || got="a genuine fix in $city is not enough"
	receiver_attacked "$D/cloudlet1"
	sleep 3
	try_attest cloudlet1
	[ "$(try_get_quiet cloudlet1 berlin)" = deny ] || got=allow
	[ "$(try_get_quiet cloudlet1 geoA)" = allow ] || got="the tag does not count any more"
	decision_of berlin "$D/attack.json" >"$D/attack.said"
	attack simulated-fix "$got" "$D/attack.said"
}

# London wants to be Berlin: cloudlet1's tag on cloudlet3's disk, and then in an NV index that root made for it. The lease
# that cloudlet3 had in its own domain dies with its own tag.
tag_substituted() {
	local got=deny said
	configure cloudlet3 cloudlet3 "$LOG" 52.5200 13.4050
	cp "$D/cloudlet1/state/tag" "$D/cloudlet3/state/tag"
	try_attest cloudlet3
	[ "$(jq -r .error.reason "$D/attack.json")" = forged ] || got="the tag on the disk was believed"
	build/tools/retag "$D/cloudlet3/state/tag" "swtpm:path=$RUN/cloudlet3/sock"
	[ "$(try_get cloudlet3 geoC)" = deny ] || got="the lease outlived the tag"
	said=$(jq -r .reason "$D/attack.json")
	[ "$said" = stale ] || got="the lease ended as $said"
	try_attest cloudlet3
	[ "$(try_get_quiet cloudlet3 geoA)" = deny ] || got=allow
	decision_of geoA "$D/attack.json" >"$D/attack.said"
	attack tag-substituted "$got" "$D/attack.said"
	configure cloudlet3 cloudlet3 "$LOG" 51.5074 -0.1278
	give_tag cloudlet3 51.5074 -0.1278
	agent cloudlet3 attest >/dev/null
}

# Old evidence, sent again over a genuine connection of the same machine.
replayed_evidence() {
	local got=deny
	agent cloudlet2 attest --save-evidence "$D/evidence" >/dev/null
	agent cloudlet2 post /v1/attest "$D/evidence" >"$D/attack.json" 2>"$D/attack.err" && got=allow
	jq -c '.error' "$D/attack.json" >"$D/attack.said"
	attack replayed-evidence "$got" "$D/attack.said"
}

# Somebody holds the officer's TLS identity, but not the signing key: a fence document without a signature.
forged_document() {
	local got=deny payload head
	head=$(printf '{"alg":"none","typ":"merestone-document+jws"}' | base64 -w0 | tr '+/' '-_' | tr -d =)
	payload=$(jq -nc '{kind:"fence",name:"geoA",version:99,issued:now|floor,body:{geometry:{type:"Circle",center:[0,0],radius_m:2e7},map_accuracy_m:0}}' |
		base64 -w0 | tr '+/' '-_' | tr -d =)
	curl -s --cacert "$D/authority/ca.pem" --cert "$MERESTONE_KIT/tls.pem" --key "$MERESTONE_KIT/tls.key" \
		-H 'Content-Type: application/jose' --data-binary "$head.$payload." \
		"https://127.0.0.1:$PORT/v1/documents" >"$D/attack.json"
	jq -e '.error' "$D/attack.json" >/dev/null || got=allow
	[ "$("$MERESTONE" --json fence list | jq '.[]|select(.name=="geoA").version')" = 1 ] || got=allow
	jq -c '.error//{}' "$D/attack.json" >"$D/attack.said"
	attack forged-document "$got" "$D/attack.said"
}

# The TPM was restarted: the old lease is dead, a new attestation brings a new one.
rebooted() {
	local got
	power_off cloudlet2
	boot cloudlet2 "$LOG"
	got=$(try_get cloudlet2 geoB)
	jq -c . "$D/attack.json" >"$D/attack.said"
	agent cloudlet2 attest >/dev/null
	[ "$(try_get_quiet cloudlet2 geoB)" = allow ] || got="no lease after re-attestation"
	attack rebooted "$got" "$D/attack.said"
}

# cloudlet2's disk, in a machine with cloudlet3's TPM.
stolen_disk() {
	local got
	mkdir -p "$D/thief"
	cp -r "$D/cloudlet2/state" "$D/thief/state"
	configure thief cloudlet3 "$LOG" 48.8566 2.3522
	got=$(try_get thief geoB)
	jq -c . "$D/attack.json" >"$D/attack.said"
	attack stolen-disk "$got" "$D/attack.said"
}

# It also ends its leases by itself: a copy that somebody kept opens nothing, and the authority has the TPM's word for it.
revoked() {
	local got=deny lease="$D/cloudlet3/state/lease/geoC.json"
	cp "$lease" "$D/kept.lease"
	"$MERESTONE" cloudlet revoke cloudlet3 --reason "the site was sold" >/dev/null
	agent cloudlet3 --json attest >"$D/attack.json" 2>"$D/attack.err" && got=allow
	jq -c '.error//{}' "$D/attack.json" >"$D/attack.said"
	cp "$D/kept.lease" "$lease"
	[ "$(try_get cloudlet3 geoC)" = deny ] || got="the lease outlived the revocation"
	jq -e '.reason == "stale" and (.sentence | contains("leases were ended"))' "$D/attack.json" >/dev/null ||
		got="the TPM did not refuse the lease"
	"$MERESTONE" --json cloudlet list | jq -e '.[] | select(.name == "cloudlet3") | .leases.ended_case > 0' >/dev/null ||
		got="there is no receipt"
	attack revoked "$got" "$D/attack.said"
}

# The network is cut: the lease holds until its deadline, and then the TPM says no.
deadline() {
	local got
	domain_body geoA 8 >"$D/geoA.json"
	"$MERESTONE" domain put geoA "$D/geoA.json" >/dev/null
	agent cloudlet1 attest >/dev/null
	stop_authority
	[ "$(try_get_quiet cloudlet1 geoA)" = allow ] || { echo "  the lease does not hold offline" >&2; return 1; }
	sleep 9
	got=$(try_get cloudlet1 geoA)
	jq -c . "$D/attack.json" >"$D/attack.said"
	attack deadline "$got" "$D/attack.said"
}

run_attacks() {
	changed_boot
	moved
	gnss_jump
	simulated_fix
	rebooted
	stolen_disk
	replayed_evidence
	forged_document
	tag_substituted
	revoked
	deadline
}
