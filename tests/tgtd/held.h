/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A daemon for tests that look at one step after the other: two threads that do not run, a target with two logical
 * units in memory, and I/O that lasts until the test ends it. What must hold at all times the kernel of fake_tgt.h looks
 * after.
 *
 * A test includes it once: it is a program of its own.
 */
#ifndef HELD_H
#define HELD_H

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fake_tgt.h"

#define TARGET_ID	0x1122	/* fake tgt_bind(): the id_ext */
#define BS		512u

static struct config *conf;
static int gate;		/* an I/O ends when it is readable */
static bool obeys = true;	/* an I/O can be cancelled */

#define VERIFY_10	0x2f	/* reads, without an answer behind it */

static const uint8_t TUR[16];

/* ---- a backend that waits ----------------------------------------------------------------------- */

static const struct backend_ops *real_ops;

static void held_prep(struct backend *be, struct io *io, struct io_uring_sqe *sqe)
{
	(void)be, (void)io;
	io_uring_prep_poll_add(sqe, gate, POLLIN);
}

static bool held_complete(struct backend *be, struct io *io, int res)
{
	(void)be;
	if (res == -ECANCELED && !obeys)
		res = 0;
	io->error = res < 0 ? res : 0;
	return true;
}

static struct backend_ops held_ops = {
	.prep = held_prep,
	.complete = held_complete,
};

static void hold_io(void)
{
	uint64_t n;

	while (read(gate, &n, sizeof(n)) > 0)
		;
}

static void release_io(void)
{
	static const uint64_t one = 1;

	assert_int_equal(write(gate, &one, sizeof(one)), sizeof(one));
	/* The completions come from the kernel: they are there when it was asked. */
	settle();
	usleep(1000);
	settle();
}

static __attribute__((unused)) void settle_io(void)
{
	settle();
	usleep(1000);
	settle();
}

/* ---- the daemon --------------------------------------------------------------------------------- */

static struct target *target(void)
{
	return container_of(fake_d.targets.next, struct target, node);
}

#define LUN(nr)		"{ lun = " nr "; backend = \"memory\"; size = \"8M\"; }"
#define CONF(luns)	"daemon = { threads = 2; memory = 8; };\n" \
			"targets = ( { id_ext = \"1122\"; luns = ( " luns " ); } );\n"

static int setup(void **state)
{
	char error[CONFIG_ERROR_LEN];
	struct list *node;
	uint32_t i;

	(void)state;
	conf = load(CONF(LUN("0") "," LUN("1")));
	gate = eventfd(0, EFD_NONBLOCK);
	if (gate < 0 || pipe(fake_pipe))
		return -1;
	fake_d = (struct daemon) { .conf = conf, .nr_workers = 2 };
	pthread_mutex_init(&fake_d.lock, NULL);
	list_init(&fake_d.targets);
	list_init(&fake_d.leaving);
	fake_d.workers = calloc(2, sizeof(fake_d.workers[0]));
	nr_memory = 0;
	for (i = 0; i < 2; i++)
		if (worker_init(&fake_d.workers[i], &fake_d, i, error) || uring_begin(&fake_d.workers[i]))
			return -1;
	if (daemon_apply(&fake_d, conf, error))
		return -1;
	list_for_each(node, &target()->lus) {
		struct backend *be = container_of(node, struct lu, node)->be;

		real_ops = be->ops;
		held_ops.close = real_ops->close;
		held_ops.size = real_ops->size;
		be->ops = &held_ops;
	}
	nr_cmds = nr_tmfs = fake_oldest = 0;
	obeys = true;
	return 0;
}

static int teardown(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 0; i < 2; i++)
		tmf_free_all(&fake_d.workers[i]);
	for (i = 0; i < 2; i++)
		task_free_all(&fake_d.workers[i]);
	for (i = 0; i < 2; i++) {
		worker_free(&fake_d.workers[i]);
		free(fake_memory[i]);
	}
	free(fake_d.workers);
	daemon_free_targets(&fake_d);
	config_free(conf);
	close(gate);
	close(fake_pipe[0]);
	close(fake_pipe[1]);
	return 0;
}

/* An initiator, which has had its unit attentions. */
static void login(uint32_t ring, uint32_t host_no)
{
	uint32_t lun, i;
	uint64_t id;

	host_up(ring, host_no, TARGET_ID);
	for (lun = 0; lun < 2; lun++) {
		for (i = 0; i < 8; i++) {
			id = send_cmd(ring, host_no, lun, 0, TUR, 0, 0);
			assert_int_equal(cmds[id].state, RESPONDED);
			cmd_done(id, TGT_DONE_OK);
			if (!cmds[id].status)
				break;
		}
		assert_int_equal(cmds[id].status, 0);
	}
}

/* On the first ring. */
static __attribute__((unused)) struct task *last_task(void)
{
	return container_of(fake_d.workers[0].tasks.prev, struct task, node);
}

static uint64_t send_rw(uint32_t ring, uint32_t host_no, uint32_t lun, uint64_t tag, uint8_t attr, uint8_t opcode,
			uint32_t blocks)
{
	const uint8_t cdb[16] = { opcode, 0, 0, 0, 0, 0, 0, blocks >> 8, blocks };
	bool out = opcode == 0x2a;

	return send_attr(ring, host_no, lun, tag, attr, cdb, out ? blocks * BS : 0, out ? 0 : blocks * BS);
}

#define READ(ring, host, lun, tag)	send_rw(ring, host, lun, tag, TGT_ATTR_SIMPLE, 0x28, 8)
#define WRITE(ring, host, lun, tag)	send_rw(ring, host, lun, tag, TGT_ATTR_SIMPLE, 0x2a, 8)

static void end_all(void)
{
	bool any = true;
	uint64_t i;

	for (any = true; any;) {
		any = false;
		release_io();
		for (i = 0; i < nr_cmds; i++) {
			if (cmds[i].state != FETCHING && cmds[i].state != RESPONDED)
				continue;
			cmd_done(i, TGT_DONE_OK);
			any = true;
		}
	}
	for (i = 0; i < nr_cmds; i++)
		assert_int_equal(cmds[i].state, ENDED);
	for (i = 0; i < nr_tmfs; i++)
		assert_true(tmfs[i].answered);
	for (i = 0; i < 2; i++)
		assert_int_equal(buffers_used(fake_d.workers[i].bufs), 0);
}

/* ---- persistent reservations --------------------------------------------------------------------- */

/* Its data is with the daemon, and fetched when the test says cmd_done(). */
static uint64_t pr_begin(uint32_t ring, uint32_t host_no, uint8_t attr, uint8_t action, uint8_t type, uint8_t key,
			 uint8_t service_key)
{
	const uint8_t cdb[16] = { 0x5f, action, type, 0, 0, 0, 0, 0, 24 };
	struct worker *w = &fake_d.workers[ring];
	uint64_t id = send_attr(ring, host_no, 0, 99, attr, cdb, 24, 0);
	uint8_t *data;

	assert_int_equal(cmds[id].state, FETCHING);
	data = container_of(w->tasks.prev, struct task, node)->scsi.buf;
	memset(data, 0, 24);
	data[7] = key;
	data[15] = service_key;
	return id;
}

static uint64_t pr_out(uint32_t ring, uint32_t host_no, uint8_t action, uint8_t type, uint8_t key, uint8_t service_key)
{
	uint64_t id = pr_begin(ring, host_no, TGT_ATTR_SIMPLE, action, type, key, service_key);

	cmd_done(id, TGT_DONE_OK);
	return id;
}

static __attribute__((unused)) void reserve(void)
{
	uint64_t id;

	login(0, 1);
	login(1, 2);
	id = pr_out(0, 1, 0, 0, 0, 1);
	assert_int_equal(cmds[id].status, 0);
	id = pr_out(1, 2, 0, 0, 0, 2);
	assert_int_equal(cmds[id].status, 0);
	id = pr_out(1, 2, 1, 5, 2, 0);		/* write exclusive, registrants only */
	assert_int_equal(cmds[id].status, 0);
	end_all();
}

#endif /* HELD_H */
