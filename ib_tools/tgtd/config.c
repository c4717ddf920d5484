// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * See config.h. Tables say which settings a group has, of what kind they are and where they go; what
 * concerns several settings is checked after that, and what concerns several logical units at the end.
 * The first error ends it.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "status_socket.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* Where an error is written to. */
struct reader {
	const char	*path;
	char		*error;
};

enum kind {
	K_NUMBER,	/* uint32_t, min to max */
	K_BOOL,		/* bool */
	K_TEXT,		/* char [max + 1] */
	K_STRING,	/* char *, of the heap */
	K_SIZE,		/* uint64_t: a number, or one with K, M, G or T */
	K_NAMES,	/* struct names, each shorter than TGT_NAME_LEN */
	K_GROUPS,	/* a list of groups, which the caller reads */
};

struct setting {
	const char	*name;
	enum kind	kind;
	size_t		offset;
	uint32_t	min, max;
};

#define AT(type, member, ...) offsetof(struct type, member), ##__VA_ARGS__

static const struct setting top_settings[] = {
	{ "daemon", K_GROUPS },
	{ "targets", K_GROUPS },
};

static const struct setting daemon_settings[] = {
	{ "threads", K_NUMBER, AT(config, threads, 1, TGT_MAX_RINGS) },
	{ "recovery_ms", K_NUMBER, AT(config, recovery_ms, 0, 3600000) },
	{ "timeout_ms", K_NUMBER, AT(config, timeout_ms, 5000, 3600000) },
	{ "memory", K_NUMBER, AT(config, memory, 4, 65536) },
	{ "state_dir", K_STRING, AT(config, state_dir) },
	{ "socket", K_STRING, AT(config, socket) },
};

static const struct setting target_settings[] = {
	{ "id_ext", K_STRING, AT(target_config, id_ext_text) },
	{ "ports", K_NAMES, AT(target_config, ports) },
	{ "initiators", K_NAMES, AT(target_config, initiators) },
	{ "luns", K_GROUPS },
};

static const struct setting lun_settings[] = {
	{ "lun", K_NUMBER, AT(lun_config, lun, 0, SCSI_MAX_LUNS - 1) },
	{ "backend", K_TEXT, AT(lun_config, backend, 0, 15) },
	{ "path", K_STRING, AT(lun_config, path) },
	{ "size", K_SIZE, AT(lun_config, size) },
	{ "block_size", K_NUMBER, AT(lun_config, scsi.block_size, 512, 4096) },
	{ "serial", K_TEXT, AT(lun_config, scsi.serial, 1, 36) },
	{ "vendor", K_TEXT, AT(lun_config, scsi.vendor, 1, 8) },
	{ "product", K_TEXT, AT(lun_config, scsi.product, 1, 16) },
	{ "read_only", K_BOOL, AT(lun_config, scsi.read_only) },
	{ "removable", K_BOOL, AT(lun_config, scsi.removable) },
	{ "thin", K_BOOL, AT(lun_config, scsi.thin) },
	{ "write_cache", K_BOOL, AT(lun_config, scsi.write_cache) },
};

/* ---- errors ------------------------------------------------------------------------------------- */

/* @file: NULL: that of the reader, and not one that it includes. Return: false. */
__attribute__((format(printf, 4, 5)))
static bool bad_place(struct reader *r, const char *file, unsigned int line, const char *fmt, ...)
{
	va_list args;
	int n;

	n = snprintf(r->error, CONFIG_ERROR_LEN, line ? "%.200s:%u: " : "%.200s: ", file ? file : r->path, line);
	va_start(args, fmt);
	vsnprintf(r->error + n, CONFIG_ERROR_LEN - n, fmt, args);
	va_end(args);
	return false;
}

#define bad_line(r, line, ...) bad_place(r, NULL, line, __VA_ARGS__)
#define bad(r, s, ...) bad_place(r, config_setting_source_file(s), config_setting_source_line(s), __VA_ARGS__)

/* ---- one setting -------------------------------------------------------------------------------- */

static bool printable(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

static bool read_number(struct reader *r, config_setting_t *s, const struct setting *d, uint32_t *to)
{
	int type = config_setting_type(s);
	long long v = config_setting_get_int64(s);

	if ((type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) || v < d->min || v > d->max)
		return bad(r, s, "%s must be a number from %u to %u", d->name, d->min, d->max);
	*to = v;
	return true;
}

static bool read_text(struct reader *r, config_setting_t *s, const struct setting *d, char *to)
{
	const char *text = config_setting_get_string(s);

	if (!text || strlen(text) < d->min || strlen(text) > d->max || !printable(text))
		return bad(r, s, "%s must be a text in quotes, of up to %u ASCII characters", d->name, d->max);
	strcpy(to, text);
	return true;
}

static bool read_string(struct reader *r, config_setting_t *s, const struct setting *d, char **to)
{
	const char *text = config_setting_get_string(s);

	if (!text || !*text)
		return bad(r, s, "%s must be a text in quotes", d->name);
	*to = strdup(text);
	return *to || bad(r, s, "no memory");
}

static bool parse_size(const char *text, uint64_t *size)
{
	static const char units[] = "KMGT";
	unsigned int shift = 0;
	const char *unit;
	char *end;

	errno = 0;
	*size = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || errno)
		return false;
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (unit) {
		shift = 10 * (unit - units + 1);
		end++;
	}
	if (*end || *size > (uint64_t)INT64_MAX >> shift)
		return false;
	*size <<= shift;
	return true;
}

static bool read_size(struct reader *r, config_setting_t *s, const struct setting *d, uint64_t *to)
{
	int type = config_setting_type(s);
	const char *text = config_setting_get_string(s);
	long long v = config_setting_get_int64(s);

	if (type == CONFIG_TYPE_STRING ? !parse_size(text, to) :
	    (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) || v < 0)
		return bad(r, s, "%s must be a number of bytes, or a text as \"512M\", \"10G\" or \"2T\"", d->name);
	if (type != CONFIG_TYPE_STRING)
		*to = v;
	return *to || bad(r, s, "%s must not be 0", d->name);
}

static bool read_names(struct reader *r, config_setting_t *s, const struct setting *d, struct names *to)
{
	int i, nr = config_setting_length(s);
	const char *text;

	if ((!config_setting_is_array(s) && !config_setting_is_list(s)) || !nr)
		return bad(r, s, "%s must be a list of texts as ( \"one\", \"two\" ); leave it out for all", d->name);
	to->name = calloc(nr, sizeof(*to->name));
	for (i = 0; to->name && i < nr; i++) {
		text = config_setting_get_string_elem(s, i);
		if (!text || !*text || strlen(text) >= TGT_NAME_LEN || !printable(text))
			return bad(r, s, "%s: each must be a text in quotes of up to %d ASCII characters", d->name,
				   TGT_NAME_LEN - 1);
		to->name[i] = strdup(text);
		if (!to->name[i])
			break;
		to->nr++;
	}
	return to->nr == (uint32_t)nr || bad(r, s, "no memory");
}

static bool read_setting(struct reader *r, config_setting_t *s, const struct setting *d, void *to)
{
	switch (d->kind) {
	case K_NUMBER:
		return read_number(r, s, d, to);
	case K_BOOL:
		if (config_setting_type(s) != CONFIG_TYPE_BOOL)
			return bad(r, s, "%s must be true or false", d->name);
		*(bool *)to = config_setting_get_bool(s);
		return true;
	case K_TEXT:
		return read_text(r, s, d, to);
	case K_STRING:
		return read_string(r, s, d, to);
	case K_SIZE:
		return read_size(r, s, d, to);
	case K_NAMES:
		return read_names(r, s, d, to);
	case K_GROUPS:
		break;
	}
	return true;
}

/* ---- groups ------------------------------------------------------------------------------------- */

static void list_settings(char *text, size_t len, const struct setting *table, size_t nr)
{
	size_t i, n = 0;

	for (i = 0; i < nr && n < len; i++)
		n += snprintf(text + n, len - n, "%s%s", i ? ", " : "", table[i].name);
}

static bool read_group(struct reader *r, config_setting_t *group, const struct setting *table, size_t nr, void *to)
{
	int i, members = config_setting_length(group);
	config_setting_t *s;
	char known[256];
	size_t k;

	for (i = 0; i < members; i++) {
		s = config_setting_get_elem(group, i);
		for (k = 0; k < nr && strcmp(table[k].name, config_setting_name(s)); k++)
			;
		if (k == nr) {
			list_settings(known, sizeof(known), table, nr);
			return bad(r, s, "there is no setting '%.60s' here; there are %s", config_setting_name(s),
				   known);
		}
		if (!read_setting(r, s, &table[k], (char *)to + table[k].offset))
			return false;
	}
	return true;
}

/* @name of @parent, if there: a list of groups. Return: its length, or -1. */
static int group_list(struct reader *r, config_setting_t *parent, const char *name, config_setting_t **list)
{
	int i, nr;

	*list = config_setting_get_member(parent, name);
	if (!*list)
		return 0;
	nr = config_setting_length(*list);
	for (i = 0; config_setting_is_list(*list) && i < nr; i++)
		if (!config_setting_is_group(config_setting_get_elem(*list, i)))
			break;
	if (config_setting_is_list(*list) && i == nr)
		return nr;
	bad(r, *list, "%s must be a list of groups as %s = ( { ... }, { ... } )", name, name);
	return -1;
}

static bool check_backend(struct reader *r, config_setting_t *s, struct lun_config *l)
{
	static const char *const types[] = {
		[BACKEND_MEMORY] = "memory", [BACKEND_FILE] = "file", [BACKEND_BLOCK] = "block",
	};
	unsigned int i;

	for (i = 0; i < LEN(types) && strcmp(types[i], l->backend); i++)
		;
	if (i == LEN(types))
		return bad(r, s, "backend must be \"file\", \"block\" or \"memory\"");
	l->type = i;
	if (l->type == BACKEND_MEMORY && l->path)
		return bad(r, s, "a logical unit in memory has no path: remove it");
	if (l->type != BACKEND_MEMORY && (!l->path || l->path[0] != '/'))
		return bad(r, s, "a %s needs a path that begins with /", l->backend);
	if (l->type == BACKEND_MEMORY && !l->size)
		return bad(r, s, "a logical unit in memory needs a size");
	if (l->type == BACKEND_BLOCK && l->size)
		return bad(r, s, "a block device has its own size: remove the setting");
	return true;
}

static bool read_lun(struct reader *r, config_setting_t *s, const struct target_config *t, struct lun_config *l)
{
	struct scsi_lu_config *c = &l->scsi;

	l->line = config_setting_source_line(s);
	l->lun = SCSI_MAX_LUNS;
	c->block_size = 512;
	c->write_cache = true;
	c->max_xfer = CONFIG_MAX_XFER;
	strcpy(c->vendor, "IB_SRPT");
	strcpy(c->product, "SRP DISK");
	if (!read_group(r, s, lun_settings, LEN(lun_settings), l))
		return false;
	if (l->lun == SCSI_MAX_LUNS)
		return bad(r, s, "the logical unit has no number: add a setting lun");
	if (!check_backend(r, s, l))
		return false;
	if (c->block_size != 512 && c->block_size != 4096)
		return bad(r, s, "block_size must be 512 or 4096");
	if (l->size % c->block_size)
		return bad(r, s, "size must be a multiple of the block_size, %u bytes", c->block_size);
	if (!c->serial[0])
		snprintf(c->serial, sizeof(c->serial), "%016" PRIx64 "-%u", t->id_ext, l->lun);
	return true;
}

static bool read_luns(struct reader *r, config_setting_t *parent, struct target_config *t)
{
	config_setting_t *list;
	int i, nr = group_list(r, parent, "luns", &list);
	struct lun_config *l;

	if (nr <= 0)
		return !nr;
	t->luns = calloc(nr, sizeof(t->luns[0]));
	for (i = 0; t->luns && i < nr; i++) {
		l = calloc(1, sizeof(*l));
		if (!l)
			break;
		t->luns[t->nr_luns++] = l;
		if (!read_lun(r, config_setting_get_elem(list, i), t, l))
			return false;
	}
	return t->nr_luns == (uint32_t)nr || bad(r, parent, "no memory");
}

static bool read_target(struct reader *r, config_setting_t *s, struct target_config *t)
{
	const char *digits;

	t->line = config_setting_source_line(s);
	if (!read_group(r, s, target_settings, LEN(target_settings), t))
		return false;
	digits = t->id_ext_text ? t->id_ext_text : "";
	if (!strncasecmp(digits, "0x", 2))
		digits += 2;
	if (!*digits || strlen(digits) > 16 || strspn(digits, "0123456789abcdefABCDEF") != strlen(digits))
		return bad(r, s, "a target needs an id_ext: up to 16 hexadecimal digits in quotes, as \"0x%s\"",
			   "0002c90300a1b2c0");
	t->id_ext = strtoull(digits, NULL, 16);
	return read_luns(r, s, t);
}

static bool read_targets(struct reader *r, config_setting_t *root, struct config *c)
{
	config_setting_t *list;
	int i, nr = group_list(r, root, "targets", &list);

	if (nr <= 0)
		return nr ? false : bad_line(r, 0, "there are no targets: add targets = ( { id_ext = ...; } )");
	c->targets = calloc(nr, sizeof(c->targets[0]));
	for (i = 0; c->targets && i < nr; i++) {
		c->targets[i] = calloc(1, sizeof(*c->targets[i]));
		if (!c->targets[i])
			break;
		c->nr_targets++;
		if (!read_target(r, config_setting_get_elem(list, i), c->targets[i]))
			return false;
	}
	return c->nr_targets == (uint32_t)nr || bad(r, root, "no memory");
}

/* ---- all of it ---------------------------------------------------------------------------------- */

static bool check_pair(struct reader *r, const struct lun_config *a, const struct lun_config *b, bool same_target)
{
	if (same_target && a->lun == b->lun)
		return bad_line(r, b->line, "LUN %u is already in line %u: give one of them another number", b->lun,
				a->line);
	if (a->path && b->path && !strcmp(a->path, b->path))
		return bad_line(r, b->line, "%s is already used in line %u: it can be one logical unit only", b->path,
				a->line);
	if (!strcmp(a->scsi.serial, b->scsi.serial))
		return bad_line(r, b->line, "serial %s is already in line %u: initiators would take both for one disk",
				b->scsi.serial, a->line);
	return true;
}

/* @b of target @t with all logical units before it. */
static bool check_lun(struct reader *r, const struct config *c, uint32_t t, uint32_t l)
{
	uint32_t i, j, end;

	for (i = 0; i <= t; i++) {
		end = i == t ? l : c->targets[i]->nr_luns;
		for (j = 0; j < end; j++)
			if (!check_pair(r, c->targets[i]->luns[j], c->targets[t]->luns[l], i == t))
				return false;
	}
	return true;
}

static bool check_all(struct reader *r, const struct config *c)
{
	uint32_t i, j;

	if (c->memory < 4 * c->threads || c->memory > 1024 * c->threads)
		return bad_line(r, 0, "memory must be 4 to 1024 MiB for each of the %u threads: %u to %u", c->threads,
				4 * c->threads, 1024 * c->threads);
	for (i = 0; i < c->nr_targets; i++) {
		for (j = 0; j < i; j++)
			if (c->targets[j]->id_ext == c->targets[i]->id_ext)
				return bad_line(r, c->targets[i]->line, "id_ext %016" PRIx64 " is already in line %u",
						c->targets[i]->id_ext, c->targets[j]->line);
		for (j = 0; j < c->targets[i]->nr_luns; j++)
			if (!check_lun(r, c, i, j))
				return false;
	}
	return true;
}

static bool set_default(struct reader *r, char **text, const char *value)
{
	if (!*text)
		*text = strdup(value);
	return *text || bad_line(r, 0, "no memory");
}

static bool read_all(struct reader *r, config_t *file, struct config *c)
{
	config_setting_t *root = config_root_setting(file), *daemon;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!read_group(r, root, top_settings, LEN(top_settings), c))
		return false;
	c->threads = cpus < 1 ? 1 : cpus > 4 ? 4 : cpus;
	c->recovery_ms = 30000;
	c->timeout_ms = 30000;
	daemon = config_setting_get_member(root, "daemon");
	if (daemon && !config_setting_is_group(daemon))
		return bad(r, daemon, "daemon must be a group as daemon = { ... }");
	if (daemon && !read_group(r, daemon, daemon_settings, LEN(daemon_settings), c))
		return false;
	if (!c->memory)
		c->memory = 32 * c->threads;
	return set_default(r, &c->state_dir, "/var/lib/srp_tgtd") && set_default(r, &c->socket, STATUS_SOCKET) &&
	       read_targets(r, root, c) && check_all(r, c);
}

struct config *config_load(const char *path, char *error)
{
	struct reader r = { .path = path, .error = error };
	struct config *c = calloc(1, sizeof(*c));
	config_t file;
	bool good;

	if (!c) {
		bad_line(&r, 0, "no memory");
		return NULL;
	}
	config_init(&file);
	errno = 0;
	if (config_read_file(&file, path)) {
		good = read_all(&r, &file, c);
	} else if (config_error_type(&file) == CONFIG_ERR_FILE_IO) {
		good = bad_line(&r, 0, "cannot be read: %s", errno ? strerror(errno) : "no file");
	} else {
		if (config_error_file(&file))
			r.path = config_error_file(&file);
		good = bad_line(&r, config_error_line(&file), "%s; see srp_tgtd.conf(5)", config_error_text(&file));
	}
	config_destroy(&file);
	if (good)
		return c;
	config_free(c);
	return NULL;
}
