/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * SRP_CMD IUs from a description.
 *
 * Bytes are put down by offset, as the tables of the standard have them, and
 * not through the structures of the code under test.
 */
#ifndef IU_H
#define IU_H

#include <stdlib.h>
#include <string.h>
#include <linux/types.h>

#define IU_MAX		(70 * 1024)
#define IU_TAG		0x1122334455667788ull	/* as bytes 11h, 22h, ... */
#define IU_VA		0x100000ull		/* entry i: at IU_VA + i * 10000h, key i + 1 */

static inline void put16(u8 *p, u16 v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static inline void put32(u8 *p, u32 v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static inline void put64(u8 *p, u64 v)
{
	put32(p, v >> 32);
	put32(p + 4, v);
}

/* Formats: data-out nibble, data-in nibble. */
#define FMT_NONE	0x00
#define FMT_OUT_DIRECT	0x10
#define FMT_OUT_IND	0x20
#define FMT_OUT_IMM	0x30
#define FMT_IN_DIRECT	0x01
#define FMT_IN_IND	0x02

/**
 * struct cmd_desc - what an SRP_CMD shall look like
 * @cdb: 16 bytes, 268 if of variable length; NULL: TEST UNIT READY
 * @fmt: byte 5
 * @total: length of a direct buffer or of immediate data, total of a table
 * @table_len: of the table descriptor
 * @nr: entries in the IU
 * @entries: their lengths; NULL: @entry_len each
 * @len: of the IU if not 0: cut or padded with FFh
 */
struct cmd_desc {
	const u8	*cdb;
	u8		fmt;
	u8		count_out;
	u8		count_in;
	u8		attr;
	u8		add;
	u16		imm_off;
	u32		total;
	u32		table_len;
	u32		nr;
	const u32	*entries;
	u32		entry_len;
	u32		len;
};

static inline u32 put_descriptor(u8 *p, const struct cmd_desc *d, u32 pos)
{
	u32 i, format = d->fmt >> 4 ? d->fmt >> 4 : d->fmt & 15;

	switch (format) {
	case 1:
		put64(p + pos, IU_VA);
		put32(p + pos + 8, 1);
		put32(p + pos + 12, d->total);
		return pos + 16;
	case 2:
		put64(p + pos, 0xdead0000);
		put32(p + pos + 8, 0xbad);
		put32(p + pos + 12, d->table_len);
		put32(p + pos + 16, d->total);
		pos += 20;
		for (i = 0; i < d->nr; i++, pos += 16) {
			put64(p + pos, IU_VA + i * 0x10000ull);
			put32(p + pos + 8, i + 1);
			put32(p + pos + 12, d->entries ? d->entries[i] : d->entry_len);
		}
		return pos;
	case 3:
		put32(p + pos, d->total);
		pos += 4;
		if (d->imm_off && d->total < 65536 && pos < d->imm_off + d->total)
			pos = d->imm_off + d->total;
		return pos;
	}
	return pos;
}

/* Everything not described is FFh, so that a field taken from there is noticed. */
static inline u32 build_cmd(u8 *p, const struct cmd_desc *d)
{
	u32 add = d->add & ~3u, len;

	memset(p, 0xff, IU_MAX);
	p[0] = 0x02;
	p[5] = d->fmt;
	p[6] = d->count_out;
	p[7] = d->count_in;
	put64(p + 8, IU_TAG);
	memset(p + 20, 0, 8);
	p[21] = 5;
	p[29] = d->attr;
	p[31] = d->add;
	if (d->cdb)
		memcpy(p + 32, d->cdb, d->cdb[0] == 0x7f ? 16 + add : 16);
	else
		memset(p + 32, 0, 16);
	len = put_descriptor(p, d, 48 + add);
	return d->len ? d->len : len;
}

#endif
