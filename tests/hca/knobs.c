// SPDX-License-Identifier: GPL-2.0
/* What a test can break, in debugfs: rvt_hca/hca<N>/ and rvt_hca/hca<N>/port<P>/; see README.md. */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "fault.h"

#define HCA_MAX_DELAY	(60 * USEC_PER_SEC)
#define HCA_MAX_WORDS	5

/**
 * struct hca_knob - a kind of file
 * @name: of the file
 * @show: print it
 * @store: text was written; words are separated by one NUL each; NULL: cannot be written
 */
struct hca_knob {
	const char	*name;
	void		(*show)(struct hca_file *file, struct seq_file *s);
	int		(*store)(struct hca_file *file, int nr_words, char **words);
};

static struct dentry *hca_debugfs;

/* ---- names ----------------------------------------------------------------------------------- */

struct hca_name {
	const char	*name;
	int		value;
};

static const struct hca_name mad_classes[] = {
	{ "any", RULE_ANY },
	{ "smp", IB_MGMT_CLASS_SUBN_LID_ROUTED },
	{ "dr", IB_MGMT_CLASS_SUBN_DIRECTED_ROUTE },
	{ "sa", IB_MGMT_CLASS_SUBN_ADM },
	{ "perf", IB_MGMT_CLASS_PERF_MGMT },
	{ "dm", IB_MGMT_CLASS_DEVICE_MGMT },
	{ "cm", IB_MGMT_CLASS_CM },
	{ }
};

/* Numbers of IBA 16.7; others are written as numbers. */
static const struct hca_name mad_attrs[] = {
	{ "any", RULE_ANY },
	{ "req", 0x10 },
	{ "mra", 0x11 },
	{ "rej", 0x12 },
	{ "rep", 0x13 },
	{ "rtu", 0x14 },
	{ "dreq", 0x15 },
	{ "drep", 0x16 },
	{ "sidr_req", 0x17 },
	{ "sidr_rep", 0x18 },
	{ "lap", 0x19 },
	{ "apr", 0x1a },
	{ }
};

static const struct hca_name opcodes[] = {
	{ "any", RULE_ANY },
	{ "recv", RULE_RECV },
	{ "send", IB_WR_SEND },
	{ "send_imm", IB_WR_SEND_WITH_IMM },
	{ "send_inv", IB_WR_SEND_WITH_INV },
	{ "rdma_write", IB_WR_RDMA_WRITE },
	{ "rdma_write_imm", IB_WR_RDMA_WRITE_WITH_IMM },
	{ "rdma_read", IB_WR_RDMA_READ },
	{ "cmp_swp", IB_WR_ATOMIC_CMP_AND_SWP },
	{ "fetch_add", IB_WR_ATOMIC_FETCH_AND_ADD },
	{ "local_inv", IB_WR_LOCAL_INV },
	{ "reg_mr", IB_WR_REG_MR },
	{ }
};

static const struct hca_name statuses[] = {
	{ "loc_len_err", IB_WC_LOC_LEN_ERR },
	{ "loc_qp_op_err", IB_WC_LOC_QP_OP_ERR },
	{ "loc_prot_err", IB_WC_LOC_PROT_ERR },
	{ "wr_flush_err", IB_WC_WR_FLUSH_ERR },
	{ "mw_bind_err", IB_WC_MW_BIND_ERR },
	{ "bad_resp_err", IB_WC_BAD_RESP_ERR },
	{ "loc_access_err", IB_WC_LOC_ACCESS_ERR },
	{ "rem_inv_req_err", IB_WC_REM_INV_REQ_ERR },
	{ "rem_access_err", IB_WC_REM_ACCESS_ERR },
	{ "rem_op_err", IB_WC_REM_OP_ERR },
	{ "retry_exc_err", IB_WC_RETRY_EXC_ERR },
	{ "rnr_retry_exc_err", IB_WC_RNR_RETRY_EXC_ERR },
	{ "rem_abort_err", IB_WC_REM_ABORT_ERR },
	{ "fatal_err", IB_WC_FATAL_ERR },
	{ "resp_timeout_err", IB_WC_RESP_TIMEOUT_ERR },
	{ "general_err", IB_WC_GENERAL_ERR },
	{ }
};

static const struct hca_name port_events[] = {
	{ "port_active", IB_EVENT_PORT_ACTIVE },
	{ "port_err", IB_EVENT_PORT_ERR },
	{ "lid_change", IB_EVENT_LID_CHANGE },
	{ "pkey_change", IB_EVENT_PKEY_CHANGE },
	{ "sm_change", IB_EVENT_SM_CHANGE },
	{ "client_reregister", IB_EVENT_CLIENT_REREGISTER },
	{ "gid_change", IB_EVENT_GID_CHANGE },
	{ }
};

/* With the number of a QP: its own, or those of its queues */
static const struct hca_name qp_events[] = {
	{ "qp_fatal", IB_EVENT_QP_FATAL },
	{ "qp_req_err", IB_EVENT_QP_REQ_ERR },
	{ "qp_access_err", IB_EVENT_QP_ACCESS_ERR },
	{ "comm_est", IB_EVENT_COMM_EST },
	{ "sq_drained", IB_EVENT_SQ_DRAINED },
	{ "path_mig", IB_EVENT_PATH_MIG },
	{ "path_mig_err", IB_EVENT_PATH_MIG_ERR },
	{ "last_wqe", IB_EVENT_QP_LAST_WQE_REACHED },
	{ "srq_err", IB_EVENT_SRQ_ERR },
	{ "srq_limit", IB_EVENT_SRQ_LIMIT_REACHED },
	{ "cq_err", IB_EVENT_CQ_ERR },
	{ }
};

static const char *const counter_names[HCA_NR_COUNTERS] = {
	[HCA_MESSAGES] = "messages",
	[HCA_BYTES] = "bytes",
	[HCA_RETRIES] = "retries",
	[HCA_RNR] = "rnr",
	[HCA_ERRORS] = "errors",
	[HCA_UD] = "ud",
	[HCA_LOST] = "lost",
	[HCA_STALLED] = "stalled",
	[HCA_MADS] = "dropped_mads",
};

static bool by_name(const struct hca_name *names, const char *name, int *value)
{
	for (; names->name; names++) {
		if (!strcmp(names->name, name)) {
			*value = names->value;
			return true;
		}
	}
	return false;
}

static int name_or_number(const struct hca_name *names, const char *word, u32 max, int *value)
{
	u32 number;

	if (by_name(names, word, value))
		return 0;
	if (kstrtou32(word, 0, &number) || number > max)
		return -EINVAL;
	*value = number;
	return 0;
}

/* ---- files of a device ----------------------------------------------------------------------- */

static int one_u32(int nr_words, char **words, u32 max, u32 *value)
{
	u32 number;

	if (nr_words != 1 || kstrtou32(words[0], 0, &number) || number > max)
		return -EINVAL;
	WRITE_ONCE(*value, number);
	return 0;
}

static void delay_show(struct hca_file *file, struct seq_file *s)
{
	seq_printf(s, "%u\n", file->hca->faults->delay);
}

static int delay_store(struct hca_file *file, int nr_words, char **words)
{
	return one_u32(nr_words, words, HCA_MAX_DELAY, &file->hca->faults->delay);
}

static void delay_answer_show(struct hca_file *file, struct seq_file *s)
{
	seq_printf(s, "%u\n", file->hca->faults->delay_answer);
}

static int delay_answer_store(struct hca_file *file, int nr_words, char **words)
{
	return one_u32(nr_words, words, HCA_MAX_DELAY, &file->hca->faults->delay_answer);
}

static void hold_show(struct hca_file *file, struct seq_file *s)
{
	struct hca_faults *faults = file->hca->faults;

	seq_printf(s, "%u held %u\n", faults->hold, hca_qps_held(faults));
}

static int hold_store(struct hca_file *file, int nr_words, char **words)
{
	int ret = one_u32(nr_words, words, 2, &file->hca->faults->hold);

	if (!ret)
		hca_qps_kick(file->hca->faults);
	return ret;
}

static void fail_wr_show(struct hca_file *file, struct seq_file *s)
{
	hca_rules_show(file->hca->faults, &file->hca->faults->requests, s);
}

/* "clear", or OPCODE STATUS COUNT [QPN] [late] */
static int fail_wr_store(struct hca_file *file, int nr_words, char **words)
{
	struct hca_faults *faults = file->hca->faults;
	struct hca_rule *rule;
	int opcode, status, i;
	bool late = false;
	u32 qpn = 0;

	if (nr_words == 1 && !strcmp(words[0], "clear")) {
		hca_rules_clear(faults, &faults->requests);
		return 0;
	}
	if (nr_words < 3 || !by_name(opcodes, words[0], &opcode) ||
	    !by_name(statuses, words[1], &status))
		return -EINVAL;
	for (i = 3; i < nr_words; i++) {
		if (!late && opcode != RULE_RECV && !strcmp(words[i], "late"))
			late = true;
		else if (qpn || kstrtou32(words[i], 0, &qpn) || !qpn)
			return -EINVAL;
	}
	rule = hca_rule_new(words[0], words[1], words[2]);
	if (IS_ERR(rule))
		return PTR_ERR(rule);
	rule->opcode = opcode;
	rule->status = status;
	rule->qpn = qpn;
	rule->late = late;
	return hca_rule_add(faults, &faults->requests, rule);
}

static void device_event_show(struct hca_file *file, struct seq_file *s)
{
	seq_printf(s, "%d\n", atomic_read(&file->hca->faults->events));
}

/* An HCA that tells of such an error has put the QP into error before. */
static void qp_break(struct rvt_qp *qp)
{
	int last;

	spin_lock_irq(&qp->r_lock);
	spin_lock(&qp->s_lock);
	last = rvt_error_qp(qp, IB_WC_WR_FLUSH_ERR);
	spin_unlock(&qp->s_lock);
	spin_unlock_irq(&qp->r_lock);
	if (last)
		hca_qp_event(qp, IB_EVENT_QP_LAST_WQE_REACHED);
}

static int qp_event(struct rvt_qp *qp, enum ib_event_type type)
{
	struct ib_event event = { .device = qp->ibqp.device, .event = type };

	switch (type) {
	case IB_EVENT_CQ_ERR:
		event.element.cq = qp->ibqp.send_cq;
		if (event.element.cq->event_handler)
			event.element.cq->event_handler(&event, event.element.cq->cq_context);
		return 0;
	case IB_EVENT_SRQ_ERR:
	case IB_EVENT_SRQ_LIMIT_REACHED:
		event.element.srq = qp->ibqp.srq;
		if (!event.element.srq)
			return -ENOENT;
		if (event.element.srq->event_handler)
			event.element.srq->event_handler(&event, event.element.srq->srq_context);
		return 0;
	case IB_EVENT_QP_FATAL:
	case IB_EVENT_QP_REQ_ERR:
	case IB_EVENT_QP_ACCESS_ERR:
		qp_break(qp);
		break;
	default:
		break;
	}
	hca_qp_event(qp, type);
	return 0;
}

/* Return: 0, or -ENODEV if the device is not registered */
static int port_event(struct hca_port *port, enum ib_event_type type)
{
	struct ib_device *ibdev = &port->hca->rdi.ibdev;

	if (!ib_device_try_get(ibdev))
		return -ENODEV;
	hca_port_event(port, type);
	ib_device_put(ibdev);
	return 0;
}

static int qp_event_store(struct hca_faults *faults, char **words)
{
	struct rvt_qp *qp;
	int type, ret;
	u32 qpn;

	if (!by_name(qp_events, words[0], &type) || kstrtou32(words[1], 0, &qpn))
		return -EINVAL;
	qp = hca_qp_find(faults, qpn);
	if (!qp)
		return -ENOENT;
	ret = qp_event(qp, type);
	rvt_put_qp(qp);
	return ret;
}

/* "device_fatal", or EVENT QPN */
static int device_event_store(struct hca_file *file, int nr_words, char **words)
{
	struct hca_faults *faults = file->hca->faults;
	int ret = -EINVAL;

	if (nr_words == 1 && !strcmp(words[0], "device_fatal"))
		ret = port_event(&file->hca->port[0], IB_EVENT_DEVICE_FATAL);
	else if (nr_words == 2)
		ret = qp_event_store(faults, words);
	if (!ret)
		atomic_inc(&faults->events);
	return ret;
}

/* What a test wants to know of QPs before it names one */
static void qps_show(struct hca_file *file, struct seq_file *s)
{
	static const char *const states[] = {
		"RESET", "INIT", "RTR", "RTS", "SQD", "SQE", "ERR",
	};
	struct hca_faults *faults = file->hca->faults;
	struct hca_qp *hqp;

	spin_lock_irq(&faults->qps_lock);
	list_for_each_entry(hqp, &faults->qps, list) {
		struct rvt_qp *qp = hqp->qp;
		u8 state = READ_ONCE(qp->state), port_num = READ_ONCE(qp->port_num);
		u32 head = READ_ONCE(qp->s_head), last = READ_ONCE(qp->s_last);
		u16 pkey = port_num ? rvt_get_pkey(&file->hca->rdi, port_num - 1,
						   READ_ONCE(qp->s_pkey_index)) : 0;

		seq_printf(s, "%u %s port %u %s %s remote %u lid %u pkey %#x sends %u%s%s\n",
			   qp->ibqp.qp_num, qp->ibqp.qp_type == IB_QPT_RC ? "RC" : "UD",
			   port_num, state < ARRAY_SIZE(states) ? states[state] : "?",
			   rvt_is_user_qp(qp) ? "user" : "kernel", qp->remote_qpn,
			   qp->ibqp.qp_type == IB_QPT_RC ?
				rdma_ah_get_dlid(&qp->remote_ah_attr) : 0,
			   pkey,
			   head >= last ? head - last : head + qp->s_size - last,
			   READ_ONCE(hqp->lost) ? " lost" : "",
			   READ_ONCE(hqp->held) ? " held" : "");
	}
	spin_unlock_irq(&faults->qps_lock);
}

static const struct hca_knob device_knobs[HCA_DEVICE_KNOBS] = {
	{ "delay_us", delay_show, delay_store },
	{ "delay_answer_us", delay_answer_show, delay_answer_store },
	{ "hold", hold_show, hold_store },
	{ "fail_wr", fail_wr_show, fail_wr_store },
	{ "event", device_event_show, device_event_store },
	{ "qps", qps_show },
};

/* ---- files of a port ------------------------------------------------------------------------- */

static void cut_show(struct hca_file *file, struct seq_file *s)
{
	seq_printf(s, "%u\n", READ_ONCE(file->port->cut));
}

static int cut_store(struct hca_file *file, int nr_words, char **words)
{
	u32 cut;
	int ret = one_u32(nr_words, words, 1, &cut);

	if (!ret)
		hca_port_cut(file->port, cut);
	return ret;
}

static void stall_show(struct hca_file *file, struct seq_file *s)
{
	seq_printf(s, "%u hits %lld\n", file->port->faults->stall,
		   atomic64_read(&file->port->counters[HCA_STALLED]));
}

static int stall_store(struct hca_file *file, int nr_words, char **words)
{
	u32 stall;
	int ret = one_u32(nr_words, words, 1, &stall);

	if (!ret)
		WRITE_ONCE(file->port->faults->stall, stall);
	return ret;
}

static void drop_mad_show(struct hca_file *file, struct seq_file *s)
{
	hca_rules_show(file->hca->faults, &file->port->faults->mads, s);
}

/* "clear", or CLASS ATTRIBUTE COUNT */
static int drop_mad_store(struct hca_file *file, int nr_words, char **words)
{
	struct hca_faults *faults = file->hca->faults;
	struct hca_rule *rule;
	int class, attr;

	if (nr_words == 1 && !strcmp(words[0], "clear")) {
		hca_rules_clear(faults, &file->port->faults->mads);
		return 0;
	}
	if (nr_words != 3 || name_or_number(mad_classes, words[0], U8_MAX, &class) ||
	    name_or_number(mad_attrs, words[1], U16_MAX, &attr))
		return -EINVAL;
	rule = hca_rule_new(words[0], words[1], words[2]);
	if (IS_ERR(rule))
		return PTR_ERR(rule);
	rule->class = class;
	rule->attr = attr;
	return hca_rule_add(faults, &file->port->faults->mads, rule);
}

static void port_event_show(struct hca_file *file, struct seq_file *s)
{
	seq_printf(s, "%d\n", atomic_read(&file->port->faults->events));
}

/* The event alone: the port is as it was. */
static int port_event_store(struct hca_file *file, int nr_words, char **words)
{
	int type, ret;

	if (nr_words != 1 || !by_name(port_events, words[0], &type))
		return -EINVAL;
	ret = port_event(file->port, type);
	if (!ret)
		atomic_inc(&file->port->faults->events);
	return ret;
}

static void counters_show(struct hca_file *file, struct seq_file *s)
{
	int i;

	for (i = 0; i < HCA_NR_COUNTERS; i++)
		seq_printf(s, "%s %lld\n", counter_names[i],
			   atomic64_read(&file->port->counters[i]));
}

static const struct hca_knob port_knobs[HCA_PORT_KNOBS] = {
	{ "cut", cut_show, cut_store },
	{ "stall", stall_show, stall_store },
	{ "drop_mad", drop_mad_show, drop_mad_store },
	{ "event", port_event_show, port_event_store },
	{ "counters", counters_show },
};

/* ---- debugfs --------------------------------------------------------------------------------- */

static int knob_show(struct seq_file *s, void *unused)
{
	struct hca_file *file = s->private;

	file->knob->show(file, s);
	return 0;
}

static int knob_open(struct inode *inode, struct file *file)
{
	return single_open(file, knob_show, inode->i_private);
}

static ssize_t knob_write(struct file *filp, const char __user *buf, size_t len, loff_t *pos)
{
	struct hca_file *file = ((struct seq_file *)filp->private_data)->private;
	char *words[HCA_MAX_WORDS], *text, *rest, *word;
	int nr_words = 0, ret = -EINVAL;

	if (len > 127)
		return -EINVAL;
	text = memdup_user_nul(buf, len);
	if (IS_ERR(text))
		return PTR_ERR(text);
	rest = text;
	while ((word = strsep(&rest, " \t\n"))) {
		if (!*word)
			continue;
		if (nr_words == HCA_MAX_WORDS)
			goto out;
		words[nr_words++] = word;
	}
	if (nr_words)
		ret = file->knob->store(file, nr_words, words);
out:
	kfree(text);
	return ret ?: len;
}

static const struct file_operations knob_fops = {
	.owner		= THIS_MODULE,
	.open		= knob_open,
	.read		= seq_read,
	.write		= knob_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

static void knobs_add(struct hca *hca, struct hca_port *port, struct dentry *dir,
		      const struct hca_knob *knobs, struct hca_file *files, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		files[i].knob = &knobs[i];
		files[i].hca = hca;
		files[i].port = port;
		debugfs_create_file(knobs[i].name, knobs[i].store ? 0600 : 0400, dir, &files[i],
				    &knob_fops);
	}
}

/**
 * hca_fault_add() - prepare the faults of a device
 * @hca: the device; its ports have their numbers
 *
 * Return: 0 or -ENOMEM
 */
int hca_fault_add(struct hca *hca)
{
	struct hca_faults *faults;
	struct dentry *dir;
	char name[16];
	u32 i;

	faults = kzalloc(struct_size(faults, port, hca->nr_ports), GFP_KERNEL);
	if (!faults)
		return -ENOMEM;
	spin_lock_init(&faults->lock);
	spin_lock_init(&faults->qps_lock);
	INIT_LIST_HEAD(&faults->requests);
	INIT_LIST_HEAD(&faults->qps);
	hca->faults = faults;
	snprintf(name, sizeof(name), "hca%u", hca->index);
	hca->dir = debugfs_create_dir(name, hca_debugfs);
	knobs_add(hca, NULL, hca->dir, device_knobs, faults->files, HCA_DEVICE_KNOBS);

	for (i = 0; i < hca->nr_ports; i++) {
		struct hca_fault_port *port = &faults->port[i];

		INIT_LIST_HEAD(&port->mads);
		hca->port[i].faults = port;
		snprintf(name, sizeof(name), "port%u", i + 1);
		dir = debugfs_create_dir(name, hca->dir);
		knobs_add(hca, &hca->port[i], dir, port_knobs, port->files, HCA_PORT_KNOBS);
	}
	return 0;
}

/**
 * hca_fault_remove() - the counterpart of hca_fault_add()
 * @hca: the device; it has no QPs any more
 */
void hca_fault_remove(struct hca *hca)
{
	u32 i;

	/* Waits for whoever is in a file. */
	debugfs_remove(hca->dir);
	for (i = 0; i < hca->nr_ports; i++)
		hca_rules_clear(hca->faults, &hca->port[i].faults->mads);
	hca_rules_clear(hca->faults, &hca->faults->requests);
	kfree(hca->faults);
	hca->faults = NULL;
}

void hca_fault_init(void)
{
	hca_debugfs = debugfs_create_dir("rvt_hca", NULL);
}

void hca_fault_exit(void)
{
	debugfs_remove(hca_debugfs);
}
