// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs: /sys/kernel/debug/scsi_tgt/targets shows daemons, targets and hosts,
 * and what each command and function that has not ended waits for. For people:
 * the format is not an interface.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include "tgt.h"

static struct dentry *tgt_debug_dir;

static const char *waits_for(const struct scsi_tgt_cmd *cmd)
{
	switch (cmd->state) {
	case TGT_ST_REQ_QUEUED:
	case TGT_ST_DONE_QUEUED:
	case TGT_ST_TMF_QUEUED:
		return cmd->host->pair ? "room in the ring to the daemon" : "a daemon";
	case TGT_ST_AT_DAEMON:
	case TGT_ST_TMF_AT_DAEMON:
		return "the daemon";
	case TGT_ST_XFER:
		return "the fabric";
	case TGT_ST_TMF_HELD:
		return "commands that it covers";
	default:
		return "the kernel";
	}
}

static void show_host(struct seq_file *m, struct scsi_tgt_host *host)
{
	struct scsi_tgt_cmd *cmd;
	unsigned long i;

	spin_lock_irq(&host->lock);
	seq_printf(m, "    host %u initiator %16phN target %16phN%s: %u in progress\n", host->no,
		   host->i_port_id, host->t_port_id, host->down ? ", down" : "", host->nr_live);
	xa_for_each(&host->cmds, i, cmd)
		if (cmd->state != TGT_ST_FREE)
			seq_printf(m, "      %s tag %#llx LUN %8phN waits for %s\n",
				   tgt_is_command(cmd) ? "command" : "function", cmd->tag,
				   cmd->lun, waits_for(cmd));
	spin_unlock_irq(&host->lock);
}

static void show_target(struct seq_file *m, struct scsi_tgt_target *target)
{
	struct scsi_tgt_host *host;

	seq_printf(m, "  target id_ext %016llx port '%s' of %s: ", target->id_ext, target->port,
		   target->fabric->name);
	if (target->d)
		seq_printf(m, "daemon %d\n", pid_vnr(target->d->owner));
	else
		seq_puts(m, "waits for a daemon\n");
	list_for_each_entry(host, &target->hosts, node)
		show_host(m, host);
}

static int targets_show(struct seq_file *m, void *unused)
{
	struct scsi_tgt_target *target;
	struct tgt_daemon *d;

	mutex_lock(&tgt_mutex);
	list_for_each_entry(d, &tgt_daemons, node)
		seq_printf(m, "daemon %d: %u rings, %llu answers without effect%s%s\n",
			   pid_vnr(d->owner), d->nr_pairs, READ_ONCE(d->rejected),
			   READ_ONCE(d->dead) ? ", dead" : "",
			   READ_ONCE(d->broken) ? ", broken" : "");
	list_for_each_entry(target, &tgt_targets, node)
		show_target(m, target);
	mutex_unlock(&tgt_mutex);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(targets);

/* Nothing depends on it, so nothing can go wrong. */
void tgt_debug_register(void)
{
	tgt_debug_dir = debugfs_create_dir("scsi_tgt", NULL);
	debugfs_create_file("targets", 0400, tgt_debug_dir, NULL, &targets_fops);
}

void tgt_debug_unregister(void)
{
	debugfs_remove_recursive(tgt_debug_dir);
}
