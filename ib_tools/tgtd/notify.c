// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * See notify.h. The protocol of sd_notify(3): a datagram to the UNIX socket that NOTIFY_SOCKET names,
 * where a first '@' stands for the zero byte of an abstract address.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "notify.h"

void notify(const char *fmt, ...)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	char text[512];
	va_list args;
	int fd;

	if (!path || !*path || strlen(path) >= sizeof(addr.sun_path))
		return;
	strcpy(addr.sun_path, path);
	if (addr.sun_path[0] == '@')
		addr.sun_path[0] = 0;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL, (void *)&addr,
			     offsetof(struct sockaddr_un, sun_path) + strlen(path)) < 0)
		log_warning("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

unsigned int notify_watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && atoi(pid) != getpid()))
		return 0;
	/* Twice in its time. */
	return strtoul(usec, NULL, 10) / 2000;
}

void notify_reloading(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	notify("RELOADING=1\nMONOTONIC_USEC=%lld", t.tv_sec * 1000000LL + t.tv_nsec / 1000);
}
