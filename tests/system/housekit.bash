# housekit: an authority and machines for the system tests, all of it below bats's directory of the file. Sourced.
# Machines are software TPMs with endorsement certificates, in the state that a real boot's log left them.
# BUILD=build/san runs the programs with sanitizers.
# shellcheck shell=bash disable=SC2034,SC2030,SC2031,SC2154

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
BUILD=$(cd "$ROOT" && realpath "${BUILD:-build}")
TOOLS=$ROOT/tests/tools
LOG=$ROOT/tests/vectors/eventlog/ovmf-secureboot.eventlog
FENCES=$ROOT/tests/vectors/fence
export EKVENDOR=$ROOT/build/tools/ekvendor
H=$BATS_FILE_TMPDIR

# until_true COMMAND...: at most ten seconds
until_true() {
	for _ in $(seq 200); do
		! "$@" || return 0
		sleep 0.05
	done
	return 1
}

# shellcheck source=tests/tools/house.sh
. "$TOOLS/house.sh"

# ---- The authority ----

make_authority() { # make_authority [DIRECTORY [PORT]]
	[ -e "$H/port" ] || free_port >"$H/port"
	"$BUILD/merestone" init "${1:-$H/authority}" --trust-domain edge.example --listen "127.0.0.1:${2:-$(cat "$H/port")}" \
		${ROOTS:+--ek-roots "$ROOTS"} >/dev/null
}

healthy() {
	curl -sf --cacert "$H/authority/ca.pem" "https://127.0.0.1:$(cat "$H/port")/v1/health" >/dev/null 2>&1
}

# Its pid is in the file pid, its exit status will be in the file ended, what it says in the file log.
start_authority() { # start_authority [OPTION]...
	rm -f "$H/ended"
	{
		"$BUILD/merestoned" "$@" "$H/authority" 2>>"$H/log" &
		echo $! >"$H/pid"
		status=0
		wait $! || status=$?
		echo "$status" >"$H/ended"
	} 3>&- 4>&- &
	until_true started && healthy
}

started() {
	healthy || [ -s "$H/ended" ]
}

stop_authority() { # gives its exit status
	[ -s "$H/ended" ] || kill -TERM "$(cat "$H/pid")"
	until_true test -s "$H/ended" && return "$(cat "$H/ended")"
}

officer() {
	"$BUILD/merestone" --kit "$H/authority/officer" "$@"
}

# post_document FILE: with the officer's TLS identity, as anybody who holds it could; prints status and answer
post_document() {
	curl -s --cacert "$H/authority/ca.pem" --cert "$H/authority/officer/tls.pem" --key "$H/authority/officer/tls.key" \
		-H 'Content-Type: application/jose' --data-binary @"$1" -w '\n%{http_code}\n' \
		"https://127.0.0.1:$(cat "$H/port")/v1/documents"
}

# One reference set, and for each name a fence, a domain and a dataset.
make_domains() { # make_domains LEASE_S NAME...
	local lease=$1
	shift
	officer reference learn "$LOG" >"$H/edge.json"
	officer reference put edge "$H/edge.json" >/dev/null
	for name; do
		officer fence put "$name" "$FENCES/$name.json" >/dev/null
		put_domain "$name" "$lease"
		officer dataset create "$name" --domain "$name" >/dev/null
	done
}

put_domain() { # put_domain NAME LEASE_S
	printf '{"fence":"%s","references":["edge"],"lease_s":%d,"location_level":1}\n' "$1" "$2" >"$H/domain.json"
	officer domain put "$1" "$H/domain.json" >/dev/null
}

# ---- Machines ----

make_tpm() { # [VENDOR=DIRECTORY] make_tpm NAME: switched on, and nothing measured
	mkdir -p "$H/$1"
	"$TOOLS/factory.sh" "$H/$1/tpm" "${VENDOR:-$H/vendor}" >"$H/$1/factory.log" 2>&1 3>&-
}

boot() { # boot NAME [LOG]
	[ -S "$H/$1/tpm/sock" ] || "$TOOLS/swtpm-start.sh" "$H/$1/tpm" 3>&-
	"$ROOT/build/tools/measure" "${2:-$LOG}" "swtpm:path=$H/$1/tpm/sock"
}

power_off() { # power_off NAME
	"$TOOLS/swtpm-stop.sh" "$H/$1/tpm"
}

configure() { # configure NAME [TPM [LOG [LAT LON]]]: Berlin, if nothing else is said
	jq -n --arg name "$1" --arg url "https://127.0.0.1:$(cat "$H/port")" --arg tcti "swtpm:path=$H/${2:-$1}/tpm/sock" \
		--arg log "${3:-$LOG}" --arg ca "$H/authority/ca.pem" --argjson lat "${4:-52.52}" --argjson lon "${5:-13.405}" \
		'{name:$name,authority:$url,ca:$ca,state:"state",tcti:$tcti,eventlog:$log,
		  location:{latitude_deg:$lat,longitude_deg:$lon,uncertainty_m:1000}}' >"$H/$1/agent.json"
}

make_machine() { # make_machine NAME: its TPM exists; admitted, booted, not enrolled
	officer cloudlet add "$1" >/dev/null
	boot "$1"
	configure "$1"
}

agent() { # agent NAME ARGUMENT...
	"$BUILD/merestone-agent" --config "$H/$1/agent.json" "${@:2}"
}

allowed() { # allowed NAME: the domains of its last attestation that admit it
	agent "$1" --json status | jq -r '[.domains|to_entries[]|select(.value.allow).key]|join(" ")'
}

tear_down_house() {
	stop_authority || true
	for tpm in "$H"/*/tpm; do
		[ ! -d "$tpm" ] || "$TOOLS/swtpm-stop.sh" --kill "$tpm" || true
	done
}

# ---- What a refusal looks like ----

# says STATUS WORDS...: of `run`, all the words are in the output
says() {
	local want=$1
	shift
	[ "$status" = "$want" ] || {
		echo "status $status: $output"
		return 1
	}
	for words; do
		[[ $output == *"$words"* ]] || {
			echo "not said: $words"
			echo "$output"
			return 1
		}
	done
}
