/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A target for tests of the SCSI engine: one logical unit in memory, three nexuses,
 * and what a daemon does between the steps of a command.
 *
 * Every step is looked at: an I/O outside of the medium or of the buffer, more data
 * than there is room for and the like fail whatever test is running. The buffer is
 * exactly as long as the command wanted it.
 */
#ifndef RIG_H
#define RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "scsi_priv.h"

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))
#define RIG_BLOCKS	256U
#define RIG_BS		512U
#define RIG_SIZE	(RIG_BLOCKS * RIG_BS)
#define RIG_LUN		5
#define RIG_MAX_IOS	64

/**
 * struct rig - the target
 * @a: initiator 1 at port 1
 * @b: initiator 2 at port 1
 * @c: initiator 1 at port 2
 * @io_error: what the next I/Os end with
 * @ios: those of the last command
 * @saved: what save_reservations got
 * @save_error: what it returns
 * @resumed: the last task that ops->resume() was called for
 */
struct rig {
	struct scsi_target	*target;
	struct scsi_lu		*lu;
	struct scsi_nexus	*a, *b, *c;
	uint8_t			medium[RIG_SIZE];
	int			io_error;
	struct scsi_io		ios[RIG_MAX_IOS];
	unsigned int		nr_ios;
	uint8_t			saved[65536];
	size_t			saved_len;
	int			save_error;
	struct scsi_task	*resumed;
};

/* How a command ended. */
struct answer {
	uint8_t		status;
	uint8_t		key;
	uint16_t	asc;
	bool		has_info;
	uint64_t	info;
	bool		has_field;
	uint8_t		bit;		/* 8: none */
	uint16_t	field;
	uint32_t	in_len;
	uint32_t	produced;
	uint8_t		in[65536];
};

extern struct rig rig;
extern const struct scsi_lu_config rig_config;

/* Fixtures of cmocka. The second leaves the unit attentions of power on in place. */
int rig_setup(void **state);
int rig_setup_power_on(void **state);
int rig_teardown(void **state);

/* Another logical unit in place of the one there is; without unit attentions. */
void rig_replace(const struct scsi_lu_config *config);
void rig_clear_attentions(void);

/* A task as the kernel hands it over. */
void rig_task(struct scsi_task *task, struct scsi_nexus *nexus, const uint8_t *cdb, uint8_t cdb_len,
	      uint32_t out_len, uint32_t in_len);
/* From step on until it has to wait or has a status; out: the data-out. */
enum scsi_step rig_drive(struct scsi_task *task, enum scsi_step step, const void *out);
/* What came out of it; ends the task. */
void rig_end(struct scsi_task *task, struct answer *answer);

/* All of that for the LUN of the rig; the answer is valid until the next command. */
const struct answer *rig_exec(struct scsi_nexus *nexus, const uint8_t *cdb, uint8_t cdb_len, const void *out,
			      uint32_t out_len, uint32_t in_len);

#define IN(nexus, room, ...) \
	rig_exec(nexus, (const uint8_t []){ __VA_ARGS__ }, sizeof((const uint8_t []){ __VA_ARGS__ }), NULL, 0, room)
#define OUT(nexus, data, len, ...) \
	rig_exec(nexus, (const uint8_t []){ __VA_ARGS__ }, sizeof((const uint8_t []){ __VA_ARGS__ }), data, len, 0)
#define NONE(nexus, ...)	IN(nexus, 0, __VA_ARGS__)
#define READY(nexus)		NONE(nexus, 0, 0, 0, 0, 0, 0)

void want_good(const struct answer *answer, uint32_t produced);
void want_status(const struct answer *answer, uint8_t status);
void want_check(const struct answer *answer, uint8_t key, uint16_t asc);
/* INVALID FIELD IN CDB or PARAMETER LIST, with its pointer; bit 8: none */
void want_bad_cdb(const struct answer *answer, uint16_t byte, uint8_t bit);
void want_bad_list(const struct answer *answer, uint16_t byte, uint8_t bit);
/* TEST UNIT READY tells of this unit attention; 0: there is none */
void want_attention(struct scsi_nexus *nexus, uint16_t asc);

#endif /* RIG_H */
