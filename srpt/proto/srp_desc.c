// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A walk over the initiator's memory.
 *
 * The list was checked when the IU was decoded. The walk still stops at the
 * end of the list, not only at the length it was told: the two come from
 * different fields.
 */
#include <linux/minmax.h>
#include <asm/byteorder.h>
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
		const struct srp_wire_desc *desc = it->desc;
		u32 in_entry = be32_to_cpu(desc->len) - it->off;

		if (in_entry) {
			/* An address that wraps is the HCA's to refuse (DSC-28). */
			piece->va = be64_to_cpu(desc->va) + it->off;
			piece->key = be32_to_cpu(desc->key);
			piece->len = min3(in_entry, it->left, max);
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
