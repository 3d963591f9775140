/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/demo_act.h -- what the demo does: it starts clusters and asks for changes.
 * What fails is a promise broken; the answer is false then, and after a signal.
 */
#ifndef MCOS_APP_DEMO_ACT_H
#define MCOS_APP_DEMO_ACT_H

#include "app/demo_ask.h"

#define MC_DEMO_SOON_MS 10000u /* any promise that others keep by themselves */

/* Starts these clusters; does not wait for them. */
bool mc_demo_start(struct mc_demo *demo, unsigned set);

/* Asks a cluster to make target->ring of an example: with an ETag, to replace that
 * version; NULL: to create it. What came of it goes into the target. */
bool mc_demo_put_spec(struct mc_demo *demo, unsigned number, const char *file,
                      const char *etag, struct mc_target *target);

/* The same over whatever version the cluster holds. */
bool mc_demo_update(struct mc_demo *demo, unsigned number, const char *file,
                    struct mc_target *target);

/* Asks a cluster to import the ring of Swift. */
bool mc_demo_import(struct mc_demo *demo, unsigned number, struct mc_target *target);

#endif /* MCOS_APP_DEMO_ACT_H */
