/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Targets, logical units and nexuses, and how they follow the configuration.
 *
 * The main thread makes and removes targets and logical units. A nexus belongs to the thread of its
 * ring, which makes and frees it. Lists that both look at are under daemon.lock.
 */
#ifndef TGTD_TARGET_H
#define TGTD_TARGET_H

#include <pthread.h>

#include "backend.h"
#include "libtgt.h"
#include "list.h"

struct worker;

/* Written by any thread, read by the status. */
struct lu_counters {
	uint64_t	commands;
	uint64_t	read_bytes;
	uint64_t	written_bytes;
};

/**
 * struct order - the task set of a logical unit, see order.c
 * @running: atomic: commands that run, and GATED
 * @lock: protects what follows
 * @waiting: struct task.wait, the oldest first
 * @heads: how many of those that run have HEAD OF QUEUE
 * @ordered: one that is ORDERED runs
 */
struct order {
	uint32_t	running;
	pthread_mutex_t	lock;
	struct list	waiting;
	unsigned int	heads;
	bool		ordered;
};

/**
 * struct lu - a logical unit
 * @users: tasks and functions that know it; they may go on after scsi_target_remove()
 * @size: bytes
 * @next_size: while a configuration is applied: what it will be
 * @order: of its commands
 * @adopted: @conf goes with it
 */
struct lu {
	struct list		node;
	struct target		*target;
	struct lun_config	*conf;
	struct backend		*be;
	struct scsi_lu		*scsi;
	uint64_t		size;
	uint64_t		next_size;
	unsigned int		users;
	struct order		order;
	bool			adopted;
	struct lu_counters	counters;
};

/**
 * struct target - a target
 * @ids: of each tgt_bind()
 * @bound: how many of them there are
 * @nexuses: struct nexus.target_node, under daemon.lock
 * @adopted: @conf goes with it
 * @leaving: it is unbound, and freed when there is no nexus
 */
struct target {
	struct list		node;
	struct daemon		*d;
	struct target_config	*conf;
	struct scsi_target	*scsi;
	struct list		lus;
	uint32_t		*ids;
	uint32_t		bound;
	struct list		nexuses;
	bool			adopted;
	bool			leaving;
};

/**
 * struct nexus - an initiator that is logged in
 * @users: tasks and functions of it
 * @preempted: a bit per sweep, see tmf.c
 * @cleared_by: the sweep that has set its unit attention, see tmf.c
 */
struct nexus {
	struct list		node;		/* of the worker's table */
	struct list		target_node;
	struct target		*target;
	struct scsi_nexus	*scsi;
	uint32_t		host_no;
	uint8_t			i_port_id[16];
	unsigned int		users;
	bool			down;
	uint64_t		preempted;
	const void		*cleared_by;
};

/**
 * struct daemon - all of it
 * @lock: protects the list of targets, and those of their nexuses and logical units
 * @leaving: logical units that were removed, and still have tasks; of the main thread
 * @nr_served: targets that are not leaving
 * @dormant: atomic: tasks that wait for others of their logical unit, see order.c
 * @reloads: how often the configuration was read again
 * @reload_error: what was wrong with it the last time, or ""
 * @failed: a worker cannot go on
 * @stop_fd: eventfd, readable then
 * @waiting: whether to go on waiting for a lock of a backend; NULL: do not wait
 */
struct daemon {
	struct tgt	*tgt;
	struct config	*conf;
	struct worker	*workers;
	uint32_t	nr_workers;
	pthread_mutex_t	lock;
	struct list	targets;
	struct list	leaving;
	unsigned int	nr_served;
	unsigned int	dormant;
	uint64_t	reloads;
	char		reload_error[CONFIG_ERROR_LEN];
	bool		failed;
	int		stop_fd;
	bool		(*waiting)(struct daemon *d);
};

/**
 * daemon_apply() - make targets and logical units as configured
 * @d: the daemon
 * @conf: its targets and logical units are taken over, if it can be done
 * @error: CONFIG_ERROR_LEN bytes
 *
 * What is the same stays, but for sizes, which follow; what is new comes, what is not there any more
 * goes. Return: 0; or a negative errno, and nothing has changed.
 */
int daemon_apply(struct daemon *d, struct config *conf, char *error);

/** daemon_reap() - free what was removed and is not used any more. Return: whether something is left */
bool daemon_reap(struct daemon *d);

/** daemon_free_targets() - all of them; the workers have ended */
void daemon_free_targets(struct daemon *d);

/* lu.c: one logical unit. */

/** lu_open() - with its backend, but not yet part of the target */
int lu_open(struct target *t, struct lun_config *conf, struct lu **lu, char *error);
/** lu_add() - initiators see it, unless there is an error; then lu->scsi is NULL */
int lu_add(struct lu *lu, char *error);
/** lu_leave() - they do not any more */
void lu_leave(struct lu *lu);
/** lu_free() - has no users; after lu_leave(), when @scsi was freed, or never was there */
void lu_free(struct lu *lu);

static inline void lu_get(struct lu *lu)
{
	__atomic_add_fetch(&lu->users, 1, __ATOMIC_RELAXED);
}

static inline void lu_put(struct lu *lu)
{
	__atomic_sub_fetch(&lu->users, 1, __ATOMIC_RELEASE);
}

static inline bool lu_used(const struct lu *lu)
{
	return __atomic_load_n(&lu->users, __ATOMIC_ACQUIRE);
}

/** nexus_new() - HOST_UP: NULL: no such target, or no memory */
struct nexus *nexus_new(struct daemon *d, const struct tgt_event *ev);

/** nexus_free() - it is down and has no users */
void nexus_free(struct daemon *d, struct nexus *nexus);

/* reservations.c: persistent reservations on disk. */
int reservations_save(const struct lu *lu, const void *data, size_t len);
int reservations_load(const struct lu *lu, char *error);

#endif /* TGTD_TARGET_H */
