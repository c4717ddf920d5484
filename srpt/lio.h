/* SPDX-License-Identifier: GPL-2.0 */
/* The LIO adapter: data path (lio.c), ports, ACLs and attributes (lio_configfs.c). */
#ifndef SRPT_LIO_H
#define SRPT_LIO_H

struct se_cmd;
struct se_portal_group;
struct se_session;
struct srpt_attrib;
struct srpt_login;
struct srpt_port;
struct srpt_nexus;

int srpt_lio_register(void);
void srpt_lio_unregister(void);

/* lio_configfs.c */
int srpt_lio_authorize(const struct srpt_login *login, struct srpt_attrib *attrib,
		       const void **acl);
u32 srpt_lio_list_targets(const struct srpt_port *port, u64 *id_ext, u32 max,
			  struct srpt_attrib *attrib);
int srpt_lio_session_open(struct srpt_nexus *nexus, const struct srpt_login *login);

/* lio.c: target_core_fabric_ops of the data path */
void srpt_lio_release_cmd(struct se_cmd *se_cmd);
int srpt_lio_check_stop_free(struct se_cmd *se_cmd);
int srpt_lio_write_pending(struct se_cmd *se_cmd);
int srpt_lio_get_cmd_state(struct se_cmd *se_cmd);
int srpt_lio_queue_data_in(struct se_cmd *se_cmd);
int srpt_lio_queue_status(struct se_cmd *se_cmd);
void srpt_lio_queue_tm_rsp(struct se_cmd *se_cmd);
void srpt_lio_aborted_task(struct se_cmd *se_cmd);
void srpt_lio_close_session(struct se_session *se_sess);

#endif /* SRPT_LIO_H */
