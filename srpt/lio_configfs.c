// SPDX-License-Identifier: GPL-2.0
/*
 * LIO adapter, configuration: target ports, portal groups, ACLs, attributes.
 *
 * A target port directory is a name. It is bound to the HCA port of that name
 * at each login, so it may be made before the HCA appears and stays when the
 * HCA goes. Attributes and "enable" belong to the portal group.
 */
#include <linux/configfs.h>
#include <scsi/scsi_proto.h>
#include <target/target_core_base.h>
#include <target/target_core_fabric.h>
#include "compat.h"
#include "srpt.h"
#include "lio.h"

struct lio_wwn {
	struct se_wwn		wwn;
	struct srp_name		name;		/* [C] */
	char			text[SRP_NAME_LEN];	/* [C] canonical form of name */
	char			gid_name[SRP_NAME_LEN];	/* [C] once gid_known */
	bool			gid_known;
	struct list_head	node;		/* srpt_lio_mutex */
	struct list_head	tpgs;		/* srpt_lio_mutex */
};

struct lio_tpg {
	struct se_portal_group	tpg;
	struct lio_wwn		*wwn;		/* [C] */
	struct list_head	node;		/* srpt_lio_mutex */
	struct srpt_attrib	attrib;		/* srpt_lio_mutex */
	bool			enabled;	/* srpt_lio_mutex */
};

struct lio_acl {
	struct se_node_acl	nacl;
	struct srp_name		name;		/* [C] */
};

static DEFINE_MUTEX(srpt_lio_mutex);
static LIST_HEAD(lio_wwns);

static struct lio_tpg *to_lio_tpg(struct se_portal_group *se_tpg)
{
	return container_of(se_tpg, struct lio_tpg, tpg);
}

static struct lio_wwn *to_lio_wwn(struct se_wwn *wwn)
{
	return container_of(wwn, struct lio_wwn, wwn);
}

static struct lio_acl *to_lio_acl(struct se_node_acl *nacl)
{
	return container_of(nacl, struct lio_acl, nacl);
}

/* ---- who may log in ------------------------------------------------------------- */

/* Find the ACL for this initiator and copy its name, as the administrator wrote it. */
static const struct se_node_acl *find_acl(struct lio_tpg *tpg, const struct srpt_login *login,
					  char *acl_name, size_t size)
{
	const struct se_node_acl *found = NULL;
	struct se_node_acl *nacl;

	mutex_lock(&tpg->tpg.acl_node_mutex);
	list_for_each_entry(nacl, &tpg->tpg.acl_node_list, acl_list) {
		if (srpt_peer_has_name(&login->peer, &to_lio_acl(nacl)->name)) {
			strscpy(acl_name, nacl->initiatorname, size);
			found = nacl;
			break;
		}
	}
	mutex_unlock(&tpg->tpg.acl_node_mutex);
	return found;
}

static void learn_gid(struct lio_wwn *wwn)
{
	if (!wwn->gid_known && srpt_port_gid_name(&wwn->name, wwn->gid_name))
		smp_store_release(&wwn->gid_known, true);	/* pairs with tpg_get_wwn() */
}

/* What a login may use. The ACL is pinned by a session only: otherwise just to compare. */
struct grant {
	struct lio_tpg			*tpg;
	const struct se_node_acl	*acl;
	char				acl_name[TRANSPORT_IQN_LEN];
};

/*
 * Find what an initiator may use: GUID-named target ports first, then GID-named
 * ones. Returns 0, -ENOENT, -ENODEV or -EACCES as core.h says.
 */
static int find_grant_locked(const struct srpt_login *login, struct grant *grant)
{
	static const enum srp_name_type order[] = { SRP_NAME_GUID, SRP_NAME_GID };
	struct lio_wwn *wwn;
	struct lio_tpg *tpg;
	int ret = -ENOENT;
	u32 i;

	lockdep_assert_held(&srpt_lio_mutex);
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		list_for_each_entry(wwn, &lio_wwns, node) {
			if (wwn->name.type != order[i] ||
			    !srpt_port_has_name(login->port, &wwn->name))
				continue;
			learn_gid(wwn);
			list_for_each_entry(tpg, &wwn->tpgs, node) {
				if (!tpg->enabled) {
					ret = ret == -EACCES ? ret : -ENODEV;
					continue;
				}
				ret = -EACCES;
				grant->tpg = tpg;
				grant->acl = find_acl(tpg, login, grant->acl_name,
						      sizeof(grant->acl_name));
				if (grant->acl)
					return 0;
			}
		}
	}
	return ret;
}

int srpt_lio_authorize(const struct srpt_login *login, struct srpt_attrib *attrib,
		       const void **acl)
{
	struct grant grant;
	int ret;

	mutex_lock(&srpt_lio_mutex);
	ret = find_grant_locked(login, &grant);
	if (!ret) {
		*attrib = grant.tpg->attrib;
		*acl = grant.acl;
	}
	mutex_unlock(&srpt_lio_mutex);
	return ret;
}

/* There is one, and its identifier extension is the ioc_guid. */
u32 srpt_lio_list_targets(const struct srpt_port *port, u64 *id_ext, u32 max,
			  struct srpt_attrib *attrib)
{
	struct lio_wwn *wwn;
	struct lio_tpg *tpg;
	bool enabled = false;

	mutex_lock(&srpt_lio_mutex);
	list_for_each_entry(wwn, &lio_wwns, node) {
		if (!srpt_port_has_name(port, &wwn->name))
			continue;
		list_for_each_entry(tpg, &wwn->tpgs, node) {
			if (tpg->enabled && !enabled) {
				enabled = true;
				*attrib = tpg->attrib;
			}
		}
	}
	mutex_unlock(&srpt_lio_mutex);
	if (!enabled || !max)
		return 0;
	*id_ext = srpt_service_guid();
	return 1;
}

/* Before anybody can find the session: close_session() looks for it by this pointer. */
static int bind_session(struct se_portal_group *se_tpg, struct se_session *sess, void *nexus)
{
	((struct srpt_nexus *)nexus)->session = sess;
	return 0;
}

int srpt_lio_session_open(struct srpt_nexus *nexus, const struct srpt_login *login)
{
	struct grant grant, again;
	struct se_session *sess;
	int ret;

	mutex_lock(&srpt_lio_mutex);
	ret = find_grant_locked(login, &grant);
	if (ret)
		goto unlock;
	sess = target_setup_session(&grant.tpg->tpg, 0, 0, TARGET_PROT_NORMAL, grant.acl_name,
				    nexus, bind_session);
	if (IS_ERR(sess)) {
		nexus->session = NULL;
		ret = PTR_ERR(sess);
		goto unlock;
	}
	/* An ACL removed meanwhile has not seen this session, and would wait for it for ever. */
	if (find_grant_locked(login, &again) || again.acl != grant.acl) {
		target_remove_session(sess);
		nexus->session = NULL;
		ret = -EACCES;
		goto unlock;
	}
	nexus->tpg = grant.tpg;
	nexus->acl = grant.acl;
unlock:
	mutex_unlock(&srpt_lio_mutex);
	return ret;
}

/* ---- target ports and portal groups ------------------------------------------------ */

static struct se_wwn *make_wwn(struct target_fabric_configfs *tf, struct config_group *group,
			       const char *text)
{
	struct lio_wwn *wwn, *other;
	struct srp_name name;
	bool exists = false;

	if (srp_parse_port_name(text, &name)) {
		pr_err_ratelimited("'%s' is no target port name: expected the GUID form xxxx:xxxx:xxxx:xxxx or the GID form 0x and 32 hex digits\n",
				   text);
		return ERR_PTR(-EINVAL);
	}
	wwn = kzalloc(sizeof(*wwn), GFP_KERNEL);
	if (!wwn)
		return ERR_PTR(-ENOMEM);
	wwn->name = name;
	srp_format_name(wwn->text, &name);
	INIT_LIST_HEAD(&wwn->tpgs);
	learn_gid(wwn);

	mutex_lock(&srpt_lio_mutex);
	list_for_each_entry(other, &lio_wwns, node)
		exists |= srp_name_equal(&other->name, &name);
	if (!exists)
		list_add_tail(&wwn->node, &lio_wwns);
	mutex_unlock(&srpt_lio_mutex);
	if (exists) {
		kfree(wwn);
		return ERR_PTR(-EEXIST);
	}
	return &wwn->wwn;
}

static void drop_wwn(struct se_wwn *se_wwn)
{
	struct lio_wwn *wwn = to_lio_wwn(se_wwn);

	mutex_lock(&srpt_lio_mutex);
	list_del(&wwn->node);
	mutex_unlock(&srpt_lio_mutex);
	kfree(wwn);
}

static struct se_portal_group *make_tpg(struct se_wwn *se_wwn, const char *text)
{
	struct lio_wwn *wwn = to_lio_wwn(se_wwn);
	struct lio_tpg *tpg;
	int ret;

	tpg = kzalloc(sizeof(*tpg), GFP_KERNEL);
	if (!tpg)
		return ERR_PTR(-ENOMEM);
	tpg->wwn = wwn;
	tpg->attrib = srpt_default_attrib;
	ret = core_tpg_register(se_wwn, &tpg->tpg, SCSI_PROTOCOL_SRP);
	if (ret) {
		kfree(tpg);
		return ERR_PTR(ret);
	}
	mutex_lock(&srpt_lio_mutex);
	list_add_tail(&tpg->node, &wwn->tpgs);
	mutex_unlock(&srpt_lio_mutex);
	return &tpg->tpg;
}

static bool has_tpg(const struct srpt_nexus *nexus, const void *tpg)
{
	return nexus->tpg == tpg;
}

static int enable_tpg(struct se_portal_group *se_tpg, bool enable)
{
	struct lio_tpg *tpg = to_lio_tpg(se_tpg);

	mutex_lock(&srpt_lio_mutex);
	tpg->enabled = enable;
	mutex_unlock(&srpt_lio_mutex);
	srpt_mad_targets_changed();
	if (!enable)
		srpt_nexus_close_matching(has_tpg, tpg, "the target port was disabled");
	return 0;
}

static void drop_tpg(struct se_portal_group *se_tpg)
{
	struct lio_tpg *tpg = to_lio_tpg(se_tpg);

	enable_tpg(se_tpg, false);
	mutex_lock(&srpt_lio_mutex);
	list_del(&tpg->node);
	mutex_unlock(&srpt_lio_mutex);
	core_tpg_deregister(se_tpg);
	kfree(tpg);
}

static int init_nodeacl(struct se_node_acl *nacl, const char *text)
{
	if (srp_parse_acl_name(text, &to_lio_acl(nacl)->name)) {
		pr_err_ratelimited("'%s' is no initiator name: expected xxxx:xxxx:xxxx:xxxx, up to 32 hex digits, or an IP address\n",
				   text);
		return -EINVAL;
	}
	return 0;
}

/* ---- attributes ---------------------------------------------------------------------- */

/* The core hands out the item of the attrib group of a portal group. */
static struct lio_tpg *item_to_tpg(struct config_item *item)
{
	return to_lio_tpg(attrib_to_tpg(item));
}

static ssize_t store_attrib(struct config_item *item, const char *page, size_t count,
			    const char *attr, u32 *field, u32 min, u32 max)
{
	u32 val;
	int ret;

	ret = kstrtou32(page, 0, &val);
	if (ret || val < min || val > max) {
		pr_err_ratelimited("%s: '%.*s' is refused: a number from %u to %u is expected\n",
				   attr, (int)min_t(size_t, strcspn(page, "\n"), 20), page,
				   min, max);
		return ret == -ERANGE || !ret ? -EINVAL : ret;
	}
	mutex_lock(&srpt_lio_mutex);
	*field = val;
	mutex_unlock(&srpt_lio_mutex);
	return count;
}

#define LIO_ATTRIB(_name, _field, _min, _max)						\
static ssize_t srpt_tpg_attrib_##_name##_show(struct config_item *item, char *page)	\
{											\
	return sysfs_emit(page, "%u\n", item_to_tpg(item)->attrib._field);		\
}											\
static ssize_t srpt_tpg_attrib_##_name##_store(struct config_item *item,		\
					       const char *page, size_t count)		\
{											\
	return store_attrib(item, page, count, #_name,					\
			    &item_to_tpg(item)->attrib._field, _min, _max);		\
}											\
CONFIGFS_ATTR(srpt_tpg_attrib_, _name)

LIO_ATTRIB(srp_max_rdma_size, max_rdma_size, 65536, 16777216);
LIO_ATTRIB(srp_max_rsp_size, max_rsp_size, 40, 1024);
LIO_ATTRIB(srp_sq_size, sq_size, 4, 65535);
LIO_ATTRIB(use_srq, use_srq, 0, 1);
LIO_ATTRIB(srp_max_channels, max_channels, 1, 1024);
LIO_ATTRIB(srp_bind_initiator, bind_initiator, 0, 1);

static struct configfs_attribute *tpg_attrib_attrs[] = {
	&srpt_tpg_attrib_attr_srp_max_rdma_size,
	&srpt_tpg_attrib_attr_srp_max_rsp_size,
	&srpt_tpg_attrib_attr_srp_sq_size,
	&srpt_tpg_attrib_attr_use_srq,
	&srpt_tpg_attrib_attr_srp_max_channels,
	&srpt_tpg_attrib_attr_srp_bind_initiator,
	NULL,
};

static ssize_t srpt_rdma_cm_port_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%u\n", srpt_cm_rdma_port());
}

static ssize_t srpt_rdma_cm_port_store(struct config_item *item, const char *page, size_t count)
{
	u16 port;
	int ret;

	ret = kstrtou16(page, 0, &port);
	if (!ret)
		ret = srpt_cm_rdma_set_port(port);
	if (ret) {
		pr_err_ratelimited("rdma_cm_port: cannot listen on '%.*s': %d\n",
				   (int)min_t(size_t, strcspn(page, "\n"), 20), page, ret);
		return ret;
	}
	return count;
}

CONFIGFS_ATTR(srpt_, rdma_cm_port);

static struct configfs_attribute *discovery_attrs[] = {
	&srpt_attr_rdma_cm_port,
	NULL,
};

static ssize_t srpt_wwn_version_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "\n");
}

CONFIGFS_ATTR_RO(srpt_wwn_, version);

static struct configfs_attribute *wwn_attrs[] = {
	&srpt_wwn_attr_version,
	NULL,
};

/* ---- the fabric ------------------------------------------------------------------------ */

static int check_true(struct se_portal_group *se_tpg)
{
	return 1;
}

static int check_false(struct se_portal_group *se_tpg)
{
	return 0;
}

/*
 * Always the GID name: ALUA and APTPL metadata files are named by it, and
 * reservations must survive the swap with the in-tree driver.
 */
static char *tpg_get_wwn(struct se_portal_group *se_tpg)
{
	struct lio_wwn *wwn = to_lio_tpg(se_tpg)->wwn;

	/* pairs with smp_store_release() in learn_gid() */
	return smp_load_acquire(&wwn->gid_known) ? wwn->gid_name : wwn->text;
}

static u16 tpg_get_tag(struct se_portal_group *se_tpg)
{
	return 1;
}

static u32 tpg_get_inst_index(struct se_portal_group *se_tpg)
{
	return 1;
}

static u32 sess_get_index(struct se_session *se_sess)
{
	return 0;
}

static void set_default_node_attributes(struct se_node_acl *nacl)
{
}

static const struct target_core_fabric_ops lio_fabric_ops = {
	.module				= THIS_MODULE,
	.fabric_name			= "srpt",
	.node_acl_size			= sizeof(struct lio_acl),
	SRPT_LIO_SUBMIT_OPS
	.tpg_get_wwn			= tpg_get_wwn,
	.tpg_get_tag			= tpg_get_tag,
	.tpg_check_demo_mode		= check_false,
	.tpg_check_demo_mode_cache	= check_true,
	.tpg_check_demo_mode_write_protect = check_true,
	.tpg_check_prod_mode_write_protect = check_false,
	.tpg_get_inst_index		= tpg_get_inst_index,
	.sess_get_index			= sess_get_index,
	.set_default_node_attributes	= set_default_node_attributes,
	.close_session			= srpt_lio_close_session,
	.release_cmd			= srpt_lio_release_cmd,
	.check_stop_free		= srpt_lio_check_stop_free,
	.write_pending			= srpt_lio_write_pending,
	.get_cmd_state			= srpt_lio_get_cmd_state,
	.queue_data_in			= srpt_lio_queue_data_in,
	.queue_status			= srpt_lio_queue_status,
	.queue_tm_rsp			= srpt_lio_queue_tm_rsp,
	.aborted_task			= srpt_lio_aborted_task,
	.fabric_make_wwn		= make_wwn,
	.fabric_drop_wwn		= drop_wwn,
	.fabric_make_tpg		= make_tpg,
	.fabric_enable_tpg		= enable_tpg,
	.fabric_drop_tpg		= drop_tpg,
	.fabric_init_nodeacl		= init_nodeacl,
	.tfc_wwn_attrs			= wwn_attrs,
	.tfc_discovery_attrs		= discovery_attrs,
	.tfc_tpg_attrib_attrs		= tpg_attrib_attrs,
};

int srpt_lio_register(void)
{
	return target_register_template(&lio_fabric_ops);
}

void srpt_lio_unregister(void)
{
	target_unregister_template(&lio_fabric_ops);
}
