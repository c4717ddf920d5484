// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Bytes as text, as xxd, hexdump -C, od and tcpdump print them, or without an offset; and as they are. */
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "dump.h"

#define BLANKS	" \t,;\r\n"
#define TOO_LONG "an IU cannot be this long"
#define DIGITS	"0123456789abcdefABCDEF"

/* An IU that is being read. */
struct text {
	const char	*name;		/* of the file */
	u8		*b;
	u32		len;
	unsigned int	line, first;	/* where it began */
	bool		offsets;	/* its lines have them */
	bool		repeat;		/* a line of '*' was before */
	bool		bad;
};

static const char *place(const struct text *t, unsigned int line)
{
	static char where[80];

	snprintf(where, sizeof(where), "%.60s line %u", t->name, line);
	return where;
}

static void finish(struct text *t)
{
	if (t->len && !t->bad)
		dump_iu(place(t, t->first), t->b, t->len, conf.from, FORM_IU);
	t->len = 0;
	t->offsets = t->repeat = t->bad = false;
}

/* The rest of this IU is skipped. */
static void give_up(struct text *t, const char *what, const char *why)
{
	if (!t->bad)
		input_problem(place(t, t->line), "%.12s%s", what, why);
	t->bad = true;
}

static void add_byte(struct text *t, u8 byte)
{
	if (t->bad)
		return;
	if (t->len == DUMP_MAX_LEN) {
		give_up(t, "", TOO_LONG);
		return;
	}
	if (!t->len)
		t->first = t->line;
	t->b[t->len++] = byte;
}

static size_t prefix(const char *p)
{
	return p[0] == '0' && (p[1] == 'x' || p[1] == 'X') ? 2 : 0;
}

/* A group of two digits, as od prints them. */
static bool is_byte(const char *p)
{
	return strspn(p, DIGITS) == 2;
}

/*
 * Is there an offset in front? One that ends with a colon (xxd, tcpdump -X), or has two blanks behind it (hexdump -C),
 * or cannot be bytes as its number of digits is odd (od), or has single bytes behind it (od -Ax); or is alone, as the
 * last line of those. Returns where the bytes begin.
 */
static char *skip_offset(const struct text *t, char *line)
{
	const size_t digits = strspn(line + prefix(line), DIGITS);
	char *end = line + prefix(line) + digits;

	if (digits < 4)
		return NULL;
	if (*end == ':')
		return end + 1;
	if (!strncmp(end, "  ", 2) || digits % 2 || (digits >= 6 && *end == ' ' && is_byte(end + 1)) ||
	    (t->offsets && !end[strspn(end, BLANKS)]))
		return end;
	return NULL;
}

/* The offset must be the number of bytes so far, of which od prints it in octal; or those before were repeated. */
static void check_offset(struct text *t, const char *line)
{
	const unsigned long hex = strtoul(line, NULL, 16), octal = strtoul(line, NULL, 8);
	const unsigned long want = strspn(line, DIGITS) % 2 ? octal : hex;

	if (!hex && t->len)
		finish(t);
	while (t->repeat && t->len >= 16 && t->len < want && !t->bad)
		add_byte(t, t->b[t->len - 16]);
	t->repeat = false;
	t->offsets = true;
	if (hex != t->len && octal != t->len)
		give_up(t, "", "the offset is not the number of bytes before it: is a line missing?");
}

/* Groups of an even number of digits. @colon: what is behind two blanks is text. */
static void take_bytes(struct text *t, char *p, bool colon)
{
	size_t gap = strspn(p, BLANKS), digits;
	bool first = true;

	for (;; gap = strspn(p, BLANKS)) {
		if (colon && gap > 1 && !first)
			return;
		first = false;
		p += gap;
		if (!*p || *p == '|' || *p == '>')
			return;
		p += prefix(p);
		digits = strspn(p, DIGITS);
		if (!digits || digits % 2 || (p[digits] && !strchr(BLANKS, p[digits]))) {
			p[strcspn(p, BLANKS)] = '\0';
			give_up(t, p, " is not bytes in hexadecimal");
			return;
		}
		for (; digits; digits -= 2, p += 2) {
			const char byte[3] = { p[0], p[1] };

			add_byte(t, strtoul(byte, NULL, 16));
		}
	}
}

static void take_line(struct text *t, char *line)
{
	char *bytes;

	line += strspn(line, " \t");
	if (*line == '#')
		return;
	if (!line[strspn(line, BLANKS)]) {
		finish(t);
		return;
	}
	if (*line == '*') {
		t->repeat = true;
		return;
	}
	bytes = skip_offset(t, line);
	if (bytes)
		check_offset(t, line);
	take_bytes(t, bytes ? bytes : line, bytes && bytes[-1] == ':');
	if (conf.lines)
		finish(t);
}

void read_hex(FILE *file, const char *name)
{
	struct text t = { .name = name, .b = malloc(DUMP_MAX_LEN) };
	size_t size = 0;
	char *line = NULL;

	if (!t.b)
		abort();
	while (getline(&line, &size, file) >= 0) {
		t.line++;
		take_line(&t, line);
	}
	finish(&t);
	free(line);
	free(t.b);
}

void read_binary(FILE *file, const char *name)
{
	u8 *b = malloc(DUMP_MAX_LEN + 1);
	size_t len;

	if (!b)
		abort();
	len = fread(b, 1, DUMP_MAX_LEN + 1, file);
	if (len > DUMP_MAX_LEN)
		input_problem(name, TOO_LONG);
	else
		dump_iu(name, b, len, conf.from, FORM_IU);
	free(b);
}
