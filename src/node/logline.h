/* SPDX-License-Identifier: Apache-2.0 */
/* node/logline.h -- a note of the core as one line for people: key=value. */
#ifndef MCOS_NODE_LOGLINE_H
#define MCOS_NODE_LOGLINE_H

#include "port/log.h"
#include "sync/effect.h"

#include <stddef.h>

#define MC_LOGLINE_MAX 1024u

/* Always NUL-terminated; cut when too long. */
void mc_logline_format(const struct mc_note *note, char dst[MC_LOGLINE_MAX]);
enum mc_log_level mc_logline_level(const struct mc_note *note);

#endif /* MCOS_NODE_LOGLINE_H */
