/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels this module builds for. Kbuild looks for
 * the symbol or header and defines SRPT_HAVE_*; the version says nothing, as
 * distributions backport.
 */
#ifndef SRPT_COMPAT_H
#define SRPT_COMPAT_H

/*
 * Since 6.7 the target core lets a fabric choose where commands are submitted.
 * Submitting in the caller's context is what older kernels always do, and what
 * keeps the order of a channel's IUs.
 */
#ifdef SRPT_HAVE_SUBMIT_TYPE
#define SRPT_LIO_SUBMIT_OPS			\
	.default_submit_type = TARGET_DIRECT_SUBMIT,	\
	.direct_submit_supp = 1,
#else
#define SRPT_LIO_SUBMIT_OPS
#endif

/* A device that registers memory needs three work requests for one context. */
#ifndef SRPT_HAVE_RW_MAX_SEND_WR
#define rdma_rw_max_send_wr(device, port_num, max_rdma_ctxs, flags)	(3 * (max_rdma_ctxs))
#endif

/* Before 6.17 a work queue was per CPU unless it said otherwise; later ones must say either. */
#ifndef SRPT_HAVE_WQ_PERCPU
#define WQ_PERCPU	0
#endif

/* Since 6.8 an eventfd counts by one. */
#ifdef SRPT_HAVE_EVENTFD_COUNT
#define srpt_eventfd_signal(ctx)	eventfd_signal(ctx, 1)
#else
#define srpt_eventfd_signal(ctx)	eventfd_signal(ctx)
#endif

/* What a request of io_uring carries is in its SQE since 6.5; since 6.7 it has its own header. */
#ifdef SRPT_HAVE_URING_CMD_HEADER
#include <linux/io_uring/cmd.h>
#else
#include <linux/io_uring.h>
#endif
#ifdef SRPT_HAVE_URING_CMD_POINTER
#define srpt_uring_cmd(ioucmd)	((ioucmd)->cmd)
#else
#define srpt_uring_cmd(ioucmd)	((const void *)(ioucmd)->sqe->cmd)
#endif

/* Since 6.16 an MRA is always one for a repeated REQ, and its service time-out is the CM's. */
#ifdef SRPT_HAVE_PREPARE_CM_MRA
#define srpt_prepare_mra(id, service_timeout)	ib_prepare_cm_mra(id)
#else
#define srpt_prepare_mra(id, service_timeout)	\
	ib_send_cm_mra(id, (service_timeout) | IB_CM_MRA_FLAG_DELAY, NULL, 0)
#endif

#endif /* SRPT_COMPAT_H */
