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

static void send_one(void)
{
	uint32_t host = 1 + rand() % HOSTS, ring = host & 1, lun = rand() & 1, blocks = 1 + rand() % 128;
	uint8_t attr = rand() % 16 ? TGT_ATTR_SIMPLE : rand() % 3;	/* enum tgt_task_attr */
	bool out = rand() & 1;
	const uint8_t cdb[16] = { out ? 0x2a : 0x28, 0, 0, 0, rand() % 48, 0, 0, 0, blocks };

	if (rand() % 64 == 0)
		send_tmf(ring, host, lun, 1 + rand() % 4, rand() % 16);
	else
		send_attr(ring, host, lun, rand() % 16, attr, cdb, out ? blocks * 512 : 0, out ? 0 : blocks * 512);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(load_on_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
