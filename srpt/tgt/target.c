// SPDX-License-Identifier: GPL-2.0
/*
 * Targets: who serves them, and what happens when nobody does any more.
 *
 * A daemon dies when its process does, or closes the file: nobody else can be
 * sure that it will not touch the medium again. So one that hangs, or breaks the
 * rules of the rings, is killed, and there is one way to the end.
 *
 * What it had not begun to answer is not lost: while a successor is awaited,
 * commands wait for it and come again. Of a write whose data it has fetched
 * nobody knows how much is on the medium, so that ends here, and the initiator
 * tries again. Functions are carried out by the kernel.
 */
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "tgt.h"

#define MAX_INITIATORS	4096

static void free_work(struct work_struct *work)
{
	struct scsi_tgt_target *target = container_of(work, struct scsi_tgt_target, free_work);

	/* Its last host may have asked for it. */
	cancel_work_sync(&target->work);
	kvfree(target->initiators);
	kfree(target);
}

static void target_free(struct kref *ref)
{
	struct scsi_tgt_target *target = container_of(ref, struct scsi_tgt_target, ref);

	queue_work(tgt_wq, &target->free_work);
}

void scsi_tgt_put_target(struct scsi_tgt_target *target)
{
	kref_put(&target->ref, target_free);
}
EXPORT_SYMBOL_GPL(scsi_tgt_put_target);

struct scsi_tgt_target *
scsi_tgt_for_each_target(const struct scsi_tgt_fabric *fabric,
			 bool (*fn)(const struct scsi_tgt_target_info *info, void *arg), void *arg)
{
	struct scsi_tgt_target *target, *found = NULL;

	mutex_lock(&tgt_mutex);
	list_for_each_entry(target, &tgt_targets, node) {
		const struct scsi_tgt_target_info info = {
			.target		= target,
			.port		= target->port,
			.id_ext		= target->id_ext,
			.initiators	= (void *)target->initiators,
			.nr_initiators	= target->nr_initiators,
		};

		if (target->fabric == fabric && fn(&info, arg)) {
			kref_get(&target->ref);
			found = target;
			break;
		}
	}
	mutex_unlock(&tgt_mutex);
	return found;
}
EXPORT_SYMBOL_GPL(scsi_tgt_for_each_target);

/* ---- without a daemon -------------------------------------------------------------- */

/* The kernel ends it: nobody else does anything with it from now on. */
static void seize_locked(struct scsi_tgt_cmd *cmd, struct list_head *list)
{
	tgt_set_state(cmd, TGT_ST_XFER, "seized");
	cmd->known = false;
	cmd->final = true;
	list_move_tail(&cmd->node, list);
}

static bool is_idle_command(const struct scsi_tgt_cmd *cmd)
{
	return cmd->state == TGT_ST_REQ_QUEUED || cmd->state == TGT_ST_AT_DAEMON ||
	       cmd->state == TGT_ST_STRANDED ||
	       (cmd->state == TGT_ST_DONE_QUEUED && !cmd->final);
}

static void carry_out(struct scsi_tgt_cmd *tmf, struct list_head *aborts)
{
	struct scsi_tgt_host *host;
	struct scsi_tgt_cmd *cmd;
	unsigned long i;

	if (tmf->function == TGT_CLEAR_ACA)
		return;
	list_for_each_entry(host, &tmf->host->target->hosts, node) {
		spin_lock_irq(&host->lock);
		xa_for_each(&host->cmds, i, cmd)
			if (!host->pair && is_idle_command(cmd) && tgt_covers(tmf, cmd))
				seize_locked(cmd, aborts);
		spin_unlock_irq(&host->lock);
	}
}

static void carry_out_functions(struct scsi_tgt_host *host, struct list_head *aborts)
{
	struct scsi_tgt_cmd *tmf, *next;
	LIST_HEAD(tmfs);
	unsigned long i;

	spin_lock_irq(&host->lock);
	xa_for_each(&host->cmds, i, tmf) {
		if (host->pair || (tmf->state != TGT_ST_TMF_QUEUED &&
				   tmf->state != TGT_ST_TMF_AT_DAEMON))
			continue;
		tgt_set_state(tmf, TGT_ST_TMF_HELD, "no daemon");
		list_move_tail(&tmf->node, &tmfs);
	}
	spin_unlock_irq(&host->lock);
	list_for_each_entry_safe(tmf, next, &tmfs, node) {
		list_del_init(&tmf->node);
		carry_out(tmf, aborts);
		tgt_hold_locked(tmf, TGT_TMF_COMPLETE);
	}
}

/* What a daemon had, or should have had: keep it for the next one, or end it. */
static void settle_command(struct scsi_tgt_cmd *cmd, bool keep, struct list_head *ends,
			   struct list_head *ended)
{
	if (cmd->state == TGT_ST_XFER) {
		cmd->known = false;
	} else if (cmd->state == TGT_ST_DONE_QUEUED && cmd->final) {
		list_del_init(&cmd->node);
		tgt_end_locked(cmd, ended);
	} else if (cmd->state == TGT_ST_AT_DAEMON && keep && !cmd->staged) {
		cmd->gen = ++cmd->host->gen;
		cmd->known = false;
		tgt_set_state(cmd, TGT_ST_REQ_QUEUED, "again");
		list_add_tail(&cmd->node, &cmd->host->pending);
	} else if (is_idle_command(cmd) && !(cmd->state == TGT_ST_REQ_QUEUED && keep)) {
		seize_locked(cmd, ends);
	}
}

static void settle_host(struct scsi_tgt_host *host, struct list_head *ends)
{
	struct scsi_tgt_cmd *cmd;
	LIST_HEAD(ended);
	unsigned long i;

	spin_lock_irq(&host->lock);
	xa_for_each(&host->cmds, i, cmd) {
		if (!host->pair)
			settle_command(cmd, !host->gone && !host->down, ends, &ended);
		else if (cmd->state == TGT_ST_STRANDED)
			seize_locked(cmd, ends);
	}
	spin_unlock_irq(&host->lock);
	tgt_release_ended(host, &ended);
}

/* What is to be done for a target, without locks. */
struct todo {
	struct list_head	aborts;
	struct list_head	ends;
	struct list_head	answers;
};

static void settle_locked(struct scsi_tgt_target *target, struct todo *todo)
{
	struct scsi_tgt_host *host;

	lockdep_assert_held(&tgt_mutex);
	INIT_LIST_HEAD(&todo->aborts);
	INIT_LIST_HEAD(&todo->ends);
	INIT_LIST_HEAD(&todo->answers);
	list_for_each_entry(host, &target->hosts, node)
		carry_out_functions(host, &todo->aborts);
	list_for_each_entry(host, &target->hosts, node)
		settle_host(host, &todo->ends);
	tgt_take_released(target, &todo->answers);
}

static void do_it(struct todo *todo)
{
	tgt_abort_all(&todo->aborts);
	tgt_end_by_kernel(&todo->ends);
	tgt_answer_all(&todo->answers);
}

/* Ends what nobody else ends, and answers functions that waited for it. */
static void target_work(struct work_struct *work)
{
	struct scsi_tgt_target *target = container_of(work, struct scsi_tgt_target, work);
	struct todo todo;

	mutex_lock(&tgt_mutex);
	settle_locked(target, &todo);
	mutex_unlock(&tgt_mutex);
	do_it(&todo);
}

/* Nobody serves it any more, and nobody came in time. */
static void expire_work(struct work_struct *work)
{
	struct scsi_tgt_target *target = container_of(to_delayed_work(work),
						      struct scsi_tgt_target, expire);
	struct scsi_tgt_host *host;
	struct todo todo;

	mutex_lock(&tgt_mutex);
	if (!target->gone && (target->d || time_before(jiffies, target->deadline))) {
		mutex_unlock(&tgt_mutex);
		return;
	}
	target->gone = true;
	/* It may have been queued again while this waited for the mutex. */
	cancel_delayed_work(&target->expire);
	list_del_init(&target->node);
	list_for_each_entry(host, &target->hosts, node) {
		spin_lock_irq(&host->lock);
		host->gone = true;
		spin_unlock_irq(&host->lock);
	}
	settle_locked(target, &todo);
	mutex_unlock(&tgt_mutex);

	do_it(&todo);
	/* Functions that waited for what has ended are answered before the sessions end. */
	flush_work(&target->work);
	target->fabric->target_gone(target);
	target->fabric->targets_changed();
	module_put(target->fabric->owner);
	scsi_tgt_put_target(target);
}

static void detach_locked(struct scsi_tgt_target *target, unsigned long recovery)
{
	struct tgt_daemon *d = target->d;
	struct scsi_tgt_host *host;

	lockdep_assert_held(&tgt_mutex);
	list_del_init(&target->daemon_node);
	target->d = NULL;
	list_for_each_entry(host, &target->hosts, node)
		tgt_host_detach(host, d);
	if (!recovery) {
		/* Nobody may adopt it meanwhile. */
		target->gone = true;
		list_del_init(&target->node);
	}
	target->deadline = jiffies + recovery;
	mod_delayed_work(tgt_wq, &target->expire, recovery);
	queue_work(tgt_wq, &target->work);
}

/* One that was unbound leaves its daemon with its last nexus. */
void tgt_detach_unused_locked(struct scsi_tgt_target *target)
{
	lockdep_assert_held(&tgt_mutex);
	if (target->gone && target->d && list_empty(&target->hosts))
		detach_locked(target, 0);
}

/**
 * tgt_daemon_die() - the process is gone, or has closed the file
 * @d: carries out no answer after this; again: does nothing
 *
 * Context: may sleep.
 */
void tgt_daemon_die(struct tgt_daemon *d)
{
	struct scsi_tgt_target *target, *next;
	bool was_dead;

	down_write(&d->sem);
	was_dead = d->dead;
	d->dead = true;
	up_write(&d->sem);
	if (was_dead)
		return;
	mutex_lock(&tgt_mutex);
	list_for_each_entry_safe(target, next, &d->targets, daemon_node)
		detach_locked(target, target->gone ? 0 : d->recovery);
	mutex_unlock(&tgt_mutex);
	/* Somebody else may keep the file open, but has no use for the memory. */
	tgt_return_lent(d);
	tgt_unreg_all(d);
}

/* ---- a daemon that does nothing ------------------------------------------------------ */

static bool hangs_on(struct scsi_tgt_host *host, struct tgt_daemon *d, bool *busy)
{
	struct scsi_tgt_cmd *cmd;
	bool hangs = false;
	unsigned long i;

	spin_lock_irq(&host->lock);
	*busy |= host->pair && (host->nr_live || host->up_due || host->down_due);
	if (host->pair && host->down && time_after(jiffies, host->down_since + d->timeout))
		xa_for_each(&host->cmds, i, cmd)
			hangs |= cmd->state != TGT_ST_FREE && cmd->state != TGT_ST_XFER;
	spin_unlock_irq(&host->lock);
	return hangs;
}

static bool hangs(struct tgt_daemon *d)
{
	struct scsi_tgt_target *target;
	struct scsi_tgt_host *host;
	bool busy = false, late = false;

	mutex_lock(&tgt_mutex);
	list_for_each_entry(target, &d->targets, daemon_node)
		list_for_each_entry(host, &target->hosts, node)
			late |= hangs_on(host, d, &busy);
	mutex_unlock(&tgt_mutex);
	/* Who has nothing to do is not late. */
	if (!busy)
		WRITE_ONCE(d->last_enter, jiffies);
	return late || time_after(jiffies, READ_ONCE(d->last_enter) + d->timeout);
}

static bool owner_lives(const struct tgt_daemon *d)
{
	const struct task_struct *task;
	bool lives;

	rcu_read_lock();
	task = pid_task(d->owner, PIDTYPE_TGID);
	lives = task && atomic_read(&task->signal->live);
	rcu_read_unlock();
	return lives;
}

/* Kills a daemon that hangs or breaks the rules: only then it is known what it does not do. */
void tgt_watchdog(struct work_struct *work)
{
	struct tgt_daemon *d = container_of(to_delayed_work(work), struct tgt_daemon, watchdog);

	if (READ_ONCE(d->dead))
		return;
	/* Nobody closes the file when a process ends that shares its table of files. */
	if (!owner_lives(d)) {
		tgt_daemon_die(d);
		return;
	}
	if (READ_ONCE(d->broken) || hangs(d)) {
		pr_warn_ratelimited("daemon %d: killed, as it %s\n", pid_nr(d->owner),
				    READ_ONCE(d->broken) ? "broke the rules of its rings" :
				    "did not answer in time");
		kill_pid(d->owner, SIGKILL, 1);
	}
	queue_delayed_work(tgt_wq, &d->watchdog, max(d->timeout / 4, 1UL));
}

/* ---- bind and unbind ------------------------------------------------------------------- */

static bool is_text(const char *s, size_t size)
{
	return strnlen(s, size) < size;
}

static int get_initiators(const struct scsi_tgt_fabric *fabric, const struct tgt_bind *bind,
			  char (**names)[TGT_NAME_LEN])
{
	u32 i;

	*names = NULL;
	if (!bind->nr_initiators)
		return 0;
	if (bind->nr_initiators > MAX_INITIATORS)
		return -E2BIG;
	*names = vmemdup_user(u64_to_user_ptr(bind->initiators),
			      (size_t)bind->nr_initiators * TGT_NAME_LEN);
	if (IS_ERR(*names))
		return PTR_ERR(*names);
	for (i = 0; i < bind->nr_initiators; i++)
		if (!is_text((*names)[i], TGT_NAME_LEN) || fabric->check_name((*names)[i], true)) {
			kvfree(*names);
			return -EINVAL;
		}
	return 0;
}

/* One of the same identity: a port without a name is all ports. */
static struct scsi_tgt_target *find_same(const struct scsi_tgt_fabric *fabric,
					 const struct tgt_bind *bind, bool *exact)
{
	struct scsi_tgt_target *target;

	list_for_each_entry(target, &tgt_targets, node) {
		*exact = !strcmp(target->port, bind->port);
		if (target->fabric == fabric && target->id_ext == bind->id_ext &&
		    (*exact || !target->port[0] || !bind->port[0]))
			return target;
	}
	return NULL;
}

static struct scsi_tgt_target *new_target(const struct scsi_tgt_fabric *fabric,
					  const struct tgt_bind *bind)
{
	struct scsi_tgt_target *target = kzalloc(sizeof(*target), GFP_KERNEL);

	if (!target)
		return NULL;
	kref_init(&target->ref);
	target->fabric = fabric;
	strscpy(target->port, bind->port, sizeof(target->port));
	target->id_ext = bind->id_ext;
	INIT_LIST_HEAD(&target->hosts);
	INIT_LIST_HEAD(&target->held);
	INIT_LIST_HEAD(&target->daemon_node);
	INIT_WORK(&target->work, target_work);
	INIT_WORK(&target->free_work, free_work);
	INIT_DELAYED_WORK(&target->expire, expire_work);
	return target;
}

/* Sessions that have outlived their daemon go on with this one. */
static int attach_hosts(struct scsi_tgt_target *target, struct tgt_daemon *d)
{
	struct scsi_tgt_host *host;
	int ret;

	list_for_each_entry(host, &target->hosts, node) {
		ret = xa_insert(&d->hosts, host->no, host, GFP_KERNEL);
		if (!ret)
			continue;
		list_for_each_entry_continue_reverse(host, &target->hosts, node)
			xa_erase(&d->hosts, host->no);
		return ret;
	}
	list_for_each_entry(host, &target->hosts, node)
		if (!READ_ONCE(host->down))
			tgt_host_attach(host, d);
	return 0;
}

static int bind_new(const struct scsi_tgt_fabric *fabric, const struct tgt_bind *bind,
		    struct scsi_tgt_target **target)
{
	if (!try_module_get(fabric->owner))
		return -ENODEV;
	*target = new_target(fabric, bind);
	if (!*target) {
		module_put(fabric->owner);
		return -ENOMEM;
	}
	list_add_tail(&(*target)->node, &tgt_targets);
	return 0;
}

/*
 * Takes over *@names on success, and leaves there what is to be freed. @changed: gets a reference
 * to a target that had been bound before.
 */
static int bind_locked(struct tgt_daemon *d, const struct scsi_tgt_fabric *fabric,
		       struct tgt_bind *bind, char (**names)[TGT_NAME_LEN], struct todo *todo,
		       struct scsi_tgt_target **changed)
{
	struct scsi_tgt_target *target;
	bool exact;
	int ret;

	target = find_same(fabric, bind, &exact);
	if (target && target->d == d && exact) {
		*changed = target;
		kref_get(&target->ref);
		goto names;
	}
	if (target && (target->d || !exact))
		return -EADDRINUSE;
	ret = target ? 0 : bind_new(fabric, bind, &target);
	if (ret)
		return ret;
	target->id = ++d->next_target;
	/* What the predecessor left has to be sorted out first. */
	settle_locked(target, todo);
	ret = attach_hosts(target, d);
	if (ret)
		return ret;
	cancel_delayed_work(&target->expire);
	target->d = d;
	list_add_tail(&target->daemon_node, &d->targets);
names:
	swap(target->initiators, *names);
	target->nr_initiators = bind->nr_initiators;
	bind->target_id = target->id;
	return 0;
}

/**
 * tgt_bind() - serve a target
 * @d: alive
 * @bind: completed
 *
 * Context: may sleep. Return: 0; -EINVAL (a name), -ENODEV (no such fabric: its driver is not
 * loaded), -EADDRINUSE (another daemon serves it), -E2BIG, -EFAULT, -ENOMEM.
 */
int tgt_bind(struct tgt_daemon *d, struct tgt_bind *bind)
{
	const struct scsi_tgt_fabric *fabric;
	struct scsi_tgt_target *changed = NULL;
	char (*names)[TGT_NAME_LEN];
	struct todo todo = {
		.aborts		= LIST_HEAD_INIT(todo.aborts),
		.ends		= LIST_HEAD_INIT(todo.ends),
		.answers	= LIST_HEAD_INIT(todo.answers),
	};
	int ret;

	if (!is_text(bind->fabric, sizeof(bind->fabric)) ||
	    !is_text(bind->port, sizeof(bind->port)))
		return -EINVAL;
	fabric = tgt_find_fabric(bind->fabric);
	if (!fabric)
		return -ENODEV;
	ret = bind->port[0] ? fabric->check_name(bind->port, false) : 0;
	if (!ret)
		ret = get_initiators(fabric, bind, &names);
	if (ret)
		goto put;
	mutex_lock(&tgt_mutex);
	ret = bind_locked(d, fabric, bind, &names, &todo, &changed);
	mutex_unlock(&tgt_mutex);
	do_it(&todo);
	kvfree(names);
	if (changed) {
		fabric->initiators_changed(changed);
		scsi_tgt_put_target(changed);
	} else if (!ret) {
		fabric->targets_changed();
	}
put:
	module_put(fabric->owner);
	return ret;
}

/**
 * tgt_unbind() - serve a target no longer
 * @d: alive; goes on with what it has of the target's nexuses, until each is down
 * @id: as tgt_bind() said
 *
 * Context: may sleep; does not wait for the nexuses. Return: 0, or -ENOENT.
 */
int tgt_unbind(struct tgt_daemon *d, u32 id)
{
	struct scsi_tgt_target *target, *found = NULL;

	mutex_lock(&tgt_mutex);
	list_for_each_entry(target, &d->targets, daemon_node)
		if (target->id == id && !target->gone)
			found = target;
	if (found) {
		kref_get(&found->ref);
		/* Bound, so it is pinned until now; its last nexus may go at any time. */
		__module_get(found->fabric->owner);
		found->gone = true;
		list_del_init(&found->node);
		tgt_detach_unused_locked(found);
	}
	mutex_unlock(&tgt_mutex);
	if (!found)
		return -ENOENT;
	found->fabric->target_gone(found);
	found->fabric->targets_changed();
	module_put(found->fabric->owner);
	scsi_tgt_put_target(found);
	return 0;
}
