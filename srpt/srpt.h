/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The objects of the driver, and who may touch what.
 *
 * Locks, top to bottom; never the other way round:
 *
 *	srpt_lio_mutex		target ports, their attributes and ACLs (lio_configfs.c)
 *	  srpt_nexus_mutex	table of nexuses, the channels of each
 *	    tgt_mutex		targets of daemons (srpt/tgt/)
 *	    srpt_conn.lock	which channel a connection belongs to
 *	  srpt_channel.conn_mutex  accept against disconnect
 *	srpt_mutex		devices, listeners
 *	srpt_channel.sq_lock	send-queue slots and waiters
 *	srpt_channel.park_lock	IUs that wait for a live channel or a command slot
 *	srpt_nexus.fence_lock	task management that waits for commands
 *
 * No lock is held while the target core is called or a work request is posted.
 * The receive path takes none.
 *
 * Field keys:
 *  [C]  constant once the object is visible
 *  [R]  the context of the channel's recv_cq only (one work item, never concurrent)
 *  [S]  srpt_channel.sq_lock
 *  [K]  srpt_channel.park_lock
 *  [F]  srpt_nexus.fence_lock
 *  [N]  srpt_nexus_mutex
 *  [G]  srpt_mutex
 *  [O]  the owner named by the command's state
 *  [A]  atomic
 */
#ifndef SRPT_H
#define SRPT_H

#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/percpu-refcount.h>
#include <linux/socket.h>
#include <linux/spinlock.h>
#include <linux/tracepoint-defs.h>
#include <linux/workqueue.h>
#include <rdma/ib_verbs.h>
#include <rdma/rw.h>
#include "core.h"
#include "proto/srpt_fsm.h"

#define SRPT_RQ_SIZE		128	/* request limit of a channel */
#define SRPT_SLOT_WR		4	/* RDMA work requests a command owns; 256 KiB take 2 to 4 */
#define SRPT_RQ_EXTRA		3	/* I_LOGOUT, CRED_RSP, AER_RSP are outside the limit */
/* Slots that let new requests in while SEND completions of answered ones are on their way. */
#define SRPT_SLOT_EXTRA		8
#define SRPT_TMF_SLOTS		4	/* only for task management */
#define SRPT_CRED_SLOT		0	/* for SRP_CRED_REQ */
#define SRPT_LOGOUT_SLOT	1	/* for SRP_T_LOGOUT */
#define SRPT_OWN_SLOTS		2
#define SRPT_MAX_TI_IU_LEN	1024	/* advertised in every login, never changes (LOG-26) */
#define SRPT_MAX_TRANSFER	SZ_64M	/* bytes of one command */
#define SRPT_MIN_REQ_SIZE	996
#define SRPT_MAX_REQ_SIZE	SZ_64K
#define SRPT_RDMA_DEPTH		4	/* RDMA READs in flight per channel */
#define SRPT_RELOGIN_MAX	60U		/* seconds, NX-4 */
#define SRPT_EXTRA_WR		2	/* of a send queue: drain marker, keepalive */
#define SRPT_KEEPALIVE_MAX	3600U	/* seconds */
#define SRPT_LOGOUT_TIMEOUT	(HZ / 2)
#define SRPT_TIMEWAIT_MAX	(10 * HZ)
#define SRPT_TIMEWAIT_CHANNELS	32	/* of an HCA at once */

struct srpt_device;
struct srpt_channel;
struct ib_mad_agent;

/* ---- device.c ------------------------------------------------------------ */

/**
 * struct srpt_port - a port of an HCA
 */
struct srpt_port {
	struct srpt_device	*sdev;		/* [C] */
	u32			num;		/* [C] 1-based */
	union ib_gid		gid;		/* [G] GID 0 */
	struct ib_mad_agent	*mad_agent;	/* [C] NULL if the port answers no MADs */
	struct work_struct	refresh_work;
};

/**
 * struct srpt_rxq - posted receive buffers: of one channel, or of an SRQ
 *
 * Lives as long as somebody holds one of its buffers; the hardware part ends
 * when @live is killed.
 */
struct srpt_rxq {
	struct kref		ref;
	struct percpu_ref	live;		/* held around posts */
	struct completion	dead;
	struct ib_device	*device;	/* [C] valid while @live */
	struct ib_srq		*srq;		/* [C] NULL: belongs to @qp */
	struct ib_qp		*qp;		/* [C] */
	u32			nr_rx;		/* [C] */
	struct srpt_rx		*rx;		/* [C] */
};

/**
 * struct srpt_rx - a receive buffer; owned by the HCA, then by a command
 */
struct srpt_rx {
	struct ib_cqe		cqe;
	struct ib_recv_wr	wr;		/* [C] */
	struct ib_sge		sge;		/* [C] */
	struct srpt_rxq		*rxq;		/* [C] */
	void			*mem;		/* [C] from srpt_rx_cache */
	void			*buf;		/* [C] in @mem: where the IU is put */
	u32			len;		/* bytes received */
	struct list_head	park_node;	/* [K] */
};

/**
 * struct srpt_device - an HCA
 */
struct srpt_device {
	struct ib_device	*device;	/* [C] */
	struct ib_pd		*pd;		/* [C] */
	struct list_head	node;		/* [G] srpt_devices */
	struct kref		users;		/* logins, channels with hardware */
	struct completion	unused;
	struct srpt_rxq		*srq;		/* [G] made for the first channel that wants it */
	struct ib_cm_id		*listen_id;	/* [C] */
	bool			removing;	/* [N] no channel may join a nexus */
	spinlock_t		timewait_lock;	/* protects the next two; conn->lock nests in it */
	struct list_head	timewait;	/* channels, oldest first */
	u32			nr_timewait;
	struct ib_event_handler	event_handler;
	u32			nr_ports;	/* [C] */
	struct srpt_port	port[];
};

extern struct mutex srpt_mutex;
extern struct ib_client srpt_client;

struct srpt_device *srpt_device_get(struct ib_device *device);
void srpt_device_put(struct srpt_device *sdev);
struct srpt_rxq *srpt_device_srq(struct srpt_device *sdev);
bool srpt_port_has_name(const struct srpt_port *port, const struct srp_name *name);
bool srpt_port_gid_name(const struct srp_name *name, char *gid_name);

/* ---- main.c ---------------------------------------------------------------- */

/*
 * Unbound. Logins wait for the release of channels, so they have a queue of
 * their own; nothing on the other waits for long.
 */
extern struct workqueue_struct *srpt_login_wq;
extern struct workqueue_struct *srpt_wq;
/* Per CPU: for what follows an RDMA READ, and for what is to be posted on a certain CPU. */
extern struct workqueue_struct *srpt_data_wq;
#define SRPT_RX_ALIGN	512	/* what block devices want of memory */

extern struct kmem_cache *srpt_rx_cache;	/* srpt_max_req_size + SRPT_RX_ALIGN bytes */
extern int srpt_max_req_size;
extern int srpt_srq_size;
extern uint srpt_keepalive;		/* seconds, 0: none */
extern uint srpt_relogin_timeout;	/* seconds */

u64 srpt_service_guid(void);
void srpt_set_default_service_guid(u64 guid);

/* ---- mad.c, cm_ib.c, cm_rdma.c: thin bindings ------------------------------ */

void srpt_mad_add_port(struct srpt_port *port);
void srpt_mad_targets_changed(void);
void srpt_mad_del_port(struct srpt_port *port);

int srpt_cm_ib_listen(struct srpt_device *sdev);
void srpt_cm_ib_unlisten(struct srpt_device *sdev);

int srpt_cm_rdma_set_port(u16 port);
u16 srpt_cm_rdma_port(void);

/* What a REP carries besides the SRP_LOGIN_RSP. */
struct srpt_accept {
	const void	*data;
	u8		data_len;
	u8		responder_resources;
	u8		initiator_depth;
	bool		srq;
};

struct srpt_conn;

/**
 * struct srpt_conn_ops - what a connection manager does for a connection
 * @create_qp:	create the QP and bring it as far as receives can be posted
 * @accept:	make the QP ready and send the REP
 * @reject:	send a REJ with consumer data; the connection is not usable any more
 * @disconnect:	send DREQ, or DREP if a DREQ has arrived; with private data if the
 *		connection manager takes some
 * @notify:	an IU arrived before the RTU
 * @destroy:	give up the CM id; no event comes afterwards. Frees nothing else
 */
struct srpt_conn_ops {
	struct ib_qp	*(*create_qp)(struct srpt_conn *conn, struct ib_qp_init_attr *init);
	void		(*destroy_qp)(struct srpt_conn *conn, struct ib_qp *qp);
	int		(*accept)(struct srpt_conn *conn, const struct srpt_accept *acc);
	void		(*reject)(struct srpt_conn *conn, const void *data, u8 len);
	void		(*disconnect)(struct srpt_conn *conn, const void *data, u8 len);
	void		(*notify)(struct srpt_conn *conn);
	void		(*destroy)(struct srpt_conn *conn);
};

/**
 * struct srpt_conn - one connection of either connection manager
 *
 * Made when a REQ arrives; belongs to the login, then to the channel.
 */
struct srpt_conn {
	const struct srpt_conn_ops	*ops;		/* [C] */
	struct srpt_port		*port;		/* [C] holds a device user */
	union {
		struct ib_cm_id		*ib_id;		/* [C] */
		struct rdma_cm_id	*rdma_id;	/* [C] */
	};
	u16				pkey_index;	/* [C] IB/CM */
	u8				peer_depth;	/* [C] RDMA READs the initiator serves */
	spinlock_t			lock;		/* protects the rest */
	bool				timewait_over;
	bool				established;	/* the RTU, or an IU, has come */
	struct srpt_channel		*ch;		/* [lock] */
	bool				gone;		/* [lock] ended before it had a channel */
};

/* What the connection managers report; safe at any time until ops->destroy() returns. */
void srpt_conn_established(struct srpt_conn *conn);
void srpt_conn_gone(struct srpt_conn *conn, const char *why);
void srpt_conn_timewait_exit(struct srpt_conn *conn);
struct srpt_conn *srpt_conn_create(const struct srpt_conn_ops *ops, struct ib_device *device,
				   u32 port_num);
void srpt_conn_free(struct srpt_conn *conn);

/* ---- login.c ---------------------------------------------------------------- */

/**
 * struct srpt_peer - who logs in, and from where
 */
struct srpt_peer {
	u8			i_port_id[16];
	union ib_gid		gid;		/* zero if the CM does not tell */
	struct sockaddr_storage	addr;		/* ss_family 0 if the CM does not tell */
};

/**
 * struct srpt_login - a login on its way
 */
struct srpt_login {
	struct work_struct	work;
	struct srpt_conn	*conn;		/* until it has a channel */
	struct srpt_device	*sdev;		/* holds a user */
	struct srpt_port	*port;
	struct srp_login	req;
	const struct srpt_core_ops *core;
	struct srpt_attrib	attrib;		/* set by authorize() */
	const void		*acl;		/* set by authorize(); only to compare */
	struct srpt_peer	peer;
	struct list_head	node;		/* [N] while it waits for an old session */
	bool			overtaken;	/* [N] the same initiator has tried again */
};

bool srpt_peer_has_name(const struct srpt_peer *peer, const struct srp_name *name);
int srpt_login_start(struct srpt_conn *conn, const void *data, u32 len,
		     enum srp_login_form form, const union ib_gid *peer_gid,
		     const struct sockaddr_storage *peer_addr);

/* ---- nexus.c ------------------------------------------------------------------ */

/**
 * struct srpt_nexus - an I_T nexus and its session
 */
struct srpt_nexus {
	struct list_head	node;		/* [N] srpt_nexuses */
	struct srpt_peer	peer;		/* [C] of who made it */
	u8			t_port_id[16];	/* [C] */
	const struct srpt_core_ops *core;	/* [C] */
	void			*session;	/* [C] the core's, set by session_open() */
	const void		*tpg;		/* [C] the core's target portal group */
	const void		*acl;		/* [C] what let the first channel in */
	struct list_head	channels;	/* [N] */
	bool			ready;		/* [N] the session is open */
	bool			closing;	/* [N] no new channel may join */
	spinlock_t		fence_lock;	/* protects [F] */
	u64			fence_seq;	/* [F] of the last task management function */
	struct list_head	tmfs;		/* [F] not answered, in their order */
};

extern struct mutex srpt_nexus_mutex;

struct srpt_nexus *srpt_nexus_join(struct srpt_login *login, struct srpt_channel *ch,
				   enum srp_mc_result *result);
void srpt_nexus_drained(struct srpt_channel *ch);
void srpt_nexus_leave(struct srpt_channel *ch);
void srpt_nexus_close_matching(bool (*match)(const struct srpt_nexus *nexus, const void *arg),
			       const void *arg, const char *why);
void srpt_nexus_close_device(struct srpt_device *sdev);
void srpt_nexus_for_each(void (*fn)(struct srpt_nexus *nexus, void *arg), void *arg);

/* ---- channel.c ---------------------------------------------------------------- */

/**
 * struct srpt_channel - one RDMA channel of a nexus
 *
 * @hw_ref is held by whatever uses the QP or DMA: from before a mapping until
 * its completion. When it is gone the QP goes, and the HCA may.
 * @cmd_ref is held by every command, by the login, and by the channel until it
 * has drained. When it is gone the channel leaves its nexus and is freed.
 */
struct srpt_channel {
	struct srpt_conn	*conn;		/* [C] */
	struct srpt_port	*port;		/* [C] valid while the QP is */
	struct srpt_device	*sdev;		/* [C] the same; later only to compare */
	const struct srpt_core_ops *core;	/* [C] */
	struct srpt_nexus	*nexus;		/* [C] once joined */
	struct list_head	node;		/* [N] nexus->channels */
	struct ib_qp		*qp;		/* [C] */
	struct ib_cq		*recv_cq;	/* [C] process context: the core may sleep */
	struct ib_cq		*send_cq;	/* [C] softirq; with an SRQ the same as recv_cq */
	u32			recv_cq_size;	/* [C] */
	u32			send_cq_size;	/* [C] 0 with an SRQ */
	struct srpt_rxq		*rxq;		/* [C] */
	atomic_t		state;		/* [A] enum srpt_ch_state, only grows */
	struct srp_iu_params	params;		/* [C] */
	struct srp_credit	credit;		/* [A] */
	u32			max_rsp_len;	/* [C] */
	u32			max_inline;	/* [C] longest SEND that goes inline */

	u32			nr_slots;	/* [C] */
	u32			slot_size;	/* [C] */
	void			*slots;		/* [C] */
	struct llist_head	free_cmds;	/* taken in one context at a time */
	struct llist_head	free_tmfs;	/* as above */

	spinlock_t		sq_lock;	/* protects [S] */
	u32			sq_free;	/* [S] slots for RDMA; SENDs have their own */
	struct list_head	sq_waiters;	/* [S] FIFO of commands */
	u32			sq_budget;	/* [C] what sq_free was in the beginning */
	u32			slot_wr;	/* [C] RDMA work requests every command owns */
	u32			max_piece;	/* [C] bytes of one RDMA context */
	struct list_head	failed;		/* [S] not posted whole: wait for the drain */

	spinlock_t		park_lock;	/* protects [K] */
	struct list_head	parked;		/* [K] FIFO of srpt_rx */
	bool			park_active;	/* set in CQ context, cleared under park_lock */
	bool			fetching;	/* [K] a table, or commands wait behind it */
	struct list_head	behind;		/* [K] FIFO of commands, by sq_node */
	struct work_struct	park_work;

	struct percpu_ref	hw_ref;
	struct completion	hw_idle;
	refcount_t		cmd_ref;
	struct kref		ref;		/* hw work, release work */
	struct mutex		conn_mutex;
	bool			accepted;	/* [conn_mutex] a REP was sent */
	u32			reject;		/* [C] what to tell the initiator otherwise */
	int			logout;		/* [C] once closing: reason, or SRPT_NO_LOGOUT */
	struct completion	logout_sent;
	atomic_t		cred_steps;	/* [A] what an SRP_CRED_REQ still has to do */
	bool			cred_rsp_due;	/* set by who sends it, cleared in [R] */
	u64			cred_tag;	/* [C] while cred_rsp_due */
	u64			login_tag;	/* [C] */
	struct completion	last_wqe;	/* the QP is done with the SRQ */
	struct delayed_work	alive_work;	/* runs while the channel is LIVE */
	unsigned long		keepalive;	/* [C] jiffies, 0: none */
	struct ib_cqe		alive_cqe;
	bool			alive_posted;	/* set by alive_work, cleared when it completes */
	struct work_struct	close_work;
	struct delayed_work	hw_work;	/* after TimeWait */
	struct list_head	timewait_node;	/* sdev->timewait_lock */
	struct work_struct	release_work;
	char			name[96];	/* [C] for logs */
};

struct srpt_channel *srpt_channel_create(struct srpt_login *login);
void srpt_channel_established(struct srpt_channel *ch);
#define SRPT_NO_LOGOUT	(-1)
void srpt_channel_close(struct srpt_channel *ch, int logout, const char *why);
void srpt_channel_end_timewait(struct srpt_channel *ch);
int srpt_channel_accept(struct srpt_channel *ch, const struct srp_login *req,
			enum srp_mc_result result);

static inline void srpt_channel_put_cmd_ref(struct srpt_channel *ch)
{
	if (refcount_dec_and_test(&ch->cmd_ref))
		queue_work(srpt_wq, &ch->release_work);
}

static inline bool srpt_channel_is_live(struct srpt_channel *ch)
{
	return atomic_read(&ch->state) == SRPT_CH_LIVE;
}

/* ---- cmd.c ---------------------------------------------------------------------- */

/**
 * struct srpt_rw - a piece of a transfer: one remote range, one rdma_rw context
 */
struct srpt_rw {
	struct rdma_rw_ctx	ctx;
	struct scatterlist	*sg;
	u32			sg_cnt;
	u32			nr_wr;
};

/**
 * struct srpt_cmd - a slot: an SRP_CMD or an SRP_TSK_MGMT in progress
 *
 * The owner is named by the state; only the owner moves it, through
 * srpt_cmd_event(). References: the core (or the driver, for what it answers
 * itself) and the SEND. The adapter's private part follows the struct.
 */
struct srpt_cmd {
	struct srpt_channel	*ch;		/* [C] */
	struct llist_node	free_node;
	bool			for_tmf;	/* [C] reserved for task management */
	atomic_t		state;		/* [A] enum srpt_cmd_state */
	refcount_t		ref;
	struct srpt_rx		*rx;		/* [O] the IU; NULL once reposted */
	struct srp_iu		iu;		/* [O] decoded; points into @rx and @table */
	struct srp_wire_desc	*table;		/* [O] descriptors that were not in the IU */
	struct scatterlist	table_sg;	/* [O] */
	bool			from_core;	/* [O] response_done() is due */

	/* task management: srpt/fence.c */
	u64			fence_seq;	/* [F] its own, or that of who marked it first */
	bool			abort_told;	/* [F] the core was told to abort it */
	struct list_head	fence_node;	/* [F] an SRP_TSK_MGMT: in nexus->tmfs */
	u32			fence_count;	/* [F] commands it waits for, and the answer */
	enum srp_rsp_code	tmf_code;	/* [F] the answer */
	bool			tmf_answered;	/* [F] @tmf_code is there */

	/* data transfer */
	u32			xfer_len;	/* [O] bytes to move, then moved; 0: failed */
	enum dma_data_direction	xfer_dir;	/* [O] */
	struct srpt_rw		rw1;		/* [O] the usual case: one piece */
	struct srpt_rw		*rw;		/* [O] &rw1, or an array */
	struct scatterlist	*rw_sg;		/* [O] slices behind the array */
	u32			nr_rw;		/* [O] */
	u32			rw_next;	/* [O] first piece not posted */
	u32			rw_round;	/* [O] end of the pieces posted together */
	u32			sq_used;	/* [O] slots to give back at completion */
	struct list_head	sq_node;	/* [S], or [K] behind a table */
	struct ib_cqe		rdma_cqe;
	struct work_struct	data_work;	/* hands write data to the core */

	/* response */
	int			cpu;		/* [O] where the IU was handled */
	struct work_struct	send_work;	/* posts on @cpu */
	struct ib_cqe		send_cqe;
	struct ib_send_wr	send_wr;	/* [O] all but the flags [C] */
	struct ib_sge		send_sge;	/* [O] */
	void			*rsp;		/* [C] buffer */
	u64			rsp_dma;	/* [C] */
	u32			rsp_len;	/* [O] */
	bool			responded;	/* [O] the SRP_RSP carried the credit */
};

static inline void *srpt_cmd_priv(struct srpt_cmd *cmd)
{
	return cmd + 1;
}

static inline struct srpt_cmd *srpt_priv_cmd(void *priv)
{
	return (struct srpt_cmd *)priv - 1;
}

static inline struct srpt_cmd *srpt_channel_slot(struct srpt_channel *ch, u32 i)
{
	return ch->slots + (size_t)i * ch->slot_size;
}

int srpt_cmd_pool_create(struct srpt_channel *ch);
void srpt_cmd_pool_unmap(struct srpt_channel *ch);
void srpt_cmd_pool_free(struct srpt_channel *ch);
struct srpt_cmd *srpt_cmd_get(struct srpt_channel *ch, bool tmf);
void srpt_cmd_put(struct srpt_cmd *cmd);
void srpt_cmd_trace_event(struct srpt_cmd *cmd, int from, enum srpt_cmd_event ev, int to);
bool srpt_cmd_illegal_event(struct srpt_cmd *cmd, int state, enum srpt_cmd_event ev);

DECLARE_TRACEPOINT(srpt_cmd_transition);

/**
 * srpt_cmd_event() - the only writer of a command's state
 * @cmd: the command
 * @ev: what happened
 *
 * An event that is illegal in the present state changes nothing, is traced and
 * closes the channel.
 *
 * Context: any. Return: whether the state changed.
 */
static inline bool srpt_cmd_event(struct srpt_cmd *cmd, enum srpt_cmd_event ev)
{
	int state = atomic_read(&cmd->state);
	int next;

	do {
		next = srpt_cmd_step(state, ev);
		if (unlikely(next < 0))
			return srpt_cmd_illegal_event(cmd, state, ev);
	} while (unlikely(!atomic_try_cmpxchg(&cmd->state, &state, next)));

	if (tracepoint_enabled(srpt_cmd_transition))
		srpt_cmd_trace_event(cmd, state, ev, next);
	return true;
}

/* ---- recv.c ----------------------------------------------------------------------- */

struct srpt_rxq *srpt_rxq_create(struct srpt_device *sdev, u32 nr_rx, u16 imm_off, bool srq);
int srpt_rxq_post_all(struct srpt_rxq *rxq);
void srpt_rxq_stop(struct srpt_rxq *rxq);
void srpt_rxq_unmap(struct srpt_rxq *rxq);
void srpt_rxq_put(struct srpt_rxq *rxq);
void srpt_request(struct srpt_cmd *cmd, enum srp_reason reason);
void srpt_rx_post(struct srpt_rx *rx);
void srpt_rx_repost(struct srpt_rx *rx);
void srpt_park_work(struct work_struct *work);
void srpt_park_purge(struct srpt_channel *ch);

/* ---- send.c ----------------------------------------------------------------------- */

bool srpt_sq_reserve(struct srpt_cmd *cmd, u32 nr_wr);
void srpt_sq_give_back(struct srpt_channel *ch, u32 nr_wr);

/* Most commands have used none of the shared slots. */
static inline void srpt_sq_release(struct srpt_channel *ch, u32 nr_wr)
{
	if (nr_wr)
		srpt_sq_give_back(ch, nr_wr);
}

void srpt_send_prepare(struct srpt_cmd *cmd);
void srpt_send_run(struct srpt_cmd *cmd);
void srpt_send_work(struct work_struct *work);
void srpt_send_done(struct ib_cq *cq, struct ib_wc *wc);
void srpt_send_reap_failed(struct srpt_channel *ch);
void srpt_send_busy(struct srpt_cmd *cmd);
void srpt_send_field_error(struct srpt_cmd *cmd, enum srp_reason reason);
void srpt_send_tmf_code(struct srpt_cmd *cmd, enum srp_rsp_code code);

/* ---- table.c ---------------------------------------------------------------------- */

void srpt_table_fetch(struct srpt_cmd *cmd);
void srpt_table_fetched(struct srpt_cmd *cmd);
bool srpt_table_wait(struct srpt_cmd *cmd);
void srpt_table_purge(struct srpt_cmd *tmf);

/* ---- target_iu.c -------------------------------------------------------------------- */

void srpt_cred_check(struct srpt_channel *ch);
bool srpt_cred_rsp(struct srpt_channel *ch, u64 tag);
void srpt_send_logout(struct srpt_channel *ch);
void srpt_wc_error(struct srpt_channel *ch, const struct ib_wc *wc, const char *what);

/* ---- rdma.c ----------------------------------------------------------------------- */

int srpt_rdma_map(struct srpt_cmd *cmd, const struct srp_buf *buf, struct scatterlist *sg,
		  u32 sg_cnt, u32 len, enum dma_data_direction dir);
void srpt_rdma_unmap(struct srpt_cmd *cmd);
u32 srpt_rdma_round(struct srpt_cmd *cmd);
struct ib_send_wr *srpt_rdma_wrs(struct srpt_cmd *cmd, struct ib_cqe *cqe,
				 struct ib_send_wr *chain);
void srpt_rdma_done(struct ib_cq *cq, struct ib_wc *wc);
void srpt_data_work(struct work_struct *work);
void srpt_rdma_read_run(struct srpt_cmd *cmd);

/* ---- fence.c ---------------------------------------------------------------------- */

bool srpt_fence_begin(struct srpt_cmd *tmf);
void srpt_fence_answer(struct srpt_cmd *tmf, enum srp_rsp_code code);
void srpt_fence_cancel(struct srpt_cmd *tmf);
void srpt_fence_release(struct srpt_cmd *cmd);
bool srpt_fence_aborts(const struct srpt_cmd *tmf, const struct srpt_cmd *cmd);

/* ---- tmf.c ------------------------------------------------------------------------ */

void srpt_tmf_receive(struct srpt_cmd *cmd, enum srp_reason reason);

/* ---- tgt.c ------------------------------------------------------------------------ */

int srpt_tgt_register(void);
void srpt_tgt_unregister(void);

/* ---- debug.c, gate.c -------------------------------------------------------------- */

void srpt_debug_register(void);
void srpt_debug_unregister(void);

/* Where a test can hold a command. */
enum srpt_gate_point {
	SRPT_GATE_READ_DONE,	/* write data, or a table, is there; nobody has looked yet */
	SRPT_GATE_RESPOND,	/* the core has answered, nothing is posted yet */
	SRPT_GATE_SQ,		/* its send-queue slots are not given back */
	SRPT_GATE_NR
};

#ifdef SRPT_GATES
void srpt_gate(enum srpt_gate_point point, struct srpt_cmd *cmd);
bool srpt_gate_keep(struct srpt_cmd *cmd, u32 nr_wr);
void srpt_gate_register(struct dentry *parent);
void srpt_gate_unregister(void);
#else
static inline void srpt_gate(enum srpt_gate_point point, struct srpt_cmd *cmd)
{
}

static inline bool srpt_gate_keep(struct srpt_cmd *cmd, u32 nr_wr)
{
	return false;
}

static inline void srpt_gate_register(struct dentry *parent)
{
}

static inline void srpt_gate_unregister(void)
{
}
#endif

#endif /* SRPT_H */
