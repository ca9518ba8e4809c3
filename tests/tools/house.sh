# shellcheck shell=bash
# house: an authority for scripts. Sourced.

# A port that nobody listens on.
free_port() {
	local port
	for _ in $(seq 50); do
		port=$((20000 + RANDOM % 10000))
		if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			echo "$port"
			return
		fi
	done
	echo "no free port" >&2
	return 1
}

# authority_up MERESTONED DIR PORT LOG: starts the authority in DIR, which listens at PORT, and waits until it answers.
# AUTHORITY_PID is then its process.
authority_up() {
	"$1" "$2" 2>>"$4" &
	AUTHORITY_PID=$!
	for _ in $(seq 100); do
		if curl -sf --cacert "$2/ca.pem" "https://127.0.0.1:$3/v1/health" >/dev/null 2>&1; then
			return
		fi
		kill -0 "$AUTHORITY_PID" 2>/dev/null || break
		sleep 0.1
	done
	echo "the authority did not start:" >&2
	tail -5 "$4" >&2
	return 1
}

authority_down() {
	[ -z "${AUTHORITY_PID-}" ] || { kill "$AUTHORITY_PID" && wait "$AUTHORITY_PID"; } 2>/dev/null || true
	AUTHORITY_PID=
}
