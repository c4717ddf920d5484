// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * See buffers.h. Per page of the stretch there is a node; that of the first page of a chunk stands for
 * the chunk: its order, and whether it is free. Free chunks of an order are in a list. A chunk that comes
 * back is joined with its buddy, the other half of the next larger chunk, as long as that is free.
 */
#include <stdlib.h>

#include "buffers.h"
#include "list.h"

#define NR_ORDERS	10	/* 4 KiB to 2 MiB */

_Static_assert(BUFFERS_MIN << (NR_ORDERS - 1) == BUFFERS_MAX, "orders");

struct node {
	struct list	link;
	uint8_t		order;
	bool		free;
};

struct buffers {
	struct list	lists[NR_ORDERS];
	size_t		used;
	struct node	nodes[];
};

static void add_free(struct buffers *b, size_t i, unsigned int order)
{
	struct node *n = &b->nodes[i];

	n->order = order;
	n->free = true;
	/* At the head: what was used last is taken next, and may still be in a cache. */
	list_add_tail(&n->link, b->lists[order].next);
}

static struct node *take_free(struct node *n)
{
	list_del(&n->link);
	n->free = false;
	return n;
}

struct buffers *buffers_new(size_t len)
{
	size_t nr = len / BUFFERS_MIN, i;
	struct buffers *b = calloc(1, sizeof(*b) + nr * sizeof(b->nodes[0]));

	if (!b)
		return NULL;
	for (i = 0; i < NR_ORDERS; i++)
		list_init(&b->lists[i]);
	for (i = 0; i < nr; i += BUFFERS_MAX / BUFFERS_MIN)
		add_free(b, i, NR_ORDERS - 1);
	return b;
}

void buffers_free(struct buffers *b)
{
	free(b);
}

bool buffers_get(struct buffers *b, uint32_t len, uint32_t *off)
{
	unsigned int want = 0, order;
	struct node *n;

	while (want < NR_ORDERS && BUFFERS_MIN << want < len)
		want++;
	for (order = want; order < NR_ORDERS && list_empty(&b->lists[order]); order++)
		;
	if (order >= NR_ORDERS)
		return false;
	n = take_free(container_of(b->lists[order].next, struct node, link));
	while (order > want) {
		order--;
		add_free(b, n - b->nodes + (1u << order), order);
	}
	n->order = want;
	b->used += BUFFERS_MIN << want;
	*off = (n - b->nodes) * BUFFERS_MIN;
	return true;
}

void buffers_put(struct buffers *b, uint32_t off)
{
	size_t i = off / BUFFERS_MIN;
	unsigned int order = b->nodes[i].order;
	struct node *buddy;

	b->used -= BUFFERS_MIN << order;
	for (; order < NR_ORDERS - 1; order++) {
		buddy = &b->nodes[i ^ 1u << order];
		if (!buddy->free || buddy->order != order)
			break;
		take_free(buddy);
		i &= ~((size_t)1 << order);
	}
	add_free(b, i, order);
}

size_t buffers_used(const struct buffers *b)
{
	return b->used;
}
