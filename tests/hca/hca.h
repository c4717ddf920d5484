/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A software HCA for tests: InfiniBand ports without hardware.
 *
 * Devices hca0, hca1, ... with an InfiniBand link layer, on the rdmavt library.
 * A port is connected to another one by a cable, as the module parameter says.
 * What a port sends arrives at the other end of its cable, or is lost: there is
 * no packet, a message is copied from the memory of one QP to that of the other.
 *
 *	main.c	parameters, devices, what rdmavt wants to know about them
 *	port.c	attributes and states of a port, its cable, its events
 *	smp.c	the subnet management agent of a port
 *	ud.c	UD messages, QP0 and QP1 included
 *	rc.c	RC messages: requester and responder
 *	fault.c	what a test can break
 *	knobs.c	its files in debugfs
 *
 * Context: the send queue of a QP is processed by a work item of its own, never
 * in the context of the caller of ib_post_send().
 *
 * Locks, top to bottom:
 *	hca_mutex			which devices there are, cables
 *	  link lock of port.c		who is connected, whether a link is up; of all ports
 *	    hca_port.lock		attributes and state of a port (not rdmavt's rvp.lock)
 *	hca_wire (SRCU)			read side: whoever follows a cable to the other port;
 *					its QPs and its device stay until the end of that section
 *	  rvt_qp.r_lock			then s_hlock, then s_lock of the same QP, as in rdmavt;
 *					never locks of two QPs at a time
 *	    hca_faults.lock
 */
#ifndef TESTS_HCA_H
#define TESTS_HCA_H

#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/workqueue.h>
#include <rdma/ib_smi.h>
#include <rdma/rdma_vt.h>
#include <rdma/rdmavt_qp.h>

#define HCA_VENDOR_ID	0x060000
#define HCA_DEVICE_ID	1
#define HCA_MAX_DEVICES	4
#define HCA_MAX_PORTS	4
#define HCA_NR_PKEYS	16
#define HCA_NR_GUIDS	8
/*
 * Of a device; a port has this one plus its number. Locally administered, so nobody has bought it.
 * It does not begin with 02: service ids of SRP are made from GUIDs, and those the CM assigns.
 */
#define HCA_GUID(index)	(0x060000fffe000000ULL + ((u64)(index) << 8))

struct hca;
struct hca_faults;
struct hca_fault_port;

/* What a port counts; the names are in fault.c */
enum hca_counter {
	HCA_MESSAGES,	/* of RC that were sent and answered */
	HCA_BYTES,	/* in them */
	HCA_RETRIES,	/* messages of RC sent once more, as there was no answer */
	HCA_RNR,	/* answers that the receiver is not ready */
	HCA_ERRORS,	/* send requests of RC completed with an error, flushed ones not counted */
	HCA_UD,		/* UD messages that arrived, MADs among them */
	HCA_LOST,	/* messages sent here that went nowhere */
	HCA_STALLED,	/* arrived here while the receive side was stopped, so lost there */
	HCA_MADS,	/* lost by a rule for MADs */
	HCA_NR_COUNTERS
};

/**
 * struct hca_port - a port
 * @rvp: rdmavt's part
 * @hca: the device
 * @num: 1-based
 * @lock: protects what is marked (L); spinlock, irqsave
 * @peer: the other end of the cable or NULL; RCU-like under hca_wire, written under hca_mutex
 * @cut: the cable does not carry anything (fault knob); written under the link lock
 * @disabled: switched off by the SM; written under the link lock
 * @phys_up: (L) the cable is there, carries, and both ends are present
 * @state: (L) enum ib_port_state, as the SM and the cable made it
 * @lid: (L) base LID; the LID of the SM is in @rvp
 * @lmc: (L)
 * @mtu: (L) enum ib_mtu, as the SM wants it
 * @sl_to_vl: (L) that table, which nothing looks at
 * @guids: (L) GID table: GUID 0 is the port's own
 * @pkeys: (L) P_Key table, host order; [0] is 0xffff after power-on
 * @trap_agent: sends traps, if there; with @trap_ah of smp.c
 * @trap_ah: of the SM
 * @faults: of fault.c
 * @counters: what happened here, shown in debugfs
 */
struct hca_port {
	struct rvt_ibport	rvp;
	struct hca		*hca;
	u32			num;
	spinlock_t		lock;	/* (L) */
	struct hca_port __rcu	*peer;
	bool			cut;
	bool			disabled;
	bool			phys_up;
	u8			state;
	u16			lid;
	u8			lmc;
	u8			mtu;
	u8			sl_to_vl[8];
	__be64			guids[HCA_NR_GUIDS];
	u16			pkeys[HCA_NR_PKEYS];
	struct ib_mad_agent	*trap_agent;
	struct ib_ah		*trap_ah;
	struct hca_fault_port	*faults;
	atomic64_t		counters[HCA_NR_COUNTERS];
};

/**
 * struct hca - a device
 * @rdi: rdmavt's part; first, its memory is rvt_alloc_device()'s
 * @pdev: parent; bound and unbound through sysfs, as hardware comes and goes
 * @index: hca<index>
 * @nr_ports: @port has so many
 * @nr_qps: QPs there are, those of ib_mad included
 * @wq: where QPs send
 * @dir: in debugfs
 * @faults: of fault.c
 */
struct hca {
	struct rvt_dev_info	rdi;
	struct platform_device	*pdev;
	u32			index;
	u32			nr_ports;
	atomic_t		nr_qps;
	struct workqueue_struct	*wq;
	struct dentry		*dir;
	struct hca_faults	*faults;
	struct hca_port		port[];
};

/**
 * struct hca_qp - our part of a QP (rvt_qp.priv)
 * @qp: the QP
 * @work: processes the send queue
 * @generation: how often the QP was reset; under r_lock
 * @lost: RC: the message at s_last was not answered, its timer runs or has run; under s_lock
 * @held: RC: the send queue is not processed because of the fault "hold"
 * @list: of the device, see hca_fault_qp_add()
 */
struct hca_qp {
	struct rvt_qp		*qp;
	struct delayed_work	work;
	struct list_head	list;
	u32			generation;
	bool			lost;
	bool			held;
};

extern struct srcu_struct hca_wire;

/*
 * port.c. Who follows the cable is in hca_wire: the other end, NULL: nothing arrives there; and the
 * port that has @dlid as seen from @port, which is the other end or @port itself, NULL: nobody. For
 * SMPs the link has to be up, for all else both ports ACTIVE.
 */
struct hca_port *hca_port_peer(struct hca_port *port);
struct hca_port *hca_port_route_smp(struct hca_port *port, u16 dlid);
struct hca_port *hca_port_route(struct hca_port *port, u16 dlid);

/* port.c: fault "cut": the cable carries nothing, as if it was pulled, or does so again */
void hca_port_cut(struct hca_port *port, bool cut);

/* port.c */
int hca_cables_parse(const char *text, u32 nr_devices, u32 nr_ports);
void hca_port_init(struct hca_port *port, struct hca *hca, u32 num);
void hca_connect(struct hca *hca);
void hca_disconnect(struct hca *hca);
void hca_port_event(struct hca_port *port, enum ib_event_type type);
void hca_port_train(struct hca_port *port, bool restart);
void hca_port_disable(struct hca_port *port, bool disable);
enum ib_port_phys_state hca_port_phys_state(struct hca_port *port);
int hca_port_query(struct rvt_dev_info *rdi, u32 num, struct ib_port_attr *attr);
int hca_port_guid(struct rvt_dev_info *rdi, struct rvt_ibport *rvp, int index, __be64 *guid);
bool hca_port_find_pkey(struct hca_port *port, u16 pkey, u16 *index);

/* smp.c: ib_device_ops.process_mad; and tell the SM that the capability mask has changed */
int hca_process_mad(struct ib_device *ibdev, int flags, u32 num, const struct ib_wc *wc,
		    const struct ib_grh *grh, const struct ib_mad *in, struct ib_mad *out,
		    size_t *out_size, u16 *out_pkey_index);
void hca_cap_mask_changed(struct rvt_dev_info *rdi, u32 num);
void hca_traps_start(struct hca *hca);
void hca_traps_stop(struct hca *hca);

/* ud.c, rc.c: process the send queue of a QP until it is empty or has to wait; in its work item */
void hca_ud_send(struct rvt_qp *qp);
void hca_rc_send(struct rvt_qp *qp);

/*
 * rc.c: what rdmavt calls for a QP of any type. A QP that was reset is never queued again, as its
 * state is looked at under s_lock, which rvt_reset_qp() holds when it changes it.
 */
extern const struct rvt_operation_params hca_post_parms[RVT_OPERATION_MAX];
bool hca_qp_schedule(struct rvt_qp *qp);		/* driver_f.schedule_send; s_lock is held */
bool hca_qp_schedule_no_lock(struct rvt_qp *qp);	/* driver_f.schedule_send_no_lock */
void hca_qp_do_send(struct rvt_qp *qp);			/* driver_f.do_send */
void hca_qp_stop(struct rvt_qp *qp);			/* driver_f.stop_send_queue */
void hca_qp_reset(struct rvt_qp *qp);			/* driver_f.notify_qp_reset */
void hca_qp_modified(struct rvt_qp *qp, struct ib_qp_attr *attr, int mask,
		     struct ib_udata *udata);		/* driver_f.modify_qp */
void hca_qp_restart(struct rvt_qp *qp, u32 psn, int wait); /* driver_f.notify_restart_rc */

void hca_qp_event(struct rvt_qp *qp, enum ib_event_type type);

/* fault.c */
void hca_fault_init(void);
void hca_fault_exit(void);
/* Before rvt_register_device(), and after rvt_unregister_device() or its failure. */
int hca_fault_add(struct hca *hca);
void hca_fault_remove(struct hca *hca);
/* In driver_f.qp_priv_alloc and qp_priv_free; @hqp->qp is set. For any type. */
void hca_fault_qp_add(struct hca_qp *hqp);
void hca_fault_qp_del(struct hca_qp *hqp);
/* Does this MAD, which @port is about to send, get lost? */
bool hca_fault_mad(struct hca_port *port, const struct ib_mad_hdr *mad);
/* Is the receive side of @port stopped, so that what just arrived is lost? */
bool hca_fault_stalled(struct hca_port *port);
bool hca_fault_held(struct rvt_qp *qp, bool flush);
void hca_fault_delay(struct rvt_qp *qp, bool answer);
enum ib_wc_status hca_fault_wr(struct rvt_qp *qp, enum ib_wr_opcode opcode, bool *late);
enum ib_wc_status hca_fault_recv(struct rvt_qp *qp);

static inline struct hca *rdi_to_hca(struct rvt_dev_info *rdi)
{
	return container_of(rdi, struct hca, rdi);
}

static inline struct hca_port *rvp_to_port(struct rvt_ibport *rvp)
{
	return container_of(rvp, struct hca_port, rvp);
}

static inline struct hca *qp_to_hca(struct rvt_qp *qp)
{
	return rdi_to_hca(ib_to_rvt(qp->ibqp.device));
}

static inline struct hca_port *qp_to_port(struct rvt_qp *qp)
{
	return &qp_to_hca(qp)->port[qp->port_num - 1];
}

static inline void hca_count(struct hca_port *port, enum hca_counter counter, u64 n)
{
	atomic64_add(n, &port->counters[counter]);
}

/* The memory of a send request, from its beginning */
static inline void hca_wqe_sges(struct rvt_swqe *wqe, struct rvt_sge_state *ss)
{
	ss->sge = wqe->sg_list[0];
	ss->sg_list = wqe->sg_list + 1;
	ss->num_sge = wqe->wr.num_sge;
	ss->total_len = wqe->length;
}

/* May who has the one P_Key receive from who has the other? One of both has to be a full member. */
static inline bool hca_pkeys_match(u16 a, u16 b)
{
	return (a & 0x7fff) && ((a ^ b) & 0x7fff) == 0 && ((a | b) & 0x8000);
}
#endif
