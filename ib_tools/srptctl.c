// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * srptctl: what the target on this host does: the driver, its sessions and what they wait for, targets in user space and
 * the daemon that serves them. Looks in sysfs, debugfs and at the daemon's socket; changes nothing.
 */
#include <argp.h>
#include <errno.h>
#include <json-c/json.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tgtd/status_socket.h"

#define MODULE		"/sys/module/ib_srpt"
#define CM_PORT		"/sys/kernel/config/target/srpt/discovery_auth/rdma_cm_port"
#define DEBUGFS		"/sys/kernel/debug"
#define SESSIONS	DEBUGFS "/ib_srpt/sessions"
#define TARGETS		DEBUGFS "/scsi_tgt/targets"

const char *argp_program_version = "srptctl " SRP_TOOLS_VERSION;

static const char *socket_path = STATUS_SOCKET;

/* ---- the kernel ------------------------------------------------------------------------------------ */

/* The first line of a file. Return: whether there is one. */
static bool read_line(const char *path, char *buf, int size)
{
	FILE *f = fopen(path, "r");
	bool any = f && fgets(buf, size, f);

	if (f)
		fclose(f);
	if (any)
		buf[strcspn(buf, "\n")] = '\0';
	else
		buf[0] = '\0';
	return any;
}

static void print_file(const char *title, FILE *f, const char *none)
{
	char *line = NULL;
	size_t size = 0;
	bool any = false;

	printf("\n%s\n", title);
	while (getline(&line, &size, f) > 0) {
		printf("  %s", line);
		any = true;
	}
	if (!any)
		printf("  %s\n", none);
	free(line);
}

static void complain_about_debugfs(int error)
{
	struct statfs fs;

	if (error == EACCES || error == EPERM)
		fprintf(stderr, "srptctl: %s: %s: become root\n", SESSIONS, strerror(error));
	else if (statfs(DEBUGFS, &fs) || fs.f_type != DEBUGFS_MAGIC)
		fprintf(stderr, "srptctl: sessions are in debugfs: mount -t debugfs none %s\n", DEBUGFS);
	else
		fprintf(stderr, "srptctl: no %s: the loaded ib_srpt is another one; modinfo ib_srpt says which would be loaded\n",
			SESSIONS);
}

/* Return: whether there is a driver that can be asked. */
static bool print_driver(void)
{
	char version[64], guid[64], port[64];
	FILE *f;

	if (access(MODULE, F_OK)) {
		fprintf(stderr, "srptctl: ib_srpt is not loaded: modprobe ib_srpt\n");
		return false;
	}
	f = fopen(SESSIONS, "r");
	if (!f) {
		complain_about_debugfs(errno);
		return false;
	}
	read_line(MODULE "/version", version, sizeof(version));
	read_line(MODULE "/parameters/srpt_service_guid", guid, sizeof(guid));
	if (!read_line(CM_PORT, port, sizeof(port)))
		read_line(MODULE "/parameters/rdma_cm_port", port, sizeof(port));
	printf("ib_srpt %s\n", version);
	printf("  ioc_guid and service id %s\n", guid);
	printf("  RDMA/CM port %s\n", atoi(port) ? port : "none; logins by IB/CM only");
	print_file("sessions", f, "nobody is logged in");
	fclose(f);
	f = fopen(TARGETS, "r");
	if (f) {
		print_file("targets in user space", f, "none");
		fclose(f);
	}
	return true;
}

/* ---- the daemon ------------------------------------------------------------------------------------ */

static struct json_object *member(struct json_object *o, const char *key)
{
	return json_object_object_get(o, key);
}

static const char *text(struct json_object *o, const char *key)
{
	const char *s = json_object_get_string(member(o, key));

	return s ?: "-";
}

static unsigned long long number(struct json_object *o, const char *key)
{
	return json_object_get_int64(member(o, key));
}

static size_t length(struct json_object *array)
{
	return array && json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

static void print_target(struct json_object *target)
{
	struct json_object *luns = member(target, "luns"), *lu;
	size_t i;

	printf("  target id_ext %s, %zu initiators\n", text(target, "id_ext"), length(member(target, "nexuses")));
	for (i = 0; i < length(luns); i++) {
		lu = json_object_array_get_idx(luns, i);
		printf("    LUN %llu: %s %s, %llu MiB; %llu commands, %llu of them in progress, %llu MiB read, %llu MiB written\n",
		       number(lu, "lun"), text(lu, "backend"), text(lu, "path"), number(lu, "size") >> 20,
		       number(lu, "commands"), number(lu, "commands_in_progress"), number(lu, "read_bytes") >> 20,
		       number(lu, "written_bytes") >> 20);
	}
}

static void print_status(struct json_object *status)
{
	struct json_object *targets = member(status, "targets"), *threads = member(status, "threads"), *t;
	unsigned long long aborted = 0, functions = 0, waits = 0, errors = 0;
	size_t i;

	for (i = 0; i < length(targets); i++)
		print_target(json_object_array_get_idx(targets, i));
	for (i = 0; i < length(threads); i++) {
		t = json_object_array_get_idx(threads, i);
		aborted += number(t, "aborted_commands");
		functions += number(t, "task_management_functions");
		waits += number(t, "waits_for_a_buffer");
		errors += number(t, "io_errors");
	}
	printf("  %zu threads; %llu I/O errors, %llu commands aborted, %llu task management functions, %llu waits for memory\n",
	       length(threads), errors, aborted, functions, waits);
	if (*text(status, "reload_error"))
		printf("  the last reload failed: %s\n", text(status, "reload_error"));
}

/* Return: whether there was an answer, or nobody to give one. */
static bool print_daemon(void)
{
	struct json_object *status;
	struct sockaddr_un addr;
	int fd = status_address(&addr, socket_path);
	bool understood;

	if (!fd)
		fd = status_connect(&addr);
	printf("\nsrp_tgtd\n");
	if (fd == -ENOENT || fd == -ECONNREFUSED) {
		printf("  does not run, or not with the socket %s\n", socket_path);
		return true;
	}
	fflush(stdout);
	status = fd < 0 ? NULL : json_object_from_fd(fd);
	understood = json_object_is_type(status, json_type_object);
	if (understood)
		print_status(status);
	else
		fprintf(stderr, "srptctl: %s: %s\n", socket_path, fd < 0 ? strerror(-fd) : "the answer is not that of srp_tgtd");
	json_object_put(status);
	if (fd >= 0)
		close(fd);
	return understood;
}

/* ---- options --------------------------------------------------------------------------------------- */

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 's':
		socket_path = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num || strcmp(arg, "status"))
			argp_error(state, "the one command is status, and not %s", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "socket", 's', "PATH", 0, "of srp_tgtd, as in its configuration; default: " STATUS_SOCKET, 0 },
		{ }
	};
	static const struct argp argp = {
		options, parse, "[status]", "What the SRP target on this host does, for people. See srptctl(8).", NULL, NULL, NULL
	};
	bool driver, daemon;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	driver = print_driver();
	daemon = print_daemon();
	return driver && daemon ? 0 : 1;
}
