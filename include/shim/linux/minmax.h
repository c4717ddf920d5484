/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef SHIM_LINUX_MINMAX_H
#define SHIM_LINUX_MINMAX_H

/* Like the kernel's, min() refuses two types. */
#define min(x, y) ({							\
	__typeof__(x) _min_x = (x);					\
	__typeof__(y) _min_y = (y);					\
	(void)(&_min_x == &_min_y);					\
	_min_x < _min_y ? _min_x : _min_y; })
#define min_t(type, x, y) ({						\
	type _mint_x = (type)(x);					\
	type _mint_y = (type)(y);					\
	_mint_x < _mint_y ? _mint_x : _mint_y; })
#define min3(x, y, z) ({						\
	__typeof__(x) _min3_xy = min(x, y);				\
	min(_min3_xy, z); })

#endif
