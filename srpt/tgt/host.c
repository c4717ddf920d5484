// SPDX-License-Identifier: GPL-2.0
/*
 * Hosts (I_T nexuses), and the way of their events to the daemon.
 *
 * An event is not stored: it is made when there is room in the ring, from what
 * the command, or the host, says then. Until then the command waits in a list of
 * its host, and the host in a list of the ring. So nothing is allocated and
 * nothing gets lost, and the daemon sees the events of a host in their order.
 *
 * The slots of a host are the driver's memory. Each has a number, that is another's
 * when its channel has gone, and a generation, of which a host has no two the same:
 * an id that is not of now finds nothing.
 */
#include <linux/ktime.h>
#include <linux/list_sort.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "tgt.h"
#include "trace.h"

static atomic_t tgt_next_host_no;

static void host_free(struct kref *ref)
{
	struct scsi_tgt_host *host = container_of(ref, struct scsi_tgt_host, ref);

	xa_destroy(&host->cmds);
	scsi_tgt_put_target(host->target);
	kfree(host);
}

void tgt_host_put(struct scsi_tgt_host *host)
{
	kref_put(&host->ref, host_free);
}

/* A reference to a host of this daemon, or NULL. Context: process. */
struct scsi_tgt_host *tgt_host_get(struct tgt_daemon *d, u32 no)
{
	struct scsi_tgt_host *host;

	xa_lock(&d->hosts);
	host = xa_load(&d->hosts, no);
	if (host && !kref_get_unless_zero(&host->ref))
		host = NULL;
	xa_unlock(&d->hosts);
	return host;
}

/* ---- the state of a slot ------------------------------------------------------- */

/* The only writer; with the host's lock held. */
void tgt_set_state(struct scsi_tgt_cmd *cmd, enum tgt_state state, const char *why)
{
	lockdep_assert_held(&cmd->host->lock);
	trace_tgt_state(cmd, state, why);
	cmd->state = state;
}

/* A command or function begins, and waits for room in the ring. */
void tgt_begin_locked(struct scsi_tgt_cmd *cmd, enum tgt_state state, const u8 *lun, u64 tag)
{
	struct scsi_tgt_host *host = cmd->host;

	lockdep_assert_held(&host->lock);
	cmd->gen = ++host->gen;
	cmd->seq = ++host->seq;
	cmd->stamp = ktime_get_ns();
	cmd->tag = tag;
	memcpy(cmd->lun, lun, sizeof(cmd->lun));
	cmd->known = false;
	cmd->final = false;
	cmd->staged = false;
	cmd->ahead = false;
	host->nr_live++;
	tgt_set_state(cmd, state, "begin");
	list_add_tail(&cmd->node, &host->pending);
}

/* It has ended: tgt_release_ended() follows, without the lock. */
void tgt_end_locked(struct scsi_tgt_cmd *cmd, struct list_head *ended)
{
	lockdep_assert_held(&cmd->host->lock);
	tgt_set_state(cmd, TGT_ST_FREE, "end");
	tgt_put_lent_locked(cmd);
	cmd->host->nr_live--;
	list_add_tail(&cmd->node, ended);
}

/**
 * tgt_release_ended() - tell the driver, and who waited for it
 * @host: of all of them; may be gone if there are none
 * @ended: from tgt_end_locked()
 *
 * Context: any, without locks.
 */
void tgt_release_ended(struct scsi_tgt_host *host, struct list_head *ended)
{
	struct scsi_tgt_target *target;
	struct scsi_tgt_cmd *cmd, *next;

	if (list_empty(ended))
		return;
	target = host->target;
	/* A function that was held before the end of a command did not see it end. */
	if (atomic_read(&target->nr_held))
		queue_work(tgt_wq, &target->work);
	list_for_each_entry_safe(cmd, next, ended, node) {
		list_del_init(&cmd->node);
		target->fabric->cmd_release(cmd);
	}
}

/* One that is the caller's has ended. Context: process, without locks. */
void tgt_end(struct scsi_tgt_cmd *cmd)
{
	struct scsi_tgt_host *host = cmd->host;
	LIST_HEAD(ended);

	spin_lock_irq(&host->lock);
	tgt_end_locked(cmd, &ended);
	spin_unlock_irq(&host->lock);
	tgt_release_ended(host, &ended);
}

/**
 * tgt_claim() - take a command from the daemon, who names it
 * @host: where
 * @id: as the daemon says
 * @from: the state it has to be in
 * @to: the state it gets: now the caller owns it, and its slot stays
 * @why: for the trace
 *
 * Context: any. Return: the command, or NULL.
 */
struct scsi_tgt_cmd *tgt_claim(struct scsi_tgt_host *host, u64 id, enum tgt_state from,
			       enum tgt_state to, const char *why)
{
	struct scsi_tgt_cmd *cmd;
	unsigned long flags;

	spin_lock_irqsave(&host->lock, flags);
	cmd = xa_load(&host->cmds, id & GENMASK(TGT_ID_SHIFT - 1, 0));
	if (cmd && (cmd->state != from || tgt_cmd_id(cmd) != id))
		cmd = NULL;
	if (cmd)
		tgt_set_state(cmd, to, why);
	spin_unlock_irqrestore(&host->lock, flags);
	return cmd;
}

/* ---- events -------------------------------------------------------------------- */

static void make_cmd_req(struct tgt_event *ev, const struct scsi_tgt_cmd *cmd)
{
	struct tgt_cmd_req *req = &ev->cmd_req;

	ev->type = TGT_CMD_REQ;
	req->cmd_id = tgt_cmd_id(cmd);
	req->tag = cmd->tag;
	req->seq = cmd->seq;
	memcpy(req->lun, cmd->lun, sizeof(req->lun));
	req->data_out_len = cmd->data_out_len;
	req->data_in_len = cmd->data_in_len;
	req->attr = cmd->attr;
	req->cdb_len = cmd->cdb_len;
	req->flags = cmd->ahead ? TGT_REQ_FETCHING : 0;
	req->lent = cmd->lent;
	memcpy(req->cdb, cmd->cdb, cmd->cdb_len);
}

static void make_event(struct tgt_event *ev, const struct scsi_tgt_cmd *cmd)
{
	memset(ev, 0, sizeof(*ev));
	ev->host_no = cmd->host->no;
	switch (cmd->state) {
	case TGT_ST_REQ_QUEUED:
		make_cmd_req(ev, cmd);
		break;
	case TGT_ST_DONE_QUEUED:
		ev->type = TGT_CMD_DONE;
		ev->cmd_done.cmd_id = tgt_cmd_id(cmd);
		ev->cmd_done.result = cmd->result;
		ev->cmd_done.ended = cmd->final;
		break;
	default:
		ev->type = TGT_TSK_MGMT_REQ;
		ev->tsk_mgmt_req.tmf_id = tgt_cmd_id(cmd);
		ev->tsk_mgmt_req.tag = cmd->tag;
		ev->tsk_mgmt_req.seq = cmd->seq;
		ev->tsk_mgmt_req.function = cmd->function;
		memcpy(ev->tsk_mgmt_req.lun, cmd->lun, sizeof(cmd->lun));
		break;
	}
}

/* The daemon has the event: who has to act next? */
static void delivered(struct scsi_tgt_cmd *cmd, struct list_head *ended)
{
	list_del_init(&cmd->node);
	switch (cmd->state) {
	case TGT_ST_REQ_QUEUED:
		cmd->known = true;
		cmd->staged = cmd->lent;
		tgt_set_state(cmd, cmd->ahead ? TGT_ST_XFER : TGT_ST_AT_DAEMON, "CMD_REQ");
		break;
	case TGT_ST_DONE_QUEUED:
		if (cmd->final)
			tgt_end_locked(cmd, ended);
		else
			tgt_set_state(cmd, TGT_ST_AT_DAEMON, "CMD_DONE");
		break;
	default:
		cmd->known = true;
		tgt_set_state(cmd, TGT_ST_TMF_AT_DAEMON, "TSK_MGMT_REQ");
		break;
	}
}

/* Is there anything that the daemon can do about it now? */
static bool is_news(const struct scsi_tgt_cmd *cmd)
{
	if (cmd->state == TGT_ST_DONE_QUEUED)
		return !cmd->final;
	return cmd->state != TGT_ST_REQ_QUEUED || !cmd->ahead;
}

static bool put_event(struct scsi_tgt_host *host, const struct tgt_event *ev, bool news)
{
	struct tgt_pair *pair = host->pair;
	bool done;

	spin_lock(&pair->lock);
	done = tgt_put_event_locked(pair, ev, news);
	if (!done && list_empty(&host->wait_node)) {
		kref_get(&host->ref);
		list_add_tail(&host->wait_node, &pair->waiting);
	}
	spin_unlock(&pair->lock);
	return done;
}

static bool put_host_event(struct scsi_tgt_host *host, u32 type)
{
	struct tgt_event ev;

	/* All of it: an initializer may leave out the end of a union. */
	memset(&ev, 0, sizeof(ev));
	ev.type = type;
	ev.host_no = host->no;
	if (type == TGT_HOST_UP) {
		ev.host_up.target_id = host->target->id;
		memcpy(ev.host_up.i_port_id, host->i_port_id, sizeof(host->i_port_id));
		memcpy(ev.host_up.t_port_id, host->t_port_id, sizeof(host->t_port_id));
	}
	return put_event(host, &ev, true);
}

/**
 * tgt_host_push_locked() - give the daemon what waits, as far as there is room
 * @host: locked
 * @ended: gets the commands that have ended by that
 */
void tgt_host_push_locked(struct scsi_tgt_host *host, struct list_head *ended)
{
	struct scsi_tgt_cmd *cmd, *next;
	struct tgt_event ev;

	lockdep_assert_held(&host->lock);
	if (!host->pair)
		return;
	if (host->up_due && !put_host_event(host, TGT_HOST_UP))
		return;
	host->up_due = false;
	list_for_each_entry_safe(cmd, next, &host->pending, node) {
		if (cmd->state == TGT_ST_REQ_QUEUED)
			tgt_take_imm_locked(cmd);
		make_event(&ev, cmd);
		if (!put_event(host, &ev, is_news(cmd)))
			return;
		delivered(cmd, ended);
	}
	if (host->down_due && put_host_event(host, TGT_HOST_DOWN))
		host->down_due = false;
}

static struct scsi_tgt_host *next_waiting(struct tgt_pair *pair)
{
	struct scsi_tgt_host *host;

	spin_lock_irq(&pair->lock);
	host = list_first_entry_or_null(&pair->waiting, struct scsi_tgt_host, wait_node);
	if (host)
		list_del_init(&host->wait_node);
	else if (READ_ONCE(pair->head->flags))	/* not each time: the daemon reads that line */
		WRITE_ONCE(pair->head->flags, 0);
	spin_unlock_irq(&pair->lock);
	return host;
}

/* There may be room in the ring. Context: process. */
void tgt_push_waiting(struct tgt_pair *pair)
{
	struct scsi_tgt_host *host;
	bool progress = true;
	LIST_HEAD(ended);

	while (progress && (host = next_waiting(pair))) {
		spin_lock_irq(&host->lock);
		tgt_host_push_locked(host, &ended);
		/* Again in the list: the ring is full. */
		progress = list_empty(&host->wait_node);
		spin_unlock_irq(&host->lock);
		tgt_release_ended(host, &ended);
		tgt_host_put(host);
	}
}

/* The ring goes away; no host uses it any more. */
void tgt_drop_waiting(struct tgt_pair *pair)
{
	struct scsi_tgt_host *host;

	while ((host = next_waiting(pair)))
		tgt_host_put(host);
}

/**
 * tgt_host_detach() - no daemon serves the host any more
 * @host: served by @d, or by nobody
 * @d: forgets it
 *
 * Context: may sleep; tgt_mutex, and the driver has not given up the host.
 */
void tgt_host_detach(struct scsi_tgt_host *host, struct tgt_daemon *d)
{
	struct scsi_tgt_cmd *cmd;
	bool waits = false;
	unsigned long i;

	lockdep_assert_held(&tgt_mutex);
	spin_lock_irq(&host->lock);
	/* Lent memory goes with the daemon; data are written anew for the next one. */
	xa_for_each(&host->cmds, i, cmd)
		tgt_put_lent_locked(cmd);
	if (host->pair) {
		/* The ring may last longer; the next one has a list of its own. */
		spin_lock(&host->pair->lock);
		waits = !list_empty(&host->wait_node);
		list_del_init(&host->wait_node);
		spin_unlock(&host->pair->lock);
	}
	host->pair = NULL;
	host->up_due = false;
	host->down_due = false;
	spin_unlock_irq(&host->lock);
	xa_erase(&d->hosts, host->no);
	if (waits)
		tgt_host_put(host);
}

static int older_first(void *priv, const struct list_head *a, const struct list_head *b)
{
	return list_entry(a, struct scsi_tgt_cmd, node)->seq >
	       list_entry(b, struct scsi_tgt_cmd, node)->seq;
}

/**
 * tgt_host_attach() - a daemon serves the host from now on
 * @host: without a daemon
 * @d: has the host in its table
 *
 * What an earlier daemon had and did not begin comes again, in its order.
 * Context: may sleep; tgt_mutex.
 */
void tgt_host_attach(struct scsi_tgt_host *host, struct tgt_daemon *d)
{
	LIST_HEAD(ended);

	lockdep_assert_held(&tgt_mutex);
	spin_lock_irq(&host->lock);
	host->pair = &d->pairs[d->next_pair++ % d->nr_pairs];
	host->up_due = true;
	list_sort(NULL, &host->pending, older_first);
	tgt_host_push_locked(host, &ended);
	spin_unlock_irq(&host->lock);
	tgt_release_ended(host, &ended);
}

/* ---- for fabric drivers ---------------------------------------------------------- */

struct scsi_tgt_host *scsi_tgt_host_create(struct scsi_tgt_target *target, const u8 *i_port_id,
					   const u8 *t_port_id)
{
	struct scsi_tgt_host *host;
	int ret = 0;

	host = kzalloc(sizeof(*host), GFP_KERNEL);
	if (!host)
		return ERR_PTR(-ENOMEM);
	kref_init(&host->ref);
	host->target = target;
	memcpy(host->i_port_id, i_port_id, sizeof(host->i_port_id));
	memcpy(host->t_port_id, t_port_id, sizeof(host->t_port_id));
	/* Its lock nests in that of the host. */
	xa_init_flags(&host->cmds, XA_FLAGS_ALLOC | XA_FLAGS_LOCK_IRQ);
	spin_lock_init(&host->lock);
	INIT_LIST_HEAD(&host->pending);
	INIT_LIST_HEAD(&host->wait_node);
	host->no = atomic_inc_return(&tgt_next_host_no);

	mutex_lock(&tgt_mutex);
	if (target->gone)
		ret = -ENODEV;
	else if (target->d)
		ret = xa_insert(&target->d->hosts, host->no, host, GFP_KERNEL);
	if (!ret) {
		kref_get(&target->ref);
		list_add_tail(&host->node, &target->hosts);
		if (target->d)
			tgt_host_attach(host, target->d);
	}
	mutex_unlock(&tgt_mutex);
	if (ret) {
		kfree(host);
		return ERR_PTR(ret);
	}
	return host;
}
EXPORT_SYMBOL_GPL(scsi_tgt_host_create);

void scsi_tgt_host_down(struct scsi_tgt_host *host)
{
	unsigned long flags;
	LIST_HEAD(ended);

	spin_lock_irqsave(&host->lock, flags);
	if (!host->down) {
		host->down = true;
		host->down_due = true;
		host->down_since = jiffies;
		tgt_host_push_locked(host, &ended);
		/* Without a daemon nobody else ends what waits for one. */
		if (!host->pair)
			queue_work(tgt_wq, &host->target->work);
	}
	spin_unlock_irqrestore(&host->lock, flags);
	tgt_release_ended(host, &ended);
}
EXPORT_SYMBOL_GPL(scsi_tgt_host_down);

void scsi_tgt_host_remove(struct scsi_tgt_host *host)
{
	mutex_lock(&tgt_mutex);
	list_del(&host->node);
	if (host->target->d)
		xa_erase(&host->target->d->hosts, host->no);
	tgt_detach_unused_locked(host->target);
	mutex_unlock(&tgt_mutex);
	WARN_ON_ONCE(host->nr_live);
	tgt_host_put(host);
}
EXPORT_SYMBOL_GPL(scsi_tgt_host_remove);

int scsi_tgt_cmd_init(struct scsi_tgt_host *host, struct scsi_tgt_cmd *cmd)
{
	int ret;

	cmd->state = TGT_ST_FREE;
	INIT_LIST_HEAD(&cmd->node);
	ret = xa_alloc_irq(&host->cmds, &cmd->idx, cmd, XA_LIMIT(0, BIT(TGT_ID_SHIFT) - 1),
			   GFP_KERNEL);
	if (!ret)
		cmd->host = host;
	return ret;
}
EXPORT_SYMBOL_GPL(scsi_tgt_cmd_init);

void scsi_tgt_cmd_exit(struct scsi_tgt_cmd *cmd)
{
	struct scsi_tgt_host *host = cmd->host;

	if (!host)
		return;
	/* Who looks it up does so with the lock held. */
	spin_lock_irq(&host->lock);
	xa_erase(&host->cmds, cmd->idx);
	spin_unlock_irq(&host->lock);
}
EXPORT_SYMBOL_GPL(scsi_tgt_cmd_exit);
