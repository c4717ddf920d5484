/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the parts of the SCSI engine share.
 *
 * A command is a row of the table in scsi_table.c. scsi_task.c does what all
 * commands have in common, as the row says, then calls the row's functions:
 *
 *	fill	writes data-in that is made up here
 *	list	looks at a parameter list, of any length up to max_list
 *	begin	everything else: a first step, data() and io_done() follow
 *
 * Each returns a step; an error is "return scsi_check(...)".
 *
 * Locks: lu->lock protects what [L] marks, target->lock what [T] marks; lu->lock
 * is taken first. lu->flags, lu->blocks and scsi_itl.nr_ua are read without.
 */
#ifndef TGTD_SCSI_PRIV_H
#define TGTD_SCSI_PRIV_H

#include <string.h>
#include "scsi.h"

#define SCSI_MAX_UA		4U		/* queued per nexus and logical unit */
#define SCSI_MAX_REGS		1024U		/* registrations; READ FULL STATUS fits in SCSI_SCRATCH_LEN */
#define SCSI_MAX_SAME		0x800000U	/* blocks of a WRITE SAME or UNMAP, so that they end some day */
#define SCSI_MAX_UNMAP_DESC	256U
#define SCSI_PORT_LEN		16		/* bytes of a port identifier */
#define SCSI_TRANSPORT_ID_LEN	24
#define SCSI_PROTOCOL_SRP	4
#define SCSI_PORT_GROUP		1		/* there is one target port group */

enum scsi_status {
	SCSI_GOOD			= 0x00,
	SCSI_CHECK_CONDITION		= 0x02,
	SCSI_BUSY			= 0x08,
	SCSI_RESERVATION_CONFLICT	= 0x18,
};

enum scsi_key {
	KEY_NO_SENSE		= 0x0,
	KEY_NOT_READY		= 0x2,
	KEY_MEDIUM_ERROR	= 0x3,
	KEY_HARDWARE_ERROR	= 0x4,
	KEY_ILLEGAL_REQUEST	= 0x5,
	KEY_UNIT_ATTENTION	= 0x6,
	KEY_DATA_PROTECT	= 0x7,
	KEY_MISCOMPARE		= 0xe,
};

/* Additional sense code and qualifier, SPC-4 annex D. */
enum scsi_asc {
	ASC_NONE			= 0x0000,
	ASC_WRITE_ERROR			= 0x0c00,
	ASC_INVALID_FIELD_IN_IU		= 0x0e03,
	ASC_UNRECOVERED_READ_ERROR	= 0x1100,
	ASC_LIST_LENGTH_ERROR		= 0x1a00,
	ASC_MISCOMPARE			= 0x1d00,
	ASC_INVALID_OPCODE		= 0x2000,
	ASC_LBA_OUT_OF_RANGE		= 0x2100,
	ASC_INVALID_FIELD_IN_CDB	= 0x2400,
	ASC_LUN_NOT_SUPPORTED		= 0x2500,
	ASC_INVALID_FIELD_IN_LIST	= 0x2600,
	ASC_INVALID_RELEASE		= 0x2604,
	ASC_WRITE_PROTECTED		= 0x2700,
	ASC_SOFTWARE_WRITE_PROTECTED	= 0x2702,
	ASC_SPACE_ALLOCATION_FAILED	= 0x2707,
	ASC_MEDIUM_MAY_HAVE_CHANGED	= 0x2800,
	ASC_POWER_ON_OR_RESET		= 0x2900,
	ASC_BUS_DEVICE_RESET		= 0x2903,
	ASC_MODE_PARAMETERS_CHANGED	= 0x2a01,
	ASC_RESERVATIONS_PREEMPTED	= 0x2a03,
	ASC_RESERVATIONS_RELEASED	= 0x2a04,
	ASC_REGISTRATIONS_PREEMPTED	= 0x2a05,
	ASC_CAPACITY_CHANGED		= 0x2a09,
	ASC_COMMANDS_CLEARED		= 0x2f00,
	ASC_SAVING_NOT_SUPPORTED	= 0x3900,
	ASC_MEDIUM_NOT_PRESENT		= 0x3a00,
	ASC_REPORTED_LUNS_CHANGED	= 0x3f0e,
	ASC_INTERNAL_TARGET_FAILURE	= 0x4400,
	ASC_INVALID_MESSAGE		= 0x4900,
	ASC_REMOVAL_PREVENTED		= 0x5302,
	ASC_NO_REGISTRATION_RESOURCES	= 0x5504,
};

/* ---- the table --------------------------------------------------------------- */

struct scsi_out;

/* Of struct scsi_op */
#define OP_ANY_LUN	(1U << 0)	/* works without a logical unit */
#define OP_WLUN		(1U << 1)	/* the REPORT LUNS well known logical unit has it too */
#define OP_NO_UA	(1U << 2)	/* does not report unit attentions */
#define OP_MEDIUM	(1U << 3)	/* needs the medium */
#define OP_WRITE	(1U << 4)	/* changes the medium */
#define OP_LBA		(1U << 5)	/* has an LBA and a number of blocks, which are inside of the medium */
#define OP_XFER		(1U << 6)	/* MAXIMUM TRANSFER LENGTH applies to the number of blocks */
#define OP_THIN		(1U << 7)	/* thin provisioned logical units have it */
#define OP_REMOVABLE	(1U << 8)	/* those with removable media have it */
#define OP_PREEMPTS	(1U << 9)	/* PREEMPT AND ABORT */

/* May it run if somebody else has a persistent reservation? SPC-4, SBC-3 */
enum scsi_pr_class {
	PR_ALLOWED,	/* always; or PERSISTENT RESERVE OUT, which looks itself */
	PR_READS,	/* with Write Exclusive types */
	PR_WRITES,	/* never */
	PR_START,	/* if it starts; else never */
	PR_PREVENT,	/* if it allows; else never */
};

/**
 * struct scsi_op - a command of the table
 * @opcode: operation code
 * @sa: service action, -1: none
 * @len: bytes of the CDB
 * @flags: OP_*
 * @pr: how it stands to persistent reservations
 * @len_off: where the allocation length, parameter list length or number of blocks is
 * @len_size: its bytes; 0: there is none
 * @max_list: longest parameter list
 * @fill: see above, as the others
 * @usage: bits of the CDB that have a meaning; those of a service action are not in it
 */
struct scsi_op {
	uint8_t			opcode;
	int8_t			sa;
	uint8_t			len;
	uint16_t		flags;
	enum scsi_pr_class	pr;
	uint8_t			len_off;
	uint8_t			len_size;
	uint16_t		max_list;
	enum scsi_step		(*fill)(struct scsi_task *task, struct scsi_out *out);
	enum scsi_step		(*list)(struct scsi_task *task, const uint8_t *list, uint32_t len);
	enum scsi_step		(*begin)(struct scsi_task *task);
	enum scsi_step		(*data)(struct scsi_task *task);
	enum scsi_step		(*io_done)(struct scsi_task *task);
	uint8_t			usage[16];
};

extern const struct scsi_op scsi_ops[];
extern const unsigned int scsi_nr_ops;

bool scsi_op_present(const struct scsi_op *op, const struct scsi_lu *lu);
const struct scsi_op *scsi_op_find(const struct scsi_lu *lu, uint8_t opcode, uint16_t sa, bool *known);

/* ---- objects ----------------------------------------------------------------- */

/* A target port; there are as many as initiators have logged in through. */
struct scsi_port {
	struct scsi_port	*next;
	uint16_t		id;	/* relative target port identifier */
	uint8_t			name[SCSI_PORT_LEN];
};

/* What there is for each nexus and LUN. */
struct scsi_itl {
	uint16_t		ua[SCSI_MAX_UA];	/* [T] oldest first, enum scsi_asc */
	uint8_t			nr_ua;			/* [T] */
	bool			prevents;		/* [T] PREVENT ALLOW MEDIUM REMOVAL */
	const struct scsi_task	*preempted_by;		/* [T] */
};

struct scsi_nexus {
	struct scsi_target	*target;
	struct scsi_nexus	*next;			/* [T] */
	struct scsi_port	*port;
	uint8_t			i_port[SCSI_PORT_LEN];
	struct scsi_itl		itl[SCSI_MAX_LUNS];
};

struct scsi_target {
	pthread_mutex_t		lock;
	struct scsi_nexus	*nexuses;		/* [T] */
	struct scsi_port	*ports;			/* [T] newest first; none goes */
	struct scsi_lu		*lus[SCSI_MAX_LUNS];	/* written with [T] */
};

struct scsi_reg {
	uint8_t			i_port[SCSI_PORT_LEN];
	const struct scsi_port	*port;
	uint64_t		key;
	bool			all_tg_pt;	/* is for ports too that are not known yet */
	bool			holder;		/* but of All Registrants types */
};

struct scsi_pr {
	struct scsi_reg	*regs;
	uint32_t	nr;
	uint32_t	generation;
	uint8_t		type;		/* of the reservation; 0: there is none */
	bool		aptpl;
};

/* Of scsi_lu.flags */
#define LU_RESERVED	(1U << 0)	/* there is a persistent reservation */
#define LU_EJECTED	(1U << 1)
#define LU_D_SENSE	(1U << 2)
#define LU_TAS		(1U << 3)
#define LU_SWP		(1U << 4)
#define LU_WCE		(1U << 5)
#define LU_MODE		(LU_D_SENSE | LU_TAS | LU_SWP | LU_WCE)

struct scsi_lu {
	struct scsi_target		*target;
	uint32_t			lun;
	struct scsi_lu_config		config;
	const struct scsi_lu_ops	*ops;
	void				*priv;
	pthread_mutex_t			lock;
	uint64_t			blocks;		/* atomic */
	uint32_t			flags;		/* atomic, written with [L] */
	struct scsi_task		*turn;		/* [L] COMPARE AND WRITE under way, then who waits */
	struct scsi_pr			pr;		/* [L] */
};

static inline uint32_t scsi_lu_flags(const struct scsi_lu *lu)
{
	return __atomic_load_n(&lu->flags, __ATOMIC_ACQUIRE);
}

static inline uint64_t scsi_lu_blocks(const struct scsi_lu *lu)
{
	return __atomic_load_n(&lu->blocks, __ATOMIC_ACQUIRE);
}

void scsi_lu_set_flags(struct scsi_lu *lu, uint32_t mask, uint32_t flags);
uint32_t scsi_lu_default_mode(const struct scsi_lu *lu);
bool scsi_is_wlun(const uint8_t *lun);
struct scsi_port *scsi_port_get(struct scsi_target *target, const uint8_t *name);

/* ---- unit attentions ----------------------------------------------------------- */

void scsi_ua_put(struct scsi_itl *itl, uint16_t asc);
void scsi_ua_add(struct scsi_nexus *nexus, uint32_t lun, uint16_t asc);
void scsi_ua_others(struct scsi_lu *lu, const struct scsi_nexus *self, uint16_t asc);
uint16_t scsi_ua_take(struct scsi_nexus *nexus, uint32_t lun);
void scsi_ua_drop(struct scsi_nexus *nexus, uint16_t asc);

/* ---- how a command ends ---------------------------------------------------------- */

/* Sense data, whatever its format. */
struct scsi_sense {
	uint8_t		key;
	uint16_t	asc;
	bool		has_info;
	bool		has_field;
	uint64_t	info;
	uint8_t		field[3];	/* sense key specific */
};

uint32_t scsi_sense_build(uint8_t *buf, const struct scsi_sense *sense, bool descriptor);
enum scsi_step scsi_good(struct scsi_task *task, uint32_t produced);
enum scsi_step scsi_status(struct scsi_task *task, uint8_t status);
enum scsi_step scsi_check(struct scsi_task *task, uint8_t key, uint16_t asc);
enum scsi_step scsi_check_info(struct scsi_task *task, uint8_t key, uint16_t asc, uint64_t info);
/* Point at a bit of a byte; bit 8: at the byte. */
enum scsi_step scsi_bad_cdb(struct scsi_task *task, uint16_t byte, uint8_t bit);
enum scsi_step scsi_bad_list(struct scsi_task *task, uint16_t byte, uint8_t bit);

/* ---- data-in ----------------------------------------------------------------------- */

/* What does not fit is counted, but not written. */
struct scsi_out {
	uint8_t		*buf;
	uint32_t	cap;
	uint32_t	len;
};

void scsi_put(struct scsi_out *out, const void *data, uint32_t len);
void scsi_put_be(struct scsi_out *out, uint64_t value, uint32_t len);
void scsi_put_zero(struct scsi_out *out, uint32_t len);
void scsi_put_text(struct scsi_out *out, const char *text, uint32_t len);
void scsi_set_be(struct scsi_out *out, uint32_t off, uint64_t value, uint32_t len);

static inline uint64_t scsi_get_be(const uint8_t *p, uint32_t len)
{
	uint64_t v = 0;

	while (len--)
		v = v << 8 | *p++;
	return v;
}

static inline uint64_t scsi_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* FNV-1a, 64 bits: to tell serial numbers apart, and to see damage. */
static inline uint64_t scsi_hash(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t hash = 0xcbf29ce484222325;

	while (len--)
		hash = (hash ^ *p++) * 0x100000001b3;
	return hash;
}

/* ---- block commands ------------------------------------------------------------------ */

enum scsi_step scsi_io(struct scsi_task *task, enum scsi_io_op op, uint64_t off, uint64_t len, uint32_t buf_off);
enum scsi_step scsi_fetch(struct scsi_task *task, uint32_t len);
enum scsi_step scsi_io_good(struct scsi_task *task);
uint32_t scsi_max_caw(const struct scsi_lu *lu);
/* Is it inside of the medium? False: the task has its status. */
bool scsi_range_valid(struct scsi_task *task, uint64_t lba, uint64_t blocks);

/* Of the range of the command; no longer than max_xfer, where the table says so. */
static inline uint64_t scsi_byte_off(const struct scsi_task *task)
{
	return task->lba * task->lu->config.block_size;
}

static inline uint64_t scsi_byte_len(const struct scsi_task *task)
{
	return task->blocks * task->lu->config.block_size;
}

enum scsi_step scsi_read_begin(struct scsi_task *task);
enum scsi_step scsi_read_io(struct scsi_task *task);
enum scsi_step scsi_write_begin(struct scsi_task *task);
enum scsi_step scsi_write_data(struct scsi_task *task);
enum scsi_step scsi_verify_begin(struct scsi_task *task);
enum scsi_step scsi_verify_data(struct scsi_task *task);
enum scsi_step scsi_verify_io(struct scsi_task *task);
enum scsi_step scsi_write_verify_begin(struct scsi_task *task);
enum scsi_step scsi_caw_begin(struct scsi_task *task);
enum scsi_step scsi_caw_data(struct scsi_task *task);
enum scsi_step scsi_caw_turn(struct scsi_task *task);
enum scsi_step scsi_caw_io(struct scsi_task *task);
void scsi_caw_end(struct scsi_task *task);
enum scsi_step scsi_sync_begin(struct scsi_task *task);
enum scsi_step scsi_same_begin(struct scsi_task *task);
enum scsi_step scsi_same_data(struct scsi_task *task);
enum scsi_step scsi_same_io(struct scsi_task *task);
enum scsi_step scsi_unmap_list(struct scsi_task *task, const uint8_t *list, uint32_t len);
enum scsi_step scsi_unmap_io(struct scsi_task *task);
enum scsi_step scsi_capacity10(struct scsi_task *task, struct scsi_out *out);
enum scsi_step scsi_capacity16(struct scsi_task *task, struct scsi_out *out);
enum scsi_step scsi_start_stop(struct scsi_task *task);
enum scsi_step scsi_start_stop_io(struct scsi_task *task);
enum scsi_step scsi_prevent(struct scsi_task *task);

/* ---- primary commands ------------------------------------------------------------------ */

enum scsi_step scsi_ready(struct scsi_task *task);
enum scsi_step scsi_inquiry(struct scsi_task *task, struct scsi_out *out);
enum scsi_step scsi_request_sense(struct scsi_task *task, struct scsi_out *out);
enum scsi_step scsi_report_luns(struct scsi_task *task, struct scsi_out *out);
enum scsi_step scsi_report_opcodes(struct scsi_task *task, struct scsi_out *out);
enum scsi_step scsi_report_functions(struct scsi_task *task, struct scsi_out *out);
enum scsi_step scsi_report_groups(struct scsi_task *task, struct scsi_out *out);
enum scsi_step scsi_mode_sense(struct scsi_task *task, struct scsi_out *out);
enum scsi_step scsi_mode_select(struct scsi_task *task, const uint8_t *list, uint32_t len);

/* ---- persistent reservations ------------------------------------------------------------ */

/* Types; Registrants Only are 5 and 6, All Registrants 7 and 8. */
#define PR_WRITE_EXCLUSIVE	1
#define PR_EXCLUSIVE_ACCESS	3
#define PR_WRITE_EXCLUSIVE_RO	5
#define PR_EXCLUSIVE_ACCESS_RO	6
#define PR_WRITE_EXCLUSIVE_AR	7
#define PR_EXCLUSIVE_ACCESS_AR	8

static inline bool scsi_pr_all_registrants(uint8_t type)
{
	return type >= PR_WRITE_EXCLUSIVE_AR;
}

bool scsi_pr_type_valid(uint8_t type);
bool scsi_pr_holds(const struct scsi_pr *pr, const struct scsi_reg *reg);
struct scsi_reg *scsi_pr_find(const struct scsi_pr *pr, const uint8_t *i_port, const struct scsi_port *port);
bool scsi_pr_conflict(struct scsi_task *task);
int scsi_pr_copy(struct scsi_pr *to, const struct scsi_pr *from, uint32_t more);
struct scsi_reg *scsi_pr_add(struct scsi_pr *pr, const uint8_t *i_port, const struct scsi_port *port, uint64_t key);
void scsi_pr_remove(struct scsi_pr *pr, struct scsi_reg *reg);
void scsi_pr_set(struct scsi_lu *lu, const struct scsi_pr *pr);
int scsi_pr_save(struct scsi_lu *lu, const struct scsi_pr *pr);
int scsi_pr_new_port(struct scsi_lu *lu, const struct scsi_port *port);

enum scsi_step scsi_pr_in(struct scsi_task *task, struct scsi_out *out);
enum scsi_step scsi_pr_out(struct scsi_task *task, const uint8_t *list, uint32_t len);
void scsi_preempt_end(const struct scsi_task *task);

#endif /* TGTD_SCSI_PRIV_H */
