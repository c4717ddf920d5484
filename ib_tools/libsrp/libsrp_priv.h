/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the files of libsrp share. */
#ifndef LIBSRP_PRIV_H
#define LIBSRP_PRIV_H

#include "libsrp.h"

#define SRPI_TIMEOUT	5000	/* ms */

struct srpi {
	struct srpi_target		target;
	int				timeout_ms;
	/* A resolved id keeps the device open; nothing is connected by it. */
	struct rdma_event_channel	*events;
	struct rdma_cm_id		*id;
	struct ibv_pd			*pd;
	struct srpi_chan		*chans;
	/* The rings of the channel that was closed last: registering memory is what takes long. */
	struct srpi_mem			spare;
};

enum srpi_log_kind {
	SRPI_LOG_NONE,
	SRPI_LOG_SENT,
	SRPI_LOG_RECEIVED,
	SRPI_LOG_COMPLETION,	/* of a failed work request */
	SRPI_LOG_CM,
};

struct srpi_log_entry {
	u64			ns;
	u64			tag;
	enum srpi_log_kind	kind;
	int			what;	/* opcode, status, event */
	int			detail;	/* length, status */
};

#define SRPI_LOG_LEN	64

struct srpi_log {
	struct srpi_log_entry	entry[SRPI_LOG_LEN];
	u64			nr;
};

/* log.c */
void srpi_log(struct srpi_log *log, enum srpi_log_kind kind, int what, int detail, u64 tag);

struct srpi_chan {
	struct srpi		*s;
	struct srpi_chan	*next;
	struct rdma_event_channel *events;
	struct rdma_cm_id	*id;
	struct ibv_comp_channel	*comp;
	struct ibv_cq		*cq;
	struct ibv_qp		*qp;
	struct srpi_login_opts	opts;		/* with the defaults filled in */
	bool			rdma_cm;	/* the login request has its form */
	bool			connected;	/* there is something to disconnect */
	bool			armed;		/* the next completion makes an event, or one is waiting */
	char			error[160];

	struct srpi_mem		mem;		/* receives, then the memory of sends */
	int			held_rx;	/* the receive that the caller reads, or -1 */
	/* Sends complete in order: a ring of their lengths, and one of their bytes. */
	u32			*tx_len;
	u32			tx_first, tx_nr, tx_head, tx_used;

	struct srpi_login_rsp	login;
	struct srpi_stats	stats;
	struct srpi_log		log;
};

/* How many receives there are. */
static inline u32 srpi_nr_recvs(const struct srpi_login_opts *o)
{
	return o->recvs < 0 ? 256 : o->recvs;
}

/* cm.c */
int srpi_fail(struct srpi_chan *ch, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Waits for an event of @events; takes it, acknowledges it after copying it without its private data. */
int srpi_next_event(struct rdma_event_channel *events, int timeout_ms, struct rdma_cm_event *copy,
		    void *private_data, u8 *private_data_len);
/* Notes the events that have come. */
void srpi_drain_events(struct srpi_chan *ch);

#endif
