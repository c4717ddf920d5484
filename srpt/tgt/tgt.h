/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The objects of scsi_tgt.ko, and who may touch what.
 *
 * Locks, top to bottom; never the other way round:
 *
 *	tgt_daemon.sem		read: answers and ioctls; write: the daemon dies
 *	  tgt_pair.enter	one thread at a time reads the answers of a ring
 *	    tgt_mutex		fabrics, targets, lists of hosts, functions that are held
 *	      scsi_tgt_host.lock  commands of a nexus, and what waits for its ring
 *	        tgt_pair.lock	the ring to the daemon
 *
 * The fabric driver is called without the last three.
 *
 * Field keys:
 *  [C]  constant once the object is visible
 *  [M]  tgt_mutex
 *  [H]  scsi_tgt_host.lock
 *  [P]  tgt_pair.lock
 *  [E]  tgt_pair.enter
 */
#ifndef TGT_H
#define TGT_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <scsi_tgt.h>

#define TGT_ID_SHIFT	20	/* of a command id: index below, generation above */

/*
 * A state names who has to act: the daemon in AT_DAEMON and TMF_AT_DAEMON, the fabric in
 * XFER, room in the ring in the QUEUED ones, commands that the function covers in TMF_HELD,
 * tgt_target_work() in STRANDED.
 */
enum tgt_state {
	TGT_ST_FREE,
	TGT_ST_REQ_QUEUED,
	TGT_ST_AT_DAEMON,
	TGT_ST_XFER,
	TGT_ST_DONE_QUEUED,
	TGT_ST_STRANDED,
	TGT_ST_TMF_QUEUED,
	TGT_ST_TMF_AT_DAEMON,
	TGT_ST_TMF_HELD,
};

/**
 * struct tgt_pair - the kernel's side of a ring pair
 *
 * Its own counters are what counts; those in shared memory are only told to the daemon.
 */
struct tgt_pair {
	struct tgt_daemon	*d;		/* [C] */
	struct tgt_ring		*head;		/* [C] shared with the daemon */
	struct tgt_event	*ev;		/* [C] shared */
	struct tgt_answer	*ans;		/* [C] shared */
	u32			ev_slots;	/* [C] */
	u32			ans_slots;	/* [C] */
	spinlock_t		lock;		/* protects [P] */
	u32			ev_prod;	/* [P] */
	struct list_head	waiting;	/* [P] hosts with events that found no room */
	struct eventfd_ctx	*eventfd;	/* [P] */
	struct tgt_lend		lent;		/* [P] memory for write data */
	struct tgt_buf		*lent_buf;	/* [P] where it is; NULL: there is none */
	unsigned long		*lent_used;	/* [P] a bit for each TGT_LENT_PAGE */
	struct mutex		enter;		/* protects [E] */
	u32			ans_cons;	/* [E] */
	struct tgt_answer	answer;		/* [E] the only copy that is looked at */
};

/**
 * struct tgt_daemon - an open file
 */
struct tgt_daemon {
	struct rw_semaphore	sem;
	bool			dead;		/* written under sem */
	bool			broken;		/* has broken a rule: only grows */
	struct pid		*owner;		/* [C] process that opened it */
	u32			nr_pairs;	/* [C] after setup; 0 before */
	u32			next_pair;	/* [M] */
	u64			ring_size;	/* [C] bytes of one */
	struct tgt_pair		*pairs;		/* [C] after setup */
	unsigned long		timeout;	/* [C] jiffies */
	unsigned long		recovery;	/* [C] jiffies */
	unsigned long		last_enter;	/* jiffies */
	u64			rejected;	/* answers without effect; for debugfs */
	struct xarray		hosts;		/* by number */
	struct xarray		bufs;		/* by id */
	struct list_head	targets;	/* [M] */
	struct list_head	node;		/* [M] tgt_daemons */
	u32			next_target;	/* [M] */
	struct delayed_work	watchdog;
};

/**
 * struct scsi_tgt_target - what a daemon has bound
 */
struct scsi_tgt_target {
	struct kref		ref;
	const struct scsi_tgt_fabric *fabric;	/* [C] its owner is pinned while bound */
	char			port[TGT_NAME_LEN];	/* [C] */
	u64			id_ext;		/* [C] */
	char			(*initiators)[TGT_NAME_LEN];	/* [M] */
	u32			nr_initiators;	/* [M] */
	u32			id;		/* [M] number in the daemon's file */
	struct tgt_daemon	*d;		/* [M] NULL: nobody serves it */
	bool			gone;		/* [M] nor will anybody: no new nexus */
	unsigned long		deadline;	/* [M] jiffies: until then somebody is */
	struct list_head	node;		/* [M] tgt_targets, until it is gone */
	struct list_head	daemon_node;	/* [M] d->targets */
	struct list_head	hosts;		/* [M] */
	struct list_head	held;		/* [M] functions that wait for commands */
	atomic_t		nr_held;
	struct work_struct	work;
	struct work_struct	free_work;
	struct delayed_work	expire;		/* nobody has come in time */
};

/**
 * struct scsi_tgt_host - an I_T nexus
 */
struct scsi_tgt_host {
	struct kref		ref;
	u32			no;		/* [C] never used again */
	struct scsi_tgt_target	*target;	/* [C] */
	u8			i_port_id[16];	/* [C] */
	u8			t_port_id[16];	/* [C] */
	struct list_head	node;		/* [M] target->hosts */
	struct xarray		cmds;		/* slots; erased under lock */
	spinlock_t		lock;		/* protects [H] */
	struct tgt_pair		*pair;		/* [H] NULL: no daemon */
	struct list_head	pending;	/* [H] FIFO of commands for the ring */
	bool			up_due;		/* [H] HOST_UP goes before them */
	bool			down_due;	/* [H] HOST_DOWN goes behind them */
	bool			down;		/* [H] the nexus is lost */
	bool			gone;		/* [H] the target is: nothing is queued */
	unsigned long		down_since;	/* [H] jiffies */
	u64			seq;		/* [H] */
	u64			gen;		/* [H] of the last command id */
	u32			nr_live;	/* [H] commands and functions in progress */
	struct list_head	wait_node;	/* [P] in pair->waiting */
};

/**
 * struct tgt_buf - registered memory
 */
struct tgt_buf {
	struct kref		ref;		/* the file, commands between RSP and DONE */
	struct work_struct	work;
	struct mm_struct	*mm;		/* [C] charged */
	u64			len;		/* [C] bytes */
	unsigned long		nr_pages;	/* [C] */
	struct page		**pages;	/* [C] pinned */
	u32			nr_ranges;	/* [C] */
	struct tgt_range {
		u64		off;		/* in the buffer */
		struct page	*page;		/* the first of those that lie side by side */
	}			*ranges;	/* [C] in order */
};

extern struct mutex tgt_mutex;
extern struct list_head tgt_daemons;	/* [M] */
extern struct list_head tgt_targets;	/* [M] */
extern struct workqueue_struct *tgt_wq;

/* ---- ring.c: shared memory --------------------------------------------------- */

int tgt_setup_pairs(struct tgt_daemon *d, struct tgt_setup *setup);
void tgt_free_pairs(struct tgt_daemon *d);
void tgt_set_eventfd(struct tgt_pair *pair, struct eventfd_ctx *ctx);
bool tgt_put_event_locked(struct tgt_pair *pair, const struct tgt_event *ev, bool news);
bool tgt_take_answer(struct tgt_pair *pair);
void tgt_answer_taken(struct tgt_pair *pair);
void tgt_broken(struct tgt_daemon *d, const char *why);

/* ---- buf.c: registered memory ------------------------------------------------- */

int tgt_reg_buf(struct tgt_daemon *d, struct tgt_reg_buf *reg);
int tgt_unreg_buf(struct tgt_daemon *d, u32 id);
void tgt_unreg_all(struct tgt_daemon *d);
struct tgt_buf *tgt_buf_get(struct tgt_daemon *d, u32 id);
void tgt_buf_put(struct tgt_buf *buf);
void tgt_buf_write(struct tgt_buf *buf, u64 off, const void *from, u32 len);
int tgt_buf_map(struct tgt_daemon *d, struct scsi_tgt_cmd *cmd, u32 id, u64 off, u32 len);
int tgt_buf_map_part(struct tgt_buf *buf, struct scsi_tgt_cmd *cmd, u64 off, u32 len);
void tgt_buf_unmap(struct scsi_tgt_cmd *cmd);

/* ---- lent.c: write data that are there when the daemon learns of the command ------ */

int tgt_lend(struct tgt_daemon *d, const struct tgt_lend *lend);
void tgt_return_lent(struct tgt_daemon *d);
void tgt_take_imm_locked(struct scsi_tgt_cmd *cmd);
struct tgt_buf *tgt_plan_ahead_locked(struct scsi_tgt_cmd *cmd, u64 *off);
void tgt_put_lent_locked(struct scsi_tgt_cmd *cmd);

/* ---- host.c: nexuses, and what goes to the daemon ------------------------------ */

struct scsi_tgt_host *tgt_host_get(struct tgt_daemon *d, u32 no);
void tgt_host_put(struct scsi_tgt_host *host);
void tgt_host_push_locked(struct scsi_tgt_host *host, struct list_head *ended);
void tgt_push_waiting(struct tgt_pair *pair);
void tgt_drop_waiting(struct tgt_pair *pair);
void tgt_host_attach(struct scsi_tgt_host *host, struct tgt_daemon *d);
void tgt_host_detach(struct scsi_tgt_host *host, struct tgt_daemon *d);
void tgt_begin_locked(struct scsi_tgt_cmd *cmd, enum tgt_state state, const u8 *lun, u64 tag);
void tgt_set_state(struct scsi_tgt_cmd *cmd, enum tgt_state state, const char *why);
void tgt_end_locked(struct scsi_tgt_cmd *cmd, struct list_head *ended);
void tgt_release_ended(struct scsi_tgt_host *host, struct list_head *ended);
void tgt_end(struct scsi_tgt_cmd *cmd);
struct scsi_tgt_cmd *tgt_claim(struct scsi_tgt_host *host, u64 id, enum tgt_state from,
			       enum tgt_state to, const char *why);

static inline u64 tgt_cmd_id(const struct scsi_tgt_cmd *cmd)
{
	return cmd->gen << TGT_ID_SHIFT | cmd->idx;
}

static inline bool tgt_is_command(const struct scsi_tgt_cmd *cmd)
{
	return cmd->state != TGT_ST_FREE && cmd->state < TGT_ST_TMF_QUEUED;
}

/* ---- cmd.c: answers of the daemon ----------------------------------------------- */

int tgt_handle_answer(struct tgt_daemon *d, const struct tgt_answer *ans);
void tgt_end_by_kernel(struct list_head *cmds);
void tgt_abort_all(struct list_head *cmds);

/* ---- tmf.c: task management ------------------------------------------------------ */

int tgt_tsk_mgmt_rsp(struct scsi_tgt_host *host, const struct tgt_tsk_mgmt_rsp *rsp);
void tgt_hold_locked(struct scsi_tgt_cmd *tmf, enum tgt_tmf_result result);
bool tgt_covers(const struct scsi_tgt_cmd *tmf, const struct scsi_tgt_cmd *cmd);
void tgt_take_released(struct scsi_tgt_target *target, struct list_head *answers);
void tgt_answer_all(struct list_head *tmfs);

/* ---- main.c ------------------------------------------------------------------------- */

const struct scsi_tgt_fabric *tgt_find_fabric(const char *name);

/* ---- target.c: who serves what ----------------------------------------------------- */

int tgt_bind(struct tgt_daemon *d, struct tgt_bind *bind);
int tgt_unbind(struct tgt_daemon *d, u32 id);
void tgt_detach_unused_locked(struct scsi_tgt_target *target);
void tgt_daemon_die(struct tgt_daemon *d);
void tgt_watchdog(struct work_struct *work);

/* ---- debug.c ----------------------------------------------------------------------- */

void tgt_debug_register(void);
void tgt_debug_unregister(void);

#endif /* TGT_H */
