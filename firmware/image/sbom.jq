# From the lines of sbom_files to CycloneDX 1.5: packages, and in each its files.
def purl: if .package == "merestone" then "pkg:generic/merestone@\(.version)"
	else "pkg:deb/debian/\(.package)@\(.version | @uri)?arch=\(.arch)&distro=debian-12" end;
def file: {type: "file", "bom-ref": "\(.tree):\(.path)", name: "\(.tree):\(.path)", hashes: [{alg: "SHA-256", content: .sha256}]};

[inputs | split("\t") | {tree: .[0], path: .[1], sha256: .[2], package: .[3], version: .[4], arch: .[5], source: .[6]}]
| group_by(.package) as $packages
| {
	bomFormat: "CycloneDX", specVersion: "1.5", serialNumber: $serial, version: 1,
	metadata: {
		timestamp: $when,
		component: {type: "operating-system", "bom-ref": "image", name: "merestone-\($name)", version: $version}
	},
	components: [$packages[] | .[0] as $p | {
		type: (if $p.package == "merestone" then "application" else "library" end),
		"bom-ref": ($p | purl), name: $p.package, version: $p.version, purl: ($p | purl),
		supplier: {name: (if $p.package == "merestone" then "Merestone" else "Debian" end)},
		properties: [{name: "debian:source", value: $p.source}],
		components: map(file)
	}],
	dependencies: [{ref: "image", dependsOn: [$packages[] | .[0] | purl]}],
	compositions: [{aggregate: "complete", assemblies: ["image"]}]
}
