// SPDX-License-Identifier: GPL-2.0
/*
 * The subnet management agent of a port, and as much of one for performance management as is asked
 * by who wants to know whether there is one. There is no M_Key: one other than 0 is refused.
 */
#include <rdma/ib_pma.h>
#include "hca.h"

#define STATUS(name)	cpu_to_be16(IB_MGMT_MAD_STATUS_##name)

#define REPLY		(IB_MAD_RESULT_SUCCESS | IB_MAD_RESULT_REPLY)
#define CONSUMED	(IB_MAD_RESULT_SUCCESS | IB_MAD_RESULT_CONSUMED)

/* PortInfo */
#define WIDTH_4X	2
#define SPEED_QDR	4
#define SPEED_ALL	7
#define ONE_VL		1
#define DOWN_TO_POLLING	2
#define CLIENT_REREG	0x80

#define PKEYS_OF_BLOCK	32
#define GUIDS_OF_BLOCK	8

/* trap_agent and trap_ah of all ports */
static DEFINE_MUTEX(trap_mutex);

/* Events to dispatch once no lock is held any more: bits by enum ib_event_type */
static void dispatch(struct hca_port *port, unsigned long events)
{
	int type;

	for_each_set_bit(type, &events, BITS_PER_LONG)
		hca_port_event(port, type);
}

static void get_node_description(struct hca_port *port, struct ib_smp *smp)
{
	if (smp->attr_mod)
		smp->status |= STATUS(INVALID_ATTRIB_VALUE);
	memcpy(smp->data, port->hca->rdi.ibdev.node_desc, sizeof(smp->data));
}

static void get_node_info(struct hca_port *port, struct ib_smp *smp)
{
	struct ib_node_info *info = (struct ib_node_info *)smp->data;
	struct ib_device *ibdev = &port->hca->rdi.ibdev;

	if (smp->attr_mod)
		smp->status |= STATUS(INVALID_ATTRIB_VALUE);
	memset(smp->data, 0, sizeof(smp->data));
	info->base_version = IB_MGMT_BASE_VERSION;
	info->class_version = 1;
	info->node_type = RDMA_NODE_IB_CA;
	info->num_ports = port->hca->nr_ports;
	info->sys_guid = ibdev->node_guid;
	info->node_guid = ibdev->node_guid;
	info->port_guid = port->guids[0];
	info->partition_cap = cpu_to_be16(HCA_NR_PKEYS);
	info->device_id = cpu_to_be16(HCA_DEVICE_ID);
	info->revision = cpu_to_be32(1);
	info->local_port_num = port->num;
	info->vendor_id[0] = HCA_VENDOR_ID >> 16;
	info->vendor_id[1] = HCA_VENDOR_ID >> 8 & 0xff;
	info->vendor_id[2] = HCA_VENDOR_ID & 0xff;
}

/* The port that a PortInfo is about: 0 stands for the one where it arrived. */
static struct hca_port *port_of_mod(struct hca_port *port, struct ib_smp *smp)
{
	u32 num = be32_to_cpu(smp->attr_mod);

	if (num > port->hca->nr_ports) {
		smp->status |= STATUS(INVALID_ATTRIB_VALUE);
		return NULL;
	}
	return num ? &port->hca->port[num - 1] : port;
}

static void fill_port_info(struct hca_port *of, struct ib_port_info *info)
{
	lockdep_assert_held(&of->lock);
	info->gid_prefix = of->rvp.gid_prefix;
	info->lid = cpu_to_be16(of->lid);
	info->sm_lid = cpu_to_be16(of->rvp.sm_lid);
	info->cap_mask = cpu_to_be32(of->rvp.port_cap_flags);
	info->link_width_enabled = WIDTH_4X;
	info->link_width_supported = WIDTH_4X;
	info->link_width_active = WIDTH_4X;
	info->linkspeed_portstate = SPEED_ALL << 4 | of->state;
	info->portphysstate_linkdown = hca_port_phys_state(of) << 4 | DOWN_TO_POLLING;
	info->mkeyprot_resv_lmc = of->lmc;
	info->linkspeedactive_enabled = SPEED_QDR << 4 | SPEED_ALL;
	info->neighbormtu_mastersmsl = of->mtu << 4 | of->rvp.sm_sl;
	info->vlcap_inittype = ONE_VL << 4;
	info->inittypereply_mtucap = IB_MTU_4096;
	info->operationalvl_pei_peo_fpi_fpo = ONE_VL << 4;
	info->pkey_violations = cpu_to_be16(of->rvp.pkey_violations);
	info->qkey_violations = cpu_to_be16(of->rvp.qkey_violations);
	info->guid_cap = HCA_NR_GUIDS;
	info->clientrereg_resv_subnetto = of->rvp.subnet_timeout;
}

static void get_port_info(struct hca_port *port, struct ib_smp *smp)
{
	struct ib_port_info *info = (struct ib_port_info *)smp->data;
	struct hca_port *of = port_of_mod(port, smp);
	unsigned long flags;

	memset(smp->data, 0, sizeof(smp->data));
	if (!of)
		return;
	info->local_port_num = port->num;
	spin_lock_irqsave(&of->lock, flags);
	fill_port_info(of, info);
	spin_unlock_irqrestore(&of->lock, flags);
}

static bool unicast(u16 lid)
{
	return lid && lid < be16_to_cpu(IB_MULTICAST_LID_BASE);
}

/* What a Set(PortInfo) changes but for the state; returns the events that follow. */
static unsigned long set_addresses(struct hca_port *port, const struct ib_port_info *info,
				   struct ib_smp *smp)
{
	u16 lid = be16_to_cpu(info->lid), sm_lid = be16_to_cpu(info->sm_lid);
	u8 mtu = info->neighbormtu_mastersmsl >> 4, sm_sl = info->neighbormtu_mastersmsl & 0xf;
	u8 lmc = info->mkeyprot_resv_lmc & 7;
	unsigned long events = 0;

	lockdep_assert_held(&port->lock);
	if (port->rvp.gid_prefix != info->gid_prefix) {
		port->rvp.gid_prefix = info->gid_prefix;
		events |= BIT(IB_EVENT_GID_CHANGE);
	}
	if (!unicast(lid)) {
		smp->status |= STATUS(INVALID_ATTRIB_VALUE);
	} else if (port->lid != lid || port->lmc != lmc) {
		port->lid = lid;
		port->lmc = lmc;
		events |= BIT(IB_EVENT_LID_CHANGE);
	}
	if (!unicast(sm_lid)) {
		smp->status |= STATUS(INVALID_ATTRIB_VALUE);
	} else if (port->rvp.sm_lid != sm_lid || port->rvp.sm_sl != sm_sl) {
		port->rvp.sm_lid = sm_lid;
		port->rvp.sm_sl = sm_sl;
		events |= BIT(IB_EVENT_SM_CHANGE);
	}
	if (mtu < IB_MTU_256 || mtu > IB_MTU_4096)
		smp->status |= STATUS(INVALID_ATTRIB_VALUE);
	else
		port->mtu = mtu;
	if (info->mkey)
		smp->status |= STATUS(INVALID_ATTRIB_VALUE);
	if (!info->pkey_violations)
		port->rvp.pkey_violations = 0;
	if (!info->qkey_violations)
		port->rvp.qkey_violations = 0;
	port->rvp.subnet_timeout = info->clientrereg_resv_subnetto & 0x1f;
	if (info->clientrereg_resv_subnetto & CLIENT_REREG)
		events |= BIT(IB_EVENT_CLIENT_REREGISTER);
	return events;
}

/* INIT to ARMED to ACTIVE, one step at a time; all others are the link's business. */
static unsigned long set_state(struct hca_port *port, u8 state, struct ib_smp *smp)
{
	unsigned long events = 0;

	lockdep_assert_held(&port->lock);
	if (state == IB_PORT_ARMED && port->state == IB_PORT_INIT) {
		port->state = IB_PORT_ARMED;
	} else if (state == IB_PORT_ACTIVE && port->state == IB_PORT_ARMED) {
		port->state = IB_PORT_ACTIVE;
		events |= BIT(IB_EVENT_PORT_ACTIVE);
	} else if (state != port->state) {
		smp->status |= STATUS(INVALID_ATTRIB_VALUE);
	}
	return events;
}

/* Returns false if the answer would have to go out over a link that is off now. */
static bool set_port_info(struct hca_port *port, struct ib_smp *smp)
{
	struct ib_port_info info = *(struct ib_port_info *)smp->data;
	u8 state = info.linkspeed_portstate & 0xf, phys = info.portphysstate_linkdown >> 4;
	struct hca_port *of = port_of_mod(port, smp);
	bool down = state == IB_PORT_DOWN || (state == IB_PORT_NOP && phys), off;
	unsigned long flags, events;

	/* Only the port where it arrived can be changed. */
	if (of != port) {
		get_port_info(port, smp);
		return true;
	}
	if ((phys && !down) || phys > IB_PORT_PHYS_STATE_DISABLED ||
	    state > IB_PORT_ACTIVE || state == IB_PORT_INIT) {
		smp->status |= STATUS(INVALID_ATTRIB_VALUE);
		down = false;
		state = IB_PORT_NOP;
	}
	spin_lock_irqsave(&port->lock, flags);
	events = set_addresses(port, &info, smp);
	if (!down && state != IB_PORT_NOP)
		events |= set_state(port, state, smp);
	spin_unlock_irqrestore(&port->lock, flags);
	dispatch(port, events);

	off = down && phys == IB_PORT_PHYS_STATE_DISABLED;
	if (down) {
		hca_port_disable(port, off);
		hca_port_train(port, true);
	}
	get_port_info(port, smp);
	((struct ib_port_info *)smp->data)->clientrereg_resv_subnetto |=
		info.clientrereg_resv_subnetto & CLIENT_REREG;
	return !off || !smp->hop_cnt;
}

static void get_guid_info(struct hca_port *port, struct ib_smp *smp)
{
	unsigned long flags;

	memset(smp->data, 0, sizeof(smp->data));
	if (smp->attr_mod) {
		smp->status |= STATUS(INVALID_ATTRIB_VALUE);
		return;
	}
	BUILD_BUG_ON(HCA_NR_GUIDS != GUIDS_OF_BLOCK);
	spin_lock_irqsave(&port->lock, flags);
	memcpy(smp->data, port->guids, sizeof(port->guids));
	spin_unlock_irqrestore(&port->lock, flags);
}

static void set_guid_info(struct hca_port *port, struct ib_smp *smp)
{
	size_t rest = sizeof(port->guids) - sizeof(port->guids[0]);
	unsigned long flags;
	bool changed;

	if (!smp->attr_mod) {
		/* The first one is the port's own. */
		const u8 *from = smp->data + sizeof(port->guids[0]);

		spin_lock_irqsave(&port->lock, flags);
		changed = memcmp(&port->guids[1], from, rest);
		memcpy(&port->guids[1], from, rest);
		spin_unlock_irqrestore(&port->lock, flags);
		if (changed)
			hca_port_event(port, IB_EVENT_GID_CHANGE);
	}
	get_guid_info(port, smp);
}

static void get_pkey_table(struct hca_port *port, struct ib_smp *smp)
{
	__be16 *pkeys = (__be16 *)smp->data;
	unsigned long flags;
	int i;

	memset(smp->data, 0, sizeof(smp->data));
	if (smp->attr_mod) {
		smp->status |= STATUS(INVALID_ATTRIB_VALUE);
		return;
	}
	BUILD_BUG_ON(HCA_NR_PKEYS > PKEYS_OF_BLOCK);
	spin_lock_irqsave(&port->lock, flags);
	for (i = 0; i < HCA_NR_PKEYS; i++)
		pkeys[i] = cpu_to_be16(port->pkeys[i]);
	spin_unlock_irqrestore(&port->lock, flags);
}

static void set_pkey_table(struct hca_port *port, struct ib_smp *smp)
{
	const __be16 *pkeys = (const __be16 *)smp->data;
	unsigned long flags;
	bool changed = false;
	int i;

	if (!smp->attr_mod) {
		spin_lock_irqsave(&port->lock, flags);
		for (i = 0; i < HCA_NR_PKEYS; i++) {
			u16 pkey = be16_to_cpu(pkeys[i]);

			changed |= pkey != port->pkeys[i];
			port->pkeys[i] = pkey;
		}
		spin_unlock_irqrestore(&port->lock, flags);
		if (changed)
			hca_port_event(port, IB_EVENT_PKEY_CHANGE);
	}
	get_pkey_table(port, smp);
}

static void sl_to_vl(struct hca_port *port, struct ib_smp *smp, bool set)
{
	unsigned long flags;

	spin_lock_irqsave(&port->lock, flags);
	if (set)
		memcpy(port->sl_to_vl, smp->data, sizeof(port->sl_to_vl));
	memset(smp->data, 0, sizeof(smp->data));
	memcpy(smp->data, port->sl_to_vl, sizeof(port->sl_to_vl));
	spin_unlock_irqrestore(&port->lock, flags);
}

/* Answered by the SM if there is one on this port. */
static int sm_info(struct hca_port *port, struct ib_smp *smp)
{
	u32 caps = READ_ONCE(port->rvp.port_cap_flags);

	if (caps & IB_PORT_SM_DISABLED)
		return CONSUMED;
	if (caps & IB_PORT_SM)
		return IB_MAD_RESULT_SUCCESS;
	smp->status |= STATUS(UNSUPPORTED_METHOD_ATTRIB);
	return REPLY;
}

static int get_or_set(struct hca_port *port, struct ib_smp *smp, bool set)
{
	switch (smp->attr_id) {
	case IB_SMP_ATTR_NODE_DESC:
	case IB_SMP_ATTR_NODE_INFO:
		if (set)
			smp->status |= STATUS(UNSUPPORTED_METHOD_ATTRIB);
		else if (smp->attr_id == IB_SMP_ATTR_NODE_DESC)
			get_node_description(port, smp);
		else
			get_node_info(port, smp);
		return REPLY;
	case IB_SMP_ATTR_PORT_INFO:
		if (set)
			return set_port_info(port, smp) ? REPLY : CONSUMED;
		get_port_info(port, smp);
		return REPLY;
	case IB_SMP_ATTR_GUID_INFO:
		set ? set_guid_info(port, smp) : get_guid_info(port, smp);
		return REPLY;
	case IB_SMP_ATTR_PKEY_TABLE:
		set ? set_pkey_table(port, smp) : get_pkey_table(port, smp);
		return REPLY;
	case IB_SMP_ATTR_SL_TO_VL_TABLE:
		sl_to_vl(port, smp, set);
		return REPLY;
	case IB_SMP_ATTR_VL_ARB_TABLE:
		/* One VL needs no arbitration. */
		memset(smp->data, 0, sizeof(smp->data));
		return REPLY;
	case IB_SMP_ATTR_SM_INFO:
		return sm_info(port, smp);
	default:
		smp->status |= STATUS(UNSUPPORTED_METHOD_ATTRIB);
		return REPLY;
	}
}

static int process_smp(struct hca_port *port, struct ib_smp *smp)
{
	if (smp->class_version != 1) {
		smp->status |= STATUS(BAD_VERSION);
		return REPLY;
	}
	switch (smp->method) {
	case IB_MGMT_METHOD_GET:
		return get_or_set(port, smp, false);
	case IB_MGMT_METHOD_SET:
		return get_or_set(port, smp, true);
	case IB_MGMT_METHOD_TRAP_REPRESS:
		/* A trap is not repeated. */
		return CONSUMED;
	case IB_MGMT_METHOD_TRAP:
	case IB_MGMT_METHOD_REPORT:
	case IB_MGMT_METHOD_REPORT_RESP:
	case IB_MGMT_METHOD_GET_RESP:
		/* For somebody who is waiting for it, or for the SM */
		return IB_MAD_RESULT_SUCCESS;
	default:
		smp->status |= STATUS(UNSUPPORTED_METHOD);
		return REPLY;
	}
}

/* Port counters are 0: nothing goes wrong on the wire. What went over it is counted in debugfs. */
static int process_pma(struct hca_port *port, struct ib_pma_mad *pma)
{
	struct ib_class_port_info *info = (struct ib_class_port_info *)pma->data;
	struct ib_pma_portcounters *counters = (struct ib_pma_portcounters *)pma->data;
	u8 port_select = counters->port_select;

	if (pma->mad_hdr.class_version != 1) {
		pma->mad_hdr.status |= STATUS(BAD_VERSION);
		return REPLY;
	}
	if (pma->mad_hdr.method == IB_MGMT_METHOD_GET_RESP)
		return IB_MAD_RESULT_SUCCESS;
	if (pma->mad_hdr.method != IB_MGMT_METHOD_GET &&
	    pma->mad_hdr.method != IB_MGMT_METHOD_SET) {
		pma->mad_hdr.status |= STATUS(UNSUPPORTED_METHOD);
		return REPLY;
	}
	memset(pma->data, 0, sizeof(pma->data));
	switch (pma->mad_hdr.attr_id) {
	case IB_PMA_CLASS_PORT_INFO:
		info->base_version = IB_MGMT_BASE_VERSION;
		info->class_version = 1;
		info->capability_mask = IB_PMA_CLASS_CAP_EXT_WIDTH;
		break;
	case IB_PMA_PORT_COUNTERS:
	case IB_PMA_PORT_COUNTERS_EXT:
		counters->port_select = port_select;
		if (port_select < 1 || port_select > port->hca->nr_ports)
			pma->mad_hdr.status |= STATUS(INVALID_ATTRIB_VALUE);
		break;
	default:
		pma->mad_hdr.status |= STATUS(UNSUPPORTED_METHOD_ATTRIB);
	}
	return REPLY;
}

/**
 * hca_process_mad() - ib_device_ops.process_mad: answers MADs that are for an agent of the port
 * @ibdev: the device
 * @flags: unused
 * @num: of the port where @in arrived
 * @wc: unused
 * @grh: unused
 * @in: a MAD, or one that is about to be sent to this very port
 * @out: receives the answer
 * @out_size: unused, 256 bytes already
 * @out_pkey_index: unused
 *
 * ib_mad has already done what a directed route needs.
 *
 * Context: any.
 * Return: what to do with @in and @out, enum ib_mad_result.
 */
int hca_process_mad(struct ib_device *ibdev, int flags, u32 num, const struct ib_wc *wc,
		    const struct ib_grh *grh, const struct ib_mad *in, struct ib_mad *out,
		    size_t *out_size, u16 *out_pkey_index)
{
	struct hca_port *port = &rdi_to_hca(ib_to_rvt(ibdev))->port[num - 1];
	bool directed = in->mad_hdr.mgmt_class == IB_MGMT_CLASS_SUBN_DIRECTED_ROUTE;
	int result, idx;

	*out = *in;
	idx = srcu_read_lock(&hca_wire);
	if (directed || in->mad_hdr.mgmt_class == IB_MGMT_CLASS_SUBN_LID_ROUTED)
		result = process_smp(port, (struct ib_smp *)out);
	else if (in->mad_hdr.mgmt_class == IB_MGMT_CLASS_PERF_MGMT)
		result = process_pma(port, (struct ib_pma_mad *)out);
	else
		result = IB_MAD_RESULT_SUCCESS;
	srcu_read_unlock(&hca_wire, idx);

	if (result == REPLY) {
		out->mad_hdr.method = IB_MGMT_METHOD_GET_RESP;
		if (directed)
			out->mad_hdr.status |= IB_SMP_DIRECTION;
	}
	return result;
}

static struct ib_ah *trap_ah(struct hca_port *port, u16 sm_lid)
{
	struct ib_qp *qp0 = port->trap_agent->qp;
	struct rdma_ah_attr attr = { .type = rdma_ah_find_type(qp0->device, port->num) };

	/* Messages that were posted have a copy. */
	if (port->trap_ah) {
		rdma_ah_set_dlid(&ibah_to_rvtah(port->trap_ah)->attr, sm_lid);
		return port->trap_ah;
	}
	rdma_ah_set_dlid(&attr, sm_lid);
	rdma_ah_set_sl(&attr, port->rvp.sm_sl);
	rdma_ah_set_port_num(&attr, port->num);
	return rdma_create_ah(qp0->pd, &attr, RDMA_CREATE_AH_SLEEPABLE);
}

static void fill_trap(struct hca_port *port, struct ib_smp *smp)
{
	struct ib_mad_notice_attr *notice = (struct ib_mad_notice_attr *)smp->data;

	smp->base_version = IB_MGMT_BASE_VERSION;
	smp->mgmt_class = IB_MGMT_CLASS_SUBN_LID_ROUTED;
	smp->class_version = 1;
	smp->method = IB_MGMT_METHOD_TRAP;
	smp->tid = cpu_to_be64(++port->rvp.tid);
	smp->attr_id = IB_SMP_ATTR_NOTICE;
	notice->generic_type = IB_NOTICE_TYPE_INFO;
	notice->prod_type_lsb = IB_NOTICE_PROD_CA;
	notice->trap_num = IB_NOTICE_TRAP_CAP_MASK_CHG;
	notice->issuer_lid = cpu_to_be16(port->lid);
	notice->details.ntc_144.lid = notice->issuer_lid;
	notice->details.ntc_144.new_cap_mask = cpu_to_be32(port->rvp.port_cap_flags);
}

static void send_trap(struct hca_port *port, u16 sm_lid)
{
	struct ib_mad_send_buf *buf;
	struct ib_ah *ah;

	ah = trap_ah(port, sm_lid);
	if (IS_ERR(ah))
		return;
	port->trap_ah = ah;
	buf = ib_create_send_mad(port->trap_agent, 0, 0, 0, IB_MGMT_MAD_HDR, IB_MGMT_MAD_DATA,
				 GFP_KERNEL, IB_MGMT_BASE_VERSION);
	if (IS_ERR(buf))
		return;
	memset(buf->mad, 0, IB_MGMT_MAD_SIZE);
	fill_trap(port, buf->mad);
	buf->ah = ah;
	if (ib_post_send_mad(buf, NULL))
		ib_free_send_mad(buf);
}

/**
 * hca_cap_mask_changed() - tell the SM that the capability mask has changed, trap 144
 * @rdi: the device
 * @num: of the port
 *
 * Others see the mask in PortInfoRecords of the SA: without the trap, not before the SM looks
 * again. It is sent once; what gets lost is lost.
 *
 * Context: process.
 */
void hca_cap_mask_changed(struct rvt_dev_info *rdi, u32 num)
{
	struct hca_port *port = &rdi_to_hca(rdi)->port[num - 1];
	u16 sm_lid = port->rvp.sm_lid;

	mutex_lock(&trap_mutex);
	if (port->trap_agent && sm_lid && READ_ONCE(port->state) == IB_PORT_ACTIVE)
		send_trap(port, sm_lid);
	mutex_unlock(&trap_mutex);
}

static void trap_sent(struct ib_mad_agent *agent, struct ib_mad_send_wc *wc)
{
	ib_free_send_mad(wc->send_buf);
}

/* From now on traps are sent. Without memory they are not. */
void hca_traps_start(struct hca *hca)
{
	struct ib_mad_agent *agent;
	u32 i;

	mutex_lock(&trap_mutex);
	for (i = 0; i < hca->nr_ports; i++) {
		agent = ib_register_mad_agent(&hca->rdi.ibdev, i + 1, IB_QPT_SMI, NULL, 0,
					      trap_sent, NULL, NULL, 0);
		if (!IS_ERR(agent))
			hca->port[i].trap_agent = agent;
	}
	mutex_unlock(&trap_mutex);
}

void hca_traps_stop(struct hca *hca)
{
	u32 i;

	mutex_lock(&trap_mutex);
	for (i = 0; i < hca->nr_ports; i++) {
		struct hca_port *port = &hca->port[i];

		if (port->trap_agent)
			ib_unregister_mad_agent(port->trap_agent);
		port->trap_agent = NULL;
		if (port->trap_ah)
			rdma_destroy_ah(port->trap_ah, RDMA_DESTROY_AH_SLEEPABLE);
		port->trap_ah = NULL;
	}
	mutex_unlock(&trap_mutex);
}
