// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* See status_socket.h. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "status_socket.h"

int status_address(struct sockaddr_un *addr, const char *path)
{
	*addr = (struct sockaddr_un) { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	strcpy(addr->sun_path, path);
	return 0;
}

int status_connect(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const void *)addr, sizeof(*addr)))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}
