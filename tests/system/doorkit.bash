# doorkit: certificates and a door without its ring, for door.bats. Sourced.
# shellcheck shell=bash disable=SC2034

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

new_ca() { # new_ca NAME
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.pem" -days 2 \
		-subj "/CN=$1" -addext 'keyUsage=critical,keyCertSign' 2>/dev/null
}

# issue NAME SAN CA EKU [NEWKEY]
issue() {
	# The key's kind is words on purpose.
	# shellcheck disable=SC2086
	openssl req -new -newkey ${5:-ec -pkeyopt ec_paramgen_curve:P-256} -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" \
		2>/dev/null
	printf 'basicConstraints=critical,CA:%s\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=%s\n%s\n' "${6:-FALSE}" \
		"$4" "${2:+subjectAltName=$2}" >"$1.ext"
	openssl x509 -req -in "$1.csr" -CA "$3.pem" -CAkey "$3.key" -CAcreateserial -days 1 -extfile "$1.ext" -out "$1.pem" \
		2>/dev/null
}

make_certificates() {
	new_ca ca
	new_ca foreign
	issue tls 'IP:127.0.0.1,DNS:localhost,URI:spiffe://edge.example/authority' ca serverAuth
	issue cloudlet1 URI:spiffe://edge.example/cloudlet/cloudlet1 ca clientAuth
	issue cloudlet2 URI:spiffe://edge.example/cloudlet/cloudlet2 ca clientAuth
	issue officer URI:spiffe://edge.example/role/security-officer/olga ca clientAuth
	issue operator URI:spiffe://edge.example/role/operations-manager/otto ca clientAuth
	issue auditor URI:spiffe://edge.example/role/auditor/anna ca clientAuth
	issue elsewhere URI:spiffe://other.example/cloudlet/cloudlet1 ca clientAuth
	issue twice URI:spiffe://edge.example/cloudlet/a,URI:spiffe://edge.example/cloudlet/b ca clientAuth
	issue nameless '' ca clientAuth
	issue issuer URI:spiffe://edge.example/cloudlet/cloudlet1 ca clientAuth '' TRUE
	issue stranger URI:spiffe://edge.example/cloudlet/cloudlet1 foreign clientAuth
	issue server URI:spiffe://edge.example/cloudlet/cloudlet1 ca serverAuth
	issue large URI:spiffe://edge.example/cloudlet/cloudlet1 ca clientAuth 'rsa:4096'
}

# DOOR: another door, for example build/san/libexec/door.
# start_door [OPTION]...: its pid is in the file pid, its exit status will be in the file ended
start_door() {
	mkdir -p blobs
	rm -f port ended
	{
		"$ROOT/build/tools/echoring" 0 . "$ROOT/${DOOR:-build/libexec/door}" --trust-domain edge.example "$@" 2>door.log &
		echo $! >pid
		status=0
		wait $! || status=$?
		echo "$status" >ended
	} 3>&- &
	until_there port
	cp port port.now
}

until_there() {
	for _ in $(seq 200); do
		[ ! -s "$1" ] || return 0
		sleep 0.05
	done
	return 1
}

# Gives the door's exit status.
stop_door() {
	[ -s ended ] || kill -TERM "$(cat pid)"
	until_there ended && return "$(cat ended)"
}

# ask [CURL ARGUMENT]... PATH: prints the status, then the body
ask() {
	curl -s --max-time 20 --cacert ca.pem -w '\n%{http_code}' "${@:1:$#-1}" "https://127.0.0.1:$(cat port.now)${*: -1}" >out.txt
	code=$?
	STATUS=$(tail -n 1 out.txt)
	BODY=$(sed '$d' out.txt | tr -d '\0')
	return "$code"
}

as() { # as WHO [CURL ARGUMENT]... PATH
	ask --cert "$1.pem" --key "$1.key" "${@:2}"
}

# raw [WHO]: sends standard input as it is over TLS and prints what comes back
raw() {
	(
		cat
		sleep "${HOLD:-1}"
	) | tls "$@"
}

tls() {
	timeout 20 openssl s_client -connect "127.0.0.1:$(cat port.now)" -CAfile ca.pem -quiet -no_ign_eof \
		${1:+-cert "$1.pem" -key "$1.key"} 2>/dev/null
}

replies() { # replies [STATUS]: how many of them are in standard input
	tr -d '\0' | grep -Eo "HTTP/1.1 ${1:-[0-9]}" | wc -l
}

sha_of() {
	sha256sum "$1" | cut -c 1-64
}

# seconds COMMAND...: how long it took, whole
seconds() {
	local from=$EPOCHREALTIME
	"$@" >/dev/null 2>&1 || true
	echo $(((${EPOCHREALTIME/./} - ${from/./}) / 1000000))
}
