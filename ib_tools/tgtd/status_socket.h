/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The way to the socket of status.h, for the daemon and for srptctl, which has no more of the daemon than this. */
#ifndef TGTD_STATUS_SOCKET_H
#define TGTD_STATUS_SOCKET_H

#include <sys/un.h>

#define STATUS_SOCKET	"/run/srp_tgtd.sock"	/* unless it is configured */

/** status_address() - the address of a path. Return: 0, or -ENAMETOOLONG */
int status_address(struct sockaddr_un *addr, const char *path);

/** status_connect() - to what listens there. Return: to be read from until its end; or a negative errno */
int status_connect(const struct sockaddr_un *addr);

#endif /* TGTD_STATUS_SOCKET_H */
