/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the two files of srp_perf share. */
#ifndef PERF_H
#define PERF_H

#include "tool.h"

#define PERF_MAX_DEPTH		4096
#define PERF_MAX_CHANNELS	SRPI_WAIT_MAX
#define PERF_MAX_INDIRECT	255	/* that the IU can count */
#define PERF_MAX_SIZE		(16u << 20)

/**
 * struct perf_conf - what to do
 * @channels, @depth: commands in flight are @depth on each
 * @iters: commands in all; 0: for @ns
 * @indirect: memory descriptors of a command; 0: one, direct
 * @cdb_len: 10 or 16
 */
struct perf_conf {
	bool	write, random, events, immediate;
	u32	channels, depth, indirect;
	u64	iters, ns;
	u8	cdb_len;
};

extern struct perf_conf conf;

/**
 * struct perf_result - what was measured with one size
 * @iters: commands that were answered well
 * @retries: sent again, after BUSY, TASK SET FULL or UNIT ATTENTION
 * @immediate: the data went with the commands
 * @peak: bytes per second in the best tenth of a second, or of all of it if it was shorter
 */
struct perf_result {
	u32		size;
	u64		iters, retries, ns;
	bool		immediate;
	double		peak;
	struct tool_hist latency;
};

/* Logs in with all channels, as many bytes of memory as @max_size needs. Returns an exit code. */
int perf_begin(struct srpi *s, u32 max_size);
void perf_end(void);
/* The first channel; and memory to begin with. */
struct srpi_chan *perf_chan(void);
const struct srpi_mem *perf_mem(void);
/* Returns an exit code; what was measured is valid in any case. */
int perf_run(const struct tool_disk *disk, u32 size, struct perf_result *r);

#endif
