// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The smallest use of libtgt: a disk of 64 MiB in memory, enough of one for Linux to use it.
 *
 *	memory_target ID_EXT
 *
 * Each command is answered at once, with data that moves straight between the initiator and the
 * memory of the disk, or from answers that never change. So there is nothing to keep between two
 * events, and nothing to abort: the kernel waits for the CMD_DONE of what a task management
 * function covers before it tells the initiator.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libtgt.h>

#define BLOCK		512u
#define BLOCKS		131072u
#define ANSWER_LEN	64u	/* room for each in the memory behind the disk */

/* Data-in that never changes. Where the CDB has the allocation length, and its bytes; 0: none. */
static const struct answer {
	uint8_t		opcode, alloc_at, alloc_len, len;
	uint8_t		data[36];
} answers[] = {
	{ 0x00, 0, 0, 0, "" },						/* TEST UNIT READY */
	{ 0x12, 3, 2, 36, "\0\0\6\2\37\0\0\2ib_srpt memory_target   1   " },	/* INQUIRY */
	{ 0x1a, 4, 1, 4, "\3" },					/* MODE SENSE(6): no pages */
	{ 0x25, 0, 0, 8, "\0\1\377\377\0\0\2" },			/* READ CAPACITY(10) */
	{ 0x9e, 10, 4, 32, "\0\0\0\0\0\1\377\377\0\0\2" },		/* READ CAPACITY(16) */
	{ 0xa0, 6, 4, 16, "\0\0\0\10" },				/* REPORT LUNS: LUN 0 */
};

#define NR_ANSWERS	(sizeof(answers) / sizeof(answers[0]))

static uint64_t be(const uint8_t *p, int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | *p++;
	return v;
}

static void check_condition(struct tgt_cmd_rsp *rsp, uint8_t asc)
{
	static const uint8_t illegal_request[18] = { 0x70, 0, 5, 0, 0, 0, 0, 10 };

	rsp->status = 2;
	rsp->sense_len = sizeof(illegal_request);
	memcpy(rsp->sense, illegal_request, sizeof(illegal_request));
	rsp->sense[12] = asc;
}

static void transfer(struct tgt_cmd_rsp *rsp, uint64_t off, uint32_t produced, uint32_t room)
{
	rsp->off = off;
	rsp->produced = produced;
	rsp->len = produced < room ? produced : room;
}

/* READ(10), WRITE(10), READ(16), WRITE(16); a write moves its data before the status. */
static void read_write(const struct tgt_cmd_req *req, struct tgt_cmd_rsp *rsp)
{
	int is_16 = req->cdb[0] & 0x80, is_write = req->cdb[0] & 2;
	uint64_t lba = be(req->cdb + 2, is_16 ? 8 : 4);
	uint64_t blocks = is_16 ? be(req->cdb + 10, 4) : be(req->cdb + 7, 2);

	if (lba > BLOCKS || blocks > BLOCKS - lba)
		check_condition(rsp, 0x21);	/* LOGICAL BLOCK ADDRESS OUT OF RANGE */
	else if (blocks * BLOCK > TGT_MAX_TRANSFER || (is_write && blocks * BLOCK > req->data_out_len))
		check_condition(rsp, 0x24);	/* INVALID FIELD IN CDB */
	else
		transfer(rsp, lba * BLOCK, blocks * BLOCK, is_write ? req->data_out_len : req->data_in_len);
}

static void answer(const struct tgt_cmd_req *req, struct tgt_cmd_rsp *rsp)
{
	static const uint8_t lun_0[8];
	const struct answer *a;
	uint32_t i, alloc;

	if (memcmp(req->lun, lun_0, sizeof(lun_0)) && req->cdb[0] != 0xa0) {
		check_condition(rsp, 0x25);	/* LOGICAL UNIT NOT SUPPORTED */
		return;
	}
	switch (req->cdb[0]) {
	case 0x28: case 0x2a: case 0x88: case 0x8a:
		read_write(req, rsp);
		return;
	}
	for (i = 0; i < NR_ANSWERS && answers[i].opcode != req->cdb[0]; i++)
		;
	if (i == NR_ANSWERS) {
		check_condition(rsp, 0x20);	/* INVALID COMMAND OPERATION CODE */
	} else if ((req->cdb[0] == 0x12 && req->cdb[1] & 1) || (req->cdb[0] == 0x9e && (req->cdb[1] & 0x1f) != 0x10)) {
		check_condition(rsp, 0x24);	/* no vital product data, no other service action */
	} else {
		a = &answers[i];
		alloc = a->alloc_len ? be(req->cdb + a->alloc_at, a->alloc_len) : a->len;
		transfer(rsp, BLOCKS * BLOCK + i * ANSWER_LEN, alloc < a->len ? alloc : a->len, req->data_in_len);
	}
}

static int handle(struct tgt *tgt, const struct tgt_event *ev, uint32_t buf_id)
{
	struct tgt_cmd_rsp rsp = { .buf_id = buf_id };

	switch (ev->type) {
	case TGT_CMD_REQ:
		rsp.cmd_id = ev->cmd_req.cmd_id;
		answer(&ev->cmd_req, &rsp);
		return tgt_cmd_rsp(tgt, 0, ev->host_no, &rsp);
	case TGT_TSK_MGMT_REQ:
		return tgt_tsk_mgmt_rsp(tgt, 0, ev->host_no, ev->tsk_mgmt_req.tmf_id,
					ev->tsk_mgmt_req.function == TGT_CLEAR_ACA ? TGT_TMF_NOT_SUPPORTED :
					ev->tsk_mgmt_req.function == TGT_ABORT_TASK ? TGT_TMF_TASK_COMPLETED :
					TGT_TMF_COMPLETE);
	}
	return 0;	/* CMD_DONE, HOST_UP, HOST_DOWN: nothing is kept */
}

static int serve(struct tgt *tgt, uint64_t id_ext)
{
	uint32_t target_id, buf_id, i;
	struct tgt_event ev;
	void *memory;
	int ret;

	ret = tgt_alloc_buf(tgt, BLOCKS * BLOCK + NR_ANSWERS * ANSWER_LEN, &buf_id, &memory);
	if (ret)
		return ret;
	for (i = 0; i < NR_ANSWERS; i++)
		memcpy((char *)memory + BLOCKS * BLOCK + i * ANSWER_LEN, answers[i].data, sizeof(answers[i].data));
	ret = tgt_bind(tgt, NULL, id_ext, NULL, 0, &target_id);
	while (ret >= 0) {
		ret = tgt_wait(tgt, 0, -1);
		while (ret >= 0 && tgt_next(tgt, 0, &ev))
			ret = handle(tgt, &ev, buf_id);
		/* An initiator that is gone takes its commands along. */
		if (ret == -ENOENT)
			ret = 0;
	}
	return ret;
}

int main(int argc, char **argv)
{
	struct tgt *tgt;
	int ret;

	if (argc != 2) {
		fprintf(stderr, "usage: memory_target ID_EXT\n");
		return 2;
	}
	ret = tgt_open(NULL, &tgt);
	if (!ret) {
		ret = serve(tgt, strtoull(argv[1], NULL, 16));
		tgt_close(tgt);
	}
	fprintf(stderr, "memory_target: %s\n", tgt_error());
	return 1;
}
