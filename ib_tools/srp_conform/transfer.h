/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Reads and writes whose buffers are described in unusual ways, see struct table; for requirements of descriptors. */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "conform.h"

#define AREA		(2u << 20)		/* of the data: buffers */
#define TABLE_AT	AREA			/* tables in memory */
#define STREAM_AT	(AREA + (256u << 10))	/* what is transferred, in one piece */
#define BACK_AT		MARK_AT			/* what was read back */
#define TOO_SMALL	(GOOD | FIELD | BAD_CDB | CHECK)	/* how that, or no buffer at all, may end */
#define SAYS_0		(1ULL << 32)
#define IN_ONLY		1
#define OUT_ONLY	2

/* A piece of memory. */
struct seg {
	u32	off, len;
};

/**
 * struct table - a buffer, and what the IU says of it
 * @nr: entries
 * @in_iu: how many of them are in the IU
 * @each: bytes of an entry; 0: they differ
 * @segs: instead
 * @zeros: bit i: entry i has no bytes
 * @total, @table_len: what the IU says, if not the truth
 * @blocks: of the CDB, if not as many as there are bytes
 * @direct: one direct descriptor instead of a table
 * @bad_key: of the table's memory
 * @same: every block has the same contents
 * @change: the IU, when it is built
 * @allowed: 0: GOOD
 */
struct table {
	const char		*name;
	u16			nr, in_iu;
	u32			each;
	const struct seg	*segs;
	u32			zeros;
	u64			total, table_len;
	u32			blocks;
	bool			direct, bad_key, same;
	u8			only;
	void			(*change)(struct srpi_iu *iu);
	u32			allowed;
};

extern struct seg segs[];	/* of the last buffer that was built */
extern u32 nr_segs;
extern u8 image[AREA];		/* what the memory has to be */

/* Chooses the segments. Returns the number of their bytes. */
u64 lay_segs(const struct table *t);
/* A command with the segments as buffer; the table is in memory too. */
void build_buffer(struct srpi_iu *iu, const struct table *t, enum srpi_dir dir, u32 blocks, u32 total);
void expect_image(void);
/* The residual of a buffer of @total bytes for a command that wants another number. */
void expect_length(const struct srpi_rsp *r, enum srpi_dir dir, u32 total, u32 wanted);
/* Each of them as a row, out and in: data exact, or, if it may be refused and is, nothing written. */
void transfers(const struct table *t, u32 nr);

#define TRANSFERS(...) do { \
	static const struct table tables[] = { __VA_ARGS__ }; \
	transfers(tables, ARRAY_SIZE(tables)); \
} while (0)

/* DSC-31, DSC-32 */
void large_buffers(void);
void many_rdmas(void);

#endif
