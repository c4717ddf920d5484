// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Several commands in flight: read from LBA 0 on, and write that to the standard output.
 *
 *	read_blocks id_ext=...,ioc_guid=...,dest=192.0.2.10:5555 COUNT [LUN] >FILE
 *
 * COUNT blocks of 512 bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsrp.h>

#define BLOCK		512
#define BLOCKS		64	/* of a command */
#define IN_FLIGHT	16
#define TIMEOUT		10000

struct job {
	struct srpi_chan	*ch;
	struct srpi_mem		mem;
	u8			lun[8];
	u32			count, next, done;	/* blocks */
};

/* READ(10); where its data goes follows from the LBA, and the LBA is the tag. */
static int send_read(struct job *job)
{
	const u32 n = job->count - job->next < BLOCKS ? job->count - job->next : BLOCKS;
	const u32 lba = job->next;
	u8 cdb[10] = { 0x28, 0, lba >> 24, lba >> 16, lba >> 8, lba, 0, n >> 8, n };
	struct srpi_iu iu;
	int ret;

	srpi_cmd(&iu, lba, job->lun, cdb, sizeof(cdb));
	srpi_direct(&iu, SRPI_IN, srpi_desc(&job->mem, (size_t)lba * BLOCK, n * BLOCK));
	ret = srpi_send(job->ch, &iu);
	if (!ret)
		job->next += n;
	return ret;
}

static int take_answer(struct job *job)
{
	struct srpi_rsp rsp;
	u32 n;
	int ret;

	ret = srpi_recv_rsp(job->ch, &rsp, TIMEOUT);
	if (ret)
		return ret;
	if (rsp.status || rsp.in_res) {
		fprintf(stderr, "LBA %llu: %s, sense %06x\n", rsp.tag, srpi_status_str(rsp.status), srpi_sense(&rsp));
		return -1;
	}
	n = job->count - (u32)rsp.tag;
	job->done += n < BLOCKS ? n : BLOCKS;
	return 0;
}

static int read_all(struct job *job)
{
	u32 flying = 0;
	int ret = 0;

	while (job->done < job->count && !ret) {
		/* Never more than the target has granted. */
		if (job->next < job->count && flying < IN_FLIGHT && srpi_credits(job->ch) > 0) {
			ret = send_read(job);
			flying++;
		} else {
			ret = take_answer(job);
			flying--;
		}
	}
	return ret;
}

static struct srpi *open_target(const char *text)
{
	struct srpi_target target;
	struct srpi *s = NULL;
	const char *why;
	int err;

	if (srpi_parse_target(text, &target, &why)) {
		fprintf(stderr, "%s\n", why);
		return NULL;
	}
	/* Another port id than the kernel's initiator has, whose session would end. */
	memcpy(target.i_port_id, "example", 8);
	s = srpi_open(&target, 0, &err);
	if (!s)
		fprintf(stderr, "no way to the target: %s\n", strerror(-err));
	return s;
}

int main(int argc, char **argv)
{
	struct job job = { 0 };
	struct srpi *s;
	size_t len;
	int ret;

	job.count = argc > 2 ? atoi(argv[2]) : 0;
	if (!job.count) {
		fprintf(stderr, "usage: read_blocks TARGET COUNT [LUN]\n");
		return 2;
	}
	len = (size_t)job.count * BLOCK;
	srpi_lun(job.lun, argc > 3 ? atoi(argv[3]) : 0);
	s = open_target(argv[1]);
	if (!s)
		return 1;
	ret = srpi_mem_alloc(s, len, SRPI_ACCESS_DATA, &job.mem);
	if (!ret)
		ret = srpi_login(s, NULL, &job.ch);
	if (!ret)
		ret = read_all(&job);
	if (ret)
		fprintf(stderr, "failed: %s\n", job.ch ? srpi_error(job.ch) : strerror(-ret));
	else if (fwrite(job.mem.addr, 1, len, stdout) != len)
		ret = -1;
	/* First the channel, so that nothing writes to the memory any more. */
	srpi_chan_close(job.ch);
	srpi_mem_free(&job.mem);
	srpi_close(s);
	return ret ? 1 : 0;
}
