/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#undef static_assert
#define static_assert(expr) _Static_assert(expr, #expr)
