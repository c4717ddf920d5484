// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Device Management: how an initiator finds the target.
 *
 * One I/O controller in slot 1 of 16, with a service entry for each target.
 * Every reply is built from zeros: nothing of the request comes back, and
 * nothing the attribute does not define.
 */
#include <linux/build_bug.h>
#include <linux/string.h>
#include <asm/byteorder.h>
#include "srp_proto.h"

#define DM_RESP_TIME		20	/* 4.096 us x 2^20: four seconds */
#define DM_IOC_SLOT		1
#define DM_SVC_PER_MAD		4

/* SRP r16a annex B, table B.7 */
#define DM_IO_CLASS		0x0100
#define DM_IO_SUBCLASS		0x609e
#define DM_PROTOCOL		0x0108
#define DM_PROTOCOL_VERSION	0x0001

/* Operations the controller uses: SEND in both directions, RDMA READ and WRITE from it. */
#define DM_OP_SEND_TO		0x01
#define DM_OP_SEND_FROM		0x02
#define DM_OP_READ_FROM		0x08
#define DM_OP_WRITE_FROM	0x20
#define DM_OP_CAP_MASK		(DM_OP_SEND_TO | DM_OP_SEND_FROM | \
				 DM_OP_READ_FROM | DM_OP_WRITE_FROM)

static u16 class_port_info(u8 *data)
{
	struct srp_wire_dm_class_port_info *w = (void *)data;

	w->base_version = 1;
	w->class_version = 1;
	w->resp_time_value = DM_RESP_TIME;
	return SRP_DM_OK;
}

static u16 iou_info(u8 *data, const struct srp_dm_params *p)
{
	struct srp_wire_dm_iou_info *w = (void *)data;

	w->change_id = cpu_to_be16(p->change_id);
	w->max_controllers = SRP_DM_MAX_CONTROLLERS;
	w->controller_list[0] = p->nr_targets ? 0x10 : 0;	/* slot 1: the high nibble */
	return SRP_DM_OK;
}

static u16 ioc_profile(u8 *data, u32 slot, const struct srp_dm_params *p)
{
	static const char id[] = "Linux SRP target";
	struct srp_wire_dm_ioc_profile *w = (void *)data;

	static_assert(sizeof(id) <= sizeof(w->id_string));
	if (!slot || slot > SRP_DM_MAX_CONTROLLERS)
		return SRP_DM_BAD_FIELD;
	if (slot != DM_IOC_SLOT || !p->nr_targets)
		return SRP_DM_NO_IOC;

	w->guid = cpu_to_be64(p->ioc_guid);
	w->vendor_id = cpu_to_be32(p->vendor_id << 8);
	w->device_id = cpu_to_be32(p->device_id);
	w->device_version = cpu_to_be16(p->device_version);
	w->subsys_vendor_id = w->vendor_id;
	w->io_class = cpu_to_be16(DM_IO_CLASS);
	w->io_subclass = cpu_to_be16(DM_IO_SUBCLASS);
	w->protocol = cpu_to_be16(DM_PROTOCOL);
	w->protocol_version = cpu_to_be16(DM_PROTOCOL_VERSION);
	w->send_queue_depth = cpu_to_be16(p->send_queue_depth);
	w->rdma_read_depth = p->rdma_read_depth;
	w->send_size = cpu_to_be32(p->send_size);
	w->rdma_size = cpu_to_be32(p->rdma_size);
	w->op_cap_mask = DM_OP_CAP_MASK;
	w->num_svc_entries = p->nr_targets;
	memcpy(w->id_string, id, sizeof(id));
	return SRP_DM_OK;
}

/* SRP r16a table B.8: the name is how an initiator learns the identifier extension. */
static void service_name(u8 *name, u64 id_ext)
{
	static const char prefix[] = "SRP.T10:";
	static const char digits[] = "0123456789abcdef";
	unsigned int i, len = sizeof(prefix) - 1;

	memcpy(name, prefix, len);
	for (i = 0; i < 16; i++)
		name[len + i] = digits[id_ext >> (60 - 4 * i) & 0x0f];
}

static u16 svc_entries(u8 *data, u32 attr_mod, const struct srp_dm_params *p)
{
	struct srp_wire_dm_svc_entries *w = (void *)data;
	u16 slot = attr_mod >> 16;
	u8 last = attr_mod >> 8, first = attr_mod;
	int i;

	if (!slot || slot > SRP_DM_MAX_CONTROLLERS)
		return SRP_DM_BAD_FIELD;
	if (first > last || last - first >= DM_SVC_PER_MAD)
		return SRP_DM_BAD_FIELD;
	if (slot != DM_IOC_SLOT || last >= p->nr_targets)
		return SRP_DM_NO_SVC_ENTRIES;

	for (i = 0; i <= last - first; i++) {
		service_name(w->entry[i].name, p->id_ext[first + i]);
		w->entry[i].id = cpu_to_be64(p->service_id);
	}
	return SRP_DM_OK;
}

u16 srp_dm_reply(u8 *data, u8 method, u16 attr_id, u32 attr_mod, const struct srp_dm_params *p)
{
	memset(data, 0, SRP_DM_DATA_LEN);
	if (method == SRP_DM_METHOD_SET)
		return SRP_DM_BAD_METHOD_ATTR;
	if (method != SRP_DM_METHOD_GET)
		return SRP_DM_BAD_METHOD;

	switch (attr_id) {
	case SRP_DM_CLASS_PORT_INFO:
		return class_port_info(data);
	case SRP_DM_IOU_INFO:
		return iou_info(data, p);
	case SRP_DM_IOC_PROFILE:
		return ioc_profile(data, attr_mod, p);
	case SRP_DM_SVC_ENTRIES:
		return svc_entries(data, attr_mod, p);
	}
	return SRP_DM_BAD_METHOD_ATTR;
}
