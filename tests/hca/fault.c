// SPDX-License-Identifier: GPL-2.0
/*
 * Faults: the engines ask here whether all is to go well.
 *
 * All is off at first, counts instead of being random, and remembers how often it hit, so that a
 * test waits for what it has caused, not for a time. The files are in knobs.c.
 */
#include <linux/delay.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include "fault.h"

#define HCA_MAX_RULES	32
/* A sleep looks that often whether it is still wanted, in µs. */
#define HCA_NAP		10000

/* ---- rules ----------------------------------------------------------------------------------- */

/* Return: a rule that says "FIRST SECOND: COUNT times", or -EINVAL */
struct hca_rule *hca_rule_new(const char *first, const char *second, const char *count)
{
	struct hca_rule *rule;
	u32 left = HCA_FOREVER;

	if (strcmp(count, "all") && (kstrtou32(count, 0, &left) || !left || left == HCA_FOREVER))
		return ERR_PTR(-EINVAL);
	rule = kzalloc(sizeof(*rule), GFP_KERNEL);
	if (!rule)
		return ERR_PTR(-ENOMEM);
	snprintf(rule->what, sizeof(rule->what), "%s %s", first, second);
	rule->left = left;
	return rule;
}

void hca_rules_clear(struct hca_faults *faults, struct list_head *rules)
{
	struct hca_rule *rule, *next;
	LIST_HEAD(gone);

	spin_lock_irq(&faults->lock);
	list_splice_init(rules, &gone);
	spin_unlock_irq(&faults->lock);
	list_for_each_entry_safe(rule, next, &gone, list)
		kfree(rule);
}

int hca_rule_add(struct hca_faults *faults, struct list_head *rules, struct hca_rule *rule)
{
	struct list_head *other;
	int room = HCA_MAX_RULES;

	spin_lock_irq(&faults->lock);
	list_for_each(other, rules)
		room--;
	if (room > 0)
		list_add_tail(&rule->list, rules);
	spin_unlock_irq(&faults->lock);
	if (room > 0)
		return 0;
	kfree(rule);
	return -ENOSPC;
}

static void rule_hit(struct hca_rule *rule)
{
	rule->hits++;
	if (rule->left != HCA_FOREVER)
		rule->left--;
}

void hca_rules_show(struct hca_faults *faults, struct list_head *rules, struct seq_file *s)
{
	struct hca_rule *rule;

	spin_lock_irq(&faults->lock);
	list_for_each_entry(rule, rules, list) {
		seq_printf(s, "%s", rule->what);
		if (rule->qpn)
			seq_printf(s, " qp %u", rule->qpn);
		if (rule->late)
			seq_puts(s, " late");
		if (rule->left == HCA_FOREVER)
			seq_puts(s, " left all");
		else
			seq_printf(s, " left %u", rule->left);
		seq_printf(s, " hits %u\n", rule->hits);
	}
	spin_unlock_irq(&faults->lock);
}

/* ---- what the engines ask -------------------------------------------------------------------- */

/**
 * hca_fault_mad() - does this MAD get lost?
 * @port: which is about to send it
 * @mad: its header
 */
bool hca_fault_mad(struct hca_port *port, const struct ib_mad_hdr *mad)
{
	struct hca_faults *faults = port->hca->faults;
	struct hca_rule *rule;
	unsigned long flags;
	bool hit = false;

	spin_lock_irqsave(&faults->lock, flags);
	list_for_each_entry(rule, &port->faults->mads, list) {
		if (!rule->left || (rule->class != RULE_ANY && rule->class != mad->mgmt_class) ||
		    (rule->attr != RULE_ANY && rule->attr != be16_to_cpu(mad->attr_id)))
			continue;
		rule_hit(rule);
		hit = true;
		break;
	}
	spin_unlock_irqrestore(&faults->lock, flags);
	if (hit)
		hca_count(port, HCA_MADS, 1);
	return hit;
}

/**
 * hca_fault_stalled() - is what just arrived lost, as the receive side is stopped?
 * @port: where it arrived
 *
 * MADs of subnet management are none of its business: the port stays active.
 */
bool hca_fault_stalled(struct hca_port *port)
{
	if (!READ_ONCE(port->faults->stall))
		return false;
	hca_count(port, HCA_STALLED, 1);
	return true;
}

/**
 * hca_fault_held() - are the send queues stopped?
 * @qp: an RC QP
 * @flush: it is in error
 */
bool hca_fault_held(struct rvt_qp *qp, bool flush)
{
	return READ_ONCE(qp_to_hca(qp)->faults->hold) > (flush ? 1 : 0);
}

/**
 * hca_fault_delay() - wait as long as the test wants, if there is something to send
 * @qp: an RC QP; in error it does not wait
 * @answer: the message has arrived, its completion is to wait
 */
void hca_fault_delay(struct rvt_qp *qp, bool answer)
{
	struct hca_faults *faults = qp_to_hca(qp)->faults;
	u32 *knob = answer ? &faults->delay_answer : &faults->delay;
	u32 slept = 0, delay, nap;

	while ((delay = READ_ONCE(*knob)) > slept) {
		if (READ_ONCE(qp->s_last) == READ_ONCE(qp->s_head) ||
		    (READ_ONCE(qp->s_flags) & (RVT_S_TIMER | RVT_S_WAIT_RNR)) ||
		    !(ib_rvt_state_ops[READ_ONCE(qp->state)] & RVT_PROCESS_SEND_OK))
			return;
		nap = min_t(u32, delay - slept, HCA_NAP);
		usleep_range(nap, nap + nap / 8 + 1);
		slept += nap;
	}
}

static enum ib_wc_status rule_for_request(struct rvt_qp *qp, int opcode, bool *late)
{
	struct hca_faults *faults = qp_to_hca(qp)->faults;
	enum ib_wc_status status = IB_WC_SUCCESS;
	struct hca_rule *rule;
	unsigned long flags;

	spin_lock_irqsave(&faults->lock, flags);
	list_for_each_entry(rule, &faults->requests, list) {
		if (!rule->left || (rule->qpn && rule->qpn != qp->ibqp.qp_num))
			continue;
		/* A program's QP is meant only if it is named. */
		if (!rule->qpn && rvt_is_user_qp(qp))
			continue;
		if (rule->opcode != opcode && (rule->opcode != RULE_ANY || opcode == RULE_RECV))
			continue;
		rule_hit(rule);
		*late = rule->late;
		status = rule->status;
		break;
	}
	spin_unlock_irqrestore(&faults->lock, flags);
	return status;
}

/**
 * hca_fault_wr() - is this send request to fail?
 * @qp: an RC QP
 * @opcode: of the request
 * @late: set if it is to be done all the same
 *
 * Return: what it completes with, or IB_WC_SUCCESS if nobody has another wish
 */
enum ib_wc_status hca_fault_wr(struct rvt_qp *qp, enum ib_wr_opcode opcode, bool *late)
{
	return rule_for_request(qp, opcode, late);
}

/**
 * hca_fault_recv() - is the receive that was just taken to fail?
 * @qp: an RC QP
 */
enum ib_wc_status hca_fault_recv(struct rvt_qp *qp)
{
	bool late;

	return rule_for_request(qp, RULE_RECV, &late);
}

/* ---- the QPs of a device --------------------------------------------------------------------- */

void hca_fault_qp_add(struct hca_qp *hqp)
{
	struct hca_faults *faults = qp_to_hca(hqp->qp)->faults;

	spin_lock_irq(&faults->qps_lock);
	list_add_tail(&hqp->list, &faults->qps);
	spin_unlock_irq(&faults->qps_lock);
}

void hca_fault_qp_del(struct hca_qp *hqp)
{
	struct hca_faults *faults = qp_to_hca(hqp->qp)->faults;

	spin_lock_irq(&faults->qps_lock);
	list_del(&hqp->list);
	spin_unlock_irq(&faults->qps_lock);
}

/* Return: the QP, with a reference, or NULL */
struct rvt_qp *hca_qp_find(struct hca_faults *faults, u32 qpn)
{
	struct rvt_qp *found = NULL;
	struct hca_qp *hqp;

	spin_lock_irq(&faults->qps_lock);
	list_for_each_entry(hqp, &faults->qps, list) {
		/* QP0 and QP1 are not meant. There is no reference to one that is going. */
		if (qpn > 1 && hqp->qp->ibqp.qp_num == qpn &&
		    atomic_inc_not_zero(&hqp->qp->refcount)) {
			found = hqp->qp;
			break;
		}
	}
	spin_unlock_irq(&faults->qps_lock);
	return found;
}

void hca_qps_kick(struct hca_faults *faults)
{
	struct hca_qp *hqp;

	spin_lock_irq(&faults->qps_lock);
	list_for_each_entry(hqp, &faults->qps, list)
		/* One that is being made has no locks yet. */
		if (READ_ONCE(hqp->qp->state) != IB_QPS_RESET)
			hca_qp_schedule_no_lock(hqp->qp);
	spin_unlock_irq(&faults->qps_lock);
}

u32 hca_qps_held(struct hca_faults *faults)
{
	struct hca_qp *hqp;
	u32 held = 0;

	spin_lock_irq(&faults->qps_lock);
	list_for_each_entry(hqp, &faults->qps, list)
		held += READ_ONCE(hqp->held);
	spin_unlock_irq(&faults->qps_lock);
	return held;
}

