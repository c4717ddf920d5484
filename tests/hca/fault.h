/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults: what knobs.c, that is a test, sets, and fault.c looks at.
 *
 * Locks: hca_faults.lock protects the rules, hca_faults.qps_lock the list of QPs; the latter is
 * taken outside of all locks of QPs, the former inside of them. All else are single words.
 */
#ifndef TESTS_HCA_FAULT_H
#define TESTS_HCA_FAULT_H

#include "hca.h"

struct hca_knob;

#define HCA_FOREVER	U32_MAX
/* hca_rule.class, attr, opcode */
#define RULE_ANY	(-1)
#define RULE_RECV	(-2)

/**
 * struct hca_rule - what is to fail
 * @list: in the order in which they were written; the first that matches and has some left counts
 * @what: the words that say what matches, to be shown
 * @left: times that it is still to happen, or HCA_FOREVER
 * @hits: times that it happened
 * @class: MAD: class, or -1
 * @attr: MAD: attribute, or -1
 * @opcode: request: what is posted, RULE_ANY, or RULE_RECV
 * @status: request: what it completes with
 * @qpn: request: of this QP, or 0
 * @late: request: the message arrives, only the answer is bad
 */
struct hca_rule {
	struct list_head	list;
	char			what[48];
	u32			left;
	u32			hits;
	int			class;
	int			attr;
	int			opcode;
	enum ib_wc_status	status;
	u32			qpn;
	bool			late;
};

/**
 * struct hca_file - a file
 * @knob: what it does
 * @hca: whose
 * @port: or NULL
 */
struct hca_file {
	const struct hca_knob	*knob;
	struct hca		*hca;
	struct hca_port		*port;
};

#define HCA_DEVICE_KNOBS	6
#define HCA_PORT_KNOBS		5

/**
 * struct hca_fault_port - faults of a port
 * @mads: rules
 * @stall: the receive side is stopped
 * @events: that were made up here
 * @files: of the port
 */
struct hca_fault_port {
	struct list_head	mads;
	bool			stall;
	atomic_t		events;
	struct hca_file		files[HCA_PORT_KNOBS];
};

/**
 * struct hca_faults - faults of a device
 * @lock: protects all rules of the device and its ports
 * @requests: rules
 * @qps_lock: protects @qps
 * @qps: struct hca_qp, all there are, whatever their state
 * @delay: before a message, µs
 * @delay_answer: before its completion
 * @hold: 1: no messages; 2: nor completions of what is flushed
 * @events: that were made up here
 * @files: of the device
 * @port: of its ports
 */
struct hca_faults {
	spinlock_t		lock;		/* rules */
	struct list_head	requests;
	spinlock_t		qps_lock;	/* qps */
	struct list_head	qps;
	u32			delay;
	u32			delay_answer;
	u32			hold;
	atomic_t		events;
	struct hca_file		files[HCA_DEVICE_KNOBS];
	struct hca_fault_port	port[];
};

struct hca_rule *hca_rule_new(const char *first, const char *second, const char *count);
int hca_rule_add(struct hca_faults *faults, struct list_head *rules, struct hca_rule *rule);
void hca_rules_clear(struct hca_faults *faults, struct list_head *rules);
void hca_rules_show(struct hca_faults *faults, struct list_head *rules, struct seq_file *s);
struct rvt_qp *hca_qp_find(struct hca_faults *faults, u32 qpn);
void hca_qps_kick(struct hca_faults *faults);
u32 hca_qps_held(struct hca_faults *faults);
#endif
