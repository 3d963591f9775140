/* SPDX-License-Identifier: Apache-2.0 */
/* base/name.h -- names of rings and clusters: [a-z0-9][a-z0-9_-]{0,63}. */
#ifndef MCOS_BASE_NAME_H
#define MCOS_BASE_NAME_H

#include "base/limits.h"

#include <stdbool.h>

#define MC_UID_BYTES 16u

struct mc_name {
    char s[MC_NAME_MAX + 1];
};

bool mc_name_ok(const char *s);
/* False, and *ret untouched, if s is not a name. */
bool mc_name_set(struct mc_name *ret, const char *s);

#endif /* MCOS_BASE_NAME_H */
