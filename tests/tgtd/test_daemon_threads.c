// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The daemon's threads at work: commands with all task attributes and functions of several initiators on both
 * rings, with I/O on memory and on a file, while a logical unit comes and goes. Each command and each function ends
 * once, and none runs before its turn; nothing is left behind.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "fake_tgt.h"

#define TARGET_ID	0x1122
#define HOSTS		4
#define EVENTS		12000
#define IN_FLIGHT	256
#define DISK		"/var/tmp/test_daemon_threads.disk"

#define MEMORY_LUN	"{ lun = 0; backend = \"memory\"; size = \"8M\"; }"
#define FILE_LUN	"{ lun = 1; backend = \"file\"; path = \"" DISK "\"; size = \"8M\"; }"
#define CONF(luns)	"daemon = { threads = 2; memory = 8; };\n" \
			"targets = ( { id_ext = \"1122\"; luns = ( " luns " ); } );\n"

static char error[CONFIG_ERROR_LEN];

static void apply(const char *text)
{
	struct config *c = load(text);

	if (daemon_apply(&fake_d, c, error))
		fail_msg("%s", error);
	config_free(c);
}

static uint64_t nr_open(void)
{
	uint64_t i, n = 0;

	pthread_mutex_lock(&fake_lock);
	for (i = 0; i < nr_cmds; i++)
		n += cmds[i].state != ENDED;
	for (i = 0; i < nr_tmfs; i++)
		n += !tmfs[i].answered;
	pthread_mutex_unlock(&fake_lock);
	return n;
}

static void wait_below(uint64_t limit)
{
	time_t end = time(NULL) + 20;

	while (nr_open() > limit) {
		if (time(NULL) > end)
			fail_msg("%llu commands and functions do not end", (unsigned long long)nr_open());
		usleep(100);
	}
}

static void wait_for_state(uint64_t id, enum fake_state state)
{
	time_t end = time(NULL) + 20;

	while (__atomic_load_n(&cmds[id].state, __ATOMIC_RELAXED) != state) {
		if (time(NULL) > end)
			fail_msg("command %llu stays in state %u", (unsigned long long)id, cmds[id].state);
		usleep(100);
	}
}

static void done_now(uint64_t id)
{
	pthread_mutex_lock(&fake_lock);
	fake_done_locked(id);
	pthread_mutex_unlock(&fake_lock);
}

static void send_one(void)
{
	uint32_t host = 1 + rand() % HOSTS, ring = host & 1, lun = rand() & 1, blocks = 1 + rand() % 128;
	uint8_t attr = rand() % 16 ? TGT_ATTR_SIMPLE : rand() % 3;	/* enum tgt_task_attr */
	bool out = rand() & 1;
	const uint8_t cdb[16] = { out ? 0x2a : 0x28, 0, 0, 0, rand() % 48, 0, 0, 0, blocks };
	uint64_t id;
	bool ahead;

	if (rand() % 64 == 0) {
		send_tmf(ring, host, lun, 1 + rand() % 4, rand() % 16);
		return;
	}
	/* Nobody looks at what is written, so it can all be in one place. */
	fake_page = out && rand() & 1;
	ahead = fake_ahead = fake_page && rand() & 1;
	id = send_attr(ring, host, lun, rand() % 16, attr, cdb, out ? blocks * 512 : 0, out ? 0 : blocks * 512);
	if (ahead)
		done_now(id);
}

static void run_load(void)
{
	uint32_t i;

	for (i = 1; i <= HOSTS; i++)
		host_up(i & 1, i, TARGET_ID);
	srand(3);
	for (i = 0; i < EVENTS; i++) {
		send_one();
		if (i % 64 == 0)
			wait_below(IN_FLIGHT);
		if (i % 1024 == 512)
			apply(CONF(MEMORY_LUN));
		else if (i % 1024 == 0)
			apply(CONF(MEMORY_LUN "," FILE_LUN));
		/* Its lock is to be free when it comes again. */
		while (i % 1024 == 512 && daemon_reap(&fake_d))
			usleep(100);
	}
	wait_below(0);
	for (i = 1; i <= HOSTS; i++)
		host_down(i & 1, i);
	workers_quiesce(&fake_d);
	workers_quiesce(&fake_d);
}

static uint64_t nr_good(void)
{
	uint64_t i, n = 0;

	for (i = 0; i < nr_cmds; i++)
		n += !cmds[i].aborted && !cmds[i].status;
	return n;
}

static void load_on_threads(void **state)
{
	struct config *conf = load(CONF(MEMORY_LUN "," FILE_LUN));

	(void)state;
	start_threads(conf, error);
	run_load();
	assert_true(nr_good() > EVENTS / 4);
	stop_threads();
	config_free(conf);
	unlink(DISK);
}

static void *stop_first(void *arg)
{
	(void)arg;
	worker_stop(&fake_d.workers[0]);
	return NULL;
}

/* Its I/O has ended and its answer is on the way: the thread ends when that has arrived. */
static void stopped_behind_answer(void **state)
{
	static const uint8_t tur[16], read_8[16] = { 0x28, [8] = 8 };
	struct config *conf = load(CONF(MEMORY_LUN "," FILE_LUN));
	struct worker *w;
	pthread_t stopper;
	uint64_t id;

	(void)state;
	start_threads(conf, error);
	w = &fake_d.workers[0];
	host_up(0, 1, TARGET_ID);
	/* The unit attentions */
	do {
		id = send_cmd(0, 1, 1, 0, tur, 0, 0);
		wait_below(0);
	} while (cmds[id].status);

	fake_hold = true;
	id = send_cmd(0, 1, 1, 7, read_8, 0, 8 * 512);
	wait_for_state(id, RESPONDED);
	assert_int_equal(pthread_create(&stopper, NULL, stop_first, NULL), 0);
	/* It was told; and that it waits is seen at the end. */
	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED))
		usleep(100);
	done_now(id);
	pthread_join(stopper, NULL);
	fake_hold = false;
	assert_int_equal(w->in_flight, 0);
	assert_true(list_empty(&w->tasks));
	stop_threads();
	config_free(conf);
	unlink(DISK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(load_on_threads),
		cmocka_unit_test(stopped_behind_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
