#!/usr/bin/env bats
# The door alone: what is behind it is an echo (tests/tools/echoring.c). Deadlines are a fifth of the real ones.

# What doorkit sets is read here, and helpers are called by name.
# shellcheck disable=SC2153,SC2317
load doorkit.bash

OCTETS='Content-Type: application/octet-stream'
JOSE='Content-Type: application/jose'

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	make_certificates
	start_door --deadline-scale 20
	head -c 60000 /dev/urandom >small
	head -c 300000 /dev/urandom >big
	head -c 1048576 /dev/urandom >part
	head -c 500000 /dev/urandom >huge
}

teardown_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	stop_door || true
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return 1
}

# cut_between FROM TO: what lasted $took seconds did not last too long, nor too short
cut_between() {
	[ "$took" -ge "$1" ] && [ "$took" -le "$2" ]
}

@test "anyone may ask for its health" {
	ask /v1/health
	[ "$STATUS" = 200 ]
	[ "$BODY" = '{"status":"ok"}' ]
}

@test "attack_A43 no route but enrol, activate and health answers without a certificate" {
	for path in list/fences list/cloudlets report/1 explain/1 document/fence/geoa blobs/geoa; do
		ask "/v1/$path"
		[ "$STATUS" = 401 ]
	done
	for path in attest documents; do
		ask --data-binary @small -H "$OCTETS" "/v1/$path"
		[ "$STATUS" = 401 ]
	done
	ask -T small -H "$OCTETS" '/v1/blobs/geoa?upload=0123456789abcdef&offset=0'
	[ "$STATUS" = 401 ]
}

@test "a certificate of another role is refused" {
	as officer --data-binary @small -H "$OCTETS" /v1/attest
	[ "$STATUS" = 403 ]
	as cloudlet1 --data-binary @small -H "$JOSE" /v1/documents
	[ "$STATUS" = 403 ]
	[ "$(jq -r .error.reason <<<"$BODY")" = refused ]
	as auditor --data-binary @small -H "$JOSE" /v1/documents
	[ "$STATUS" = 403 ]
	as cloudlet1 /v1/report/1
	[ "$STATUS" = 403 ]
	as officer /v1/blobs/geoa
	[ "$STATUS" = 403 ]
}

@test "role and name of the certificate go with the ask" {
	as cloudlet1 --data-binary @small -H "$OCTETS" /v1/attest
	[ "$BODY" = '{"kind":"attest","role":"cloudlet","peer":"cloudlet1","size":60000}' ]
	as operator /v1/document/fence/geoa
	[ "$BODY" = '{"kind":"query","role":"operations-manager","peer":"otto","size":19,"query":"document/fence/geoa"}' ]
	ask --data-binary @small -H "$OCTETS" /v1/enrol
	[ "$BODY" = '{"kind":"enrol","role":"none","peer":"","size":60000}' ]
}

@test "the reason of an answer is its HTTP status" {
	as auditor /v1/report/404
	[ "$STATUS" = 404 ]
	as auditor /v1/report/405
	[ "$STATUS" = 200 ]
}

@test "a certificate that names nobody here is refused" {
	for who in elsewhere twice nameless issuer; do
		as "$who" /v1/health
		[ "$STATUS" = 403 ]
		[ "$(jq -r .error.reason <<<"$BODY")" = untrusted ]
	done
}

@test "a certificate of a foreign issuer or another purpose gets no TLS connection" {
	for who in stranger server; do
		run as "$who" /v1/health
		[ "$status" -ne 0 ]
	done
}

@test "attack_A46 an RSA key is never worked on" {
	as large --data-binary @small -H "$OCTETS" /v1/attest
	[ "$STATUS" = 401 ]
}

@test "TLS 1.2 is refused" {
	run ask --tls-max 1.2 /v1/health
	[ "$status" -ne 0 ]
}

@test "an unknown route is 404 and a method it lacks is 405" {
	for path in / /v1 /v1/ /v1/list /v1/enrol/ /v2/health /v1/list/keys /v1/document/key/x; do
		as officer "$path"
		[ "$STATUS" = 404 ]
		[ "$(jq -r .error.reason <<<"$BODY")" = unknown ]
	done
	for method in DELETE PATCH OPTIONS PUT POST; do
		as officer -X "$method" /v1/health
		[ "$STATUS" = 405 ]
	done
	as officer -X TRACE /v1/health
	[ "$STATUS" = 501 ]
}

@test "attack_A90 a name that is none, or a way out of the directory, is refused" {
	for name in ..%2fca.key %2e%2e geoa%00 ..%c0%af geo_a .hidden geoa.part -x 'a b' "$(printf 'a%.0s' {1..64})"; do
		as cloudlet1 --path-as-is "/v1/blobs/${name// /%20}"
		[ "$STATUS" = 400 ]
	done
	for name in ../ca.key ../../etc/passwd a/b; do
		as cloudlet1 --path-as-is "/v1/blobs/$name"
		[ "$STATUS" = 404 ]
	done
	for number in 0 01 -1 1x 99999999999999999999; do
		as auditor "/v1/report/$number"
		[ "$STATUS" = 400 ]
	done
}

@test "a body above its route's limit is refused, one at the limit is not" {
	ask --data-binary @big -H "$OCTETS" /v1/enrol
	[ "$STATUS" = 200 ]
	ask --data-binary @big -H "$OCTETS" /v1/attest || true
	[ "$STATUS" = 413 ] || [ "$STATUS" = 000 ]
	head -c $((384 * 1024)) /dev/zero >limit
	as cloudlet1 --data-binary @limit -H "$OCTETS" /v1/attest
	[ "$STATUS" = 200 ]
	printf x >>limit
	as cloudlet1 --data-binary @limit -H "$OCTETS" /v1/attest
	[ "$STATUS" = 413 ]
	[ "$(jq -r .error.reason <<<"$BODY")" = malformed ]
	as officer --data-binary @huge -H "$JOSE" /v1/documents
	[ "$STATUS" = 200 ]
}

@test "another content type is refused" {
	as cloudlet1 --data-binary @small -H "$JOSE" /v1/attest
	[ "$STATUS" = 400 ]
	as officer --data-binary @small -H 'Content-Type: application/json' /v1/documents
	[ "$STATUS" = 400 ]
	as officer -X GET --data-binary @small /v1/list/fences
	[ "$STATUS" = 400 ]
}

@test "one connection carries many requests, also when they are sent at once" {
	printf 'GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n%.0s' 1 2 3 >three
	[ "$(raw <three | replies)" = 3 ]
}

# smuggled REQUEST: one 400, then the end; what follows it is never read as a request
smuggled() {
	printf '%b' "$1"'GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n' | raw >out.raw || true
	[ "$(replies <out.raw)" = 1 ]
	[ "$(replies 4 <out.raw)" = 1 ]
}

@test "attack_A89 what two readers could read differently is refused and ends the connection" {
	post='POST /v1/enrol HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n'
	smuggled "${post}Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc"
	smuggled "${post}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"
	smuggled "${post}Content-Length : 3\r\n\r\nabc"
	smuggled "${post}Content-Length: +3\r\n\r\nabc"
	smuggled "${post}Content-Length: 3, 3\r\n\r\nabc"
	smuggled "${post}Content-Length: 0x3\r\n\r\nabc"
	smuggled "${post}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
	smuggled "${post}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
	smuggled "${post}Content-Length: 3\r\nTransfer-Encoding: identity\r\n\r\nabc"
	smuggled "${post}X: a\r\n folded\r\nContent-Length: 3\r\n\r\nabc"
	smuggled "POST /v1/enrol HTTP/1.1\nHost: x\nContent-Length: 3\n\nabc"
	smuggled 'GET http://x/v1/health HTTP/1.1\r\nHost: x\r\n\r\n'
	smuggled 'GET /v1/health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n'
	smuggled 'GET /v1/health HTTP/1.1\r\n\r\n'
	smuggled 'GET /v1/health HTTP/9.9\r\nHost: x\r\n\r\n'
	smuggled 'HEAD /v1/health HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n'
}

# a_header_of N: a request whose header goes on for N bytes and has no end
a_header_of() {
	printf 'GET /v1/health HTTP/1.1\r\nHost: x\r\nX: '
	head -c "$1" /dev/zero | tr '\0' a
}

@test "a header without end is refused" {
	a_header_of 12000 | raw | grep -q '^HTTP/1.1 4'
}

@test "a header that is still coming when it is refused gets no other answer" {
	! a_header_of 1000000 | raw | grep -q '^HTTP/1.1 2'
}

@test "attack_A42 a handshake that does not come is cut" {
	silent() {
		exec 9<>"/dev/tcp/127.0.0.1/$(cat port.now)"
		timeout 10 cat <&9
		exec 9<&-
	}
	took=$(seconds silent)
	cut_between 1 4
}

@test "attack_A42 a request that does not begin is cut" {
	nothing() {
		tls < <(sleep 10)
	}
	took=$(seconds nothing)
	cut_between 1 4
}

# drip TEXT: four bytes a second, for ever
drip() {
	printf '%s' "$1"
	while printf a; do
		sleep 0.25
	done 2>/dev/null
}

@test "attack_A42 a header that drips is cut, however steadily" {
	dripping() {
		tls < <(drip $'GET /v1/health HTTP/1.1\r\nHost: x\r\nX: ')
	}
	took=$(seconds dripping)
	cut_between 1 3
}

@test "attack_A42 a body that drips is cut, however steadily" {
	dripping() {
		tls < <(drip $'POST /v1/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n')
	}
	took=$(seconds dripping)
	cut_between 3 7
}

@test "an answer that does not come is a 503 after its deadline, and the connection goes on" {
	from=$SECONDS
	as auditor /v1/explain/99
	[ "$STATUS" = 503 ]
	[ "$(jq -r .error.reason <<<"$BODY")" = system ]
	[ $((SECONDS - from)) -ge 5 ] && [ $((SECONDS - from)) -le 9 ]
}

@test "clients that leave before their answer, or in the middle of a request, take nothing with them" {
	for _ in $(seq 20); do
		as auditor --max-time 0.1 /v1/explain/99 || true
		printf 'POST /v1/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\nabc' | HOLD=0 raw >out.raw || true
	done
	sleep 7 # past the deadline of the answers
	as auditor /v1/report/1
	[ "$STATUS" = 200 ]
	[ "$(replies <out.raw)" = 0 ]
}

@test "one address cannot take every place for large bodies, and small ones still go" {
	for _ in $(seq 8); do
		{
			printf 'POST /v1/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\nabc'
			sleep 2
		} | tls >held &
	done
	sleep 1
	ask --data-binary @big -H "$OCTETS" /v1/enrol || true
	[ "$STATUS" = 413 ] || [ "$STATUS" = 000 ]
	ask --data-binary @small -H "$OCTETS" /v1/enrol
	[ "$STATUS" = 200 ]
	as cloudlet1 --data-binary @big -H "$OCTETS" /v1/attest
	[ "$STATUS" = 200 ]
	wait
	ask --data-binary @big -H "$OCTETS" /v1/enrol
	[ "$STATUS" = 200 ]
}

@test "a blob goes up in parts and comes down the same" {
	cat part part small >whole
	sha=$(sha_of whole)
	as cloudlet1 -T part -H "$OCTETS" '/v1/blobs/geob?upload=00000000000000aa&offset=0'
	[ "$STATUS $BODY" = '200 {"size":1048576}' ]
	as cloudlet2 /v1/blobs/geob
	[ "$STATUS" = 404 ]
	as cloudlet1 -T part -H "$OCTETS" '/v1/blobs/geob?upload=00000000000000aa&offset=5'
	[ "$STATUS" = 409 ]
	[ "$(jq -r '.size, .error.reason' <<<"$BODY" | xargs)" = '1048576 stale' ]
	as cloudlet1 -T part -H "$OCTETS" '/v1/blobs/geob?upload=00000000000000aa&offset=1048576'
	[ "$STATUS" = 200 ]
	for _ in 1 2; do # the second time as if the first reply had been lost
		as cloudlet1 -T small -H "$OCTETS" "/v1/blobs/geob?upload=00000000000000aa&offset=2097152&last=1&sha256=$sha"
		[ "$STATUS $BODY" = "200 {\"size\":2157152,\"sha256\":\"$sha\"}" ]
	done
	for offset in 0 1048576 2097152; do
		as cloudlet2 -D head "/v1/blobs/geob?offset=$offset"
		grep -q "^Merestone-Sha256: $sha" head
		grep -q '^Merestone-Size: 2157152' head
		head -c -4 out.txt
	done >back
	cmp whole back
}

@test "a blob with another hash, or a part that is too large, changes nothing" {
	as cloudlet1 -T small -H "$OCTETS" "/v1/blobs/geoc?upload=00000000000000bb&offset=0&last=1&sha256=$(sha_of big)"
	[ "$STATUS" = 403 ]
	head -c 1048577 /dev/zero >over
	as cloudlet1 -T over -H "$OCTETS" -H Expect: '/v1/blobs/geoc?upload=00000000000000bb&offset=0'
	[ "$STATUS" = 413 ]
	[ -z "$(find blobs -name 'geoc*')" ]
	for query in '' '?upload=00000000000000bb' '?upload=zz&offset=0' '?upload=00000000000000bb&offset=0&offset=0' \
		'?upload=00000000000000bb&offset=0&last=1' '?upload=00000000000000bb&offset=0&x=1'; do
		as cloudlet1 -T small -H "$OCTETS" "/v1/blobs/geoc$query"
		[ "$STATUS" = 400 ]
	done
}

@test "attack_A42 a reader that does not read is cut" {
	as cloudlet1 -T part -H "$OCTETS" "/v1/blobs/slow?upload=00000000000000cc&offset=0&last=1&sha256=$(sha_of part)"
	printf 'GET /v1/blobs/slow HTTP/1.1\r\nHost: x\r\n\r\n%.0s' {1..24} >many
	all=$(HOLD=4 raw cloudlet1 <many | wc -c)
	[ "$all" -gt $((24 * 1048576)) ]
	some=$(HOLD=12 raw cloudlet1 <many | {
		sleep 8
		wc -c
	})
	[ "$some" -lt $((24 * 1048576)) ]
	ask /v1/health
	[ "$STATUS" = 200 ]
}

@test "attack_A47 a flood of enrolments from one address is slowed down" {
	printf 'POST /v1/activate HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 1\r\n\r\nx%.0s' \
		{1..600} >flood
	HOLD=3 raw <flood >out.raw || true
	[ "$(replies 200 <out.raw)" -ge 200 ]
	[ "$(replies 503 <out.raw)" -ge 200 ]
	as cloudlet1 --data-binary @small -H "$OCTETS" /v1/attest
	[ "$STATUS" = 200 ]
}

@test "attack_A94 a request cannot write the log's lines" {
	as officer --path-as-is '/v1/report/%0aforged'
	as officer "/v1/report/$(printf '\033')[2J" || true
	[ "$(grep -Ec $'\033|^forged' door.log)" = 0 ]
}

# hold SECONDS [WHO]: keeps a connection that says nothing
hold() {
	sleep "$1" | tls "${@:2}" >held &
}

@test "attack_A42 strangers from one address have a share, and machines with certificates have their own" {
	stop_door || true
	start_door --per-address 4 --per-peer 2
	for _ in 1 2 3 4; do hold 3; done
	sleep 1
	run ask /v1/health
	[ "$status" -ne 0 ]
	sleep 3
	ask /v1/health
	for _ in 1 2; do hold 3 cloudlet1; done
	sleep 1
	run as cloudlet1 /v1/health
	[ "$status" -ne 0 ]
	as cloudlet2 /v1/health
	[ "$STATUS" = 200 ]
}

@test "asked to stop, it gives the answers it owes" {
	stop_door || true
	start_door --deadline-scale 5
	as auditor /v1/explain/99 &
	asking=$!
	sleep 0.5
	kill -TERM "$(cat pid)"
	wait "$asking"
	grep -q '^503' <(tail -n 1 out.txt; echo)
	run ask /v1/health
	[ "$status" -ne 0 ]
	stop_door
}

@test "a broken ring ends it with a sentence, and whoever waits is told" {
	stop_door || true
	start_door
	as auditor /v1/explain/13
	[ "$STATUS" = 503 ]
	until_there ended
	[ "$(cat ended)" = 3 ]
	grep -q 'not an answer' door.log
}

@test "a missing key, a missing directory and a wrong option are each one sentence" {
	stop_door || true
	mkdir -p empty
	cp ca.pem tls.pem empty
	run "$ROOT/build/tools/echoring" 0 empty "$ROOT/build/libexec/door" --trust-domain edge.example
	[ "$status" = 3 ]
	[[ $output == *'cannot use the private key tls.key'* ]]
	cp tls.key empty
	run "$ROOT/build/tools/echoring" 0 empty "$ROOT/build/libexec/door" --trust-domain edge.example
	[ "$status" = 3 ]
	[[ $output == *'cannot open the directory blobs'* ]]
	run "$ROOT/build/libexec/door" --connections 0
	[ "$status" = 2 ]
}
