// SPDX-License-Identifier: GPL-2.0
/* Ports: their attributes and states, and the cables between them. */
#include <linux/ctype.h>
#include "hca.h"

#define GID_PREFIX	0xfe80000000000000ULL

/* The end of a cable: the other end's device and port; port 0: no cable */
struct cable_end {
	u8	device;
	u8	port;
};

static struct cable_end cables[HCA_MAX_DEVICES][HCA_MAX_PORTS + 1];

/* Devices that are present; protected by hca_mutex */
static struct hca *devices[HCA_MAX_DEVICES];
static DEFINE_MUTEX(hca_mutex);

/* Which link is up follows from both of its ends. */
static DEFINE_SPINLOCK(link_lock);

DEFINE_SRCU(hca_wire);

static int cable_add(struct cable_end a, struct cable_end b)
{
	struct cable_end *to_b = &cables[a.device][a.port], *to_a = &cables[b.device][b.port];

	if (to_b == to_a) {
		pr_err("cables: both ends of a cable in port %u.%u\n", a.device, a.port);
		return -EINVAL;
	}
	if (to_b->port || to_a->port) {
		pr_err("cables: %u.%u-%u.%u: there is a cable in this port already\n",
		       a.device, a.port, b.device, b.port);
		return -EINVAL;
	}
	*to_b = b;
	*to_a = a;
	return 0;
}

/* DEVICE.PORT */
static bool cable_end_parse(const char **text, struct cable_end *end, u32 nr_devices, u32 nr_ports)
{
	const char *s = *text;

	if (!isdigit(s[0]) || s[1] != '.' || !isdigit(s[2]))
		return false;
	end->device = s[0] - '0';
	end->port = s[2] - '0';
	*text = s + 3;
	return end->device < nr_devices && end->port >= 1 && end->port <= nr_ports;
}

/**
 * hca_cables_parse() - which ports are connected
 * @text: "0.1-1.1,0.2-1.2": cables, each from DEVICE.PORT to DEVICE.PORT; NULL: each port of an
 *	even device to the same port of the next one
 * @nr_devices: how many devices there will be
 * @nr_ports: and ports of each
 *
 * Return: 0 or -EINVAL, after a line in the log.
 */
int hca_cables_parse(const char *text, u32 nr_devices, u32 nr_ports)
{
	struct cable_end a, b;
	const char *s = text;

	if (!text) {
		for (a.device = 0; a.device + 1 < nr_devices; a.device += 2) {
			for (a.port = 1; a.port <= nr_ports; a.port++) {
				b = (struct cable_end){ a.device + 1, a.port };
				cable_add(a, b);
			}
		}
		return 0;
	}
	while (*s) {
		if (!cable_end_parse(&s, &a, nr_devices, nr_ports) || *s++ != '-' ||
		    !cable_end_parse(&s, &b, nr_devices, nr_ports) || (*s && *s++ != ',')) {
			pr_err("cables: \"%s\": neither DEVICE.PORT-DEVICE.PORT,... nor empty, or no such port\n",
			       text);
			return -EINVAL;
		}
		if (cable_add(a, b))
			return -EINVAL;
	}
	return 0;
}

/**
 * hca_port_init() - as after power-on
 * @port: the port, zeroed
 * @hca: its device
 * @num: its number
 *
 * A GUID depends on nothing but the numbers: a device that comes back has the same.
 */
void hca_port_init(struct hca_port *port, struct hca *hca, u32 num)
{
	port->hca = hca;
	port->num = num;
	spin_lock_init(&port->lock);
	port->state = IB_PORT_DOWN;
	port->mtu = IB_MTU_4096;
	port->guids[0] = cpu_to_be64(HCA_GUID(hca->index) + num);
	port->pkeys[0] = IB_DEFAULT_PKEY_FULL;
	port->rvp.gid_prefix = cpu_to_be64(GID_PREFIX);
	port->rvp.port_cap_flags = IB_PORT_TRAP_SUP | IB_PORT_SYS_IMAGE_GUID_SUP |
				   IB_PORT_CLIENT_REG_SUP | IB_PORT_CAP_MASK_NOTICE_SUP;
}

/**
 * hca_port_event() - tell the users of a port
 * @port: the port
 * @type: what happened
 *
 * Context: any, but the device must be there: in hca_wire, with hca_mutex or a reference.
 */
void hca_port_event(struct hca_port *port, enum ib_event_type type)
{
	struct ib_event event = {
		.device = &port->hca->rdi.ibdev,
		.element.port_num = port->num,
		.event = type,
	};

	ib_dispatch_event(&event);
}

/* Returns true if the port was active, and is not any more. */
static bool link_set(struct hca_port *port, bool up, bool restart)
{
	bool was_active;

	lockdep_assert_held(&link_lock);
	spin_lock(&port->lock);
	was_active = port->state == IB_PORT_ACTIVE;
	if (up != port->phys_up || restart) {
		port->phys_up = up;
		port->state = up ? IB_PORT_INIT : IB_PORT_DOWN;
	}
	was_active &= port->state != IB_PORT_ACTIVE;
	spin_unlock(&port->lock);
	return was_active;
}

/**
 * hca_port_train() - find out whether the link is up, after a change
 * @port: one of its ends
 * @restart: it was down in between: both ends have to be initialized by the SM again
 *
 * Context: any, in hca_wire or with hca_mutex.
 */
void hca_port_train(struct hca_port *port, bool restart)
{
	bool up, port_err, peer_err = false;
	struct hca_port *peer;
	unsigned long flags;

	spin_lock_irqsave(&link_lock, flags);
	peer = rcu_dereference_check(port->peer, lockdep_is_held(&link_lock));
	up = peer && !port->cut && !peer->cut && !port->disabled && !peer->disabled;
	port_err = link_set(port, up, restart);
	if (peer)
		peer_err = link_set(peer, up, restart);
	spin_unlock_irqrestore(&link_lock, flags);

	if (port_err)
		hca_port_event(port, IB_EVENT_PORT_ERR);
	if (peer_err)
		hca_port_event(peer, IB_EVENT_PORT_ERR);
}

void hca_port_disable(struct hca_port *port, bool disable)
{
	unsigned long flags;

	spin_lock_irqsave(&link_lock, flags);
	port->disabled = disable;
	spin_unlock_irqrestore(&link_lock, flags);
	hca_port_train(port, false);
}

void hca_port_cut(struct hca_port *port, bool cut)
{
	unsigned long flags;

	mutex_lock(&hca_mutex);
	spin_lock_irqsave(&link_lock, flags);
	port->cut = cut;
	spin_unlock_irqrestore(&link_lock, flags);
	hca_port_train(port, false);
	mutex_unlock(&hca_mutex);
}

static void set_peer(struct hca_port *port, struct hca_port *peer)
{
	spin_lock_irq(&link_lock);
	rcu_assign_pointer(port->peer, peer);
	spin_unlock_irq(&link_lock);
}

/**
 * hca_connect() - put the cables in
 * @hca: a device whose QPs can be looked up now
 *
 * Context: process.
 */
void hca_connect(struct hca *hca)
{
	u32 i;

	mutex_lock(&hca_mutex);
	devices[hca->index] = hca;
	for (i = 0; i < hca->nr_ports; i++) {
		struct cable_end end = cables[hca->index][i + 1];
		struct hca_port *port = &hca->port[i], *peer;

		if (!end.port || !devices[end.device])
			continue;
		peer = &devices[end.device]->port[end.port - 1];
		set_peer(port, peer);
		set_peer(peer, port);
		hca_port_train(port, false);
	}
	mutex_unlock(&hca_mutex);
}

/**
 * hca_disconnect() - pull the cables out, and wait until nobody follows them any more
 * @hca: a device, connected or not
 *
 * Context: process.
 */
void hca_disconnect(struct hca *hca)
{
	u32 i;

	mutex_lock(&hca_mutex);
	if (devices[hca->index] == hca)
		devices[hca->index] = NULL;
	for (i = 0; i < hca->nr_ports; i++) {
		struct hca_port *port = &hca->port[i], *peer;

		peer = rcu_dereference_protected(port->peer, lockdep_is_held(&hca_mutex));
		if (!peer)
			continue;
		set_peer(port, NULL);
		set_peer(peer, NULL);
		hca_port_train(peer, false);
	}
	mutex_unlock(&hca_mutex);
	synchronize_srcu(&hca_wire);
}

struct hca_port *hca_port_peer(struct hca_port *port)
{
	struct hca_port *peer = srcu_dereference(port->peer, &hca_wire);

	return READ_ONCE(port->phys_up) ? peer : NULL;
}

static bool port_has_lid(struct hca_port *port, u16 dlid)
{
	unsigned long flags;
	bool has;

	spin_lock_irqsave(&port->lock, flags);
	has = port->lid && dlid >> port->lmc == port->lid >> port->lmc;
	spin_unlock_irqrestore(&port->lock, flags);
	return has;
}

struct hca_port *hca_port_route_smp(struct hca_port *port, u16 dlid)
{
	struct hca_port *peer;

	if (port_has_lid(port, dlid))
		return port;
	peer = hca_port_peer(port);
	return peer && port_has_lid(peer, dlid) ? peer : NULL;
}

struct hca_port *hca_port_route(struct hca_port *port, u16 dlid)
{
	struct hca_port *to = hca_port_route_smp(port, dlid);

	if (!to || READ_ONCE(port->state) != IB_PORT_ACTIVE ||
	    READ_ONCE(to->state) != IB_PORT_ACTIVE)
		return NULL;
	return to;
}

enum ib_port_phys_state hca_port_phys_state(struct hca_port *port)
{
	lockdep_assert_held(&port->lock);
	if (port->phys_up)
		return IB_PORT_PHYS_STATE_LINK_UP;
	return port->disabled ? IB_PORT_PHYS_STATE_DISABLED : IB_PORT_PHYS_STATE_POLLING;
}

/* Called by rdmavt, also with locks of a QP. */
int hca_port_query(struct rvt_dev_info *rdi, u32 num, struct ib_port_attr *attr)
{
	struct hca_port *port = &rdi_to_hca(rdi)->port[num - 1];
	unsigned long flags;

	spin_lock_irqsave(&port->lock, flags);
	attr->lid = port->lid;
	attr->lmc = port->lmc;
	attr->state = port->state;
	attr->phys_state = hca_port_phys_state(port);
	attr->active_mtu = port->mtu;
	spin_unlock_irqrestore(&port->lock, flags);
	attr->max_mtu = IB_MTU_4096;
	attr->gid_tbl_len = HCA_NR_GUIDS;
	attr->active_width = IB_WIDTH_4X;
	attr->active_speed = IB_SPEED_QDR;
	attr->max_vl_num = 1;
	return 0;
}

int hca_port_guid(struct rvt_dev_info *rdi, struct rvt_ibport *rvp, int index, __be64 *guid)
{
	struct hca_port *port = rvp_to_port(rvp);
	unsigned long flags;

	if (index < 0 || index >= HCA_NR_GUIDS)
		return -EINVAL;
	spin_lock_irqsave(&port->lock, flags);
	*guid = port->guids[index];
	spin_unlock_irqrestore(&port->lock, flags);
	return 0;
}

/* Has @port a P_Key that lets it receive what was sent with @pkey? */
bool hca_port_find_pkey(struct hca_port *port, u16 pkey, u16 *index)
{
	unsigned long flags;
	bool found = false;
	u16 i;

	spin_lock_irqsave(&port->lock, flags);
	for (i = 0; i < HCA_NR_PKEYS && !found; i++) {
		found = hca_pkeys_match(port->pkeys[i], pkey);
		if (found)
			*index = i;
	}
	if (!found && port->rvp.pkey_violations < U16_MAX)
		port->rvp.pkey_violations++;
	spin_unlock_irqrestore(&port->lock, flags);
	return found;
}
