// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The request limit of a channel.
 *
 * An initiator adds every delta it is sent and never corrects the result, so a
 * credit lost or doubled stays so until the next login. Both numbers live in
 * one word: a credit moves between them in a single step, and what is in
 * progress (the limit less both) is a value that existed at one moment.
 *
 * Any context. Each operation is fully ordered.
 */
#include <linux/atomic.h>
#include <linux/minmax.h>
#include "srp_proto.h"

static u32 held_of(s64 word)
{
	return (u32)word;
}

static u32 owed_of(s64 word)
{
	return (u32)((u64)word >> 32);
}

static s64 make_word(u32 held, u32 owed)
{
	return (s64)((u64)owed << 32 | held);
}

void srp_credit_init(struct srp_credit *c, u32 limit)
{
	c->limit = limit;
	atomic64_set(&c->word, make_word(limit, 0));
}

bool srp_credit_use(struct srp_credit *c)
{
	s64 old = atomic64_read(&c->word), new;

	do {
		if (!held_of(old))
			return false;
		new = make_word(held_of(old) - 1, owed_of(old));
	} while (!atomic64_try_cmpxchg(&c->word, &old, new));
	return true;
}

void srp_credit_owe(struct srp_credit *c)
{
	s64 old = atomic64_read(&c->word), new;

	do {
		new = make_word(held_of(old), owed_of(old) + 1);
	} while (!atomic64_try_cmpxchg(&c->word, &old, new));
}

s32 srp_credit_take(struct srp_credit *c)
{
	s64 old = atomic64_read(&c->word), new;

	do {
		new = make_word(held_of(old) + 1 + owed_of(old), 0);
	} while (!atomic64_try_cmpxchg(&c->word, &old, new));
	return 1 + owed_of(old);
}

/*
 * As long as something is in progress, its response will carry what is owed.
 * Half the limit is not left to wait for that: the response may be slow.
 */
static bool stranded(const struct srp_credit *c, s64 word)
{
	u32 held = held_of(word), owed = owed_of(word);

	return owed && (held + owed == c->limit || owed >= c->limit - owed);
}

bool srp_credit_is_stranded(const struct srp_credit *c)
{
	return stranded(c, atomic64_read(&c->word));
}

s32 srp_credit_take_stranded(struct srp_credit *c)
{
	s64 old = atomic64_read(&c->word), new;

	do {
		if (!stranded(c, old))
			return 0;
		new = make_word(held_of(old) + owed_of(old), 0);
	} while (!atomic64_try_cmpxchg(&c->word, &old, new));
	return owed_of(old);
}

/*
 * An initiator that overran its limit may have used a credit it was never
 * told of. That request is in progress and will return the credit itself.
 */
void srp_credit_undo(struct srp_credit *c, s32 delta)
{
	s64 old = atomic64_read(&c->word), new;
	u32 back;

	do {
		back = min_t(u32, delta, held_of(old));
		new = make_word(held_of(old) - back, owed_of(old) + back);
	} while (!atomic64_try_cmpxchg(&c->word, &old, new));
}

u32 srp_credit_held(const struct srp_credit *c)
{
	return held_of(atomic64_read(&c->word));
}

u32 srp_credit_owed(const struct srp_credit *c)
{
	return owed_of(atomic64_read(&c->word));
}

u32 srp_credit_in_progress(const struct srp_credit *c)
{
	s64 word = atomic64_read(&c->word);

	return c->limit - held_of(word) - owed_of(word);
}
