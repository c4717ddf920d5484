/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * libtgt: SCSI targets in user space, on /dev/tgt.
 *
 * A program opens the device, registers memory, binds targets, and then handles
 * the events of each ring: one thread per ring, or one for all. Functions with a
 * ring number are for the thread of that ring; the others for any.
 *
 * Functions return 0 or a negative errno, unless they say otherwise; tgt_error()
 * tells what to do about the last one of this thread.
 */
#ifndef LIBTGT_H
#define LIBTGT_H

#include <stddef.h>
#include <stdint.h>
#include "scsi_tgt_if.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tgt;
struct io_uring_sqe;

/**
 * struct tgt_options - how to open the device; zeros are sensible
 * @device: path; NULL: /dev/tgt
 * @nr_rings: ring pairs, 1 to TGT_MAX_RINGS; 0: 1
 * @slots: of each ring in either direction, a power of two; 0: 1024
 * @timeout_ms: see struct tgt_setup
 * @recovery_ms: see struct tgt_setup
 */
struct tgt_options {
	const char	*device;
	uint32_t	nr_rings;
	uint32_t	slots;
	uint32_t	timeout_ms;
	uint32_t	recovery_ms;
};

/**
 * tgt_open() - become a daemon
 * @opt: options, or NULL
 * @tgt: result; close with tgt_close()
 */
int tgt_open(const struct tgt_options *opt, struct tgt **tgt);

/** tgt_close() - unbind all targets; sessions end, or wait for a successor if there is a recovery time */
void tgt_close(struct tgt *tgt);

/** tgt_error() - the last failure of this thread, for people: what failed, and what to do next */
const char *tgt_error(void);

/**
 * tgt_bind() - serve a target
 * @tgt: the daemon
 * @port: of the HCA, GUID or GID form; "" or NULL for all ports
 * @id_ext: of the target port identifier
 * @initiators: names of who may log in, or NULL for everybody
 * @nr: of @initiators
 * @target_id: result; HOST_UP bears it
 */
int tgt_bind(struct tgt *tgt, const char *port, uint64_t id_ext, const char *const *initiators,
	     uint32_t nr, uint32_t *target_id);

/** tgt_unbind() - stop serving a target; its sessions end */
int tgt_unbind(struct tgt *tgt, uint32_t target_id);

/**
 * tgt_alloc_buf() - allocate and register memory for data
 * @tgt: the daemon
 * @len: bytes; rounded up to what huge pages want, if there are any
 * @buf_id: result, for struct tgt_cmd_rsp
 * @addr: result
 *
 * Memory stays registered until tgt_free_buf() or tgt_close().
 */
int tgt_alloc_buf(struct tgt *tgt, size_t len, uint32_t *buf_id, void **addr);

/** tgt_free_buf() - unregister and unmap it; the kernel keeps its pages as long as commands use them */
int tgt_free_buf(struct tgt *tgt, uint32_t buf_id);

/**
 * tgt_lend() - lend registered memory, so that write data need not be fetched by the daemon
 * @tgt: the daemon
 * @ring: whose commands; once for each
 * @buf_id: of tgt_alloc_buf(); stays registered until tgt_close()
 * @off: bytes, a multiple of TGT_LENT_PAGE
 * @len: bytes, a multiple of TGT_LENT_PAGE
 *
 * A CMD_REQ with tgt_cmd_req.lent names the page of it where its data begin; with TGT_REQ_FETCHING they are there when
 * CMD_DONE says so, and until then no answer is taken. What it names is the daemon's until it has answered the
 * command for good.
 */
int tgt_lend(struct tgt *tgt, uint32_t ring, uint32_t buf_id, uint64_t off, uint64_t len);

/**
 * tgt_ring_fd() - an eventfd, signalled when there are events, for poll() or io_uring. See tgt_sleep()
 *
 * Who waits until it is readable reads it then. Who is told of each signal, as by a multishot poll of io_uring, or
 * epoll with EPOLLET, need not read it at all.
 */
int tgt_ring_fd(struct tgt *tgt, uint32_t ring);

/**
 * tgt_next() - the next event of a ring
 * @tgt: the daemon
 * @ring: which
 * @ev: result, a copy
 *
 * When the ring is empty and the kernel has kept events back, it also does what tgt_submit()
 * does, but for the result, which the next tgt_submit() returns. Return: false if there is none now.
 */
_Bool tgt_next(struct tgt *tgt, uint32_t ring, struct tgt_event *ev);

/**
 * tgt_sleep() - about to wait for tgt_ring_fd(): ask the kernel to signal it
 *
 * Return: true if there is nothing to do; the caller waits, then calls tgt_awake().
 * False if an event has come meanwhile; the caller handles it.
 */
_Bool tgt_sleep(struct tgt *tgt, uint32_t ring);

/**
 * tgt_sleep_sound() - as tgt_sleep(), but what leaves nothing to do is no reason to wake up, see TGT_ASLEEP_SOUND
 *
 * For who waits for nothing but requests: not for memory, and for no command on account of a function. Saves a signal
 * for each command when there are few at a time.
 */
_Bool tgt_sleep_sound(struct tgt *tgt, uint32_t ring);

/** tgt_awake() - no more signals */
void tgt_awake(struct tgt *tgt, uint32_t ring);

/**
 * tgt_wait() - until there are events, or time has passed
 * @tgt: the daemon
 * @ring: which
 * @timeout_ms: -1: for ever
 *
 * For programs that wait for nothing else. Submits first, and tells the kernel once a second,
 * at least, that the daemon is alive. Return: 1: events, 0: time has passed,
 * -EINTR: a signal, or another negative errno, as of tgt_submit().
 */
int tgt_wait(struct tgt *tgt, uint32_t ring, int timeout_ms);

/**
 * tgt_cmd_rsp() - answer a command, abort it, or fetch its data
 * @tgt: the daemon
 * @ring: on which the command came
 * @host_no: of the command
 * @rsp: copied
 *
 * Takes effect with tgt_submit(), or before if the ring is full. Return: 0; -EPIPE as
 * tgt_submit(); -EAGAIN: the ring is full and the kernel has no memory now.
 */
int tgt_cmd_rsp(struct tgt *tgt, uint32_t ring, uint32_t host_no, const struct tgt_cmd_rsp *rsp);

/** tgt_tsk_mgmt_rsp() - a function has ended; the commands it covers were ended before. Otherwise as tgt_cmd_rsp() */
int tgt_tsk_mgmt_rsp(struct tgt *tgt, uint32_t ring, uint32_t host_no, uint64_t tmf_id,
		     enum tgt_tmf_result result);

/**
 * tgt_submit() - let the kernel carry out the answers; also says that the daemon is alive
 *
 * Return: 0; -EPIPE: the kernel will have no more of this daemon; -ENOMEM: some answers were
 * not taken, and are with the next call; or what was wrong with the first answer that had no
 * effect since the last call, see struct tgt_enter: all others have theirs.
 */
int tgt_submit(struct tgt *tgt, uint32_t ring);

/**
 * tgt_prep_submit() - tgt_submit() as a request of io_uring, without a system call of its own
 * @tgt: the daemon
 * @ring: which
 * @sqe: is filled in; its user data and flags are the caller's
 *
 * Has its effect with io_uring_submit(). There is nothing to know of its success (IOSQE_CQE_SKIP_SUCCESS); when it fails
 * call tgt_submit_failed().
 */
void tgt_prep_submit(struct tgt *tgt, uint32_t ring, struct io_uring_sqe *sqe);

/**
 * tgt_prep_answer() - one answer that is in no ring, as a request of io_uring
 * @tgt: the daemon
 * @ans: stays until the command has ended, or the request has; it can be withdrawn, with TGT_NO_ANSWER as its type
 * @sqe: is filled in; its user data and flags are the caller's
 *
 * For a command that is answered when its I/O has succeeded: linked behind that (IOSQE_IO_LINK) the kernel carries the
 * answer out at once, without a look at the program. The result is 0; -ECANCELED: the I/O failed, or did less than it
 * should, or the answer was withdrawn; or what was wrong with the answer, see struct tgt_enter. Unless it is 0 the
 * command is still the program's.
 */
void tgt_prep_answer(struct tgt *tgt, const struct tgt_answer *ans, struct io_uring_sqe *sqe);

/** tgt_submit_failed() - do what that request has not done. @res: its result. Return: as of tgt_submit() */
int tgt_submit_failed(struct tgt *tgt, uint32_t ring, int res);

#ifdef __cplusplus
}
#endif

#endif /* LIBTGT_H */
