// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * See status.h. Counters of other threads are read while they run, so they are not of one moment.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine.h"
#include "log.h"
#include "status.h"
#include "status_socket.h"

#define BACKLOG	16

/* ---- the document ------------------------------------------------------------------------------- */

static void add_int(struct json_object *o, const char *key, const uint64_t *v)
{
	json_object_object_add(o, key, json_object_new_int64(__atomic_load_n(v, __ATOMIC_RELAXED)));
}

static void add_text(struct json_object *o, const char *key, const char *v)
{
	json_object_object_add(o, key, json_object_new_string(v));
}

static struct json_object *lu_status(const struct lu *lu)
{
	struct json_object *o = json_object_new_object();
	uint64_t lun = lu->conf->lun, users = __atomic_load_n(&lu->users, __ATOMIC_RELAXED);

	add_int(o, "lun", &lun);
	add_text(o, "backend", lu->conf->backend);
	if (lu->conf->path)
		add_text(o, "path", lu->conf->path);
	add_text(o, "serial", lu->conf->scsi.serial);
	add_int(o, "size", &lu->size);
	add_int(o, "commands_in_progress", &users);
	add_int(o, "commands", &lu->counters.commands);
	add_int(o, "read_bytes", &lu->counters.read_bytes);
	add_int(o, "written_bytes", &lu->counters.written_bytes);
	return o;
}

static struct json_object *nexus_status(const struct nexus *nexus)
{
	struct json_object *o = json_object_new_object();
	uint64_t host_no = nexus->host_no;
	char text[33];
	unsigned int i;

	for (i = 0; i < sizeof(nexus->i_port_id); i++)
		snprintf(text + 2 * i, 3, "%02x", nexus->i_port_id[i]);
	add_text(o, "initiator_port_id", text);
	add_int(o, "host", &host_no);
	return o;
}

static struct json_object *target_status_locked(const struct target *t)
{
	struct json_object *o = json_object_new_object(), *lus = json_object_new_array(),
			   *nexuses = json_object_new_array();
	struct list *node;
	char id_ext[17];

	snprintf(id_ext, sizeof(id_ext), "%016llx", (unsigned long long)t->conf->id_ext);
	add_text(o, "id_ext", id_ext);
	json_object_object_add(o, "leaving", json_object_new_boolean(t->leaving));
	list_for_each(node, &t->lus)
		json_object_array_add(lus, lu_status(container_of(node, struct lu, node)));
	json_object_object_add(o, "luns", lus);
	list_for_each(node, &t->nexuses)
		json_object_array_add(nexuses, nexus_status(container_of(node, struct nexus, target_node)));
	json_object_object_add(o, "nexuses", nexuses);
	return o;
}

static struct json_object *worker_status(const struct worker *w)
{
	struct json_object *o = json_object_new_object();

	add_int(o, "commands", &w->counters.commands);
	add_int(o, "aborted_commands", &w->counters.aborted);
	add_int(o, "task_management_functions", &w->counters.functions);
	add_int(o, "waits_for_a_buffer", &w->counters.buffer_waits);
	add_int(o, "io_errors", &w->counters.io_errors);
	return o;
}

static struct json_object *daemon_status(struct daemon *d)
{
	struct json_object *o = json_object_new_object(), *targets = json_object_new_array(),
			   *threads = json_object_new_array();
	struct list *node;
	uint32_t i;

	pthread_mutex_lock(&d->lock);
	list_for_each(node, &d->targets)
		json_object_array_add(targets, target_status_locked(container_of(node, struct target, node)));
	pthread_mutex_unlock(&d->lock);
	for (i = 0; i < d->nr_workers; i++)
		json_object_array_add(threads, worker_status(&d->workers[i]));
	json_object_object_add(o, "targets", targets);
	json_object_object_add(o, "threads", threads);
	add_int(o, "reloads", &d->reloads);
	add_text(o, "reload_error", d->reload_error);
	return o;
}

/* ---- the socket --------------------------------------------------------------------------------- */

static int fill_address(struct sockaddr_un *addr, const char *path)
{
	int ret = status_address(addr, path);

	if (ret)
		log_error("%s: the path of a socket must have less than %zu characters", path, sizeof(addr->sun_path));
	return ret;
}

int status_open(const char *path)
{
	struct sockaddr_un addr;
	int fd, ret = fill_address(&addr, path);

	if (ret)
		return ret;
	/* What a daemon has left behind that did not end well refuses. */
	fd = status_connect(&addr);
	if (fd >= 0) {
		close(fd);
		log_error("%s: another srp_tgtd answers there: end it, or set another socket", path);
		return -EADDRINUSE;
	}
	if (fd == -ECONNREFUSED)
		unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && !bind(fd, (void *)&addr, sizeof(addr)) && !listen(fd, BACKLOG))
		return fd;
	ret = -errno;
	log_error("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ret;
}

void status_answer(int listener, struct daemon *d)
{
	static const struct timeval patience = { .tv_sec = 1 };
	int fd = accept(listener, NULL, NULL);
	struct json_object *o;
	const char *text;
	size_t len;
	ssize_t n;

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	o = daemon_status(d);
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
	for (len = strlen(text); len; len -= n, text += n) {
		n = send(fd, text, len, MSG_NOSIGNAL);
		if (n <= 0)
			break;
	}
	if (!len)
		send(fd, "\n", 1, MSG_NOSIGNAL);
	json_object_put(o);
	close(fd);
}

int status_print(const char *path)
{
	struct sockaddr_un addr;
	char text[4096];
	ssize_t n;
	int fd;

	if (fill_address(&addr, path))
		return 2;
	fd = status_connect(&addr);
	if (fd < 0) {
		log_error("%s: %s: is srp_tgtd running, and is this its socket?", path, strerror(-fd));
		return 1;
	}
	while ((n = read(fd, text, sizeof(text))) > 0)
		fwrite(text, 1, n, stdout);
	close(fd);
	return fflush(stdout) || n < 0 ? 1 : 0;
}
