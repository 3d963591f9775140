/* SPDX-License-Identifier: Apache-2.0 */
/* app/plan_page.h -- a plan for people. */
#ifndef MCOS_APP_PLAN_PAGE_H
#define MCOS_APP_PLAN_PAGE_H

#include "app/out.h"

/* `doc` is a plan of the API (docs/api.md). Of many devices those are listed that are
 * new, gone, of another weight, or have a reason; all of them with -v. Fails with
 * NOMEM, IO. */
int mc_plan_page(const struct mc_out *out, const json_t *doc);

#endif /* MCOS_APP_PLAN_PAGE_H */
