/* siphash: SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012), the hash
 * of tables whose keys strangers choose: who does not know the secret cannot make keys collide.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_SIPHASH_H
#define MILLRACE_SIPHASH_H

#include <stdint.h>

#include "arena.h"

uint64_t siphash(const uint64_t secret[2], struct bytes);

#endif
