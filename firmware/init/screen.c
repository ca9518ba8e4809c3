/* What the machine says: lines on the console, a screen on the first terminal, and status.json. There is no login. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "firmware/init/supervisor.h"

#define EK_SAID "endorsement key "
enum { SHOWN_MAX = 4096 };

static void copy(char *out, size_t cap, const char *text)
{
	size_t n = strlen(text) < cap ? strlen(text) : cap - 1;

	memmove(out, text, n);
	out[n] = 0;
}

/* Nothing that a machine says may move a terminal or forge a line. */
static void clean(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < ' ' || *line == 0x7f)
			*line = '?';
}

static void put(const char *device, const char *text, size_t n)
{
	AUTO(fd_close) int fd = open(device, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, text, n);
}

void screen_say(struct screen *s, const char *line)
{
	char text[SCREEN_LINE_MAX + 2];
	int n;

	(void)s;
	(void)snprintf(text, sizeof text - 1, "%s", line);
	clean(text);
	n = (int)strlen(text);
	text[n++] = '\n';
	put("/dev/console", text, (size_t)n);
}

void screen_trouble(struct screen *s, const struct err *e)
{
	char line[SCREEN_LINE_MAX];

	(void)snprintf(line, sizeof line, "merestone: error: %s", e->text);
	screen_say(s, line);
	copy(s->sentence, sizeof s->sentence, e->text);
	clean(s->sentence);
	if (e->hint[0]) {
		(void)snprintf(line, sizeof line, "merestone: hint: %s", e->hint);
		screen_say(s, line);
	}
}

/* The agent's words are "merestone-agent: text"; a case that was decided is how the machine stands with its authority. */
static void agent_heard(struct screen *s, const char *text)
{
	static const char error[] = "error: ", attested[] = "case ";
	uint8_t ek[SHA_LEN];

	if (strncmp(text, EK_SAID, strlen(EK_SAID)) == 0) {
		if (hex_get(ek, sizeof ek, text + strlen(EK_SAID)) == 0)
			(void)hex_put(s->ek, ek, sizeof ek);
		return;
	}
	if (strncmp(text, error, strlen(error)) == 0)
		copy(s->sentence, sizeof s->sentence, text + strlen(error));
	if (strncmp(text, attested, strlen(attested)) == 0) {
		copy(s->enrolment, sizeof s->enrolment, text);
		s->sentence[0] = 0;
	}
}

void screen_heard(struct screen *s, const char *line)
{
	static const char agent[] = "merestone-agent: ";
	char text[SCREEN_LINE_MAX];

	copy(text, sizeof text, line);
	clean(text);
	screen_say(s, text);
	if (strncmp(text, agent, strlen(agent)) == 0)
		agent_heard(s, text + strlen(agent));
}

static void status_write(const struct screen *s, struct wr *w)
{
	struct jw j = jw_to(w);

	jw_obj(&j, NULL);
	jw_str(&j, "version", s->version);
	jw_str(&j, "name", s->name);
	jw_str(&j, "authority", s->authority);
	jw_str(&j, "state", s->state);
	jw_str(&j, "network", s->network);
	jw_str(&j, "ek_sha256", s->ek);
	jw_str(&j, "enrolment", s->enrolment);
	jw_str(&j, "sentence", s->sentence);
	jw_end_obj(&j);
	wr_u8(w, '\n');
}

static void paint(const struct screen *s)
{
	char text[SHOWN_MAX];
	struct wr w = wr_to(text, sizeof text);

	wr_str(&w, "\033[?25l\033[2J\033[H\033[1mmerestone\033[0m\r\n\r\n");
	wr_fmt(&w, "image           %s\r\nname            %s\r\nauthority       %s\r\nnetwork         %s\r\n",
	        s->version, s->name[0] ? s->name : "none: no site file", s->authority, s->network);
	wr_fmt(&w, "state           %s\r\nendorsement key %s\r\nenrolment       %s\r\n\r\n", s->state, s->ek,
	        s->enrolment[0] ? s->enrolment : "not attested since this start");
	if (s->sentence[0])
		wr_fmt(&w, "error: %s\r\n", s->sentence);
	if (wr_ok(&w))
		put("/dev/tty0", text, w.n);
}

void screen_show(struct screen *s)
{
	static char shown[SHOWN_MAX];
	char text[SHOWN_MAX];
	struct wr w = wr_to(text, sizeof text - 1);
	struct err ignored;

	status_write(s, &w);
	if (!wr_ok(&w))
		return;
	text[w.n] = 0;
	if (strcmp(text, shown) == 0)
		return;
	copy(shown, sizeof shown, text);
	(void)file_write(AT_FDCWD, RUN_DIR "/status.json", wr_done(&w), 0444, &ignored);
	paint(s);
}
