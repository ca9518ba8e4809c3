#include "cmd/fencesvg.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { RIM_POINTS = 720, RIM_HALVINGS = 30 };
enum { PANE = 460, GAP = 24, TOP = 92, WIDTH = 2 * PANE + 3 * GAP, HEIGHT = TOP + PANE + 56 };

#define METRES_PER_DEG 111320.0
#define NEAR_PIXEL     0.35 /* points nearer than this to the last one drawn are left out */

static const char style[] = "text{font-family:system-ui,sans-serif;font-size:13px;fill:#333d47}"
                            ".t{font-size:18px;font-weight:600}.q{fill:#6b7785}.p{fill:#f4f6f8;stroke:#d5dbe1}"
                            ".f{fill:#cfe3d6;fill-rule:evenodd;stroke:#3f7a5a;stroke-width:1.2;stroke-linejoin:round}"
                            ".c{fill:none;stroke:#cfe3d6;stroke-linecap:round;stroke-linejoin:round}"
                            ".u{fill:#2f5f9e;fill-opacity:.14;stroke:#2f5f9e;stroke-width:1.2}"
                            ".m{fill:none;stroke:#2f5f9e;stroke-width:1;stroke-dasharray:4 3}"
                            ".x{fill:#1d3f6e}.n{stroke:#b0562b;stroke-width:1.2}.s{stroke:#333d47;stroke-width:2}";

struct pane {        /* what part of the earth is seen where */
	double x, y; /* of its corner */
	double west, north;
	double per_lon, per_lat; /* pixels per degree */
};

struct span2 {
	double west, east, south, north;
};

static double px(const struct pane *p, double lon)
{
	return p->x + (lon - p->west) * p->per_lon;
}

static double py(const struct pane *p, double lat)
{
	return p->y + (p->north - lat) * p->per_lat;
}

static double shrink(double lat)
{
	return fmax(cos(lat * M_PI / 180), 0.05);
}

/* The same scale both ways in the middle of the span, with a margin. */
static struct pane pane_of(double x, const struct span2 *s)
{
	double lat = (s->south + s->north) / 2, lon = (s->west + s->east) / 2;
	double tall = fmax(s->north - s->south, 1e-6), wide = fmax((s->east - s->west) * shrink(lat), 1e-6);
	double scale = PANE / (1.08 * fmax(tall, wide));
	struct pane p = {.x = x, .y = TOP, .per_lat = scale, .per_lon = scale * shrink(lat)};

	p.west = lon - PANE / 2.0 / p.per_lon;
	p.north = lat + PANE / 2.0 / p.per_lat;
	return p;
}

static void put_escaped(FILE *f, const char *text)
{
	for (; *text != 0; text++) {
		if (strchr("<>&\"'", *text) != NULL)
			fprintf(f, "&#%d;", *text);
		else if ((unsigned char)*text >= 0x20 && *text != 0x7f)
			fputc(*text, f);
	}
}

static void grow_span(struct span2 *s, double lon, double lat)
{
	s->west = fmin(s->west, lon);
	s->east = fmax(s->east, lon);
	s->south = fmin(s->south, lat);
	s->north = fmax(s->north, lat);
}

typedef void ring_fn(void *ctx, const json_t *ring);

/* Every list of positions in coordinates of any depth. */
static void each_ring(const json_t *coordinates, unsigned deep, ring_fn *fn, void *ctx)
{
	const json_t *first = json_array_get(json_array_get(coordinates, 0), 0);

	if (json_is_number(first)) {
		fn(ctx, coordinates);
		return;
	}
	for (size_t i = 0; deep < 4 && i < json_array_size(coordinates); i++)
		each_ring(json_array_get(coordinates, i), deep + 1, fn, ctx);
}

static double coordinate(const json_t *ring, size_t i, size_t axis)
{
	return json_number_value(json_array_get(json_array_get(ring, i), axis));
}

struct drawing {
	FILE *f;
	const struct pane *pane;
	double middle; /* longitude: a ring is drawn on the turn of the earth that is nearest to it */
	bool open;     /* a line, no ring */
};

static double turn_to(double middle, double lon)
{
	return 360 * round((middle - lon) / 360);
}

/* How far to shift a ring east so that it is on this side of the antimeridian. */
static double shift_of(const json_t *ring, double middle)
{
	struct span2 s = {INFINITY, -INFINITY, INFINITY, -INFINITY};

	for (size_t i = 0; i < json_array_size(ring); i++)
		grow_span(&s, coordinate(ring, i, 0), coordinate(ring, i, 1));
	return s.east - s.west > 180 ? 0 : turn_to(middle, (s.west + s.east) / 2);
}

struct measuring {
	struct span2 span;
	double middle;
};

static void measure_ring(void *ctx, const json_t *ring)
{
	struct measuring *m = ctx;
	double shift = shift_of(ring, m->middle);

	for (size_t i = 0; i < json_array_size(ring); i++)
		grow_span(&m->span, coordinate(ring, i, 0) + shift, coordinate(ring, i, 1));
}

/* Far outside its pane a point says no more than at its edge, and large numbers are drawn badly. */
static double clamp(double v)
{
	return fmax(-20000, fmin(20000, v));
}

static void draw_ring(void *ctx, const json_t *ring)
{
	const struct drawing *d = ctx;
	double last_x = INFINITY, last_y = INFINITY;
	double shift = shift_of(ring, d->middle);
	char command = 'M';

	for (size_t i = 0; i < json_array_size(ring); i++) {
		double x = clamp(px(d->pane, coordinate(ring, i, 0) + shift));
		double y = clamp(py(d->pane, coordinate(ring, i, 1)));
		if (fabs(x - last_x) < NEAR_PIXEL && fabs(y - last_y) < NEAR_PIXEL)
			continue;
		fprintf(d->f, "%c%.1f %.1f", command, x, y);
		command = 'L';
		last_x = x;
		last_y = y;
	}
	fputs(d->open ? "" : "Z", d->f);
}

static void draw_circle(const struct drawing *d, const char *class, struct lonlat at, double radius_m)
{
	double r = radius_m / METRES_PER_DEG * d->pane->per_lat;

	fprintf(d->f, "<ellipse class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" rx=\"%.1f\" ry=\"%.1f\"/>\n", class,
	        clamp(px(d->pane, at.lon)), clamp(py(d->pane, at.lat)),
	        clamp(r * d->pane->per_lon / d->pane->per_lat / shrink(at.lat)), clamp(r));
}

static struct lonlat centre_of(const json_t *geometry)
{
	const json_t *c = json_object_get(geometry, "center");

	return (struct lonlat){json_number_value(json_array_get(c, 0)), json_number_value(json_array_get(c, 1))};
}

/* The point of the sphere that is `angle` radians away from a in direction `azimuth`. */
static struct lonlat towards(struct lonlat a, double azimuth, double angle)
{
	double lat = a.lat * M_PI / 180;
	double to = asin(fmax(-1, fmin(1, sin(lat) * cos(angle) + cos(lat) * sin(angle) * cos(azimuth))));
	double lon = atan2(sin(azimuth) * sin(angle) * cos(lat), cos(angle) - sin(lat) * sin(to));

	return (struct lonlat){a.lon + lon * 180 / M_PI, to * 180 / M_PI};
}

/* The rim is where the fence itself says that its inside ends: a circle on the ellipsoid is none on the sphere. */
static struct lonlat rim_point(const struct fence *f, struct lonlat centre, double azimuth, double radius_m)
{
	double in = 0.98 * radius_m / EARTH_A, out = fmin(1.02 * radius_m / EARTH_B, M_PI);

	for (int i = 0; i < RIM_HALVINGS; i++) {
		struct lonlat p = towards(centre, azimuth, (in + out) / 2);
		if (fence_covers(f, p.lat, remainder(p.lon, 360)) == PLACE_INSIDE)
			in = (in + out) / 2;
		else
			out = (in + out) / 2;
	}
	return towards(centre, azimuth, in);
}

static void draw_rim(const struct drawing *d, const struct fence *f, struct lonlat centre, double radius_m)
{
	centre.lon += turn_to(d->middle, centre.lon);
	for (int i = 0; i < RIM_POINTS; i++) {
		struct lonlat p = rim_point(f, centre, 2 * M_PI * i / RIM_POINTS, radius_m);
		fprintf(d->f, "%c%.1f %.1f", i == 0 ? 'M' : 'L', clamp(px(d->pane, p.lon)), clamp(py(d->pane, p.lat)));
	}
	fputs("Z", d->f);
}

/* As a fence by itself, since in a union its rim is not where the inside ends. */
static void draw_circle_part(const struct drawing *d, const json_t *geometry)
{
	struct err ignored = {0};
	AUTO(json_free)
	json_t *body = json_pack("{s:O, s:i}", "geometry", (json_t *)(uintptr_t)geometry, "map_accuracy_m", 0);
	AUTO(fence_free) struct fence *f = body != NULL ? fence_import(body, &ignored) : NULL;

	if (f != NULL)
		draw_rim(d, f, centre_of(geometry), json_number_value(json_object_get(geometry, "radius_m")));
}

static void draw_part(const struct drawing *d, const json_t *geometry)
{
	double wide = json_number_value(json_object_get(geometry, "width_m")) / METRES_PER_DEG * d->pane->per_lat;
	struct drawing part = *d;

	part.open = wide > 0;
	if (part.open)
		fprintf(d->f, "<path class=\"c\" style=\"stroke-width:%.1f\" d=\"", fmax(wide, 1.2));
	else
		fputs("<path class=\"f\" d=\"", d->f);
	if (json_object_get(geometry, "radius_m") != NULL)
		draw_circle_part(&part, geometry);
	each_ring(json_object_get(geometry, "coordinates"), 0, draw_ring, &part);
	fputs("\"/>\n", d->f);
}

/* A fence is one geometry or a union of some. */
static void draw_fence(const struct drawing *d, const json_t *geometry)
{
	const json_t *parts = json_object_get(geometry, "geometries");

	if (parts == NULL)
		draw_part(d, geometry);
	for (size_t i = 0; i < json_array_size(parts); i++)
		draw_part(d, json_array_get(parts, i));
}

static void measure_part(struct measuring *m, const json_t *geometry)
{
	double r = json_number_value(json_object_get(geometry, "radius_m")) / METRES_PER_DEG;

	if (r > 0) {
		struct lonlat c = centre_of(geometry);
		c.lon += turn_to(m->middle, c.lon);
		grow_span(&m->span, c.lon - r / shrink(c.lat), c.lat - r);
		grow_span(&m->span, c.lon + r / shrink(c.lat), c.lat + r);
	}
	each_ring(json_object_get(geometry, "coordinates"), 0, measure_ring, m);
}

static struct span2 span_of_fence(const json_t *geometry, const struct fix *x)
{
	struct measuring m = {{x->lon_deg, x->lon_deg, x->lat_deg, x->lat_deg}, x->lon_deg};
	const json_t *parts = json_object_get(geometry, "geometries");

	measure_part(&m, geometry);
	for (size_t i = 0; i < json_array_size(parts); i++)
		measure_part(&m, json_array_get(parts, i));
	return m.span;
}

/* The circle, and the border when it is not too far for the circle to be seen. */
static struct span2 span_near(const struct fencesvg *s)
{
	double reach = fmax(1.6 * s->result.needed_m, fmin(1.3 * s->result.distance_m, 12 * s->result.needed_m));
	double lat = fmax(reach, 100) / METRES_PER_DEG, lon = lat / shrink(s->fix.lat_deg);

	return (struct span2){s->fix.lon_deg - lon, s->fix.lon_deg + lon, s->fix.lat_deg - lat, s->fix.lat_deg + lat};
}

/* A length that reads well and fits in a third of the pane. */
static void draw_scale(const struct drawing *d)
{
	double most = PANE / 3.0 / d->pane->per_lat * METRES_PER_DEG, m = pow(10, floor(log10(most)));
	double x = d->pane->x + 12, y = d->pane->y + PANE - 14;

	m *= most / m >= 5 ? 5 : most / m >= 2 ? 2 : 1;
	double length = m / METRES_PER_DEG * d->pane->per_lat;
	fprintf(d->f, "<path class=\"s\" d=\"M%.1f %.1fh%.1f\"/><text x=\"%.1f\" y=\"%.1f\">%g %s</text>\n", x, y,
	        length, x, y - 7, m < 1000 ? m : m / 1000, m < 1000 ? "m" : "km");
}

static void draw_pane(FILE *f, const struct fencesvg *s, const struct pane *p, const char *name)
{
	struct drawing d = {.f = f, .pane = p, .middle = s->fix.lon_deg};
	const json_t *geometry = json_object_get(s->body, "geometry");
	struct lonlat at = {s->fix.lon_deg, s->fix.lat_deg};

	fprintf(f, "<clipPath id=\"%s\"><rect x=\"%g\" y=\"%g\" width=\"%d\" height=\"%d\" rx=\"6\"/></clipPath>\n",
	        name, p->x, p->y, PANE, PANE);
	fprintf(f,
	        "<rect class=\"p\" x=\"%g\" y=\"%g\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n<g "
	        "clip-path=\"url(#%s)\">\n",
	        p->x, p->y, PANE, PANE, name);
	draw_fence(&d, geometry);
	draw_circle(&d, "u", at, s->fix.uncertainty_m);
	draw_circle(&d, "m", at, s->result.needed_m);
	struct lonlat to = s->result.nearest;
	to.lon += turn_to(at.lon, to.lon);
	fprintf(f, "<path class=\"n\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", px(p, at.lon), py(p, at.lat),
	        clamp(px(p, to.lon)), clamp(py(p, to.lat)));
	fprintf(f, "<circle class=\"x\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>\n", px(p, at.lon), py(p, at.lat));
	draw_scale(&d);
	fputs("</g>\n", f);
}

static void put_length(FILE *f, double m)
{
	if (m < 1000)
		fprintf(f, "%.1f m", m);
	else
		fprintf(f, "%.3f km", m / 1000);
}

static void draw_words(FILE *f, const struct fencesvg *s)
{
	fprintf(f, "<text class=\"t\" x=\"%d\" y=\"36\">", GAP);
	put_escaped(f, s->title);
	fprintf(f, ": %s</text>\n<text x=\"%d\" y=\"62\">The nearest edge is ", place_name(s->result.place), GAP);
	put_length(f, s->result.distance_m);
	fputs(" away; to be sure, more than ", f);
	put_length(f, s->result.needed_m);
	fputs(" is needed.</text>\n", f);
	fprintf(f,
	        "<text class=\"q\" x=\"%d\" y=\"%d\">%.6f, %.6f. Filled circle: the fix with its uncertainty. Dashed: "
	        "with "
	        "the accuracy of the map. Line: to the nearest edge.</text>\n",
	        GAP, TOP + PANE + 32, s->fix.lat_deg, s->fix.lon_deg);
}

static void draw(FILE *f, const struct fencesvg *s)
{
	struct span2 whole = span_of_fence(json_object_get(s->body, "geometry"), &s->fix), near = span_near(s);
	struct pane left = pane_of(GAP, &whole), right = pane_of(PANE + 2 * GAP, &near);

	fprintf(f,
	        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">\n<style>%s"
	        "</style>\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
	        WIDTH, HEIGHT, WIDTH, HEIGHT, style, WIDTH, HEIGHT);
	draw_words(f, s);
	draw_pane(f, s, &left, "whole");
	draw_pane(f, s, &right, "near");
	fputs("</svg>\n", f);
}

int fencesvg_write(const struct fencesvg *s, const char *path, struct err *e)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	if (f == NULL)
		return err_sys(e, "memory for a picture");
	draw(f, s);
	bool bad = ferror(f) != 0;
	if (fclose(f) != 0 || bad) {
		free(text);
		return err_sys(e, "memory for a picture");
	}
	int rc = file_write(AT_FDCWD, path, VIEW(text, n), 0644, e);
	free(text);
	return rc;
}
