// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Commands in several threads at the same time: COMPARE AND WRITE counts without losing
 * anything, while reservations, mode pages and unit attentions come and go. Of most use
 * with SAN=-fsanitize=thread.
 */
#include <sched.h>
#include "rig.h"

#define NR_THREADS	3
#define NR_COUNTS	2000

static uint8_t block[RIG_BS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t resumed = PTHREAD_COND_INITIALIZER;

/* A thread, and the command it has. */
struct worker {
	pthread_t		thread;
	struct scsi_nexus	*nexus;
	struct scsi_task	task;
	uint8_t			buf[4 * RIG_BS];
	uint8_t			out[2 * RIG_BS];
	bool			go_on;
	unsigned int		count;
};

static void resume(struct scsi_task *task)
{
	struct worker *w = (struct worker *)((char *)task - offsetof(struct worker, task));

	pthread_mutex_lock(&lock);
	w->go_on = true;
	pthread_cond_broadcast(&resumed);
	pthread_mutex_unlock(&lock);
}

static const struct scsi_lu_ops ops = { .resume = resume };

static enum scsi_step wait_for_turn(struct worker *w)
{
	pthread_mutex_lock(&lock);
	while (!w->go_on)
		pthread_cond_wait(&resumed, &lock);
	w->go_on = false;
	pthread_mutex_unlock(&lock);
	return scsi_resume(&w->task);
}

/* Only COMPARE AND WRITE gets to the medium, so its turn is all that protects it. Others may come meanwhile. */
static void carry_out(struct worker *w)
{
	const struct scsi_io *io = &w->task.io;

	sched_yield();
	if (io->op == SCSI_IO_READ)
		memcpy(w->buf + io->buf_off, block, io->len);
	else if (io->op == SCSI_IO_WRITE)
		memcpy(block, w->buf + io->buf_off, io->len);
}

static uint8_t run(struct worker *w, const uint8_t *cdb, uint8_t cdb_len, uint32_t out_len, uint32_t in_len)
{
	struct scsi_task *task = &w->task;
	enum scsi_step step;

	rig_task(task, w->nexus, cdb, cdb_len, out_len, in_len);
	task->buf = w->buf;
	step = scsi_begin(task);
	while (step != SCSI_RESPOND) {
		if (step == SCSI_FILL) {
			step = scsi_fill(task);
		} else if (step == SCSI_FETCH) {
			memcpy(task->buf, w->out, task->fetch_len);
			step = scsi_data(task);
		} else if (step == SCSI_WAIT) {
			step = wait_for_turn(w);
		} else {
			carry_out(w);
			step = scsi_io_done(task, 0);
		}
	}
	scsi_task_end(task);
	return task->status;
}

static void disturb(struct worker *w, unsigned int i)
{
	static const uint8_t ready[6], luns[12] = { 0xa0, [9] = 64 }, keys[10] = { 0x5e, [8] = 64 };
	static const uint8_t registers[10] = { 0x5f, 6, [8] = 24 }, select[6] = { 0x15, 0x10, [4] = 24 };

	memset(w->out, 0, 24);
	if (i % 3 == 0) {
		w->out[15] = i & 1;
		run(w, registers, 10, 24, 0);
	} else if (i % 3 == 1) {
		memcpy(w->out + 4, (const uint8_t []){ 0x08, 18, i & 2 ? 4 : 0 }, 3);
		run(w, select, 6, 24, 0);
	}
	run(w, ready, 6, 0, 0);
	run(w, luns, 12, 0, 64);
	run(w, keys, 10, 0, 64);
}

/* Count up from what it has last seen; if another was faster, the next number is tried. */
static void *work(void *arg)
{
	static const uint8_t caw[16] = { 0x89, [13] = 1 };
	struct worker *w = arg;
	uint32_t value = 0;

	while (w->count < NR_COUNTS) {
		memset(w->out, 0, sizeof(w->out));
		memcpy(w->out, &value, sizeof(value));
		value++;
		memcpy(w->out + RIG_BS, &value, sizeof(value));
		if (run(w, caw, 16, 2 * RIG_BS, 0) == SCSI_GOOD) {
			w->count++;
			if (w->count % 16 == 0)
				disturb(w, w->count / 16);
		} else if (w->task.sense[2] == KEY_UNIT_ATTENTION) {
			value--;
		} else {
			/* what another one has written is in the scratch area */
			memcpy(&value, w->buf + 2 * RIG_BS, sizeof(value));
		}
	}
	return NULL;
}

static void counting(void **state)
{
	static struct worker workers[NR_THREADS];
	struct scsi_nexus *nexuses[NR_THREADS] = { rig.a, rig.b, rig.c };
	uint32_t sum;
	unsigned int i;

	(void)state;
	rig.lu->ops = &ops;
	for (i = 0; i < NR_THREADS; i++) {
		workers[i].nexus = nexuses[i];
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	memcpy(&sum, block, sizeof(sum));
	assert_int_equal(sum, NR_THREADS * NR_COUNTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(counting, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
