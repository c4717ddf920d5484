/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the daemon does, as a JSON document that whoever connects to a UNIX socket gets. */
#ifndef TGTD_STATUS_H
#define TGTD_STATUS_H

struct daemon;

/** status_open() - make the socket. Return: to be polled for reading; or a negative errno, after a message */
int status_open(const char *path);

/** status_answer() - the socket is readable: answer one who asks */
void status_answer(int fd, struct daemon *d);

/** status_print() - ask the daemon, print the answer. Return: the exit code of the program */
int status_print(const char *path);

#endif /* TGTD_STATUS_H */
