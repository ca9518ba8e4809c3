# appliancekit: an appliance in a virtual machine, with its authority on this host, to which another machine has given data.
# Sourced. Its name is edge-1, it stands in Berlin, its domain and dataset are geoA (Germany), and image-1 approves it.
# shellcheck shell=bash disable=SC2034,SC2154

# shellcheck source=tests/system/housekit.bash
. "$BATS_TEST_DIRNAME/housekit.bash"
# shellcheck source=tests/qemu/vm.sh
. "$ROOT/tests/qemu/vm.sh"
V=$H/vm

image() { # image VERSION [NAME=VALUE]...: into $H/image; the keys, when they are absent, are made
	env IMAGE_VARIANT=cloud IMAGE_VERSION="$1" IMAGE_KEYS="$H/keys" IMAGE_PROGRAMS="$ROOT/build" IMAGE_CACHE="$ROOT/build/firmware" \
		IMAGE_OUT="$H/image" "${@:2}" "$ROOT/firmware/image/build.sh" >"$H/image.log" 2>&1 || {
		cat "$H/image.log" >&2
		return 1
	}
}

site() { # site FILE [OPTION]...: a site file of edge-1
	officer image site edge-1 --authority "https://10.0.2.2:$(cat "$H/port")" --data geoA --out "$@" >/dev/null
}

approve() { # approve VERSION SITE: what the build predicted is a reference set
	officer image manifest "$H/image/cloud-$1" --keys "$H/keys" --site "$2" --platforms "$ROOT/firmware/image/platforms.json" \
		>"$H/reference-$1.json"
	officer reference put "image-$1" "$H/reference-$1.json" >/dev/null
}

domain() { # domain REFERENCE...
	printf '%s\n' "$@" | jq -R . | jq -sc '{fence:"geoA",references:.,lease_s:60,location_level:1}' >"$H/domain.json"
	officer domain put geoA "$H/domain.json" >/dev/null
}

make_appliance() { # as the sentence above says; of an image of version 1, which is built
	make_tpm cloud
	vm_new "$V" "$H/vendor" "$H/keys"
	free_port >"$H/port"
	"$BUILD/merestone" init "$H/authority" --trust-domain edge.example --listen "127.0.0.1:$(cat "$H/port")" --host 127.0.0.1 \
		--host 10.0.2.2 --ek-roots "$H/vendor/roots.pem" >/dev/null
	start_authority
	officer fence put geoA "$FENCES/geoA.json" >/dev/null
	officer reference learn "$LOG" >"$H/cloud.json"
	officer reference put cloud "$H/cloud.json" >/dev/null
	site "$H/site.jws" --location 52.52,13.405,1000
	approve 1 "$H/site.jws"
	domain cloud
	officer dataset create geoA --domain geoA >/dev/null
	officer cloudlet add edge-1 >/dev/null
	put_data
	domain image-1
	disk_of 1 "$H/site.jws"
}

put_data() {
	make_machine cloud
	agent cloud attest >/dev/null
	head -c 100000 /dev/urandom >"$H/plain"
	agent cloud data put geoA "$H/plain"
	power_off cloud
}

disk_of() { # disk_of VERSION SITE: $H/disk.img, as it leaves the factory
	cp --sparse=always "$H/image/cloud-$1/merestone.img" "$H/disk.img"
	on_esp "$H/disk.img" "$2" merestone/site.jws
}

on_esp() { # on_esp DISK FILE PATH
	mcopy -o -i "$1@@1M" "$2" "::/$3"
}

# The console, without what the firmware draws.
console() {
	grep -a '^merestone' "$V/serial.log" | tr -d '\r'
}

last_case() { # as the authority explains it
	officer explain "$(officer --json cloudlet list | jq '.[]|select(.name=="edge-1").last_case')" || true
}

domains() { # that admit it now
	officer --json cloudlet list | jq -r '.[]|select(.name=="edge-1").domains|join(" ")'
}

tear_down_appliance() {
	[ ! -d "$V" ] || vm_remove "$V"
	tear_down_house
}
