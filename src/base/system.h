/* SPDX-License-Identifier: Apache-2.0 */
/* base/system.h -- a system's id is made of its name (docs/adr/0006). */
#ifndef MCOS_BASE_SYSTEM_H
#define MCOS_BASE_SYSTEM_H

#include "base/name.h"

#include <stdint.h>

/* The first bytes of SHA-256 of "mcos system NAME". */
void mc_system_id(const char *name, uint8_t ret[MC_UID_BYTES]);

#endif /* MCOS_BASE_SYSTEM_H */
