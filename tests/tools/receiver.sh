# receiver: a GNSS receiver that speaks now, and the gpsd that reads it. Sourced; needs house.sh, and RECEIVER: gnsslog.
# shellcheck shell=bash

receiver_until() { # receiver_until COMMAND...: at most ten seconds
	for _ in $(seq 200); do
		! "$@" || return 0
		sleep 0.05
	done
	return 1
}

# receiver_on DIR [OPTION]... SCENARIO: what gnsslog takes. gpsd's port is then in DIR/gpsd.port.
receiver_on() {
	local dir=$1
	shift
	mkdir -p "$dir"
	rm -f "$dir/receiver.port"
	"$RECEIVER" --live "$dir/receiver.port" "$@" >/dev/null 2>&1 3>&- 4>&- &
	echo $! >"$dir/receiver.pid"
	receiver_until test -s "$dir/receiver.port"
	gpsd_on "$dir"
}

# Also alone, for a receiver that goes on.
gpsd_on() { # gpsd_on DIR
	[ -s "$1/gpsd.port" ] || free_port >"$1/gpsd.port"
	/usr/sbin/gpsd -N -n -S "$(cat "$1/gpsd.port")" "tcp://127.0.0.1:$(cat "$1/receiver.port")" \
		>"$1/gpsd.log" 2>&1 3>&- 4>&- &
	echo $! >"$1/gpsd.pid"
	receiver_until gpsd_answers "$1"
}

gpsd_answers() {
	(exec 3<>"/dev/tcp/127.0.0.1/$(cat "$1/gpsd.port")") 2>/dev/null
}

receiver_attacked() { # receiver_attacked DIR: its scenario begins
	kill -USR1 "$(cat "$1/receiver.pid")"
}

gpsd_off() { # gpsd_off DIR
	[ ! -s "$1/gpsd.pid" ] || kill "$(cat "$1/gpsd.pid")" 2>/dev/null || true
	rm -f "$1/gpsd.pid"
}

receiver_off() { # receiver_off DIR: and its gpsd
	gpsd_off "$1"
	[ ! -s "$1/receiver.pid" ] || kill "$(cat "$1/receiver.pid")" 2>/dev/null || true
	rm -f "$1/receiver.pid"
}
