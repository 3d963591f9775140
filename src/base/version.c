/* SPDX-License-Identifier: Apache-2.0 */
/* base/version.c -- the numbers of this version, or of the one after it. */
#include "base/version.h"

#ifdef MC_NEXT
const unsigned mc_format_max = 2;
const unsigned mc_protocol_max = 2;
const char mc_program_version[] = MCOS_VERSION "+next";
#else
const unsigned mc_format_max = 1;
const unsigned mc_protocol_max = 1;
const char mc_program_version[] = MCOS_VERSION;
#endif
