# shellcheck shell=bash
# Machines and the authority of the demo: where they are, how they start and stop. Sourced by tests/demo.sh.
# shellcheck disable=SC2034 # used by the scripts that source this one

D=${DEMO:-build/demo}
BUILD=${BUILD:-build}
MERESTONE=$BUILD/merestone
AGENT=$BUILD/merestone-agent
TOOLS=tests/tools
# shellcheck source=tests/tools/house.sh
. "$TOOLS/house.sh"
RECEIVER=build/tools/gnsslog
# shellcheck source=tests/tools/receiver.sh
. "$TOOLS/receiver.sh"

prepare() {
	rm -rf "$D"
	mkdir -p "$D"
	: >"$D/cells.jsonl"
	: >"$D/attacks.jsonl"
	PORT=$(free_port)
	# the TPMs: socket paths must be short, wherever the tree stands
	RUN=$(mktemp -d "${TMPDIR:-/tmp}/merestone.XXXXXX")
	AUTHORITY_PID=
}

tear_down() {
	local name
	stop_authority
	receiver_off "$D/cloudlet1"
	for name in "$RUN"/*/; do
		[ ! -d "$name" ] || "$TOOLS/swtpm-stop.sh" --kill "$name" || true
	done
	rm -rf "$RUN"
}

make_tpms() {
	local name
	for name in "$@"; do
		mkdir -p "$D/$name"
		"$TOOLS/factory.sh" "$RUN/$name" "$D/vendor"
		power_off "$name"
	done
}

start_authority() {
	authority_up "$BUILD/merestoned" "$D/authority" "$PORT" "$D/authority.log"
}

stop_authority() {
	authority_down
}

# boot NAME LOG: power on, and the firmware measures LOG.
boot() {
	"$TOOLS/swtpm-start.sh" "$RUN/$1"
	build/tools/measure "$2" "swtpm:path=$RUN/$1/sock"
}

power_off() {
	"$TOOLS/swtpm-stop.sh" "$RUN/$1"
}

# configure MACHINE TPM LOG LAT LON: the agent's configuration, with the receiver that it has. The TPM may be another
# machine's: that is an attack.
configure() {
	jq -n --arg name "$1" --arg url "https://127.0.0.1:$PORT" --arg tcti "swtpm:path=$RUN/$2/sock" --arg log "$(realpath "$3")" \
		--arg ca "$(realpath "$D/authority/ca.pem")" --arg gpsd "$(cat "$D/$1/gpsd.port" 2>/dev/null)" --argjson lat "$4" --argjson lon "$5" \
		'{name:$name,authority:$url,ca:$ca,state:"state",tcti:$tcti,eventlog:$log,
		  location:{latitude_deg:$lat,longitude_deg:$lon,uncertainty_m:1000}}
		  + if $gpsd == "" then {} else {gnss:{gpsd:("127.0.0.1:"+$gpsd)}} end' >"$D/$1/agent.json"
}

agent() {
	local name=$1
	shift
	"$AGENT" --config "$D/$name/agent.json" "$@"
}

# give_tag NAME LAT LON: the machine asks, the officer signs where it stands, and the TPM holds it.
give_tag() {
	agent "$1" tag request "$D/$1/tag.request"
	"$MERESTONE" tag issue "$1" "$2" "$3" 1000 --request "$D/$1/tag.request" --site "site-$1" -o "$D/$1/tag.answer"
	agent "$1" tag write "$D/$1/tag.answer"
}
