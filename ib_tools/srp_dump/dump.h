/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the files of srp_dump share. */
#ifndef DUMP_H
#define DUMP_H

#include <stdio.h>

#include "tool.h"

enum dump_from { FROM_ANYONE, FROM_INITIATOR, FROM_TARGET };

/* What the bytes are supposed to be. */
enum dump_form {
	FORM_IU,	/* on a channel, or private data: told by looking at it */
	FORM_LOGIN_IB,	/* private data of a REQ of IB/CM */
	FORM_LOGIN_RDMA,	/* and of RDMA/CM */
};

struct dump_conf {
	u16		imm_off;
	enum dump_from	from;
	bool		json;
	bool		lines;
};

extern struct dump_conf conf;

#define DUMP_MAX_LEN	(1u << 20)	/* of an IU */

/* ---- output (srp_dump.c): entries with fields and what is wrong with them -------------------------- */

/* @where: "line 3", "frame 7, …" */
void entry_begin(const char *where, const char *type, u32 len);
void __attribute__((format(printf, 4, 5))) entry_field(u32 off, u32 len, const char *name, const char *fmt, ...);
/* What is wrong with the entry. */
void __attribute__((format(printf, 1, 2))) entry_problem(const char *fmt, ...);
/* What our decoder says. */
void __attribute__((format(printf, 2, 3))) entry_verdict(bool accepted, const char *fmt, ...);
void entry_end(void);
/* The input cannot be read further: where and why. */
void __attribute__((format(printf, 2, 3))) input_problem(const char *where, const char *fmt, ...);

/* ---- decoding (iu.c) ------------------------------------------------------------------------------- */

/* One entry; @len bytes at @b, nothing else is looked at. */
void dump_iu(const char *where, const u8 *b, u32 len, enum dump_from from, enum dump_form form);

/* Bytes as text, at most 32 of them; the buffer is static. */
const char *dump_bytes(const u8 *b, u32 len);

/* ---- input ----------------------------------------------------------------------------------------- */

/* hex.c */
void read_hex(FILE *file, const char *name);
void read_binary(FILE *file, const char *name);
/* capture.c: returns an exit code */
int read_capture(FILE *file, const char *name);

#endif
