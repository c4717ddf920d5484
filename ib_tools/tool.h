/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What srp_ping, srp_perf and srp_dump share: options, errors, results in JSON, and the first steps on a channel. */
#ifndef TOOL_H
#define TOOL_H

#include <argp.h>
#include <json-c/json.h>
#include <libsrp.h>
#include <signal.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Exit codes of the tools that talk to a target; srp_dump only has the first three. */
enum tool_exit {
	TOOL_OK			= 0,
	TOOL_FAILED		= 1,	/* something was not answered, or with an error */
	TOOL_USAGE		= 2,
	TOOL_UNREACHABLE	= 3,
	TOOL_REJECTED		= 4,	/* the login was */
	TOOL_PROTOCOL		= 5,	/* the target broke it */
};

/* ---- options --------------------------------------------------------------------------------------- */

/**
 * struct tool_conf - what the options that all tools with a target share say
 * @name: the program, eight characters: the extension of the initiator port id unless another is given, so that
 *	no session of the kernel's initiator is taken over
 * @where: where the connection goes, for people
 * @timeout: ms that anything is waited for
 */
struct tool_conf {
	const char		*name;
	struct srpi_target	target;
	char			where[128];
	u16			lun;
	int			timeout;
	u32			iu_len;
	bool			json;
};

extern struct tool_conf tool;

/* Reads those options and the argument TARGET: for struct argp.children. */
extern const struct argp_child tool_children[];

/* SIGINT or SIGTERM came: the user has had enough. */
extern volatile sig_atomic_t tool_stopped;

/* The main() of a tool with a target: reads the options, opens the way, returns what @run says, or why that was not called. */
int tool_main(const char *name, const struct argp *argp, int argc, char **argv, int (*run)(struct srpi *s));

/* A number with an optional k, m or g; ends the program if it is none, or not in the range. */
u64 tool_number(const char *text, u64 min, u64 max, struct argp_state *state);
double tool_seconds(const char *text, struct argp_state *state);

/* ---- errors, results ------------------------------------------------------------------------------- */

/* What is printed at the end with --json. */
extern struct json_object *tool_json;

/* Says what is wrong, on stderr and in the JSON; the first one is kept there. Returns @code. */
int __attribute__((format(printf, 2, 3))) tool_error(enum tool_exit code, const char *fmt, ...);
/* Prints the JSON if that is wanted. Returns @code. */
int tool_end(int code);

/* Short forms for an object @o. */
void tool_add_int(struct json_object *o, const char *key, s64 v);
void tool_add_double(struct json_object *o, const char *key, double v);
void tool_add_text(struct json_object *o, const char *key, const char *v);

/* Bytes as hexadecimal digits; @text has room for 2 * @len + 1. */
const char *tool_hex(char *text, const void *bytes, size_t len);

/* ---- the way to a target --------------------------------------------------------------------------- */

/* Logs in, or says what to do and returns the exit code. */
int tool_login(struct srpi *s, const struct srpi_login_opts *opts, struct srpi_chan **ch);
/* After a failure of srpi_send() or srpi_recv(): the same. */
int tool_lost(const struct srpi_chan *ch, int err);
/* The local port, DEVICE/PORT. */
const char *tool_port(const struct srpi_chan *ch);
/* What the login gave, in words. */
const char *tool_granted(const struct srpi_chan *ch);
void tool_add_login(struct json_object *o, const struct srpi_chan *ch);

/* ---- commands -------------------------------------------------------------------------------------- */

/* Status GOOD, nothing left of the data. */
bool tool_good(const struct srpi_rsp *rsp);
/* The answer in words; a static buffer. */
const char *tool_rsp_str(const struct srpi_rsp *rsp);
/* The same for sense data. */
const char *tool_sense_str(u8 key, u8 asc, u8 ascq);

/**
 * tool_command() - send a command to the LUN, wait for the answer
 * @mem: where @len bytes of data-in go; not used without
 *
 * Sends it again, some times, while the answer is UNIT ATTENTION. Returns as srpi_ask().
 */
int tool_command(struct srpi_chan *ch, const void *cdb, size_t cdb_len, const struct srpi_mem *mem, u32 len,
		 struct srpi_rsp *rsp);

/**
 * struct tool_disk - what a LUN says of itself; what it does not say is empty
 * @designator: of VPD page 83h, for example "naa.6001405…"
 * @blocks, @block_size: READ CAPACITY; 0: no disk
 * @max_blocks: MAXIMUM TRANSFER LENGTH, or 0
 */
struct tool_disk {
	char	vendor[9];
	char	product[17];
	char	revision[5];
	char	serial[65];
	char	designator[80];
	u64	blocks;
	u32	block_size;
	u32	max_blocks;
};

/*
 * Fill in the first fields, and those of the capacity. A LUN that does not answer well is left out with a note in @why,
 * which is NULL if all is well. Return as srpi_ask().
 */
int tool_identify(struct srpi_chan *ch, const struct srpi_mem *mem, struct tool_disk *disk, const char **why);
int tool_capacity(struct srpi_chan *ch, const struct srpi_mem *mem, struct tool_disk *disk, const char **why);
#define TOOL_MEM_LEN	4096	/* that @mem has at least */
/* Not a multiple of 1 MiB: soft RoCE of 6.1 looks beyond its tables at the end of such memory. */
#define TOOL_MEM_SPARE	4096
void tool_add_disk(struct json_object *o, const struct tool_disk *disk);

/* A READ or WRITE of @cdb_len bytes, 10 or 16. */
void tool_rw_cdb(u8 *cdb, u8 cdb_len, bool write, u64 lba, u32 blocks);

/* ---- times ----------------------------------------------------------------------------------------- */

#define TOOL_HIST_BITS	6	/* of precision: 1 in 64 */

/* Nanoseconds, exact but for the percentiles. All zero is empty. */
struct tool_hist {
	u64	nr, min, max;
	double	mean, m2;
	u64	bucket[(64 - TOOL_HIST_BITS + 1) << TOOL_HIST_BITS];
};

void tool_hist_add(struct tool_hist *h, u64 ns);
double tool_hist_stdev(const struct tool_hist *h);
/* @p: for example 99.9 */
double tool_hist_percentile(const struct tool_hist *h, double p);

#endif
