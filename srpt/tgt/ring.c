// SPDX-License-Identifier: GPL-2.0
/*
 * Ring pairs: the memory that the kernel and the daemon share.
 *
 * Whatever the daemon writes there may change at any time. So the kernel counts
 * for itself, takes a counter of the daemon only after a look at its range,
 * copies an answer once, and looks at the copy. A counter out of range is a rule
 * broken, and the end of the daemon: what it does next cannot be known.
 */
#include <linux/eventfd.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "../compat.h"
#include "tgt.h"

static u64 pair_size(const struct tgt_setup *setup)
{
	return PAGE_ALIGN(setup->ans_off + (u64)setup->ans_slots * sizeof(struct tgt_answer));
}

static bool slots_ok(u32 slots)
{
	return is_power_of_2(slots) && slots <= TGT_MAX_SLOTS;
}

static int init_pair(struct tgt_daemon *d, struct tgt_pair *pair, const struct tgt_setup *setup)
{
	pair->d = d;
	pair->ev_slots = setup->ev_slots;
	pair->ans_slots = setup->ans_slots;
	spin_lock_init(&pair->lock);
	INIT_LIST_HEAD(&pair->waiting);
	mutex_init(&pair->enter);
	pair->head = vmalloc_user(setup->ring_size);
	if (!pair->head)
		return -ENOMEM;
	pair->ev = (void *)pair->head + setup->ev_off;
	pair->ans = (void *)pair->head + setup->ans_off;
	return 0;
}

static void free_pairs(struct tgt_pair *pairs, u32 n)
{
	while (n--)
		vfree(pairs[n].head);
	kfree(pairs);
}

/**
 * tgt_setup_pairs() - make the rings of a daemon
 * @d: has none yet
 * @setup: checked here, and completed
 *
 * Context: may sleep; the caller keeps others from doing the same. Return: 0, -EINVAL, -ENOMEM.
 */
int tgt_setup_pairs(struct tgt_daemon *d, struct tgt_setup *setup)
{
	struct tgt_pair *pairs;
	u32 i;

	if (setup->version != TGT_ABI_VERSION || setup->features || setup->reserved ||
	    !setup->nr_rings || setup->nr_rings > TGT_MAX_RINGS ||
	    !slots_ok(setup->ev_slots) || !slots_ok(setup->ans_slots))
		return -EINVAL;
	setup->ev_off = sizeof(struct tgt_ring);
	setup->ans_off = setup->ev_off + setup->ev_slots * sizeof(struct tgt_event);
	setup->ring_size = pair_size(setup);

	pairs = kcalloc(setup->nr_rings, sizeof(*pairs), GFP_KERNEL);
	if (!pairs)
		return -ENOMEM;
	for (i = 0; i < setup->nr_rings; i++) {
		if (init_pair(d, &pairs[i], setup)) {
			free_pairs(pairs, i);
			return -ENOMEM;
		}
	}
	d->pairs = pairs;
	d->ring_size = setup->ring_size;
	/* Pairs with mmap(), which takes no lock. */
	smp_store_release(&d->nr_pairs, setup->nr_rings);
	return 0;
}

/* Nobody uses them any more. */
void tgt_free_pairs(struct tgt_daemon *d)
{
	u32 i;

	for (i = 0; i < d->nr_pairs; i++) {
		tgt_drop_waiting(&d->pairs[i]);
		tgt_set_eventfd(&d->pairs[i], NULL);
	}
	free_pairs(d->pairs, d->nr_pairs);
}

/* @ctx: a reference, or NULL. Context: may sleep. */
void tgt_set_eventfd(struct tgt_pair *pair, struct eventfd_ctx *ctx)
{
	spin_lock_irq(&pair->lock);
	swap(pair->eventfd, ctx);
	spin_unlock_irq(&pair->lock);
	if (ctx)
		eventfd_ctx_put(ctx);
}

/* The daemon has broken a rule; tgt_watchdog() ends it. Context: any. */
void tgt_broken(struct tgt_daemon *d, const char *why)
{
	if (READ_ONCE(d->broken))
		return;
	WRITE_ONCE(d->broken, true);
	pr_warn_ratelimited("daemon %d: %s\n", pid_nr(d->owner), why);
	mod_delayed_work(tgt_wq, &d->watchdog, 0);
}

static bool has_room(struct tgt_pair *pair)
{
	/* Pairs with the release of who has read a slot: it may be written now. */
	u32 used = pair->ev_prod - smp_load_acquire(&pair->head->ev_cons);

	if (used > pair->ev_slots)
		tgt_broken(pair->d, "its count of events is impossible");
	return used < pair->ev_slots;
}

static void signal_locked(struct tgt_pair *pair, bool news)
{
	u32 asleep = READ_ONCE(pair->head->asleep);

	if (pair->eventfd && asleep != TGT_AWAKE && (news || asleep != TGT_ASLEEP_SOUND))
		srpt_eventfd_signal(pair->eventfd);
}

/**
 * tgt_put_event_locked() - give the daemon an event
 * @pair: locked
 * @ev: copied
 * @news: there is something to do about it, so a daemon that sleeps sound wakes up
 *
 * Return: false if there is no room; the daemon is told to come back when there is.
 */
bool tgt_put_event_locked(struct tgt_pair *pair, const struct tgt_event *ev, bool news)
{
	struct tgt_ring *head = pair->head;

	lockdep_assert_held(&pair->lock);
	if (!has_room(pair)) {
		WRITE_ONCE(head->flags, TGT_RING_PENDING);
		/* The daemon reads a slot, then the flag: one of us sees the other. */
		smp_mb();
		if (!has_room(pair)) {
			signal_locked(pair, true);
			return false;
		}
	}
	memcpy(&pair->ev[pair->ev_prod & (pair->ev_slots - 1)], ev, sizeof(*ev));
	/* The slot is there before the counter says so. */
	smp_store_release(&head->ev_prod, ++pair->ev_prod);
	/* Pairs with the barrier between the daemon's "asleep" and its last look. */
	smp_mb();
	signal_locked(pair, news);
	return true;
}

/**
 * tgt_take_answer() - copy the next answer to pair->answer
 * @pair: its enter mutex is held
 *
 * Return: false if there is none. tgt_answer_taken() frees the slot.
 */
bool tgt_take_answer(struct tgt_pair *pair)
{
	u32 ready;

	lockdep_assert_held(&pair->enter);
	/* Pairs with the release of who has written the slot. */
	ready = smp_load_acquire(&pair->head->ans_prod) - pair->ans_cons;
	if (!ready)
		return false;
	if (ready > pair->ans_slots) {
		tgt_broken(pair->d, "its count of answers is impossible");
		return false;
	}
	memcpy(&pair->answer, &pair->ans[pair->ans_cons & (pair->ans_slots - 1)],
	       sizeof(pair->answer));
	barrier();	/* the copy is what is looked at */
	return true;
}

void tgt_answer_taken(struct tgt_pair *pair)
{
	/* The copy was made before the daemon may write there again. */
	smp_store_release(&pair->head->ans_cons, ++pair->ans_cons);
}
