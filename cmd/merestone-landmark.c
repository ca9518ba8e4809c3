/* merestone-landmark: measures how far machines are, from a place that an officer knows. merestone-landmark(8). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "attest/landmark.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/sandbox.h"

enum { CONFIG_MAX = 4096, KEY_MAX = 4096, PATH_CAP = 1024 };

struct config {
	char name[NAME_CAP], address[64], key[PATH_CAP];
	struct endpoint listen;
	struct fix fix;
};

static int read_members(const json_t *j, struct config *c, const char **key, struct err *e)
{
	static const char *const members[] = {
	        "name", "key", "listen", "address", "latitude_deg", "longitude_deg", "uncertainty_m", NULL};
	const char *listen, *address;

	if (json_only(j, members, e) || json_get_name(j, "name", c->name, e) || json_get_str(j, "key", key, e) ||
	        json_get_str(j, "listen", &listen, e) || endpoint_parse(listen, &c->listen, e) ||
	        json_get_num(j, "latitude_deg", -90, 90, &c->fix.lat_deg, e) ||
	        json_get_num(j, "longitude_deg", -180, 180, &c->fix.lon_deg, e) ||
	        json_get_num(j, "uncertainty_m", 0, FIX_UNCERTAINTY_MAX_M, &c->fix.uncertainty_m, e))
		return -1;
	address = listen;
	if (json_object_get(j, "address") && json_get_str(j, "address", &address, e))
		return -1;
	struct endpoint told;
	if (endpoint_parse(address, &told, e))
		return -1;
	snprintf(c->address, sizeof c->address, "%s", address);
	return 0;
}

static int read_config(const char *path, struct config *c, struct err *e)
{
	AUTO(json_free) json_t *j = json_file(AT_FDCWD, path, CONFIG_MAX, e);
	const char *key = NULL, *slash = strrchr(path, '/');

	if (!j)
		return -1;
	if (read_members(j, c, &key, e))
		return err_in(e, "%s", path);
	/* A path in the file is absolute or starts at the directory of the file. */
	int dir = key[0] != '/' && slash ? (int)(slash - path + 1) : 0;
	if (snprintf(c->key, sizeof c->key, "%.*s%s", dir, path, key) >= (int)sizeof c->key)
		return err_set(e, WHY_MALFORMED, "%s: key: the path is too long", path);
	return 0;
}

static struct es256 *new_key(const char *path, struct err *e)
{
	AUTO(es256_free) struct es256 *k = es256_generate(e);
	AUTO(mem_free) char *pem = NULL;
	size_t n = 0;

	if (!k || es256_private_pem(k, VIEW("", 0), &pem, &n, e))
		return NULL;
	int bad = file_write(AT_FDCWD, path, VIEW(pem, n), 0600, e);
	mem_wipe(pem, n);
	return bad ? NULL : TAKE(k);
}

/* Made at the first start. */
static struct es256 *read_key(const char *path, struct err *e)
{
	uint8_t *pem = NULL;
	size_t n = 0;

	if (access(path, F_OK) != 0 && errno == ENOENT)
		return new_key(path, e);
	if (file_read(AT_FDCWD, path, KEY_MAX, &pem, &n, e))
		return NULL;
	struct es256 *k = es256_from_pem(VIEW(pem, n), VIEW("", 0), e);
	mem_wipe(pem, n);
	free(pem);
	return k;
}

/* What an officer signs: merestone landmark put NAME FILE. */
static int print_document(const struct config *c, const struct es256 *key)
{
	char text[1024];
	struct wr w = wr_to(text, sizeof text);
	struct jw j = jw_to(&w);

	jw_obj(&j, NULL);
	jw_hex(&j, "key", VIEW_OF(key->pub));
	jw_num(&j, "latitude_deg", c->fix.lat_deg);
	jw_num(&j, "longitude_deg", c->fix.lon_deg);
	jw_num(&j, "uncertainty_m", c->fix.uncertainty_m);
	jw_str(&j, "address", c->address);
	jw_end_obj(&j);
	return printf("%.*s\n", (int)wr_done(&w).n, text) > 0 ? 0 : 3;
}

/* ---- The loop ---- */

static struct landmark_now moment(void)
{
	struct timespec raw, wall;

	clock_gettime(CLOCK_MONOTONIC_RAW, &raw);
	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct landmark_now){
	        .ns = (uint64_t)raw.tv_sec * 1000000000 + (uint64_t)raw.tv_nsec, .wall_s = wall.tv_sec};
}

/* The clock is read before the challenge leaves and, in take(), after the whole answer is here: all that this machine
 * needs for itself makes the distance longer. */
static void give(int fd, const struct landmark_out *out)
{
	struct sockaddr_storage to;
	socklen_t n = endpoint_sockaddr(&out->to, &to);

	if (out->timed)
		out->timed->sent_ns = moment().ns;
	(void)sendto(fd, out->bytes, out->n, MSG_DONTWAIT, (const struct sockaddr *)&to, n);
}

static void take(int fd, struct landmark *l)
{
	uint8_t buf[BOUNDMSG_MAX];
	struct sockaddr_storage from = {0};
	socklen_t len = sizeof from;
	struct endpoint at;
	struct landmark_out out;
	ssize_t n = recvfrom(fd, buf, sizeof buf, MSG_DONTWAIT, (struct sockaddr *)&from, &len);
	struct landmark_now now = moment();

	if (n <= 0 || !endpoint_of(&from, &at))
		return;
	landmark_take(l, &at, VIEW(buf, (size_t)n), now, &out);
	if (out.n > 0)
		give(fd, &out);
}

static void look_after(int fd, struct landmark *l)
{
	struct landmark_out out;

	for (landmark_late(l, moment(), &out); out.n > 0; landmark_late(l, moment(), &out))
		give(fd, &out);
}

/* The powers of serve(): one socket that is bound, and time. */
static const char *const powers[] = {"brk", "clock_gettime", "futex", "getpid", "getrandom", "madvise", "mmap",
        "mremap", "munmap", "poll", "recvfrom", "sendto", "write", NULL};

static int serve(int fd, struct landmark *l, struct err *e)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (poll(&p, 1, landmark_wait_ms(l, moment().ns)) < 0 && errno != EINTR)
			return err_sys(e, "cannot wait");
		if (p.revents)
			take(fd, l);
		look_after(fd, l);
	}
}

/* ---- Start ---- */

/* The port becomes the one that it is, when the system was to choose. */
static int open_socket(struct endpoint *at, int *out, struct err *e)
{
	struct sockaddr_storage s;
	socklen_t n = endpoint_sockaddr(at, &s);
	AUTO(fd_close) int fd = socket(s.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&s, n) != 0 || getsockname(fd, (struct sockaddr *)&s, &n) != 0)
		return err_sys(e, "cannot listen on UDP port %u", at->port);
	(void)endpoint_of(&s, at);
	*out = fd;
	fd = -1;
	return 0;
}

/* What the first session would load from files. */
static int warm(const struct es256 *key, struct err *e)
{
	AUTO(es256_free) struct es256 *other = es256_generate(e);
	uint8_t out[SHA_LEN] = {0}, sig[ES256_SIG];

	sha_init();
	if (!other || bound_key(other, other->pub, key->pub, out, out, e))
		return -1;
	bound_answer(out, out, 0, out);
	return es256_sign(key, VIEW_OF(out), sig, e);
}

static int run(struct config *c, struct es256 *key, struct err *e)
{
	static struct landmark l;
	AUTO(fd_close) int fd = -1;
	bool enforced;

	if (landmark_open(&l, c->name, key, e) || warm(key, e) || open_socket(&c->listen, &fd, e) ||
	        sandbox_files(-1, &enforced, e) || sandbox_calls(powers, e))
		return -1;
	log_info("landmark %s measures on UDP port %u", c->name, c->listen.port);
	return serve(fd, &l, e);
}

static int fail(const struct err *e)
{
	log_err(e);
	return 3;
}

int main(int argc, char **argv)
{
	bool document = argc == 4 && strcmp(argv[3], "document") == 0;
	static struct config c;
	struct err e = {0};

	log_name("merestone-landmark");
	if ((argc != 3 && !document) || strcmp(argv[1], "--config") != 0) {
		log_warn("usage: merestone-landmark --config FILE [document]");
		return 2;
	}
	if (sandbox_early(&e) || read_config(argv[2], &c, &e))
		return fail(&e);
	AUTO(es256_free) struct es256 *key = read_key(c.key, &e);
	if (!key)
		return fail(&e);
	if (document)
		return print_document(&c, key);
	return run(&c, key, &e) ? fail(&e) : 0;
}
