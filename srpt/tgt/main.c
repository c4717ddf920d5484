// SPDX-License-Identifier: GPL-2.0
/*
 * scsi_tgt.ko: SCSI targets in user space, whatever the fabric.
 *
 * This file is the device, /dev/tgt, and the list of fabrics. An open file is a
 * daemon; only the process that opened it may use it, so that it is known who is
 * to be gone before others take over.
 */
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include "../compat.h"
#include "tgt.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

#define DEFAULT_TIMEOUT	30000U	/* ms */
#define MAX_FABRICS	4
#define ANSWERS_PER_TURN 32	/* before others may have the CPU */

DEFINE_MUTEX(tgt_mutex);	/* see tgt.h */
LIST_HEAD(tgt_daemons);
LIST_HEAD(tgt_targets);
struct workqueue_struct *tgt_wq;
static const struct scsi_tgt_fabric *tgt_fabrics[MAX_FABRICS];	/* [M] */

/* ---- fabrics ------------------------------------------------------------------- */

int scsi_tgt_register_fabric(const struct scsi_tgt_fabric *fabric)
{
	int i, ret = -EEXIST;

	mutex_lock(&tgt_mutex);
	for (i = 0; i < MAX_FABRICS; i++)
		if (!tgt_fabrics[i]) {
			tgt_fabrics[i] = fabric;
			ret = 0;
			break;
		}
	mutex_unlock(&tgt_mutex);
	return ret;
}
EXPORT_SYMBOL_GPL(scsi_tgt_register_fabric);

void scsi_tgt_unregister_fabric(const struct scsi_tgt_fabric *fabric)
{
	int i;

	mutex_lock(&tgt_mutex);
	for (i = 0; i < MAX_FABRICS; i++)
		if (tgt_fabrics[i] == fabric)
			tgt_fabrics[i] = NULL;
	mutex_unlock(&tgt_mutex);
	flush_workqueue(tgt_wq);
}
EXPORT_SYMBOL_GPL(scsi_tgt_unregister_fabric);

/* With its owner pinned, or NULL. Context: may sleep. */
const struct scsi_tgt_fabric *tgt_find_fabric(const char *name)
{
	const struct scsi_tgt_fabric *found = NULL;
	int i;

	mutex_lock(&tgt_mutex);
	for (i = 0; i < MAX_FABRICS; i++)
		if (tgt_fabrics[i] && !strcmp(tgt_fabrics[i]->name, name) &&
		    try_module_get(tgt_fabrics[i]->owner))
			found = tgt_fabrics[i];
	mutex_unlock(&tgt_mutex);
	return found;
}

/* ---- the device ------------------------------------------------------------------ */

static int tgt_open(struct inode *inode, struct file *file)
{
	struct tgt_daemon *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return -ENOMEM;
	init_rwsem(&d->sem);
	d->owner = get_pid(task_tgid(current));
	xa_init(&d->hosts);
	xa_init_flags(&d->bufs, XA_FLAGS_ALLOC1);
	INIT_LIST_HEAD(&d->targets);
	INIT_DELAYED_WORK(&d->watchdog, tgt_watchdog);
	d->last_enter = jiffies;
	mutex_lock(&tgt_mutex);
	list_add_tail(&d->node, &tgt_daemons);
	mutex_unlock(&tgt_mutex);
	file->private_data = d;
	return nonseekable_open(inode, file);
}

static int tgt_release(struct inode *inode, struct file *file)
{
	struct tgt_daemon *d = file->private_data;

	tgt_daemon_die(d);
	cancel_delayed_work_sync(&d->watchdog);
	mutex_lock(&tgt_mutex);
	list_del(&d->node);
	mutex_unlock(&tgt_mutex);
	tgt_free_pairs(d);
	xa_destroy(&d->hosts);
	xa_destroy(&d->bufs);
	put_pid(d->owner);
	kfree(d);
	return 0;
}

static bool is_owner(const struct tgt_daemon *d)
{
	return task_tgid(current) == d->owner;
}

/* When the owner is gone the daemon is, even if somebody else has inherited the file. */
static int tgt_flush(struct file *file, fl_owner_t id)
{
	struct tgt_daemon *d = file->private_data;

	if (is_owner(d) && !atomic_read(&current->signal->live))
		tgt_daemon_die(d);
	return 0;
}

static int tgt_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct tgt_daemon *d = file->private_data;
	/* Pairs with tgt_setup_pairs(): the rings are there. */
	u32 nr = smp_load_acquire(&d->nr_pairs);
	u64 i, rest;

	if (!is_owner(d))
		return -EPERM;
	if (!nr)
		return -EINVAL;
	i = div64_u64_rem((u64)vma->vm_pgoff << PAGE_SHIFT, d->ring_size, &rest);
	if (rest || i >= nr || vma->vm_end - vma->vm_start != d->ring_size)
		return -EINVAL;
	return remap_vmalloc_range(vma, d->pairs[i].head, 0);
}

/* ---- ioctls: each with the daemon's sem held, and it is alive ---------------------- */

static long ioctl_setup(struct tgt_daemon *d, void __user *arg)
{
	struct tgt_setup setup;
	int ret;

	if (copy_from_user(&setup, arg, sizeof(setup)))
		return -EFAULT;
	if (d->nr_pairs || d->dead)
		return -EBUSY;
	d->timeout = msecs_to_jiffies(setup.timeout_ms ?: DEFAULT_TIMEOUT);
	d->recovery = msecs_to_jiffies(setup.recovery_ms);
	ret = tgt_setup_pairs(d, &setup);
	if (ret)
		return ret;
	queue_delayed_work(tgt_wq, &d->watchdog, max(d->timeout / 4, 1UL));
	return copy_to_user(arg, &setup, sizeof(setup)) ? -EFAULT : 0;
}

static long ioctl_eventfd(struct tgt_daemon *d, void __user *arg)
{
	struct eventfd_ctx *ctx;
	struct tgt_eventfd e;

	if (copy_from_user(&e, arg, sizeof(e)))
		return -EFAULT;
	if (e.ring >= d->nr_pairs)
		return -EINVAL;
	ctx = eventfd_ctx_fdget(e.fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	tgt_set_eventfd(&d->pairs[e.ring], ctx);
	return 0;
}

static long ioctl_bind(struct tgt_daemon *d, void __user *arg)
{
	struct tgt_bind bind;
	int ret;

	if (copy_from_user(&bind, arg, sizeof(bind)))
		return -EFAULT;
	if (!d->nr_pairs)
		return -EINVAL;
	ret = tgt_bind(d, &bind);
	if (ret)
		return ret;
	return copy_to_user(arg, &bind, sizeof(bind)) ? -EFAULT : 0;
}

static long ioctl_reg_buf(struct tgt_daemon *d, void __user *arg)
{
	struct tgt_reg_buf reg;
	int ret;

	if (copy_from_user(&reg, arg, sizeof(reg)))
		return -EFAULT;
	ret = tgt_reg_buf(d, &reg);
	if (ret)
		return ret;
	return copy_to_user(arg, &reg, sizeof(reg)) ? -EFAULT : 0;
}

static long ioctl_lend(struct tgt_daemon *d, void __user *arg)
{
	struct tgt_lend lend;

	return copy_from_user(&lend, arg, sizeof(lend)) ? -EFAULT : tgt_lend(d, &lend);
}

static long ioctl_number(struct tgt_daemon *d, void __user *arg,
			 int (*fn)(struct tgt_daemon *d, u32 id))
{
	u32 id;

	return get_user(id, (u32 __user *)arg) ? -EFAULT : fn(d, id);
}

/* All answers that are there, until one cannot be taken for lack of memory. */
static void take_answers(struct tgt_pair *pair, struct tgt_enter *e)
{
	u32 most = pair->ans_slots;	/* who writes on meanwhile calls again */
	int ret;

	while (most-- && !fatal_signal_pending(current) && tgt_take_answer(pair)) {
		ret = tgt_handle_answer(pair->d, &pair->answer);
		if (ret && !e->error)
			e->error = ret;
		if (ret == -ENOMEM)
			break;
		e->consumed++;
		e->rejected += !!ret;
		tgt_answer_taken(pair);
		/* Not after each: who runs between two answers gets them one by one. */
		if (e->consumed % ANSWERS_PER_TURN == 0)
			cond_resched();
	}
}

static void note_rejected(struct tgt_daemon *d, u32 n, int error)
{
	WRITE_ONCE(d->rejected, d->rejected + n);
	pr_info_ratelimited("daemon %d: %u answers had no effect, the first for error %d\n",
			    pid_nr(d->owner), n, error);
}

/* Return: 0, with the results in @e; -EINVAL: no such ring; -EPIPE: no more of this daemon. */
static int enter(struct tgt_daemon *d, struct tgt_enter *e)
{
	struct tgt_pair *pair;

	if (e->ring >= d->nr_pairs)
		return -EINVAL;
	pair = &d->pairs[e->ring];
	*e = (struct tgt_enter) { .ring = e->ring };
	mutex_lock(&pair->enter);
	take_answers(pair, e);
	mutex_unlock(&pair->enter);
	tgt_push_waiting(pair);

	WRITE_ONCE(d->last_enter, jiffies);
	if (e->rejected)
		note_rejected(d, e->rejected, e->error);
	return READ_ONCE(d->broken) ? -EPIPE : 0;
}

/* TGT_IOC_ANSWER. Return: 0, or why it has no effect. */
static int answer_at(struct tgt_daemon *d, const void __user *from)
{
	struct tgt_answer ans;
	int ret;

	if (copy_from_user(&ans, from, sizeof(ans)))
		return -EFAULT;
	if (ans.type == TGT_NO_ANSWER)
		return -ECANCELED;
	ret = tgt_handle_answer(d, &ans);
	WRITE_ONCE(d->last_enter, jiffies);
	if (ret && ret != -ENOMEM)
		note_rejected(d, 1, ret);
	return ret;
}

static long ioctl_enter(struct tgt_daemon *d, void __user *arg)
{
	struct tgt_enter e;
	int ret;

	if (copy_from_user(&e, arg, sizeof(e)))
		return -EFAULT;
	ret = enter(d, &e);
	if (ret)
		return ret;
	return copy_to_user(arg, &e, sizeof(e)) ? -EFAULT : 0;
}

static long do_ioctl(struct tgt_daemon *d, unsigned int cmd, void __user *arg)
{
	switch (cmd) {
	case TGT_IOC_EVENTFD:
		return ioctl_eventfd(d, arg);
	case TGT_IOC_BIND:
		return ioctl_bind(d, arg);
	case TGT_IOC_UNBIND:
		return ioctl_number(d, arg, tgt_unbind);
	case TGT_IOC_REG_BUF:
		return ioctl_reg_buf(d, arg);
	case TGT_IOC_UNREG_BUF:
		return ioctl_number(d, arg, tgt_unreg_buf);
	case TGT_IOC_ENTER:
		return ioctl_enter(d, arg);
	case TGT_IOC_LEND:
		return ioctl_lend(d, arg);
	default:
		return -ENOTTY;
	}
}

static bool is_alive(const struct tgt_daemon *d)
{
	return !d->dead && !READ_ONCE(d->broken);
}

static long tgt_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct tgt_daemon *d = file->private_data;
	void __user *p = (void __user *)arg;
	long ret;

	if (!is_owner(d))
		return -EPERM;
	if (cmd == TGT_IOC_SETUP) {
		down_write(&d->sem);
		ret = ioctl_setup(d, p);
		up_write(&d->sem);
		return ret;
	}
	down_read(&d->sem);
	ret = is_alive(d) ? do_ioctl(d, cmd, p) : -EPIPE;
	up_read(&d->sem);
	return ret;
}

/* @arg: in memory that the daemon writes to */
static int uring_cmd(struct tgt_daemon *d, u32 op, const void *arg)
{
	const struct tgt_enter *enter_arg = arg;
	const u64 *addr = arg;
	struct tgt_enter e;

	switch (op) {
	case TGT_IOC_ENTER:
		e.ring = READ_ONCE(enter_arg->ring);
		return enter(d, &e) ?: e.error;
	case TGT_IOC_ANSWER:
		return answer_at(d, u64_to_user_ptr(READ_ONCE(*addr)));
	default:
		return -ENOTTY;
	}
}

/* Answers by a request of io_uring, so that they cost no system call of their own. */
static int tgt_uring_cmd(struct io_uring_cmd *ioucmd, unsigned int issue_flags)
{
	struct tgt_daemon *d = ioucmd->file->private_data;
	int ret;

	if (!is_owner(d))
		return -EPERM;
	/* Only TGT_IOC_SETUP and the end have it: then a thread of io_uring waits instead. */
	if (!(issue_flags & IO_URING_F_NONBLOCK))
		down_read(&d->sem);
	else if (!down_read_trylock(&d->sem))
		return -EAGAIN;
	ret = is_alive(d) ? uring_cmd(d, ioucmd->cmd_op, srpt_uring_cmd(ioucmd)) : -EPIPE;
	up_read(&d->sem);
	return ret;
}

static const struct file_operations tgt_fops = {
	.owner		= THIS_MODULE,
	.open		= tgt_open,
	.release	= tgt_release,
	.flush		= tgt_flush,
	.mmap		= tgt_mmap,
	.unlocked_ioctl	= tgt_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.uring_cmd	= tgt_uring_cmd,
};

static struct miscdevice tgt_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "tgt",
	.fops	= &tgt_fops,
	.mode	= 0600,
};

static int __init tgt_init(void)
{
	int ret;

	tgt_wq = alloc_workqueue("scsi_tgt", WQ_UNBOUND, 0);
	if (!tgt_wq)
		return -ENOMEM;
	tgt_debug_register();
	ret = misc_register(&tgt_misc);
	if (ret) {
		tgt_debug_unregister();
		destroy_workqueue(tgt_wq);
	}
	return ret;
}

static void __exit tgt_exit(void)
{
	misc_deregister(&tgt_misc);
	tgt_debug_unregister();
	destroy_workqueue(tgt_wq);
}

module_init(tgt_init);
module_exit(tgt_exit);

MODULE_DESCRIPTION("SCSI targets in user space");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
