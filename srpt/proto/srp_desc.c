// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A walk over the initiator's memory.
 *
 * The list was checked when the IU was decoded. The walk still stops at the
 * end of the list, not only at the length it was told: the two come from
 * different fields.
 */
#include <linux/minmax.h>
#include "srp_proto.h"

void srp_desc_iter_init(struct srp_desc_iter *it, const struct srp_buf *buf, u32 len)
{
	it->desc = buf->desc;
	it->nr_desc = buf->nr_desc;
	it->off = 0;
	it->left = min(len, buf->len);
}

bool srp_desc_iter_next(struct srp_desc_iter *it, u32 max, struct srp_remote *piece)
{
	while (it->left && it->nr_desc) {
		struct srp_remote entry = srp_desc_remote(it->desc);

		if (entry.len != it->off) {
			piece->va = entry.va + it->off;
			piece->key = entry.key;
			piece->len = min3(entry.len - it->off, it->left, max);
			it->off += piece->len;
			it->left -= piece->len;
			return true;
		}
		it->desc++;
		it->nr_desc--;
		it->off = 0;
	}
	return false;
}
