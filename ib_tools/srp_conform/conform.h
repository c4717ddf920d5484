/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the files of srp_conform share.
 *
 * A case tests one requirement, and is named by its id (docs/conformance.md). Nothing here returns an error: what goes
 * wrong ends the running row, or the case if there is none, by fail(). A row is one of several things that a case tries;
 * after a bad one the next is tried.
 *
 * A case begins without a channel, and need not close its own. After each one the runner logs in anew, and INQUIRY must work.
 */
#ifndef CONFORM_H
#define CONFORM_H

#include <libsrp.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* ---- cases ----------------------------------------------------------------------------------------- */

/* What a case needs beside the target; without it the case is skipped. */
#define NEEDS_HOLD	0x01	/* --held-lun, and a hook that knows "hold" and "release" */
#define NEEDS_HOOK	0x02	/* --hook */
#define NEEDS_SECOND	0x04	/* --second */
#define NEEDS_STRANGER	0x08	/* --stranger */
#define NEEDS_READONLY	0x10	/* --read-only-lun */
#define NEEDS_LONG	0x20	/* --long */
#define NEEDS_IB	0x40	/* a target that is reached by IB/CM */

/**
 * struct conf_case - one requirement
 * @id: for example "LOG-05"; a second case of the same requirement has a letter behind it
 * @rule: what is required, in a few words
 * @expected: what the target has to do
 * @run: NULL if it cannot be tested by this program
 * @needs: NEEDS_*
 * @why: without @run: why, and where it is tested if it is
 */
struct conf_case {
	const char	*id;
	const char	*rule;
	const char	*expected;
	void		(*run)(void);
	u32		needs;
	const char	*why;
};

/* Each file of cases has one of these, ends with an entry without an id, and is listed in main.c. */
extern const struct conf_case login_cases[], channel_cases[], race_cases[], cmd_cases[], iu_cases[], cdb_cases[], desc_cases[],
	imm_cases[], length_cases[], rdma_cases[], lun_cases[], credit_cases[], tmf_cases[], rsp_cases[], logout_cases[],
	access_cases[], cm_cases[], dm_cases[], ib_cases[], tm_cases[], tm_queue_cases[], tm_drop_cases[];

/**
 * struct conf - the options
 * @lun: scratch: overwritten; 512-byte blocks, 1 MiB at least
 * @held_lun: a LUN on a device that @hook can hold, or -1
 * @read_only_lun: or -1
 * @hook: program that does something on the target, called with what: see hook(); or NULL
 * @second: the same target by another port, if @has_second
 * @stranger: source address, or GID, that no access control list lets in, or ss_family 0
 * @pkey: of another partition that has both ends, or 0
 * @timeout: ms that anything is waited for
 * @count: see loops(); 0 if it was not given
 */
struct conf {
	struct srpi_target	target;
	struct srpi_target	second;
	bool			has_second;
	struct sockaddr_storage	stranger;
	u16			pkey;
	int			lun;
	int			held_lun;
	int			read_only_lun;
	const char		*hook;
	int			timeout;
	u32			count;
	bool			run_long;
	bool			verbose;
	bool			kmsg;
};

extern struct conf conf;

/* ---- failures, rows, results (harness.c) ----------------------------------------------------------- */

/* The row, or the case, has failed: what was seen instead. */
void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *fmt, ...);
/* The case cannot be done here: why. */
void __attribute__((noreturn, format(printf, 1, 2))) skip(const char *fmt, ...);
/* Runs @fn as a row; the format says what is sent. Returns whether it passed; if not, all channels are closed. */
bool __attribute__((format(printf, 3, 4))) row(void (*fn)(const void *arg), const void *arg, const char *fmt, ...);
/* For a case without rows: what is sent. */
void __attribute__((format(printf, 1, 2))) sent(const char *fmt, ...);
/* An outcome, in few words, as many rows have the same: it is counted. expect_*() and provoke() do it themselves. */
void __attribute__((format(printf, 1, 2))) saw(const char *fmt, ...);

/*
 * Something on the target: "hold", "release" (the device of the held LUN; a release without a hold does nothing),
 * "reached" (until a command is there), "disable", "enable" (the port), "set NAME VALUE" (an attribute of the driver),
 * "allow NAME", "forbid NAME" (an ACL with all LUNs, for an address or a port id), "listen PORT" (of RDMA/CM), "unmap
 * LUN", "map LUN", "gid-change", "gate arm|wait|open POINT TAG" and "state TAG STATE" (a driver built for tests holds
 * a command; has it in that state), "idle SECONDS" (until nothing is left of what sessions of this program use). With
 * HCAs that can be told to fail, also "lose SIDE MESSAGE N" (the next messages of the CM from that side, initiator or
 * target), "lost SIDE MESSAGE" (until all of them are), "stall SIDE", "go-on SIDE" (nothing arrives there), "unplug",
 * "plug" (the cable), "event NAME" (at the target's port), "qp-event NAME QPN", "sm-restart", "srp-daemon DEVICE PORT"
 * (it has the kernel log in to the target, and out again). Skips the case if the hook cannot do it (HOOK_CANNOT). All
 * is undone after the case, by "reset".
 */
void hook(const char *what);
#define HOOK_CANNOT	77
/* The same if it can be done; returns the exit code. */
int call_hook(const char *what);

/* With --kmsg: a line in the kernel's trace, so that there is one order of what happened here and there. */
void mark_trace(const char *what);

/* How often what may go well by chance is repeated: --count, or @all with --long, or @some. */
u32 loops(u32 some, u32 all);
long now_ms(void);
void sleep_ms(long ms);
u64 next_random(void);
/* A random number less than @n. */
u32 below(u32 n);
extern u64 random_state;

/* ---- channels (session.c) -------------------------------------------------------------------------- */

#define LUN_IS(n)	((u64)(n) << 48)
#define TASK		0xfedcba9876543210ULL	/* a tag that is in no command */
#define BLOCK		512
#define CANARY		0xa5
#define DATA_SIZE	(4u << 20)
#define ANY_LOGOUT	(-2)	/* for expect_closed(): any or none, as where the QP fails */
#define NO_LOGOUT	(-1)	/* none */

extern struct srpi *ini;		/* the way to the target; the initiator port id is this program's own */
extern struct srpi_mem data_mem;	/* what the target may read and write; a little more than DATA_SIZE */
extern u8 *data;			/* data_mem.addr */

/* @flags: SRP_LOGIN_MC_*, SRP_LOGIN_IMM */
struct srpi_chan *login(u8 flags);
/* The same, and TEST UNIT READY until unit attentions are over. */
struct srpi_chan *login_settled(u8 flags);
/* Any options, over any way. The target must accept. */
struct srpi_chan *login_by(struct srpi *s, const struct srpi_login_opts *opts);
/* The same, but it may fail: returns 0 or the errno of srpi_login(). */
int try_login(struct srpi *s, const struct srpi_login_opts *opts, struct srpi_chan **ch);
/* Only sends the REQ; the caller goes on with srpi_wait_rep(). */
struct srpi_chan *start_login(struct srpi *s, const struct srpi_login_opts *opts);

/*
 * The private data of a login, of the form that the connection manager has, to be changed. The fields are where pd_at()
 * says; what the form does not have is NULL.
 */
struct login_pd {
	u8	b[64];
	u8	len;
};
enum pd_field { PD_TAG, PD_IU_LEN, PD_FORMATS, PD_FLAGS, PD_OPCODE, PD_IMM_OFF, PD_I_PORT_ID, PD_T_PORT_ID };
struct login_pd login_pd(u8 flags);
u8 *pd_at(struct login_pd *pd, enum pd_field field);
void pd_set_be16(struct login_pd *pd, enum pd_field field, u16 v);
void pd_set_be32(struct login_pd *pd, enum pd_field field, u32 v);
/* Logs in with it; returns 0 and the channel, or the errno of srpi_login() with the channel, to be looked at. */
int login_raw(const struct login_pd *pd, struct srpi_chan **ch);
/* It must be accepted. */
struct srpi_chan *login_with(const struct login_pd *pd);
/*
 * It must be refused, with a good SRP_LOGIN_REJ of a reason in the set: bit n is reason 0x0001000n. Returns n. The second form
 * is by any way, with any options. refusal() is for a login whose result @ret is known already.
 */
u32 expect_refused(const struct login_pd *pd, u32 reasons);
u32 expect_refused_by(struct srpi *s, const struct srpi_login_opts *opts, u32 reasons);
u32 refusal(struct srpi_chan *ch, int ret, u64 tag);
/*
 * The end of start_login() for one that may be replaced or closed at any time: was it accepted, or refused as above? If it
 * also has been ended since, there was no time to use it.
 */
bool was_accepted(struct srpi_chan *ch, u64 tag);
#define REJ(n)	(1u << (n))

/* A way of any kind. Closed after the case, as the following are. */
struct srpi *open_way(const struct srpi_target *target);
/* Earlier; its channels must be closed. */
void close_way(struct srpi *s);
/* As another initiator: the port id's first byte is changed by @id. */
struct srpi *other_initiator(u8 id);
/* The way through the second port, with the same port ids. */
struct srpi *second_port(void);

/* The channel of the rows of a case: logged in when there is none, or no more. */
struct srpi_chan *shared(void);
/* The same with immediate data; skips the case if the target has none. */
struct srpi_chan *shared_imm(void);
void close_chan(struct srpi_chan *ch);
/* Whether the connection ends within that time, by DREP, DREQ or REJ; what comes before does not matter. */
bool ends(struct srpi_chan *ch, long ms);
/* No channel of the nexus is left: a further one is the first. */
void expect_gone(void);
/* Its QP goes without a word while the target has data for it. With VANISHING the target soon knows. */
void vanish(struct srpi_chan *ch);
#define VANISHING	((struct srpi_login_opts){ .retry_count = 1, .ack_timeout = 17 })
void close_all(void);

/* ---- requests -------------------------------------------------------------------------------------- */

struct cdb {
	u8	b[32];
	u8	len;	/* 0: 16 */
};

#define CDB_TUR			{ { 0x00 } }
#define CDB_INQUIRY(n)		{ { 0x12, 0, 0, (n) >> 8, (n) & 0xff } }
#define CDB_READ(lba, n)	{ { 0x28, 0, (lba) >> 24 & 0xff, (lba) >> 16 & 0xff, (lba) >> 8 & 0xff, (lba) & 0xff, 0, \
				    (n) >> 8 & 0xff, (n) & 0xff } }
#define CDB_WRITE(lba, n)	{ { 0x2a, 0, (lba) >> 24 & 0xff, (lba) >> 16 & 0xff, (lba) >> 8 & 0xff, (lba) & 0xff, 0, \
				    (n) >> 8 & 0xff, (n) & 0xff } }
#define AS_CDB(...)		((struct cdb)__VA_ARGS__)

/* Commands go to this LUN: conf.lun, unless a case changes it; it is set back after the case. */
extern u16 lun;

/* A command without descriptors, which can be changed by what is returned, and appended to. */
struct srp_wire_cmd *begin_cmd(struct srpi_iu *iu, struct cdb cdb, u8 buf_fmt);
/* Memory at @off of the data. */
void append_desc(struct srpi_iu *iu, u32 off, u32 len);
void build_tur(struct srpi_iu *iu);
/* One direct descriptor, at @off of the data. */
void build_in(struct srpi_iu *iu, struct cdb cdb, u32 off, u32 len);
void build_out(struct srpi_iu *iu, struct cdb cdb, u32 off, u32 len);
/* An indirect table, all in the IU: @nr entries of @each bytes from @off on, one behind the other. */
void build_table(struct srpi_iu *iu, struct cdb cdb, enum srpi_dir dir, u32 off, u32 nr, u32 each);
/* @on_lun: the eight bytes as a number, LUN_IS(n) */
void build_tmf(struct srpi_iu *iu, u8 function, u64 on_lun, u64 task_tag);

/* PERSISTENT RESERVE OUT; its parameters are at the beginning of the memory. pr_out() has it executed, too. */
void pr_out(struct srpi_chan *ch, const struct srpi_mem *mem, u8 action, u8 type, u64 key, u64 new_key);
void build_pr_out(struct srpi_iu *iu, const struct srpi_mem *mem, u8 action, u8 type, u64 key, u64 new_key);

void send_iu(struct srpi_chan *ch, const struct srpi_iu *iu);

/* ---- what comes back ------------------------------------------------------------------------------- */

enum wait_result { WAIT_RSP, WAIT_CLOSED, WAIT_TIMEOUT };

/* Reserved bytes of each SRP_RSP have to be 0; a matter of RSP-02 and, as initiators ignore them, of no other case. */
extern bool check_reserved;

/* The next SRP_RSP, checked for all that is true of every one of them (RSP-01), or the end of the channel. */
enum wait_result wait_rsp(struct srpi_chan *ch, struct srpi_rsp *r, long ms);
/* Sends a request and gets its answer. */
void ask(struct srpi_chan *ch, const struct srpi_iu *iu, struct srpi_rsp *r);

/* What an IU may lead to, as a set. */
#define GOOD		0x0001	/* status GOOD; flags and residuals are the caller's */
#define FIELD		0x0002	/* refused: CHECK CONDITION 05/0E/03, or RSP_CODE 02h with a status that is not GOOD */
#define BAD_CDB		0x0004	/* CHECK CONDITION 05/24/00 */
#define BAD_OPCODE	0x0008	/* CHECK CONDITION 05/20/00 */
#define CHECK		0x0010	/* CHECK CONDITION with other sense data */
#define STATUS		0x0020	/* BUSY, TASK SET FULL and so on */
#define TMF_INVALID	0x0040	/* RSP_CODE 02h for an SRP_TSK_MGMT */
#define TMF_FAILED	0x0080	/* RSP_CODE 05h for it */
#define CLOSED		0x0100	/* channel closed, whatever the SRP_T_LOGOUT */
#define KILL(n)		(0x1000u << (n))	/* SRP_T_LOGOUT with reason n, then closed */

/*
 * Sends @iu and returns which of the outcomes there was; fails if it is not one of @allowed. The channel is shared() or
 * another one; if it was closed by the target it is closed here too. @r may be NULL.
 */
u32 provoke(struct srpi_chan *ch, const struct srpi_iu *iu, u32 allowed, struct srpi_rsp *r);
/* The same; if the channel goes on, TEST UNIT READY must work, and all credits be back. */
u32 probe(struct srpi_chan *ch, const struct srpi_iu *iu, u32 allowed, struct srpi_rsp *r);
/*
 * Sends a command that has no buffer for the @bytes that it moves: CHECK CONDITION, or GOOD with all of them as residual of
 * the kind @flag. No bytes: GOOD.
 */
void probe_no_buffer(struct srpi_chan *ch, const struct srpi_iu *iu, u8 flag, u32 bytes);
/* Sends a command that must be GOOD so often that every receive buffer of the target has had it inside. */
void fill_receives(struct srpi_chan *ch, const struct srpi_iu *iu);
/* The target closes the channel, with this reason in an SRP_T_LOGOUT, its last IU; then it is closed here. */
void expect_closed(struct srpi_chan *ch, int logout);
/* GOOD, and nothing more to say: no flags, no residuals, 36 bytes. */
void expect_good(const struct srpi_rsp *r);
/* CHECK CONDITION with @sense: key << 16 | ASC << 8 | ASCQ */
void expect_sense(const struct srpi_rsp *r, u32 sense);
/* The answer to a task management function. */
void expect_code(const struct srpi_rsp *r, int code);
/* @flag: SRP_RSP_DIUNDER and so on, or 0 with @count 0; nothing in the other direction. */
void expect_residual(const struct srpi_rsp *r, u8 flag, u32 count);
/* Nothing comes for a while, and the channel stays. */
void expect_silence(struct srpi_chan *ch, long ms);
/* All requests were answered, and the credits are back: P4. */
void expect_conserved(const struct srpi_chan *ch);

/* ask() and expect_good() */
void do_good(struct srpi_chan *ch, const struct srpi_iu *iu);
void tur(struct srpi_chan *ch);
void settle(struct srpi_chan *ch);

/* ---- many requests at once, and commands that are held (tasks.c) ------------------------------------ */

#define MAX_TASKS	1200

/* Requests that were sent; @left of them may still be answered. */
struct tasks {
	u32	nr, left;
	struct {
		u64	tag;
		bool	over;
	} task[MAX_TASKS];
};

/* Sends a request and notes it; returns its number. */
u32 task_send(struct tasks *t, struct srpi_chan *ch, const struct srpi_iu *iu);
/* The next answer, which must be to one that is not over; returns its number. */
u32 task_answer(struct tasks *t, struct srpi_chan *ch, struct srpi_rsp *r);
/* It is over: no answer may come. */
void task_over(struct tasks *t, u32 nr);
/* All that are left are answered, and are GOOD. */
void tasks_good(struct tasks *t, struct srpi_chan *ch);
/* They are answered, or have ended without an answer: all credits are back. Returns how many have the answer @status. */
u32 tasks_end(struct tasks *t, struct srpi_chan *ch, u8 status);

/* As settle(), for conf.lun and for the held LUN. */
void settle_held(struct srpi_chan *ch);
/* The @i-th of commands to the held LUN, by turns WRITE and READ of 8 blocks; the data is at 4096 * @i. */
void build_held(struct srpi_iu *iu, u32 i);
/* The same with other memory than the data, for channels that are not of ini. */
void build_held_in(struct srpi_iu *iu, const struct srpi_mem *mem, u32 i);
/* Any good or bad request that has an answer and changes nothing but the scratch LUN. */
void build_any(struct srpi_iu *iu);

/*
 * A channel of another I_T nexus, which targets take for another initiator: by the second port, if there is one. Settled.
 * *@way, for memory, unless @way is NULL.
 */
struct srpi_chan *login_rival(struct srpi **way);

/* Memory of the case's own, for channels of @s; freed after the case. */
struct srpi_mem *own_mem(struct srpi *s, u32 len, int access);
/* Nobody may touch it any more. */
void take_back(struct srpi_mem *mem);

/*
 * Sends @cmd, which uses @mem, and a function that ends it: @us later, or by the same doorbell if that is 0. Waits until it is
 * known how both ended, and takes the memory back at once. Returns the response code. *@answered: the command was answered.
 */
int manage(struct srpi_chan *ch, const struct srpi_iu *cmd, struct srpi_mem *mem, u8 function, u32 us, bool *answered);

/* ---- the login fence (cases_channel.c) --------------------------------------------------------------- */

/*
 * A write of A that is held, then a login that replaces its session, then a write of B to the same place: B must win. With
 * @own_dreq the initiator itself has ended the old session.
 */
void run_fence(bool own_dreq);

/* ---- fuzzing (cases_fuzz.c) ------------------------------------------------------------------------ */

/* Sends this many random IUs. */
void run_fuzz(u64 nr);

/* The case of random functions (soak.c). */
void soak_credits(void);

/* ---- data ------------------------------------------------------------------------------------------ */

/* A pattern, which differs with @seed. */
void fill_pattern(u32 off, u32 len, u64 seed);
void expect_pattern(u32 off, u32 len, u64 seed);
/* In all of the data, what the target must leave as it is. */
void lay_canary(void);
void expect_canary(u32 off, u32 len);
void expect_same(u32 off, u32 other, u32 len);
/* Blocks of the scratch LUN from or to @off of the data. */
void write_blocks(struct srpi_chan *ch, u32 lba, u32 nr, u32 off);
void read_blocks(struct srpi_chan *ch, u32 lba, u32 nr, u32 off);
/* Writes a pattern to the scratch LUN; it still is there. Both use the last 1 MiB of the data. */
#define MARK_AT		(DATA_SIZE - (1u << 20))
void mark_blocks(struct srpi_chan *ch, u32 lba, u32 nr, u64 seed);
void expect_blocks(struct srpi_chan *ch, u32 lba, u32 nr, u64 seed);

#endif
