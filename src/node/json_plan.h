/* SPDX-License-Identifier: Apache-2.0 */
/* node/json_plan.h -- what a build does and why, as JSON (docs/api.md, "plan"). */
#ifndef MCOS_NODE_JSON_PLAN_H
#define MCOS_NODE_JSON_PLAN_H

#include "ring/explain.h"

#include <jansson.h>

#define MC_WHY_TEXT_MAX 1024u /* a place is made of three texts of 255 bytes */

/* Adds it to the object; a member is left out when memory is out. The report and the
 * draft are those of the build that is explained. */
void mc_json_plan(json_t *object, const struct mc_explain *explain,
                  const struct mc_build_report *report, const struct mc_draft *draft);

/* A reason as a sentence without its point. */
void mc_why_format(const struct mc_why *why, const struct mc_device *device,
                   char dst[MC_WHY_TEXT_MAX]);

#endif /* MCOS_NODE_JSON_PLAN_H */
