/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Lists whose nodes are members of what is in them. A node that is in no list points to itself. */
#ifndef TGTD_LIST_H
#define TGTD_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list	*next, *prev;
};

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#define list_for_each(node, head) \
	for ((node) = (head)->next; (node) != (head); (node) = (node)->next)

/* The body may take @node out. */
#define list_for_each_safe(node, after, head) \
	for ((node) = (head)->next; (after) = (node)->next, (node) != (head); (node) = (after))

static inline void list_init(struct list *list)
{
	list->next = list->prev = list;
}

static inline bool list_empty(const struct list *list)
{
	return list->next == list;
}

static inline void list_add_tail(struct list *node, struct list *head)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

static inline void list_del(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#endif /* TGTD_LIST_H */
