// SPDX-License-Identifier: GPL-2.0
/* Module parameters, and initialisation and exit in order. */
#include <linux/module.h>
#include <linux/slab.h>
#include "compat.h"
#include "srpt.h"
#include "lio.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

struct workqueue_struct *srpt_login_wq;
struct workqueue_struct *srpt_wq;
struct workqueue_struct *srpt_data_wq;
struct kmem_cache *srpt_rx_cache;

int srpt_max_req_size = 8276;
module_param_named(srp_max_req_size, srpt_max_req_size, int, 0444);
MODULE_PARM_DESC(srp_max_req_size, "Maximum size of SRP request messages in bytes, 996 to 65536 (default 8276).");

int srpt_srq_size = 4095;
module_param_named(srpt_srq_size, srpt_srq_size, int, 0444);
MODULE_PARM_DESC(srpt_srq_size, "Receive buffers in the shared receive queue of an HCA, 4 to 65535 (default 4095).");

static u64 service_guid;

static int service_guid_set(const char *val, const struct kernel_param *kp)
{
	return kstrtou64(val, 16, &service_guid);
}

static int service_guid_get(char *buf, const struct kernel_param *kp)
{
	return sprintf(buf, "0x%016llx\n", service_guid);
}

static const struct kernel_param_ops service_guid_ops = {
	.set = service_guid_set,
	.get = service_guid_get,
};

module_param_cb(srpt_service_guid, &service_guid_ops, NULL, 0444);
MODULE_PARM_DESC(srpt_service_guid, "ioc_guid, id_ext and service id of the target, hexadecimal (default: node GUID of the first HCA).");

uint srpt_keepalive = 30;
module_param_named(keepalive, srpt_keepalive, uint, 0644);
MODULE_PARM_DESC(keepalive, "Seconds between the packets that find a dead initiator; 0: none. For sessions that begin later (default 30).");

uint srpt_relogin_timeout = 5;
module_param_named(relogin_timeout, srpt_relogin_timeout, uint, 0644);
MODULE_PARM_DESC(relogin_timeout, "Seconds that a login waits at most for commands of the session it replaces, 1 to 60 (default 5).");

static ushort rdma_cm_port;
module_param(rdma_cm_port, ushort, 0444);
MODULE_PARM_DESC(rdma_cm_port, "RDMA/CM port to listen on; 0: none (default). Also discovery_auth/rdma_cm_port in configfs.");

u64 srpt_service_guid(void)
{
	return READ_ONCE(service_guid);
}

/* The first HCA names the target, unless the administrator did. */
void srpt_set_default_service_guid(u64 guid)
{
	cmpxchg64(&service_guid, 0, guid);
}

static int check_parameters(void)
{
	if (srpt_max_req_size < SRPT_MIN_REQ_SIZE || srpt_max_req_size > SRPT_MAX_REQ_SIZE) {
		pr_err("srp_max_req_size=%d is out of range: %d to %d\n", srpt_max_req_size,
		       SRPT_MIN_REQ_SIZE, SRPT_MAX_REQ_SIZE);
		return -EINVAL;
	}
	if (srpt_srq_size < 4 || srpt_srq_size > 65535) {
		pr_err("srpt_srq_size=%d is out of range: 4 to 65535\n", srpt_srq_size);
		return -EINVAL;
	}
	return 0;
}

static int __init srpt_init(void)
{
	int ret;

	ret = check_parameters();
	if (ret)
		return ret;
	srpt_rx_cache = kmem_cache_create("srpt_rx", srpt_max_req_size + SRPT_RX_ALIGN,
					  SRPT_RX_ALIGN, 0, NULL);
	if (!srpt_rx_cache)
		return -ENOMEM;
	ret = -ENOMEM;
	srpt_wq = alloc_workqueue("srpt", WQ_UNBOUND, 0);
	if (!srpt_wq)
		goto destroy_cache;
	srpt_login_wq = alloc_workqueue("srpt_login", WQ_UNBOUND, 0);
	if (!srpt_login_wq)
		goto destroy_wq;
	/* As that of the RDMA core, whose completions go on here. */
	srpt_data_wq = alloc_workqueue("srpt_data", WQ_PERCPU | WQ_HIGHPRI | WQ_MEM_RECLAIM, 0);
	if (!srpt_data_wq)
		goto destroy_login_wq;
	srpt_debug_register();
	ret = srpt_lio_register();
	if (ret)
		goto destroy_data_wq;
	ret = srpt_tgt_register();
	if (ret)
		goto unregister_lio;
	ret = ib_register_client(&srpt_client);
	if (ret)
		goto unregister_tgt;
	ret = srpt_cm_rdma_set_port(rdma_cm_port);
	if (ret) {
		pr_err("cannot listen on RDMA/CM port %u: %d\n", rdma_cm_port, ret);
		goto unregister_client;
	}
	return 0;

unregister_client:
	ib_unregister_client(&srpt_client);
	rcu_barrier();
unregister_tgt:
	srpt_tgt_unregister();
unregister_lio:
	srpt_lio_unregister();
destroy_data_wq:
	srpt_debug_unregister();
	destroy_workqueue(srpt_data_wq);
destroy_login_wq:
	destroy_workqueue(srpt_login_wq);
destroy_wq:
	destroy_workqueue(srpt_wq);
destroy_cache:
	kmem_cache_destroy(srpt_rx_cache);
	return ret;
}

static void __exit srpt_exit(void)
{
	/* No new login, then no HCA and no channel, then nothing that works for them. */
	srpt_debug_unregister();
	srpt_cm_rdma_set_port(0);
	ib_unregister_client(&srpt_client);
	destroy_workqueue(srpt_login_wq);
	destroy_workqueue(srpt_data_wq);
	rcu_barrier();		/* the release of a percpu_ref runs code of ours */
	destroy_workqueue(srpt_wq);
	srpt_tgt_unregister();
	srpt_lio_unregister();
	kmem_cache_destroy(srpt_rx_cache);
}

module_init(srpt_init);
module_exit(srpt_exit);

MODULE_DESCRIPTION("SCSI RDMA Protocol target");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");	/* as dkms.conf has it: DKMS replaces no module of the same version */
