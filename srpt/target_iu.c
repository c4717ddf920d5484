// SPDX-License-Identifier: GPL-2.0
/*
 * IUs that the target sends of its own accord: SRP_CRED_REQ and SRP_T_LOGOUT.
 *
 * Each has a slot of its own, for the buffer and the work request, so that it
 * can be sent whatever the commands do.
 */
#include "srpt.h"
#include "trace.h"

static struct srpt_cmd *cred_slot(struct srpt_channel *ch)
{
	return srpt_channel_slot(ch, SRPT_CRED_SLOT);
}

static struct srpt_cmd *logout_slot(struct srpt_channel *ch)
{
	return srpt_channel_slot(ch, SRPT_LOGOUT_SLOT);
}

/* A CRED_REQ is over when it was sent and answered. */
static void cred_step(struct srpt_channel *ch)
{
	if (atomic_dec_and_test(&ch->cred_steps))
		srpt_cred_check(ch);
}

static void cred_sent(struct ib_cq *cq, struct ib_wc *wc)
{
	struct srpt_cmd *slot = container_of(wc->wr_cqe, struct srpt_cmd, send_cqe);
	struct srpt_channel *ch = slot->ch;

	if (wc->status != IB_WC_SUCCESS)
		srpt_wc_error(ch, wc, "SEND");
	cred_step(ch);
	percpu_ref_put(&ch->hw_ref);
}

static void send_cred_req(struct srpt_channel *ch, s32 delta)
{
	struct srpt_cmd *slot = cred_slot(ch);

	if (!percpu_ref_tryget_live(&ch->hw_ref))
		return;
	ch->cred_tag++;
	slot->send_cqe.done = cred_sent;
	slot->rsp_len = srp_encode_cred_req(slot->rsp, ch->cred_tag, delta);
	smp_store_release(&ch->cred_rsp_due, true);	/* the tag is set */
	trace_srpt_cred_req(ch, delta);
	srpt_send_prepare(slot);
	if (ib_post_send(ch->qp, &slot->send_wr, NULL)) {
		srpt_channel_close(ch, SRP_LOGOUT_NO_REASON, "posting an SRP_CRED_REQ failed");
		percpu_ref_put(&ch->hw_ref);
	}
}

/**
 * srpt_cred_check() - tell the initiator of credits that no response will carry
 * @ch: the channel
 *
 * To be called when a request has ended without a response. At most one
 * SRP_CRED_REQ is unanswered (CRD-07); when it is answered this is called again.
 *
 * Context: any.
 */
void srpt_cred_check(struct srpt_channel *ch)
{
	s32 delta;

	do {
		if (atomic_cmpxchg(&ch->cred_steps, 0, 2))
			return;
		delta = srp_credit_take_stranded(&ch->credit);
		if (delta) {
			send_cred_req(ch, delta);
			return;
		}
		/* Full barrier: who was turned away above is seen below. */
		atomic_xchg(&ch->cred_steps, 0);
	} while (srp_credit_is_stranded(&ch->credit));
}

/**
 * srpt_cred_rsp() - an SRP_CRED_RSP has arrived
 * @ch: the channel
 * @tag: of the IU
 *
 * Context: the one that handles the IUs of @ch. Return: false if nobody asked for it.
 */
bool srpt_cred_rsp(struct srpt_channel *ch, u64 tag)
{
	/* Pairs with send_cred_req(). */
	if (!smp_load_acquire(&ch->cred_rsp_due) || tag != ch->cred_tag)
		return false;
	ch->cred_rsp_due = false;
	cred_step(ch);
	return true;
}

static void logout_sent(struct ib_cq *cq, struct ib_wc *wc)
{
	struct srpt_cmd *slot = container_of(wc->wr_cqe, struct srpt_cmd, send_cqe);

	complete(&slot->ch->logout_sent);
	percpu_ref_put(&slot->ch->hw_ref);
}

/**
 * srpt_send_logout() - send the SRP_T_LOGOUT of a closing channel
 * @ch: accepted, with its reason in ch->logout
 *
 * Waits until it has arrived, for the DREQ would overtake it; but not for long,
 * as the initiator may have gone.
 *
 * Context: may sleep; before the hw_ref is killed.
 */
void srpt_send_logout(struct srpt_channel *ch)
{
	struct srpt_cmd *slot = logout_slot(ch);

	slot->send_cqe.done = logout_sent;
	slot->rsp_len = srp_encode_t_logout(slot->rsp, 0, ch->logout);
	srpt_send_prepare(slot);
	percpu_ref_get(&ch->hw_ref);
	if (ib_post_send(ch->qp, &slot->send_wr, NULL)) {
		percpu_ref_put(&ch->hw_ref);
		return;
	}
	wait_for_completion_timeout(&ch->logout_sent, SRPT_LOGOUT_TIMEOUT);
}
