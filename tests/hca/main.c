// SPDX-License-Identifier: GPL-2.0
/* Parameters, devices, and what rdmavt wants to know about them. */
#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/topology.h>
#include "hca.h"

#define DRIVER		"rvt_hca"
#define MAX_SGE		32
#define MAX_QP_WR	16383
#define MAX_SRQ_WR	32767
#define MAX_CQE		65535
#define MIN_CQE		15
#define MAX_QP		16384
#define MAX_PAGES_OF_MR	512
#define MAX_RD_ATOMIC	16
#define PSN_MASK	0xffffff
#define LKEY_BITS	16
#define MAX_MESSAGE	0x80000000U

static unsigned int nr_devices = 2;
module_param_named(devices, nr_devices, uint, 0444);
MODULE_PARM_DESC(devices, "number of HCAs, 1 to 4, default 2");

static unsigned int nr_ports = 2;
module_param_named(ports, nr_ports, uint, 0444);
MODULE_PARM_DESC(ports, "number of ports of each, 1 to 4, default 2");

static char *cables;
module_param(cables, charp, 0444);
MODULE_PARM_DESC(cables, "DEVICE.PORT-DEVICE.PORT,...; default: each port of an even device to that of the next one");

static struct platform_device *pdevs[HCA_MAX_DEVICES];

/* rdmavt prints messages for it. There is no bus: nothing but the name is used. */
static struct pci_dev no_pci_dev = { .dev.init_name = DRIVER };

static const enum ib_wc_opcode wc_opcodes[] = {
	[IB_WR_RDMA_WRITE] = IB_WC_RDMA_WRITE,
	[IB_WR_RDMA_WRITE_WITH_IMM] = IB_WC_RDMA_WRITE,
	[IB_WR_SEND] = IB_WC_SEND,
	[IB_WR_SEND_WITH_IMM] = IB_WC_SEND,
	[IB_WR_SEND_WITH_INV] = IB_WC_SEND,
	[IB_WR_RDMA_READ] = IB_WC_RDMA_READ,
	[IB_WR_ATOMIC_CMP_AND_SWP] = IB_WC_COMP_SWAP,
	[IB_WR_ATOMIC_FETCH_AND_ADD] = IB_WC_FETCH_ADD,
	[IB_WR_LOCAL_INV] = IB_WC_LOCAL_INV,
	[IB_WR_REG_MR] = IB_WC_REG_MR,
};

/* ---- QPs ---------------------------------------------------------------------------- */

static void qp_work(struct work_struct *work)
{
	struct hca_qp *hqp = container_of(to_delayed_work(work), struct hca_qp, work);

	if (hqp->qp->ibqp.qp_type == IB_QPT_RC)
		hca_rc_send(hqp->qp);
	else
		hca_ud_send(hqp->qp);
}

static void *qp_alloc(struct rvt_dev_info *rdi, struct rvt_qp *qp)
{
	struct hca_qp *hqp;

	if (qp->ibqp.qp_type == IB_QPT_UC)
		return ERR_PTR(-EOPNOTSUPP);
	hqp = kzalloc(sizeof(*hqp), GFP_KERNEL);
	if (!hqp)
		return ERR_PTR(-ENOMEM);
	hqp->qp = qp;
	INIT_DELAYED_WORK(&hqp->work, qp_work);
	atomic_inc(&rdi_to_hca(rdi)->nr_qps);
	hca_fault_qp_add(hqp);
	return hqp;
}

/*
 * Until a QP gets to INIT it has no port, but rdmavt looks into it: a QP can go from RESET to ERR,
 * and be destroyed.
 */
static int qp_init(struct rvt_dev_info *rdi, struct rvt_qp *qp, struct ib_qp_init_attr *attr)
{
	if (!qp->port_num)
		qp->port_num = 1;
	return 0;
}

static void qp_free(struct rvt_dev_info *rdi, struct rvt_qp *qp)
{
	struct hca *hca = rdi_to_hca(rdi);

	hca_fault_qp_del(qp->priv);
	kfree(qp->priv);
	/*
	 * The last ones are those of ib_mad, when the device is unregistered. Until then users of
	 * the device may send good-byes; after that rdmavt frees the table of QPs, which the other
	 * end of a cable looks into.
	 */
	if (atomic_dec_and_test(&hca->nr_qps))
		hca_disconnect(hca);
}

static unsigned int no_qps(struct rvt_dev_info *rdi)
{
	return 0;
}

static void nothing_to_do(struct rvt_qp *qp)
{
}

static int check_ah(struct ib_device *ibdev, struct rdma_ah_attr *attr)
{
	return rdma_ah_get_sl(attr) < 16 ? 0 : -EINVAL;
}

/* So that rdmavt sees one packet in a UD message. */
static void new_ah(struct ib_device *ibdev, struct rdma_ah_attr *attr, struct rvt_ah *ah)
{
	ah->log_pmtu = ilog2(ib_mtu_enum_to_int(IB_MTU_4096));
}

static int setup_wqe(struct rvt_qp *qp, struct rvt_swqe *wqe, bool *call_send)
{
	u32 max = qp->ibqp.qp_type == IB_QPT_RC ? MAX_MESSAGE : ib_mtu_enum_to_int(IB_MTU_4096);

	return wqe->length <= max ? 0 : -EINVAL;
}

static int path_mtu(struct rvt_dev_info *rdi, struct rvt_qp *qp, struct ib_qp_attr *attr)
{
	bool ok = attr->path_mtu >= IB_MTU_256 && attr->path_mtu <= IB_MTU_4096;

	return ok ? attr->path_mtu : -EINVAL;
}

static u32 mtu_of_path(struct rvt_dev_info *rdi, struct rvt_qp *qp, u32 mtu)
{
	return ib_mtu_enum_to_int(mtu);
}

static int mtu_to_path(u32 mtu)
{
	return mtu ? ib_mtu_int_to_enum(mtu) : 0;
}

/* ---- the device --------------------------------------------------------------------- */

static struct pci_dev *pci_dev_of(struct rvt_dev_info *rdi)
{
	return &no_pci_dev;
}

static int shut_down_port(struct rvt_dev_info *rdi, u32 num)
{
	int idx = srcu_read_lock(&hca_wire);

	hca_port_disable(&rdi_to_hca(rdi)->port[num - 1], true);
	srcu_read_unlock(&hca_wire, idx);
	return 0;
}

static int vector_to_cpu(struct rvt_dev_info *rdi, int vector)
{
	return cpumask_local_spread(vector, rdi->dparms.node);
}

static int modify_device(struct ib_device *ibdev, int mask, struct ib_device_modify *modify)
{
	if (mask & ~IB_DEVICE_MODIFY_NODE_DESC)
		return -EOPNOTSUPP;
	if (mask & IB_DEVICE_MODIFY_NODE_DESC)
		memcpy(ibdev->node_desc, modify->node_desc, sizeof(ibdev->node_desc));
	return 0;
}

/* rdmavt insists on having it. */
static const struct attribute_group *no_port_groups[] = { NULL };

static const struct ib_device_ops device_ops = {
	.owner = THIS_MODULE,
	/* What rdmavt talks with user space is what this provider of libibverbs understands. */
	.driver_id = RDMA_DRIVER_HFI1,
	.modify_device = modify_device,
	.port_groups = no_port_groups,
	.process_mad = hca_process_mad,
};

static typeof_member(struct ib_device, ops.create_cq) rvt_create_cq;

/*
 * Hardware has room for more completions than it was asked for, and programs rely on it: srp_daemon
 * has two threads that send, and asks for one. What a program maps is a whole page in any case.
 * What @arg points to depends on the kernel; it is passed on.
 */
static int create_cq(struct ib_cq *cq, const struct ib_cq_init_attr *attr, void *arg)
{
	struct ib_cq_init_attr larger = *attr;

	if (larger.cqe)
		larger.cqe = max_t(unsigned int, larger.cqe, MIN_CQE);
	return rvt_create_cq(cq, &larger, arg);
}

/* No IBK_LOCAL_DMA_LKEY: rdmavt's lkey for it, 0, is only good once a PD has an MR for it. */
static void set_attributes(struct ib_device_attr *props, __be64 guid)
{
	props->sys_image_guid = guid;
	props->max_mr_size = ~0ULL;
	props->page_size_cap = PAGE_SIZE;
	props->vendor_id = HCA_VENDOR_ID;
	props->vendor_part_id = HCA_DEVICE_ID;
	props->hw_ver = 1;
	props->device_cap_flags = IB_DEVICE_BAD_PKEY_CNTR | IB_DEVICE_BAD_QKEY_CNTR |
				  IB_DEVICE_SYS_IMAGE_GUID | IB_DEVICE_RC_RNR_NAK_GEN |
				  IB_DEVICE_PORT_ACTIVE_EVENT | IB_DEVICE_SRQ_RESIZE |
				  IB_DEVICE_MEM_MGT_EXTENSIONS;
	props->max_qp = MAX_QP;
	props->max_qp_wr = MAX_QP_WR;
	props->max_send_sge = MAX_SGE;
	props->max_recv_sge = MAX_SGE;
	props->max_sge_rd = MAX_SGE;
	props->max_cq = MAX_QP;
	props->max_cqe = MAX_CQE;
	props->max_pd = MAX_QP;
	props->max_ah = MAX_QP;
	props->max_qp_rd_atom = MAX_RD_ATOMIC;
	props->max_qp_init_rd_atom = MAX_RD_ATOMIC;
	props->max_res_rd_atom = MAX_RD_ATOMIC * MAX_QP;
	props->atomic_cap = IB_ATOMIC_HCA;
	props->max_mcast_grp = 16;
	props->max_mcast_qp_attach = 16;
	props->max_total_mcast_qp_attach = 256;
	props->max_srq = MAX_QP;
	props->max_srq_wr = MAX_SRQ_WR;
	props->max_srq_sge = MAX_SGE;
	props->max_fast_reg_page_list_len = MAX_PAGES_OF_MR;
	props->max_pkeys = HCA_NR_PKEYS;
	props->local_ca_ack_delay = 15;
}

static const struct rvt_driver_provided driver_functions = {
	.schedule_send = hca_qp_schedule,
	.schedule_send_no_lock = hca_qp_schedule_no_lock,
	.setup_wqe = setup_wqe,
	.do_send = hca_qp_do_send,
	.get_pci_dev = pci_dev_of,
	.qp_priv_alloc = qp_alloc,
	.qp_priv_init = qp_init,
	.qp_priv_free = qp_free,
	.notify_qp_reset = hca_qp_reset,
	.get_pmtu_from_attr = path_mtu,
	.flush_qp_waiters = nothing_to_do,
	.stop_send_queue = hca_qp_stop,
	.quiesce_qp = nothing_to_do,
	.notify_error_qp = nothing_to_do,
	.mtu_from_qp = mtu_of_path,
	.mtu_to_path_mtu = mtu_to_path,
	.get_guid_be = hca_port_guid,
	.query_port_state = hca_port_query,
	.shut_down_port = shut_down_port,
	.cap_mask_chg = hca_cap_mask_changed,
	.free_all_qps = no_qps,
	.check_ah = check_ah,
	.notify_new_ah = new_ah,
	.modify_qp = hca_qp_modified,
	.notify_restart_rc = hca_qp_restart,
	.comp_vect_cpu_lookup = vector_to_cpu,
};

static void set_parameters(struct rvt_driver_params *params, u32 ports)
{
	params->lkey_table_size = LKEY_BITS;
	params->qp_table_size = 256;
	params->sge_copy_mode = RVT_SGE_COPY_MEMCPY;
	/* QPs 0 and 1 are special, and must not be given to anybody else. */
	params->qpn_start = 1;
	params->qpn_inc = 1;
	params->qpn_res_start = 0;
	params->qpn_res_end = 1;
	params->nports = ports;
	params->npkeys = HCA_NR_PKEYS;
	params->node = first_online_node;
	params->psn_mask = PSN_MASK;
	params->psn_modify_mask = PSN_MASK;
	params->core_cap_flags = RDMA_CORE_PORT_IBA_IB;
	params->max_mad_size = IB_MGMT_MAD_SIZE;
	params->max_rdma_atomic = MAX_RD_ATOMIC;
}

static struct hca *hca_alloc(struct platform_device *pdev)
{
	struct rvt_dev_info *rdi;
	struct ib_device *ibdev;
	struct hca *hca;
	u32 i;

	rdi = rvt_alloc_device(struct_size(hca, port, nr_ports), nr_ports);
	if (!rdi)
		return NULL;
	hca = rdi_to_hca(rdi);
	hca->pdev = pdev;
	hca->index = pdev->id;
	hca->nr_ports = nr_ports;
	ibdev = &rdi->ibdev;
	ibdev->node_guid = cpu_to_be64(HCA_GUID(hca->index));
	ibdev->phys_port_cnt = nr_ports;
	ibdev->num_comp_vectors = num_online_cpus();
	ibdev->dev.parent = &pdev->dev;
	snprintf(ibdev->node_desc, sizeof(ibdev->node_desc), "software HCA %u", hca->index);
	ib_set_device_ops(ibdev, &device_ops);

	rdi->post_parms = hca_post_parms;
	rdi->wc_opcode = wc_opcodes;
	rdi->driver_f = driver_functions;
	set_parameters(&rdi->dparms, nr_ports);
	set_attributes(&rdi->dparms.props, ibdev->node_guid);
	for (i = 0; i < nr_ports; i++) {
		hca_port_init(&hca->port[i], hca, i + 1);
		rvt_init_port(rdi, &hca->port[i].rvp, i, hca->port[i].pkeys);
	}
	return hca;
}

static void hca_destroy(void *data)
{
	struct hca *hca = data;

	hca_traps_stop(hca);
	rvt_unregister_device(&hca->rdi);
	hca_fault_remove(hca);
	destroy_workqueue(hca->wq);
	rvt_dealloc_device(&hca->rdi);
}

static int hca_probe(struct platform_device *pdev)
{
	struct hca *hca = hca_alloc(pdev);
	int ret = -ENOMEM;

	if (!hca)
		return -ENOMEM;
	/* rdmavt and its users need the name before the device is registered. */
	if (dev_set_name(&hca->rdi.ibdev.dev, "hca%u", hca->index))
		goto dealloc;
	strscpy(hca->rdi.ibdev.name, dev_name(&hca->rdi.ibdev.dev), IB_DEVICE_NAME_MAX);
	hca->wq = alloc_workqueue(DRIVER "%u", WQ_UNBOUND | WQ_MEM_RECLAIM, 0, hca->index);
	if (!hca->wq)
		goto dealloc;
	ret = hca_fault_add(hca);
	if (ret)
		goto destroy_wq;
	ret = rvt_register_device(&hca->rdi);
	if (ret)
		goto remove_faults;
	/* Only now it is known what rdmavt does. */
	rvt_create_cq = hca->rdi.ibdev.ops.create_cq;
	WRITE_ONCE(hca->rdi.ibdev.ops.create_cq, (void *)create_cq);
	hca_connect(hca);
	hca_traps_start(hca);
	return devm_add_action_or_reset(&pdev->dev, hca_destroy, hca);

remove_faults:
	hca_fault_remove(hca);
destroy_wq:
	destroy_workqueue(hca->wq);
dealloc:
	rvt_dealloc_device(&hca->rdi);
	return ret;
}

/* No remove function, as its type depends on the kernel: what it would do is an action of devm. */
static struct platform_driver hca_driver = {
	.probe = hca_probe,
	.driver.name = DRIVER,
};

/* ---- the module --------------------------------------------------------------------- */

static void remove_devices(void)
{
	int i;

	for (i = HCA_MAX_DEVICES; i--;) {
		if (pdevs[i])
			platform_device_unregister(pdevs[i]);
		pdevs[i] = NULL;
	}
}

static int add_devices(void)
{
	struct platform_device *pdev;
	unsigned int i;

	for (i = 0; i < nr_devices; i++) {
		pdev = platform_device_register_simple(DRIVER, i, NULL, 0);
		if (IS_ERR(pdev)) {
			remove_devices();
			return PTR_ERR(pdev);
		}
		pdevs[i] = pdev;
	}
	return 0;
}

static int __init hca_init(void)
{
	int ret;

	if (nr_devices < 1 || nr_devices > HCA_MAX_DEVICES) {
		pr_err("devices: %u is not in 1..%u\n", nr_devices, HCA_MAX_DEVICES);
		return -EINVAL;
	}
	if (nr_ports < 1 || nr_ports > HCA_MAX_PORTS) {
		pr_err("ports: %u is not in 1..%u\n", nr_ports, HCA_MAX_PORTS);
		return -EINVAL;
	}
	ret = hca_cables_parse(cables, nr_devices, nr_ports);
	if (ret)
		return ret;
	hca_fault_init();
	ret = platform_driver_register(&hca_driver);
	if (ret)
		goto exit_faults;
	ret = add_devices();
	if (ret)
		goto unregister_driver;
	return 0;

unregister_driver:
	platform_driver_unregister(&hca_driver);
exit_faults:
	hca_fault_exit();
	return ret;
}
module_init(hca_init);

static void __exit hca_exit(void)
{
	remove_devices();
	platform_driver_unregister(&hca_driver);
	hca_fault_exit();
}
module_exit(hca_exit);

MODULE_DESCRIPTION("Software HCA with InfiniBand link layer, for tests");
MODULE_LICENSE("GPL");
