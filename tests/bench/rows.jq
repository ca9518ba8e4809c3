# The rows of a run, with floor, peer and ratio. The floor of an attestation is what this machine needs, in this run, for
# what cannot be left out: the transport, one verification, two signatures (result and lease), one hash over the
# evidence, one durable row. Peers were measured on their own machine state: Keylime's check_quote in process with and
# without a boot log, nginx with a new connection for each request, its memory with 8 connections and for each idle one.

def named(n): first(.[] | select(.name == n) | .value) // null;

def floor_us:
	[named("floor: the evidence over bare OpenSSL"), named("floor: ECDSA P-256 verify"),
		named("floor: ECDSA P-256 sign") * 2, named("floor: SHA-256 of the evidence"),
		named("floor: SQLite, durable, 16 in a commit")] | add;

def floor_of(us): if test("^(attestation|renewal) cpu, [^:]*$") then us else null end;

def peer_of:
	if test("^attestation cpu, [^:]*$") then 32500
	elif test("^renewal cpu, [^:]*$") then 600
	elif . == "connection and renewal cpu" then 1082
	elif . == "door, no connection" then 9.0
	elif . == "door, each connection" then 26.6
	else null end;

def goal_of:
	if test("^(attestation|renewal) cpu, [^:]*$") then 350
	elif . == "door, no connection" then 16
	elif . == "door, each connection" then 35
	elif test("^(judge|judge worker|keeper), |^quoter$") then 8
	elif test("^decider, ") then 24
	elif . == "agent" then 12
	else null end;

def cents: if . then . * 100 | round / 100 else . end;

(if any(.[]; .name == "floor: ECDSA P-256 verify") then floor_us else null end) as $us
| map((.name | floor_of($us)) as $floor | (.name | peer_of) as $peer
	| ($floor // $peer) as $best
	| . + {floor: ($floor | cents), peer: $peer, ratio: (if $best then .value / $best else null end | cents),
		goal: (.name | goal_of)})
