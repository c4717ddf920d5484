/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Both ends of a target in user space, in one program: a daemon on the bare interface of /dev/tgt, and initiators on
 * libsrp that log in to the same machine. So a case decides what happens next, and waits for what has to.
 *
 * A case is a function that returns if all is well; fail() ends it. What it has opened is closed for it, and then
 * nothing may be left in the kernel.
 */
#ifndef TGT_HARNESS_H
#define TGT_HARNESS_H

#include <liburing.h>
#include <sys/types.h>

#include "libsrp.h"
#include "scsi_tgt_if.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define WAIT_MS		20000		/* for what has to come */
#define MEM_SIZE	(1u << 20)	/* of a daemon, and of a nexus, for data */
#define ID_EXT		0x7467740000000002ULL
#define ANY_EVENT	0

#define GOOD			0x00
#define CHECK_CONDITION		0x02
#define BUSY			0x08
#define ILLEGAL_REQUEST		0x05
#define ABORTED_COMMAND		0x0b

struct test {
	const char	*name;
	void		(*run)(void);
};

/* Each ends with an empty entry. */
extern const struct test tag_tests[], answer_tests[], bad_answer_tests[], abort_tests[], fence_tests[], data_tests[],
	lent_tests[], ring_tests[], uring_tests[], memory_tests[], crash_tests[], file_tests[], hostile_tests[];

/**
 * struct conf - what the user wants
 * @target: of srpi_parse_target(), without id_ext
 * @file: of a file system on a disk; it is overwritten. NULL: none
 * @count: of what is repeated; 0: not often
 * @seed: of what is random
 */
struct conf {
	const char	*target;
	const char	*file;
	unsigned long	count;
	unsigned int	seed;
};

extern struct conf conf;

/* What a child of a hostile case is. Does not return. */
__attribute__((noreturn)) void be_hostile(const char *how);

/* Ends the case, or the child that calls it. */
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *fmt, ...);
__attribute__((noreturn, format(printf, 1, 2))) void skip(const char *fmt, ...);

#define check(what, ...) do { \
	if (!(what)) \
		fail(__VA_ARGS__); \
} while (0)

/* conf.count, or @few. */
unsigned long times(unsigned long few);
unsigned int random_u32(void);
/* Is @text in what the kernel shows of targets? */
bool shown(const char *text);
/* Until @is_so, which is looked at now and then; only for what nobody tells. */
void wait_until(bool (*is_so)(void *arg), void *arg, const char *what);
/* It is killed at the end of the case, if it still lives. In the child: 0. */
pid_t start_child(void);
/* Wait for its end. Return: as of waitpid(). */
int end_of_child(pid_t pid);
void kill_child(pid_t pid);
/* By a pipe that was made before the fork: the child says that it has begun, its parent waits for that. */
void say_ready(const int ready[2]);
void await_ready(const int ready[2]);

/* ---- daemon.c ------------------------------------------------------------------------------------------- */

/**
 * struct options - of a daemon; zeros are sensible
 * @slots: of each ring; 0: 256
 * @rings: ring pairs; 0: 1
 * @timeout_ms: see struct tgt_setup
 * @recovery_ms: likewise
 * @id_ext: of its target; 0: ID_EXT
 * @unbound: it binds nothing
 * @lent: pages that the first ring gets for write data, at LENT_OFF
 */
struct options {
	__u32	slots;
	__u32	rings;
	__u32	timeout_ms;
	__u32	recovery_ms;
	__u64	id_ext;
	bool	unbound;
	__u32	lent;
};

#define LENT_OFF	(MEM_SIZE / 2)

#define MAX_RINGS	2

/**
 * struct daemon - one open file, in this process or in a child
 * @fd: the device; -1: it is in a child
 * @pid: of the child, else 0
 * @sock: the way to the child
 * @ring: of those that next_event() looks at and answer() uses: 0, unless a case says otherwise
 * @mem: registered as @buf_id, MEM_SIZE bytes; also seen from here if it is a child's
 */
struct daemon {
	int			fd;
	pid_t			pid;
	int			sock;
	__u32			ring;
	struct tgt_setup	setup;
	struct tgt_ring		*head[MAX_RINGS];
	int			efd[MAX_RINGS];
	__u32			ev_cons[MAX_RINGS];
	__u32			ans_prod[MAX_RINGS];
	u8			*mem;
	__u32			buf_id;
	__u32			target_id;
	struct tgt_enter	last;
};

/* In this process; in a child, that does what the functions below tell it, and shows signs of life. */
struct daemon *daemon_open(const struct options *opt);
struct daemon *daemon_fork(const struct options *opt);
void daemon_close(struct daemon *d);
/* The steps of daemon_open(): a file with rings, but without memory and target. */
struct daemon *daemon_setup(const struct options *opt);
/* Return: 0 or -errno. */
int daemon_bind(struct daemon *d, __u64 id_ext);
void must_unbind(struct daemon *d);
int reg_buf(struct daemon *d, void *addr, __u64 len, __u32 *id);
int unreg_buf(struct daemon *d, __u32 id);
int lend(struct daemon *d, const struct tgt_lend *lent);

/* In the ring, of a daemon in this process; for wait_until(), too. Also: events wait for room in it; its eventfd was signalled. */
bool has_event(void *daemon);
bool is_pending(void *daemon);
bool signalled(void *daemon);
void fall_asleep(struct daemon *d, enum tgt_asleep how);
/* False: nothing has come in time. */
bool next_event(struct daemon *d, struct tgt_event *ev, int timeout_ms);
/* The next event has to come and be of this type. */
struct tgt_event expect(struct daemon *d, __u32 type);
/* After all that is there was written, nothing is there. */
void expect_nothing(struct daemon *d);

struct tgt_event *event_slot(struct daemon *d, __u32 i);
struct tgt_answer *answer_slot(struct daemon *d, __u32 i);
/* Return: 0 or -errno of the ioctl; its result is in d->last. */
int enter(struct daemon *d);
/* The same as a request of io_uring, or another ioctl. @flags: of the SQE. */
void prep_enter(struct io_uring_sqe *sqe, int fd, __u32 op, __u32 ring, unsigned int flags);
/* TGT_IOC_ANSWER */
void prep_answer(struct io_uring_sqe *sqe, int fd, const struct tgt_answer *ans, unsigned int flags);
/* Return: 0, or why it had no effect. */
int answer(struct daemon *d, const struct tgt_answer *ans);
/* The same without TGT_IOC_ENTER, which is to be called later. */
void put_answer(struct daemon *d, const struct tgt_answer *ans);

/* Answers to @req, to be changed. */
struct tgt_answer good(const struct tgt_event *req);
struct tgt_answer read_data(const struct daemon *d, const struct tgt_event *req, __u64 off, __u32 len);
struct tgt_answer write_data(const struct daemon *d, const struct tgt_event *req, __u64 off, __u32 len);
struct tgt_answer fetch_data(const struct daemon *d, const struct tgt_event *req, __u64 off, __u32 len);
struct tgt_answer aborted(const struct tgt_event *req);
struct tgt_answer tmf_result(const struct tgt_event *req, __u32 result);
/* It has to have an effect. */
void must_answer(struct daemon *d, struct tgt_answer ans);
/* It must have none, for this reason. */
void must_reject(struct daemon *d, struct tgt_answer ans, int error, const char *what);
/*
 * As a disk in memory whose LBAs all begin at 0: the one that is closest to being an obedient daemon. For a child:
 * does not return.
 */
__attribute__((noreturn)) void daemon_serve(struct daemon *d);
/* The next event says that @req is done. Return: whether the command has ended. */
bool expect_done(struct daemon *d, const struct tgt_event *req, __u32 result);

/* ---- nexus.c -------------------------------------------------------------------------------------------- */

/**
 * struct nexus - an initiator that has logged in
 * @who: number of the initiator
 * @mem: of MEM_SIZE bytes
 * @host_no: as HOST_UP said
 * @careless: a request that cannot be sent does not end the case
 */
struct nexus {
	u8			who;
	struct srpi		*s;
	struct srpi_chan	*ch;
	struct srpi_mem		mem;
	u32			host_no;
	bool			careless;
};

/**
 * struct io - a command
 * @len: of the buffer at @off; 0: none
 * @cdb_len: bytes at @cdb; 0: TEST UNIT READY, READ(10) or WRITE(10), as it seems
 * @claim: length that the descriptor has, if it is not @len
 * @imm: the data go with the command
 */
struct io {
	u64		tag;
	u16		lun;
	bool		write;
	bool		imm;
	u32		off;
	u32		len;
	u32		claim;
	size_t		cdb_len;
	const void	*cdb;
};

/* What is answered does not complete until srpi_post_recvs(). */
extern const struct srpi_login_opts no_receives;

/* Initiator number @who; the daemon has to be told. */
struct nexus *login(struct daemon *d, u8 who);
struct nexus *login_opts(struct daemon *d, u8 who, const struct srpi_login_opts *opts);
/* Without a look at the events. NULL: it was refused. */
struct nexus *login_only(__u64 id_ext, u8 who, const struct srpi_login_opts *opts);
struct nexus *must_login(__u64 id_ext, u8 who, const struct srpi_login_opts *opts);
void logout(struct nexus *n);

void send_io(struct nexus *n, const struct io *io);
void send_tmf(struct nexus *n, u64 tag, u8 function, u16 lun, u64 task_tag);
/* The next event is this command. */
struct tgt_event expect_cmd(struct daemon *d, struct nexus *n, const struct io *io);
/* Until some nexus has @nr commands and functions at the target: those that were sent may still be on their way. */
void await_in_progress(u32 nr);
/* Send it, and see that the daemon gets it. */
struct tgt_event submit(struct daemon *d, struct nexus *n, const struct io *io);
struct tgt_event submit_tmf(struct daemon *d, struct nexus *n, u64 tag, u8 function, u16 lun, u64 task_tag);

/* The next response is for this tag. */
struct srpi_rsp expect_rsp(struct nexus *n, u64 tag);
struct srpi_rsp expect_status(struct nexus *n, u64 tag, u8 status);
void expect_sense_key(struct nexus *n, u64 tag, u8 key);
/* The next responses, in any order, say ABORTED COMMAND for tags from 0 to @nr - 1, at most 32. */
void expect_aborted(struct nexus *n, u32 nr);
struct srpi_rsp expect_tmf(struct nexus *n, u64 tag, int code);
/* One command goes through: nothing else comes before it, on either side. */
void expect_idle(struct daemon *d, struct nexus *n);
/* The session ends. */
void expect_end(struct nexus *n);

/* Bytes that depend on where they are, and on @salt. */
void fill(void *p, size_t len, u8 salt);
void expect_filled(const void *p, size_t len, u8 salt, const char *what);

/* What is left of a case. */
void close_nexuses(void);
void close_daemons(void);
void forget_in_child(void);

#endif
