# shellcheck shell=bash
# What an agent and its quoter take on a cloudlet: a software TPM, an authority that pins its vendor, one agent that runs.
# Sourced by tests/bench.sh.

TOOLS=tests/tools

# A socket's path is short, wherever the tree stands.
machine_on() {
	MACHINE=$(mktemp -d "${TMPDIR:-/tmp}/merestone.XXXXXX")
	mkdir "$MACHINE/tpm" "$MACHINE/vendor"
	"$TOOLS/factory.sh" "$MACHINE/tpm" "$MACHINE/vendor"
	build/tools/measure "$LOG" "swtpm:path=$MACHINE/tpm/sock" >/dev/null
}

machine_off() {
	[ -z "$AGENT_PID" ] || { kill "$AGENT_PID" && wait "$AGENT_PID"; } 2>/dev/null || true
	AGENT_PID=
	[ -z "$MACHINE" ] || { "$TOOLS/swtpm-stop.sh" --kill "$MACHINE/tpm" && rm -rf "$MACHINE"; }
	MACHINE=
}

# rss PID NAME: a row with its memory
rss() {
	awk -v name="$2" '/^VmRSS:/ { printf "{\"name\":\"%s\",\"value\":%.2f,\"unit\":\"MiB\"}\n", name, $2 / 1024 }' \
		"/proc/$1/status"
}

run_agent() {
	jq -n --arg url "$(jq -r .url "$D/cloudlet/authority/officer/kit.json")" --arg ca "$PWD/$D/cloudlet/authority/ca.pem" \
		--arg tcti "swtpm:path=$MACHINE/tpm/sock" --arg log "$PWD/$LOG" \
		'{name: "edge", authority: $url, ca: $ca, state: "state", tcti: $tcti, eventlog: $log,
		  location: {latitude_deg: 50.1109, longitude_deg: 8.6821, uncertainty_m: 1000}}' >"$MACHINE/agent.json"
	build/merestone-agent --config "$MACHINE/agent.json" run 2>"$D/cloudlet/agent.log" &
	AGENT_PID=$!
	for _ in $(seq 100); do
		! grep -q 'case [0-9]' "$D/cloudlet/agent.log" || return 0
		sleep 0.1
	done
	echo "the agent did not attest:" >&2
	tail -3 "$D/cloudlet/agent.log" >&2
	return 1
}

measure_cloudlet() {
	local quoter
	machine_on
	make_authority "$D/cloudlet" --ek-roots "$MACHINE/vendor/roots.pem"
	build/merestone cloudlet add edge >/dev/null
	run_agent
	quoter=$(cut -d' ' -f1 "/proc/$AGENT_PID/task/$AGENT_PID/children")
	rss "$AGENT_PID" agent
	rss "$quoter" quoter
	machine_off
	stop
}
