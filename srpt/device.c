// SPDX-License-Identifier: GPL-2.0
/*
 * HCAs and their ports.
 *
 * An HCA may come and go at any time; what the administrator configured stays
 * and is bound to ports by name. Everything that needs the HCA holds a user
 * reference; removal closes all channels and waits for these references. No
 * user waits for a target core or for user space, so neither does removal.
 */
#include <rdma/ib_cache.h>
#include "srpt.h"

DEFINE_MUTEX(srpt_mutex);	/* devices, GIDs of ports, SRQs */
static LIST_HEAD(srpt_devices);

static void device_unused(struct kref *ref)
{
	complete(&container_of(ref, struct srpt_device, users)->unused);
}

void srpt_device_put(struct srpt_device *sdev)
{
	kref_put(&sdev->users, device_unused);
}

/* Take a user reference. Return: NULL if we do not serve @device (any more). Context: may sleep. */
struct srpt_device *srpt_device_get(struct ib_device *device)
{
	struct srpt_device *sdev, *found = NULL;

	mutex_lock(&srpt_mutex);
	list_for_each_entry(sdev, &srpt_devices, node)
		if (sdev->device == device && kref_get_unless_zero(&sdev->users))
			found = sdev;
	mutex_unlock(&srpt_mutex);
	return found;
}

/**
 * srpt_device_srq() - the SRQ of an HCA, made when it is first wanted
 * @sdev: the caller is a user
 *
 * Context: may sleep. Return: a reference, or an ERR_PTR.
 */
struct srpt_rxq *srpt_device_srq(struct srpt_device *sdev)
{
	struct srpt_rxq *srq;
	int ret;

	mutex_lock(&srpt_mutex);
	srq = sdev->srq;
	if (!srq) {
		srq = srpt_rxq_create(sdev, min(srpt_srq_size, sdev->device->attrs.max_srq_wr),
				      0, true);
		if (IS_ERR(srq))
			goto unlock;
		ret = srpt_rxq_post_all(srq);
		if (ret) {
			srpt_rxq_stop(srq);
			srpt_rxq_unmap(srq);
			srpt_rxq_put(srq);
			srq = ERR_PTR(ret);
			goto unlock;
		}
		sdev->srq = srq;
	}
	kref_get(&srq->ref);
unlock:
	mutex_unlock(&srpt_mutex);
	return srq;
}

static void read_gid(struct srpt_port *port)
{
	struct ib_device *device = port->sdev->device;
	union ib_gid gid;

	if (rdma_query_gid(device, port->num, 0, &gid))
		return;		/* the port has none yet: an event follows */
	mutex_lock(&srpt_mutex);
	port->gid = gid;
	mutex_unlock(&srpt_mutex);
}

static void refresh_work(struct work_struct *work)
{
	struct srpt_port *port = container_of(work, struct srpt_port, refresh_work);

	read_gid(port);
	srpt_mad_add_port(port);
}

static bool has_name_locked(const struct srpt_port *port, const struct srp_name *name)
{
	lockdep_assert_held(&srpt_mutex);
	if (name->type == SRP_NAME_GUID)
		return !memcmp(name->raw, &port->gid.global.interface_id, 8);
	return name->type == SRP_NAME_GID && !memcmp(name->raw, port->gid.raw, 16);
}

/* Is this the name of the port: GUID or GID form of GID 0? Context: may sleep. */
bool srpt_port_has_name(const struct srpt_port *port, const struct srp_name *name)
{
	bool ret;

	mutex_lock(&srpt_mutex);
	ret = has_name_locked(port, name);
	mutex_unlock(&srpt_mutex);
	return ret;
}

/**
 * srpt_port_gid_name() - the GID name of the port with this name
 * @name: a port name in either form
 * @gid_name: SRP_NAME_LEN bytes for the result
 *
 * Context: may sleep. Return: false if there is no such port now.
 */
bool srpt_port_gid_name(const struct srp_name *name, char *gid_name)
{
	struct srp_name gid = { .type = SRP_NAME_GID };
	struct srpt_device *sdev;
	bool found = false;
	u32 i;

	mutex_lock(&srpt_mutex);
	list_for_each_entry(sdev, &srpt_devices, node) {
		for (i = 0; i < sdev->nr_ports && !found; i++) {
			found = has_name_locked(&sdev->port[i], name);
			if (found)
				memcpy(gid.raw, sdev->port[i].gid.raw, 16);
		}
	}
	mutex_unlock(&srpt_mutex);
	if (found)
		srp_format_name(gid_name, &gid);
	return found;
}

static void async_event(struct ib_event_handler *handler, struct ib_event *event)
{
	struct srpt_device *sdev = container_of(handler, struct srpt_device, event_handler);
	u32 num = event->element.port_num;

	switch (event->event) {
	case IB_EVENT_PORT_ACTIVE:
	case IB_EVENT_PORT_ERR:
	case IB_EVENT_LID_CHANGE:
	case IB_EVENT_PKEY_CHANGE:
	case IB_EVENT_SM_CHANGE:
	case IB_EVENT_CLIENT_REREGISTER:
	case IB_EVENT_GID_CHANGE:
		if (num >= 1 && num <= sdev->nr_ports)
			queue_work(srpt_wq, &sdev->port[num - 1].refresh_work);
		break;
	default:
		break;
	}
}

static struct srpt_device *device_alloc(struct ib_device *device)
{
	u32 nr_ports = device->phys_port_cnt;
	struct srpt_device *sdev;
	u32 i;

	sdev = kzalloc(struct_size(sdev, port, nr_ports), GFP_KERNEL);
	if (!sdev)
		return NULL;
	sdev->device = device;
	sdev->nr_ports = nr_ports;
	kref_init(&sdev->users);
	init_completion(&sdev->unused);
	spin_lock_init(&sdev->timewait_lock);
	INIT_LIST_HEAD(&sdev->timewait);
	for (i = 0; i < nr_ports; i++) {
		sdev->port[i].sdev = sdev;
		sdev->port[i].num = i + 1;
		INIT_WORK(&sdev->port[i].refresh_work, refresh_work);
	}
	return sdev;
}

/* Close all channels, wait for everybody who uses the HCA. */
static void end_users(struct srpt_device *sdev)
{
	srpt_nexus_close_device(sdev);
	srpt_device_put(sdev);
	wait_for_completion(&sdev->unused);
	if (sdev->srq) {
		srpt_rxq_stop(sdev->srq);
		srpt_rxq_unmap(sdev->srq);
		srpt_rxq_put(sdev->srq);
	}
}

static int add_one(struct ib_device *device)
{
	struct srpt_device *sdev;
	u32 i;
	int ret;

	sdev = device_alloc(device);
	if (!sdev)
		return -ENOMEM;
	sdev->pd = ib_alloc_pd(device, 0);
	if (IS_ERR(sdev->pd)) {
		ret = PTR_ERR(sdev->pd);
		goto free;
	}

	srpt_set_default_service_guid(be64_to_cpu(device->node_guid));
	for (i = 0; i < sdev->nr_ports; i++) {
		read_gid(&sdev->port[i]);
		srpt_mad_add_port(&sdev->port[i]);
	}
	ib_set_client_data(device, &srpt_client, sdev);
	mutex_lock(&srpt_mutex);
	list_add_tail(&sdev->node, &srpt_devices);
	mutex_unlock(&srpt_mutex);

	ret = srpt_cm_ib_listen(sdev);
	if (ret)
		goto unlist;
	/* Last: a handler must find everything in place. */
	INIT_IB_EVENT_HANDLER(&sdev->event_handler, device, async_event);
	ib_register_event_handler(&sdev->event_handler);
	return 0;

unlist:
	mutex_lock(&srpt_mutex);
	list_del(&sdev->node);
	mutex_unlock(&srpt_mutex);
	for (i = 0; i < sdev->nr_ports; i++)
		srpt_mad_del_port(&sdev->port[i]);
	end_users(sdev);
	ib_dealloc_pd(sdev->pd);
free:
	kfree(sdev);
	pr_err("%s: cannot be used as a target: %d\n", dev_name(&device->dev), ret);
	return ret;
}

static void remove_one(struct ib_device *device, void *client_data)
{
	struct srpt_device *sdev = client_data;
	u32 i;

	ib_unregister_event_handler(&sdev->event_handler);
	srpt_cm_ib_unlisten(sdev);
	mutex_lock(&srpt_mutex);
	list_del(&sdev->node);
	mutex_unlock(&srpt_mutex);
	for (i = 0; i < sdev->nr_ports; i++) {
		cancel_work_sync(&sdev->port[i].refresh_work);
		srpt_mad_del_port(&sdev->port[i]);
	}

	end_users(sdev);
	ib_dealloc_pd(sdev->pd);
	kfree(sdev);
}

struct ib_client srpt_client = {
	.name	= "srpt",
	.add	= add_one,
	.remove	= remove_one,
};
