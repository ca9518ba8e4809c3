// atlas: the countries of a world-atlas TopoJSON file as rings in binary, for the benchmark of geofence/.
// usage: node atlas.mjs countries-10m.json OUT
// OUT: for each polygon, uint32 country (from 0) and rings; for each ring uint32 n, then n times float64 lon and lat.
// Rings that were stitched over the antimeridian are cut there again, and one around a pole is closed along it.
import { readFileSync, writeFileSync } from 'node:fs'

const topology = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const { scale, translate } = topology.transform
const arcs = topology.arcs.map(arc => {
	let x = 0, y = 0
	return arc.map(([dx, dy]) => [(x += dx) * scale[0] + translate[0], (y += dy) * scale[1] + translate[1]])
})

function ringOf(indices) {
	const ring = []
	for (const i of indices) {
		const arc = i < 0 ? [...arcs[~i]].reverse() : arcs[i]
		ring.push(...(ring.length > 0 ? arc.slice(1) : arc))
	}
	return ring.map(([x, y]) => [Math.max(-180, Math.min(180, x)), Math.max(-90, Math.min(90, y))])
}

// Longitudes that go on past 180; where the ring goes around a pole, its end is not its beginning.
function unrolled(ring) {
	let shift = 0
	return ring.map(([x, y], i) => {
		if (i > 0 && ring[i - 1][0] - x > 180) shift += 360
		if (i > 0 && x - ring[i - 1][0] > 180) shift -= 360
		return [x + shift, y]
	})
}

// Sutherland and Hodgman, one side: what has sign * (x - at) <= 0.
function clipped(ring, at, sign) {
	const out = []
	for (let i = 0; i + 1 < ring.length; i++) {
		const [ax, ay] = ring[i], [bx, by] = ring[i + 1]
		const a = sign * (ax - at) <= 0, b = sign * (bx - at) <= 0
		if (a) out.push([ax, ay])
		if (a !== b) out.push([at, ay + (by - ay) * (at - ax) / (bx - ax)])
	}
	return out.length < 3 ? [] : [...out, out[0]]
}

function cut(ring) {
	const open = unrolled(ring)
	const turn = open[open.length - 1][0] - open[0][0]
	if (Math.abs(turn) > 180) {
		const pole = open[0][1] < 0 ? -90 : 90
		open.push([open[open.length - 1][0], pole], [open[0][0], pole], open[0])
	}
	const parts = []
	for (const k of [-2, -1, 0, 1, 2]) {
		const moved = open.map(([x, y]) => [x + 360 * k, y])
		const part = clipped(clipped(moved, 180, 1), -180, -1)
		if (part.length >= 4) parts.push(part)
	}
	return parts
}

const chunks = []
const word = n => chunks.push(Buffer.from(Uint32Array.of(n).buffer))

function put(country, rings) {
	word(country)
	word(rings.length)
	for (const ring of rings) {
		word(ring.length)
		chunks.push(Buffer.from(Float64Array.from(ring.flat()).buffer))
	}
}

const area = ring => ring.slice(1).reduce((s, [x, y], i) => s + ring[i][0] * y - x * ring[i][1], 0)
const sound = ring => ring.length >= 4 && Math.abs(area(ring)) > 1e-9

topology.objects.countries.geometries.forEach((g, country) => {
	const polygons = g.type === 'MultiPolygon' ? g.arcs : g.type === 'Polygon' ? [g.arcs] : []
	for (const polygon of polygons) {
		const rings = polygon.map(ringOf)
		const crosses = rings[0].some(([x], i) => i > 0 && Math.abs(x - rings[0][i - 1][0]) > 180)
		if (crosses)
			cut(rings[0]).filter(sound).forEach(ring => put(country, [ring]))
		else if (sound(rings[0]))
			put(country, rings.filter(sound))
	}
})
writeFileSync(process.argv[3], Buffer.concat(chunks))
