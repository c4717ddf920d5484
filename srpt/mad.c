// SPDX-License-Identifier: GPL-2.0
/* Device Management MADs: carries requests to srp_dm_reply() and its answers back. */
#include <rdma/ib_mad.h>
#include "srpt.h"

struct dm_mad {
	struct ib_mad_hdr	mad_hdr;
	u8			reserved[40];
	u8			data[SRP_DM_DATA_LEN];
};

static_assert(offsetof(struct dm_mad, data) == IB_MGMT_DEVICE_HDR);

/* ChangeID of IOUnitInfo: another one whenever targets come or go. */
static atomic_t change_id = ATOMIC_INIT(1);

/* Context: any. */
void srpt_mad_targets_changed(void)
{
	atomic_inc(&change_id);
}

/* @id_ext: SRP_DM_MAX_TARGETS entries; stays with @p */
static void get_params(struct srpt_port *port, struct srp_dm_params *p, u64 *id_ext)
{
	const struct ib_device_attr *attrs = &port->sdev->device->attrs;
	struct srpt_attrib attrib = srpt_default_attrib;
	u32 n;

	n = srpt_tgt_ops.list_targets(port, id_ext, SRP_DM_MAX_TARGETS - 1, &attrib);
	n += srpt_lio_ops.list_targets(port, id_ext + n, 1, &attrib);
	p->ioc_guid = srpt_service_guid();
	p->service_id = p->ioc_guid;
	p->id_ext = id_ext;
	p->nr_targets = n;
	p->vendor_id = attrs->vendor_id;
	p->device_id = attrs->vendor_part_id;
	p->device_version = attrs->hw_ver;
	p->change_id = atomic_read(&change_id);
	p->send_queue_depth = min(SRPT_RQ_SIZE, attrs->max_qp_wr);
	p->rdma_read_depth = SRPT_RDMA_DEPTH;
	p->send_size = srpt_max_req_size;
	p->rdma_size = attrib.max_rdma_size;
}

static void send_done(struct ib_mad_agent *agent, struct ib_mad_send_wc *wc)
{
	rdma_destroy_ah(wc->send_buf->ah, RDMA_DESTROY_AH_SLEEPABLE);
	ib_free_send_mad(wc->send_buf);
}

static void recv_done(struct ib_mad_agent *agent, struct ib_mad_send_buf *send_buf,
		      struct ib_mad_recv_wc *wc)
{
	struct srpt_port *port = agent->context;
	const struct dm_mad *req;
	struct srp_dm_params params;
	struct ib_mad_send_buf *rsp;
	struct dm_mad *mad;
	struct ib_ah *ah;
	u64 *id_ext;
	u16 status;

	if (!wc || !wc->recv_buf.mad)
		return;
	req = (void *)wc->recv_buf.mad;
	id_ext = kcalloc(SRP_DM_MAX_TARGETS, sizeof(*id_ext), GFP_KERNEL);
	if (!id_ext)
		goto free_recv;
	ah = ib_create_ah_from_wc(agent->qp->pd, wc->wc, wc->recv_buf.grh, agent->port_num);
	if (IS_ERR(ah))
		goto free_recv;
	rsp = ib_create_send_mad(agent, wc->wc->src_qp, wc->wc->pkey_index, 0,
				 IB_MGMT_DEVICE_HDR, IB_MGMT_DEVICE_DATA, GFP_KERNEL,
				 IB_MGMT_BASE_VERSION);
	if (IS_ERR(rsp))
		goto destroy_ah;

	rsp->ah = ah;
	mad = rsp->mad;
	memset(mad, 0, sizeof(*mad));
	mad->mad_hdr = req->mad_hdr;
	mad->mad_hdr.method = IB_MGMT_METHOD_GET_RESP;
	get_params(port, &params, id_ext);
	status = srp_dm_reply(mad->data, req->mad_hdr.method, be16_to_cpu(req->mad_hdr.attr_id),
			      be32_to_cpu(req->mad_hdr.attr_mod), &params);
	mad->mad_hdr.status = cpu_to_be16(status);
	if (!ib_post_send_mad(rsp, NULL))
		goto free_recv;		/* send_done() frees the rest */

	ib_free_send_mad(rsp);
destroy_ah:
	rdma_destroy_ah(ah, RDMA_DESTROY_AH_SLEEPABLE);
free_recv:
	kfree(id_ext);
	ib_free_recv_mad(wc);
}

static int advertise(struct srpt_port *port, bool on)
{
	struct ib_port_modify modify = { };

	if (on)
		modify.set_port_cap_mask = IB_PORT_DEVICE_MGMT_SUP;
	else
		modify.clr_port_cap_mask = IB_PORT_DEVICE_MGMT_SUP;
	return ib_modify_port(port->sdev->device, port->num, 0, &modify);
}

/**
 * srpt_mad_add_port() - answer Device Management on a port; again after port events
 * @port: the port
 *
 * Ports that carry no MADs (iWARP, some virtual functions) are still targets for
 * initiators that know the address. Context: may sleep.
 */
void srpt_mad_add_port(struct srpt_port *port)
{
	struct ib_device *device = port->sdev->device;
	struct ib_mad_reg_req req = {
		.mgmt_class		= IB_MGMT_CLASS_DEVICE_MGMT,
		.mgmt_class_version	= IB_MGMT_BASE_VERSION,
	};
	struct ib_mad_agent *agent;

	if (!rdma_cap_ib_mad(device, port->num))
		return;
	if (advertise(port, true)) {
		pr_debug("%s/%u: the port cannot be marked as a Device Management port\n",
			 dev_name(&device->dev), port->num);
		return;
	}
	if (port->mad_agent)
		return;

	set_bit(IB_MGMT_METHOD_GET, req.method_mask);
	set_bit(IB_MGMT_METHOD_SET, req.method_mask);
	agent = ib_register_mad_agent(device, port->num, IB_QPT_GSI, &req, 0, send_done,
				      recv_done, port, 0);
	if (IS_ERR(agent)) {
		pr_debug("%s/%u: no Device Management (%ld)\n", dev_name(&device->dev),
			 port->num, PTR_ERR(agent));
		advertise(port, false);
		return;
	}
	port->mad_agent = agent;
}

void srpt_mad_del_port(struct srpt_port *port)
{
	if (!port->mad_agent)
		return;
	advertise(port, false);
	ib_unregister_mad_agent(port->mad_agent);
	port->mad_agent = NULL;
}
