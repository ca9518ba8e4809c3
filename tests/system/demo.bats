#!/usr/bin/env bats
# The story of `make demo`, as programs read it: build/demo/result.json. Then once more with sanitizers.

# shellcheck disable=SC2154
setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	run_demo plain build || cat "$BATS_FILE_TMPDIR/plain.story" >&2
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
}

run_demo() { # run_demo NAME BUILD
	DEMO=$BATS_FILE_TMPDIR/$1 TMPDIR=$BATS_FILE_TMPDIR BUILD=$2 tests/demo.sh >"$BATS_FILE_TMPDIR/$1.story" 2>&1 3>&-
}

result() { # result NAME FILTER: lines in order
	jq -r "$2" "$BATS_FILE_TMPDIR/$1/result.json" | sort | tr '\n' ' '
}

allows() { # allows NAME: who really opened what
	result "$1" '.cells[]|select(.got=="allow")|.machine+":"+.dataset'
}

denies() { # denies NAME: each attack and its reason
	result "$1" '.attacks[]|select(.got=="deny")|.name+":"+.reason'
}

PICTURE='cloud:geoA cloud:geoB cloud:geoC cloudlet1:geoA cloudlet1:geoB cloudlet2:geoB cloudlet2:geoC cloudlet3:geoC '
ATTACKS='changed-boot:untrusted deadline:stale forged-document:malformed gnss-jump:outside moved:outside '
ATTACKS+='rebooted:stale replayed-evidence:stale revoked:refused simulated-fix:outside stolen-disk:untrusted '
ATTACKS+='tag-substituted:forged '

@test "each machine opens exactly the datasets of the user's picture" {
	[ "$(result plain '.cells|length')" = '12 ' ]
	[ "$(allows plain)" = "$PICTURE" ]
	[ "$(result plain '[.cells[]|select(.got!="allow")|.got+":"+.reason]|unique[]')" = 'deny:outside ' ]
}

@test "each of eleven attacks is denied for its reason, in a sentence" {
	[ "$(denies plain)" = "$ATTACKS" ]
	[ "$(result plain '[.attacks[]|select((.sentence|length)<20)]|length')" = '0 ' ]
}

@test "the report that it leaves is verified, and not after one byte is changed" {
	report=$(jq -r .report "$BATS_FILE_TMPDIR/plain/result.json")
	key=$(jq -r .key "$BATS_FILE_TMPDIR/plain/result.json")
	build/merestone report verify "$report" --key "$key"
	sed 's/"payload":"e/"payload":"f/' "$report" >"$BATS_FILE_TMPDIR/changed.json"
	! cmp -s "$report" "$BATS_FILE_TMPDIR/changed.json" || return 1
	run build/merestone report verify "$BATS_FILE_TMPDIR/changed.json" --key "$key"
	[ "$status" = 1 ]
}

@test "the same with sanitizers, and they find nothing" {
	run_demo sanitized build/san || { cat "$BATS_FILE_TMPDIR/sanitized.story" && return 1; }
	[ "$(allows sanitized)" = "$PICTURE" ]
	[ "$(denies sanitized)" = "$ATTACKS" ]
	[ "$(grep -rlE 'Sanitizer|runtime error' "$BATS_FILE_TMPDIR" --include='*.log' --include='*.err' --include='*.story' |
		wc -l)" = 0 ]
}

@test "nobody of the demo is left behind" {
	run pgrep -fa "$BATS_FILE_TMPDIR/"
	echo "$output"
	[ "$status" = 1 ]
}
