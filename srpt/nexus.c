// SPDX-License-Identifier: GPL-2.0
/*
 * I_T nexuses: (initiator port id, target port id) across all ports and HCAs,
 * each with one session of its target core, shared by its channels.
 *
 * There is at most one nexus per pair. A login that replaces the channels of a
 * nexus (multi-channel action 0, or any login while the old nexus is closing)
 * closes them and waits until the last command of the old session has ended;
 * only then a new session is made and the REP is sent. So no command of the
 * old session can touch the medium after a command of the new one (NX-3). The
 * wait is bounded (NX-4).
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/wait.h>
#include "srpt.h"
#include "trace.h"

static LIST_HEAD(srpt_nexuses);
DEFINE_MUTEX(srpt_nexus_mutex);	/* see [N] in srpt.h */
static DECLARE_WAIT_QUEUE_HEAD(srpt_nexus_wait);
static atomic_t srpt_nexus_changes;	/* nexuses that became ready or went */

static LIST_HEAD(srpt_waiting);		/* [N] logins */

static bool is_between(const struct srp_login *req, const u8 *i_port_id, const u8 *t_port_id)
{
	return !memcmp(req->i_port_id, i_port_id, 16) && !memcmp(req->t_port_id, t_port_id, 16);
}

static struct srpt_nexus *find_locked(const struct srp_login *req)
{
	struct srpt_nexus *nexus;

	lockdep_assert_held(&srpt_nexus_mutex);
	list_for_each_entry(nexus, &srpt_nexuses, node)
		if (is_between(req, nexus->peer.i_port_id, nexus->t_port_id))
			return nexus;
	return NULL;
}

static void close_locked(struct srpt_nexus *nexus, enum srp_logout_reason logout,
			 const char *why)
{
	struct srpt_channel *ch;

	lockdep_assert_held(&srpt_nexus_mutex);
	nexus->closing = true;
	list_for_each_entry(ch, &nexus->channels, node)
		srpt_channel_close(ch, logout, why);
}

static void changed(void)
{
	atomic_inc(&srpt_nexus_changes);
	wake_up_all(&srpt_nexus_wait);
}

static u32 open_channels_locked(const struct srpt_nexus *nexus)
{
	struct srpt_channel *ch;
	u32 n = 0;

	lockdep_assert_held(&srpt_nexus_mutex);
	list_for_each_entry(ch, &nexus->channels, node)
		n += atomic_read(&ch->state) <= SRPT_CH_LIVE;
	return n;
}

static void add_channel_locked(struct srpt_nexus *nexus, struct srpt_channel *ch)
{
	ch->nexus = nexus;
	list_add_tail(&ch->node, &nexus->channels);
}

/* Does the login come from where the nexus was made? Each connection has a port of its own. */
static bool same_peer(const struct srpt_nexus *nexus, const struct srpt_login *login)
{
	const struct sockaddr_storage *a = &nexus->peer.addr, *b = &login->peer.addr;

	if (a->ss_family != b->ss_family)
		return false;
	switch (a->ss_family) {
	case AF_INET:
		return !memcmp(&((const struct sockaddr_in *)a)->sin_addr,
			       &((const struct sockaddr_in *)b)->sin_addr,
			       sizeof(struct in_addr));
	case AF_INET6:
		return !memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
			       &((const struct sockaddr_in6 *)b)->sin6_addr,
			       sizeof(struct in6_addr));
	default:
		return !memcmp(&nexus->peer.gid, &login->peer.gid, sizeof(nexus->peer.gid));
	}
}

/* May a further channel join? Returns 0 or -errno. */
static int check_join(const struct srpt_nexus *nexus, const struct srpt_login *login, u32 nr_open)
{
	/* One session, one ACL: who comes by another has other LUNs (NX-7). */
	if (nexus->acl != login->acl)
		return -EXDEV;
	if (nr_open < login->attrib.max_channels)
		return 0;
	return login->attrib.max_channels == 1 ? -EUSERS : -EMLINK;
}

/* This login is newer than those that wait for the same nexus (NX-6). */
static void overtake_locked(const struct srpt_login *login)
{
	struct srpt_login *older;

	lockdep_assert_held(&srpt_nexus_mutex);
	list_for_each_entry(older, &srpt_waiting, node)
		if (is_between(&login->req, older->req.i_port_id, older->req.t_port_id))
			older->overtaken = true;
	changed();
}

/* What keeps the nexus: for the log. */
static void log_busy_locked(const struct srpt_nexus *nexus)
{
	DECLARE_BITMAP(luns, 256);
	struct srpt_channel *ch;
	u32 i, n = 0;

	lockdep_assert_held(&srpt_nexus_mutex);
	bitmap_zero(luns, 256);
	list_for_each_entry(ch, &nexus->channels, node) {
		for (i = SRPT_OWN_SLOTS; i < ch->nr_slots; i++) {
			const struct srpt_cmd *cmd = srpt_channel_slot(ch, i);

			if (atomic_read(&cmd->state) == SRPT_CMD_FREE ||
			    cmd->iu.opcode != SRP_OP_CMD)
				continue;
			/* Larger ones are rare, and the number tells that there are others. */
			if (!(cmd->iu.cmd.lun[0] & 0x3f))
				__set_bit(cmd->iu.cmd.lun[1], luns);
			n++;
		}
	}
	pr_info_ratelimited("initiator %16phN: %u commands of the previous session have not ended, on LUN %*pbl\n",
			    nexus->peer.i_port_id, n, 256, luns);
}

/* Wait until some nexus is ready or gone. Returns 0, -ETIMEDOUT or -ESTALE. */
static int wait_locked(struct srpt_login *login, unsigned long deadline)
{
	int changes = atomic_read(&srpt_nexus_changes);
	long left;

	list_add(&login->node, &srpt_waiting);
	mutex_unlock(&srpt_nexus_mutex);
	left = deadline - jiffies;
	if (left > 0)
		left = wait_event_timeout(srpt_nexus_wait,
					  atomic_read(&srpt_nexus_changes) != changes, left);
	mutex_lock(&srpt_nexus_mutex);
	list_del(&login->node);
	if (login->overtaken)
		return -ESTALE;
	return left > 0 ? 0 : -ETIMEDOUT;
}

/*
 * With the mutex held: find the nexus to join, or make sure there is none.
 * Returns an ERR_PTR on timeout, or if the nexus is not for this login.
 */
static struct srpt_nexus *settle_locked(struct srpt_login *login, enum srp_mc_result *result)
{
	const struct srp_login *req = &login->req;
	unsigned long deadline = jiffies + HZ * clamp(READ_ONCE(srpt_relogin_timeout), 1U,
						      SRPT_RELOGIN_MAX);
	struct srpt_nexus *old;
	bool waited = false;
	u32 nr_open;
	int ret;

	while ((old = find_locked(req))) {
		nr_open = open_channels_locked(old);
		/* No channel left: the nexus is lost, its session is not used again (NX-8). */
		if (old->ready && !nr_open)
			old->closing = true;
		/* A port id is a claim: who is there keeps it. */
		if (login->attrib.bind_initiator && nr_open && !same_peer(old, login))
			return ERR_PTR(-ENOTUNIQ);
		if (req->mc_action == SRP_LOGIN_MC_MULTI && !old->closing && old->ready) {
			ret = check_join(old, login, nr_open);
			if (ret)
				return ERR_PTR(ret);
			*result = SRP_MC_CONTINUED;
			return old;
		}
		if (req->mc_action == SRP_LOGIN_MC_SINGLE && !old->closing) {
			*result = SRP_MC_TERMINATED;
			close_locked(old, SRP_LOGOUT_RELOGIN, "re-login");
		}
		if (req->mc_action == SRP_LOGIN_MC_SINGLE && !waited)
			overtake_locked(login);
		waited = true;
		ret = wait_locked(login, deadline);
		if (ret == -ETIMEDOUT) {
			old = find_locked(req);
			if (old)
				log_busy_locked(old);
		}
		if (ret)
			return ERR_PTR(ret);
	}
	return NULL;
}

/**
 * srpt_nexus_join() - make the channel part of its nexus
 * @login: authorized
 * @ch: the channel of this login, not in a nexus
 * @result: multi-channel result for the response
 *
 * Context: may sleep, for relogin_timeout. Return: the nexus, or an ERR_PTR:
 * -ETIMEDOUT (old commands did not end), -ESTALE (a newer login of the same
 * initiator has come meanwhile), -EXDEV (the nexus was
 * let in by another ACL), -ENOTUNIQ (it is another peer's), -EMLINK (it has
 * enough channels), -EUSERS (it may have one only), -ENODEV (HCA leaving), or
 * what session_open() says. On failure the caller closes @ch.
 */
struct srpt_nexus *srpt_nexus_join(struct srpt_login *login, struct srpt_channel *ch,
				   enum srp_mc_result *result)
{
	struct srpt_nexus *nexus, *fresh;
	int ret;

	*result = SRP_MC_NO_CHANNEL;
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
	if (!fresh)
		return ERR_PTR(-ENOMEM);

	mutex_lock(&srpt_nexus_mutex);
	nexus = settle_locked(login, result);
	if (login->sdev->removing)
		nexus = ERR_PTR(-ENODEV);
	if (nexus) {
		if (!IS_ERR(nexus))
			add_channel_locked(nexus, ch);
		mutex_unlock(&srpt_nexus_mutex);
		kfree(fresh);
		return nexus;
	}
	fresh->peer = login->peer;
	memcpy(fresh->t_port_id, login->req.t_port_id, 16);
	fresh->core = login->core;
	INIT_LIST_HEAD(&fresh->channels);
	spin_lock_init(&fresh->fence_lock);
	INIT_LIST_HEAD(&fresh->tmfs);
	list_add_tail(&fresh->node, &srpt_nexuses);
	add_channel_locked(fresh, ch);
	mutex_unlock(&srpt_nexus_mutex);

	ret = fresh->core->session_open(fresh, login);

	mutex_lock(&srpt_nexus_mutex);
	fresh->ready = !ret;
	if (ret)
		fresh->closing = true;	/* goes with its channel */
	mutex_unlock(&srpt_nexus_mutex);
	changed();
	return ret ? ERR_PTR(ret) : fresh;
}

/**
 * srpt_nexus_drained() - nothing will be received on a channel any more
 * @ch: in a nexus, DISCONNECTED
 *
 * Tells the core if it was the last one. Context: may sleep.
 */
void srpt_nexus_drained(struct srpt_channel *ch)
{
	struct srpt_nexus *nexus = ch->nexus;
	struct srpt_channel *other;
	bool lost = true;

	mutex_lock(&srpt_nexus_mutex);
	list_for_each_entry(other, &nexus->channels, node)
		lost &= atomic_read(&other->state) == SRPT_CH_DISCONNECTED;
	if (lost)
		nexus->closing = true;
	lost &= nexus->ready;
	mutex_unlock(&srpt_nexus_mutex);
	/* The channel keeps the nexus. */
	if (lost && nexus->core->session_lost)
		nexus->core->session_lost(nexus);
}

/**
 * srpt_nexus_leave() - the last command of a channel has ended
 * @ch: in a nexus
 *
 * Context: may sleep; the last channel waits for the core.
 */
void srpt_nexus_leave(struct srpt_channel *ch)
{
	struct srpt_nexus *nexus = ch->nexus;
	bool last;

	if (nexus->core->channel_close)
		nexus->core->channel_close(ch);
	mutex_lock(&srpt_nexus_mutex);
	list_del_init(&ch->node);
	last = list_empty(&nexus->channels);
	if (last)
		nexus->closing = true;
	mutex_unlock(&srpt_nexus_mutex);
	if (!last)
		return;

	if (nexus->session)
		nexus->core->session_close(nexus);
	mutex_lock(&srpt_nexus_mutex);
	list_del(&nexus->node);
	mutex_unlock(&srpt_nexus_mutex);
	changed();
	kfree(nexus);
}

/**
 * srpt_nexus_close_matching() - close the channels of some nexuses
 * @match: called with the nexus table locked; may sleep
 * @arg: for @match
 * @why: for the trace
 *
 * Context: may sleep; does not wait for the channels.
 */
void srpt_nexus_close_matching(bool (*match)(const struct srpt_nexus *nexus, const void *arg),
			       const void *arg, const char *why)
{
	struct srpt_nexus *nexus;

	mutex_lock(&srpt_nexus_mutex);
	list_for_each_entry(nexus, &srpt_nexuses, node)
		if (match(nexus, arg))
			close_locked(nexus, SRP_LOGOUT_NO_REASON, why);
	mutex_unlock(&srpt_nexus_mutex);
}

/* The HCA leaves: close its channels, let no other join. Context: may sleep. */
void srpt_nexus_close_device(struct srpt_device *sdev)
{
	struct srpt_nexus *nexus;
	struct srpt_channel *ch;

	mutex_lock(&srpt_nexus_mutex);
	sdev->removing = true;
	list_for_each_entry(nexus, &srpt_nexuses, node)
		list_for_each_entry(ch, &nexus->channels, node)
			if (ch->sdev == sdev)
				srpt_channel_close(ch, SRP_LOGOUT_NO_REASON,
						   "the HCA is removed");
	mutex_unlock(&srpt_nexus_mutex);
}

/* With the nexus table locked: no channel comes or goes meanwhile. Context: may sleep. */
void srpt_nexus_for_each(void (*fn)(struct srpt_nexus *nexus, void *arg), void *arg)
{
	struct srpt_nexus *nexus;

	mutex_lock(&srpt_nexus_mutex);
	list_for_each_entry(nexus, &srpt_nexuses, node)
		fn(nexus, arg);
	mutex_unlock(&srpt_nexus_mutex);
}
