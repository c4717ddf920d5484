// SPDX-License-Identifier: GPL-2.0
/*
 * Gates, for tests only (make GATES=1): hold a command where it is until a test
 * lets it go on, so that a test sees each state without sleeping.
 *
 * debugfs, ib_srpt/gates/POINT: writing "TAG" or "TAG INITIATOR" (hexadecimal,
 * as on the wire) arms the gate for the commands with that tag, of that
 * initiator port id; writing "open" lets all go on and disarms it. Reading
 * tells how many are armed for, and shows the tag of each command that waits.
 *
 * A gate is passed in process context only, by whoever would have gone on with
 * the command. A channel that closes does not open it: that is what some tests
 * are about. The gate "sq" holds no command, but what it used of the send queue.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include "srpt.h"

#define MAX_ARMED	16

struct gate_key {
	u64	tag;
	u8	i_port_id[16];
	bool	any_nexus;
};

struct gate_waiter {
	struct list_head	node;
	u64			tag;
	struct srpt_channel	*ch;	/* of the gate "sq": whose slots are kept */
	u32			nr_wr;
};

static struct gate {
	spinlock_t		lock;		/* protects the rest */
	wait_queue_head_t	wait;
	u32			opened;		/* how often */
	u32			nr_armed;
	struct gate_key		armed[MAX_ARMED];
	struct list_head	waiters;
} srpt_gates[SRPT_GATE_NR];

static bool armed_locked(const struct gate *gate, const struct srpt_cmd *cmd)
{
	u32 i;

	for (i = 0; i < gate->nr_armed; i++)
		if (gate->armed[i].tag == cmd->iu.tag &&
		    (gate->armed[i].any_nexus ||
		     !memcmp(gate->armed[i].i_port_id, cmd->ch->nexus->peer.i_port_id, 16)))
			return true;
	return false;
}

/* Waits if the gate is armed for the command. Context: process. */
void srpt_gate(enum srpt_gate_point point, struct srpt_cmd *cmd)
{
	struct gate *gate = &srpt_gates[point];
	struct gate_waiter waiter = { .tag = cmd->iu.tag };
	u32 opened;

	if (!READ_ONCE(gate->nr_armed))
		return;
	spin_lock_bh(&gate->lock);
	if (!armed_locked(gate, cmd)) {
		spin_unlock_bh(&gate->lock);
		return;
	}
	opened = gate->opened;
	list_add_tail(&waiter.node, &gate->waiters);
	spin_unlock_bh(&gate->lock);

	wait_event(gate->wait, READ_ONCE(gate->opened) != opened);

	spin_lock_bh(&gate->lock);
	list_del(&waiter.node);
	spin_unlock_bh(&gate->lock);
}

/**
 * srpt_gate_keep() - keep slots of the send queue until the gate is opened
 * @cmd: is done with them
 * @nr_wr: how many
 *
 * Context: any. Return: whether they are kept; nobody has to give them back then.
 */
bool srpt_gate_keep(struct srpt_cmd *cmd, u32 nr_wr)
{
	struct gate *gate = &srpt_gates[SRPT_GATE_SQ];
	struct gate_waiter *kept;
	bool keep;

	if (!nr_wr || !READ_ONCE(gate->nr_armed))
		return false;
	kept = kmalloc(sizeof(*kept), GFP_ATOMIC);
	if (!kept)
		return false;
	kept->tag = cmd->iu.tag;
	kept->ch = cmd->ch;
	kept->nr_wr = nr_wr;
	spin_lock_bh(&gate->lock);
	keep = armed_locked(gate, cmd);
	if (keep) {
		refcount_inc(&cmd->ch->cmd_ref);
		list_add_tail(&kept->node, &gate->waiters);
	}
	spin_unlock_bh(&gate->lock);
	if (!keep)
		kfree(kept);
	return keep;
}

static void open_gate(struct gate *gate)
{
	struct gate_waiter *kept, *next;
	LIST_HEAD(list);

	spin_lock_bh(&gate->lock);
	gate->nr_armed = 0;
	WRITE_ONCE(gate->opened, gate->opened + 1);
	if (gate == &srpt_gates[SRPT_GATE_SQ])
		list_splice_init(&gate->waiters, &list);
	spin_unlock_bh(&gate->lock);
	wake_up_all(&gate->wait);
	list_for_each_entry_safe(kept, next, &list, node) {
		srpt_sq_give_back(kept->ch, kept->nr_wr);
		srpt_channel_put_cmd_ref(kept->ch);
		kfree(kept);
	}
}

static int gate_show(struct seq_file *m, void *unused)
{
	struct gate *gate = m->private;
	struct gate_waiter *waiter;

	spin_lock_bh(&gate->lock);
	seq_printf(m, "armed for %u\n", gate->nr_armed);
	list_for_each_entry(waiter, &gate->waiters, node)
		seq_printf(m, "waits %016llx\n", be64_to_cpu((__force __be64)waiter->tag));
	spin_unlock_bh(&gate->lock);
	return 0;
}

static int gate_open(struct inode *inode, struct file *file)
{
	return single_open(file, gate_show, inode->i_private);
}

/* "TAG" or "TAG INITIATOR" */
static int parse_key(const char *text, struct gate_key *key)
{
	__be64 i_port_id[2];
	u64 tag, id[2] = {};
	int n;

	n = sscanf(text, "%16llx %16llx%16llx", &tag, &id[0], &id[1]);
	if (n != 1 && n != 3)
		return -EINVAL;
	key->tag = (__force u64)cpu_to_be64(tag);
	key->any_nexus = n == 1;
	i_port_id[0] = cpu_to_be64(id[0]);
	i_port_id[1] = cpu_to_be64(id[1]);
	if (n == 3)
		memcpy(key->i_port_id, i_port_id, sizeof(i_port_id));
	return 0;
}

static ssize_t gate_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	struct gate *gate = ((struct seq_file *)file->private_data)->private;
	struct gate_key key = {};
	char text[64] = "";
	int ret = 0;

	if (len >= sizeof(text) || copy_from_user(text, from, len))
		return -EINVAL;
	if (!strcmp(strim(text), "open")) {
		open_gate(gate);
		return len;
	}
	if (parse_key(strim(text), &key))
		return -EINVAL;
	spin_lock_bh(&gate->lock);
	if (gate->nr_armed == MAX_ARMED)
		ret = -ENOSPC;
	else
		gate->armed[gate->nr_armed++] = key;
	spin_unlock_bh(&gate->lock);
	return ret ?: len;
}

static const struct file_operations gate_fops = {
	.owner		= THIS_MODULE,
	.open		= gate_open,
	.read		= seq_read,
	.write		= gate_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

void srpt_gate_register(struct dentry *parent)
{
	static const char * const names[] = {
		[SRPT_GATE_READ_DONE]	= "read_done",
		[SRPT_GATE_RESPOND]	= "respond",
		[SRPT_GATE_SQ]		= "sq",
	};
	struct dentry *dir = debugfs_create_dir("gates", parent);
	int i;

	for (i = 0; i < SRPT_GATE_NR; i++) {
		struct gate *gate = &srpt_gates[i];

		spin_lock_init(&gate->lock);
		init_waitqueue_head(&gate->wait);
		INIT_LIST_HEAD(&gate->waiters);
		debugfs_create_file(names[i], 0600, dir, gate, &gate_fops);
	}
}

/* Nobody can open them any more. */
void srpt_gate_unregister(void)
{
	int i;

	for (i = 0; i < SRPT_GATE_NR; i++)
		open_gate(&srpt_gates[i]);
}
