/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The SCSI side of the daemon: what commands mean (SAM-5, SPC-4, SBC-3).
 *
 * It knows neither rings nor files: a command goes from step to step, and each
 * step says what the caller has to do before the next. Nothing here blocks, but
 * scsi_lu_ops.save_reservations, which writes a small file.
 *
 *	scsi_begin()	looks at the CDB, unit attentions and reservations
 *	scsi_fill()	there is a buffer for the data-in that a command makes up
 *	scsi_data()	the data-out that was asked for is in task->buf
 *	scsi_io_done()	the I/O that was asked for has ended
 *	scsi_resume()	what the task waited for is over
 *
 * Steps of one task come one after the other; those of different tasks may run
 * at the same time in different threads. A READ or WRITE takes no lock unless
 * there is a unit attention or a reservation to look at.
 */
#ifndef TGTD_SCSI_H
#define TGTD_SCSI_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "scsi_tgt_if.h"

#define SCSI_SENSE_LEN		96
#define SCSI_MAX_LUNS		1024	/* of a target; from 256 on with flat space addressing */
#define SCSI_SCRATCH_LEN	(64U << 10)

/* What the caller does next. */
enum scsi_step {
	SCSI_FETCH,	/* get task->fetch_len bytes of data-out to task->buf, then scsi_data() */
	SCSI_FILL,	/* provide task->buf, then scsi_fill() */
	SCSI_IO,	/* carry out task->io, then scsi_io_done() */
	SCSI_WAIT,	/* nothing: scsi_lu_ops.resume() will be called; then scsi_resume() */
	SCSI_RESPOND,	/* send task->status, sense, task->in_len bytes of task->buf; task->produced */
};

enum scsi_io_op {
	SCSI_IO_READ,		/* medium to buf */
	SCSI_IO_WRITE,		/* buf to medium */
	SCSI_IO_FLUSH,		/* what was written is durable; the range is a hint */
	SCSI_IO_DISCARD,	/* the content of the range is of no interest; zeros if discard_zeros */
	SCSI_IO_ZERO,		/* the range reads as zeros */
};

/**
 * struct scsi_io - an I/O, in bytes, all of it inside of the medium
 * @op: what to do
 * @off: of the range
 * @len: of the range; not 0, but for a FLUSH, where it means to the end
 * @buf_off: READ and WRITE: of the data in task->buf
 * @fua: durable before scsi_io_done(); set too if there is no write cache
 * @unmap: ZERO only: the range should take no room
 */
struct scsi_io {
	enum scsi_io_op	op;
	uint64_t	off;
	uint64_t	len;
	uint32_t	buf_off;
	bool		fua;
	bool		unmap;
};

struct scsi_lu;
struct scsi_nexus;
struct scsi_op;
struct scsi_task;

/* A target: a list of logical units, and its nexuses. */
struct scsi_target;

/**
 * struct scsi_lu_ops - what a logical unit needs of its surroundings
 * @save_reservations: write the persistent reservations to stable storage; 0 or
 *	a negative errno. NULL: APTPL is not supported
 * @resume: a task that got SCSI_WAIT may go on: let its own thread call scsi_resume().
 *	Comes from the scsi_task_end() of another task, in any thread. The task may be
 *	aborted meanwhile: scsi_resume() is not called then, but scsi_task_end() is
 *
 * Both are called with a lock of the logical unit held: they call nothing of this header
 * but scsi_lu_priv() and scsi_lu_config().
 */
struct scsi_lu_ops {
	int	(*save_reservations)(struct scsi_lu *lu, const void *data, size_t len);
	void	(*resume)(struct scsi_task *task);
};

/**
 * struct scsi_lu_config - a logical unit, as configured
 * @block_size: bytes, 512 or 4096
 * @size: bytes of the medium, whole blocks
 * @vendor: up to 8 ASCII characters
 * @product: up to 16
 * @serial: up to 36, unique; VPD page 80h, and what 83h is made of
 * @opt_xfer: optimal transfer length, bytes; 0: not said
 * @max_xfer: longest READ or WRITE, bytes: whole blocks, SCSI_SCRATCH_LEN to TGT_MAX_TRANSFER
 * @read_only: writes end in DATA PROTECT
 * @removable: START STOP UNIT with LOEJ ejects the medium, PREVENT ALLOW MEDIUM REMOVAL prevents it
 * @thin: UNMAP, WRITE SAME with UNMAP; B2h says thin provisioned
 * @discard_zeros: what SCSI_IO_DISCARD was done to reads as zeros, surely (LBPRZ)
 * @write_cache: WCE of the caching page: writes are durable after SYNCHRONIZE CACHE.
 *	Initiators can change it; it is enough to look at scsi_io.fua
 */
struct scsi_lu_config {
	uint32_t	block_size;
	uint64_t	size;
	char		vendor[9];
	char		product[17];
	char		serial[37];
	uint32_t	opt_xfer;
	uint32_t	max_xfer;
	bool		read_only;
	bool		removable;
	bool		thin;
	bool		discard_zeros;
	bool		write_cache;
};

/**
 * struct scsi_task - a command on its way
 *
 * The caller clears it, fills the first part, and provides buf when need_len is not 0:
 * before the first SCSI_FETCH, SCSI_FILL or SCSI_IO. It looks at the second part as the
 * step says, and at nothing of the third.
 */
struct scsi_task {
	/* by the caller */
	struct scsi_nexus	*nexus;
	uint8_t			lun[8];
	uint8_t			cdb[TGT_CDB_LEN];
	uint8_t			cdb_len;
	uint8_t			attr;		/* enum tgt_task_attr */
	uint32_t		data_out_len;	/* offered by the initiator */
	uint32_t		data_in_len;
	uint8_t			*buf;		/* need_len bytes, not cleared */

	/* by the steps */
	struct scsi_lu		*lu;		/* NULL: there is no such LUN */
	uint32_t		need_len;	/* all steps together; at most max_xfer + SCSI_SCRATCH_LEN */
	uint32_t		fetch_len;	/* SCSI_FETCH: not 0 */
	struct scsi_io		io;		/* SCSI_IO */
	uint32_t		in_len;		/* bytes at buf for the initiator, at most data_in_len */
	uint32_t		produced;	/* bytes the command transfers, however many were offered */
	uint8_t			status;		/* SCSI_RESPOND */
	uint8_t			sense_len;
	uint8_t			sense[SCSI_SENSE_LEN];
	bool			may_preempt;	/* SCSI_FETCH: scsi_data() may set preempts */
	bool			preempts;	/* see scsi_preempted() */

	/* of the steps alone */
	const struct scsi_op	*op;
	uint64_t		lba;
	uint64_t		blocks;
	uint64_t		done;		/* of a command with several I/Os: bytes, or UNMAP descriptors */
	uint32_t		phase;
	bool			queued;		/* COMPARE AND WRITE: has the turn, or waits for it */
	struct scsi_task	*next;		/* who waits behind it */
};

/** scsi_begin() - look at a command. Return: the next step */
enum scsi_step scsi_begin(struct scsi_task *task);

/** scsi_begin_lu() - the same, with what scsi_lu_find() has said to its LUN when it came, perhaps NULL */
enum scsi_step scsi_begin_lu(struct scsi_task *task, struct scsi_lu *lu);

/** scsi_fill() - write data-in that needs no I/O, as of INQUIRY. Return: SCSI_RESPOND */
enum scsi_step scsi_fill(struct scsi_task *task);

/** scsi_data() - the data-out is there. Return: the next step */
enum scsi_step scsi_data(struct scsi_task *task);

/**
 * scsi_io_done() - the I/O has ended
 * @task: whose
 * @error: 0 or a negative errno, as -EIO, -ENOSPC
 *
 * Return: the next step, which may be SCSI_IO again.
 */
enum scsi_step scsi_io_done(struct scsi_task *task, int error);

/**
 * scsi_io_foreseen() - the caller has SCSI_IO: is it known what follows if the I/O succeeds?
 *
 * Return: true: SCSI_RESPOND, and the task is as it will be then. scsi_io_done() can, but need not, be called.
 */
bool scsi_io_foreseen(struct scsi_task *task);

/** scsi_resume() - after scsi_lu_ops.resume(). Return: the next step */
enum scsi_step scsi_resume(struct scsi_task *task);

/**
 * scsi_task_end() - the caller is through with it: answered or aborted
 *
 * Once for each scsi_begin(), and harmless before it, when no I/O of the task is outstanding. Lets go of what it
 * holds, as the turn of a COMPARE AND WRITE.
 */
void scsi_task_end(struct scsi_task *task);

/* ---- targets, logical units, nexuses ---------------------------------------- */

/** scsi_target_new() - a target without logical units; NULL: no memory */
struct scsi_target *scsi_target_new(void);

/** scsi_target_free() - when there is no nexus any more; frees the logical units */
void scsi_target_free(struct scsi_target *target);

/**
 * scsi_lu_new() - a logical unit that nobody sees until scsi_lu_publish()
 *
 * Return: NULL with errno: EINVAL the configuration is no good, ENOMEM.
 */
struct scsi_lu *scsi_lu_new(struct scsi_target *target, uint32_t lun, const struct scsi_lu_config *config,
			    const struct scsi_lu_ops *ops, void *priv);

/**
 * scsi_lu_publish() - it is part of its target; everybody is told (REPORTED LUNS DATA HAS CHANGED)
 *
 * Return: 0; or -EEXIST: the LUN is taken, -ENOMEM: the caller calls scsi_lu_free().
 */
int scsi_lu_publish(struct scsi_lu *lu);

/** scsi_target_add() - scsi_lu_new() and scsi_lu_publish() in one; NULL with errno: as they say */
struct scsi_lu *scsi_target_add(struct scsi_target *target, uint32_t lun, const struct scsi_lu_config *config,
				const struct scsi_lu_ops *ops, void *priv);

/**
 * scsi_target_remove() - no new task finds it; everybody is told
 *
 * The caller lets every thread end the step that it is in, waits for the tasks whose lu it
 * is, then calls scsi_lu_free().
 */
void scsi_target_remove(struct scsi_target *target, struct scsi_lu *lu);

/** scsi_lu_free() - after scsi_target_remove(), or never published */
void scsi_lu_free(struct scsi_lu *lu);

/** scsi_lu_priv() - what scsi_lu_new() was given */
void *scsi_lu_priv(const struct scsi_lu *lu);

/** scsi_lu_config() - as it was at scsi_lu_new(); the size may have changed since */
const struct scsi_lu_config *scsi_lu_config(const struct scsi_lu *lu);

/** scsi_lu_find() - by the 8 bytes of a LUN, peripheral or flat space addressing; NULL if there is none */
struct scsi_lu *scsi_lu_find(struct scsi_target *target, const uint8_t *lun);

/** scsi_lu_resize() - a new size in bytes, at least a block; CAPACITY DATA HAS CHANGED for everybody */
void scsi_lu_resize(struct scsi_lu *lu, uint64_t size);

/** scsi_lu_tas() - TAS of the control mode page: commands that another nexus aborts end in TASK ABORTED */
bool scsi_lu_tas(const struct scsi_lu *lu);

/**
 * scsi_lu_load_reservations() - what save_reservations had written; before scsi_lu_publish()
 *
 * Return: 0; -EINVAL: not ours, or damaged, nothing is changed; -ENOMEM.
 */
int scsi_lu_load_reservations(struct scsi_lu *lu, const void *data, size_t len);

/**
 * scsi_nexus_new() - an initiator has logged in
 * @target: where to
 * @i_port_id: 16 bytes: who; registrations of an earlier nexus of the same pair are its own again
 * @t_port_id: 16 bytes: through which port
 *
 * Return: NULL: no memory.
 */
struct scsi_nexus *scsi_nexus_new(struct scsi_target *target, const uint8_t *i_port_id, const uint8_t *t_port_id);

/** scsi_nexus_free() - it is gone, and has no tasks */
void scsi_nexus_free(struct scsi_nexus *nexus);

/* ---- task management -------------------------------------------------------- */

/**
 * scsi_lu_reset() - what a LOGICAL UNIT RESET means besides aborting
 *
 * Unit attention 29h/03h for all nexuses, mode pages and medium removal as at the beginning.
 */
void scsi_lu_reset(struct scsi_lu *lu);

/** scsi_commands_cleared() - unit attention 2Fh/00h COMMANDS CLEARED BY ANOTHER INITIATOR for @nexus */
void scsi_commands_cleared(struct scsi_lu *lu, struct scsi_nexus *nexus);

/**
 * scsi_preempted() - has PREEMPT AND ABORT preempted @victim?
 * @task: PERSISTENT RESERVE OUT after scsi_data(), with task->preempts
 * @victim: a nexus of the same target
 *
 * If task->preempts the caller aborts the commands that each such nexus has in task->lu, but
 * @task itself, before it answers. The reservation has changed then: what that needs, it provides for
 * when task->may_preempt, before scsi_data(); or it ends the task with another status instead.
 */
bool scsi_preempted(const struct scsi_task *task, const struct scsi_nexus *victim);

#endif /* TGTD_SCSI_H */
