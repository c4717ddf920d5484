/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the cases of task management (TM) share.
 *
 * Every command has a memory region of its own. When a function that covers it is answered, the region is deregistered at once, as
 * the kernel's initiator does: an RDMA that comes too late ends the channel.
 */
#ifndef TM_H
#define TM_H

#include "conform.h"

#define SILENCE		300	/* ms without an answer that show that it is held */
#define TASK_LEN	4096
#define NR_TASKS	24

/* Cases that need a gate, which is the hook's; see srpt/gate.c. */
#define NEEDS_GATE	NEEDS_HOOK

struct task {
	struct srpi_chan	*ch;
	struct srpi_mem		mem;
	struct srpi_iu		iu;
	bool			out;
};

/* Those of the running case, in the order in which they were sent. */
extern struct task tasks[NR_TASKS];

/*
 * Sends a command of 8 blocks at @lba of the LUN, with the next tag unless one is given. @way: the channel's. A held task is at the
 * disk that is held when this returns.
 */
struct task *begin_task_of(struct srpi *way, struct srpi_chan *ch, bool out, u32 lba, const u64 *tag);
struct task *begin_task(struct srpi_chan *ch, bool out, u32 lba, const u64 *tag);
struct task *begin_held_task(struct srpi_chan *ch, bool out, u32 lba, const u64 *tag);
u64 tag_of(const struct task *t);

/* The function that covers it was answered: nobody may touch its memory any more. */
void trap(struct task *t);
void trap_all(void);
void forget_tasks(void);

/* Returns the tag. */
u64 send_tmf(struct srpi_chan *ch, u8 function, u16 on_lun, u64 task_tag);
void next_rsp(struct srpi_chan *ch, struct srpi_rsp *r, const char *what);
/* The next thing that comes is the answer to this function; @delta 0: any. */
void expect_tmf(struct srpi_chan *ch, u64 tag, int code, s32 delta);
/* The next thing that comes is the SRP_RSP of this request, or task, GOOD. */
void expect_rsp(struct srpi_chan *ch, u64 tag);
void expect_task(struct task *t);
/* The next two are those of these requests, of different LUNs and so in any order. */
void expect_both(struct srpi_chan *ch, u64 tag, u64 other);

/* Logged in, and the disk that answers nothing is addressed; or the scratch LUN is. */
struct srpi_chan *begin_held(void);
struct srpi_chan *begin_scratch(void);
struct srpi_chan *further_channel(void);
/* After everything: other LUNs go on, nothing comes late, nothing was written to what was trapped, credits are back. */
void end_on(struct srpi_chan *ch);

/* The ways in which a channel ends: three are the initiator's, one the administrator's. */
enum ending { BY_DREQ, BY_DEATH, BY_LOGOUT, BY_DISABLE, NR_ENDINGS };
extern const char *const ending_names[NR_ENDINGS];
void end_channel(struct srpi_chan *ch, enum ending ending);

/* "arm", "wait", "open" a gate of the driver. */
void gate(const char *what, const char *point, u64 tag);
void open_gate(const char *point);
/* A command that is held there. */
struct task *begin_gated(struct srpi_chan *ch, const char *point, bool out, u32 lba);
/* The driver has the command, in this state of docs/design.md. */
void wait_for_state(u64 tag, const char *state);

#endif
