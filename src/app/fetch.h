/* SPDX-License-Identifier: Apache-2.0 */
/* app/fetch.h -- a ring as an agent holds it, brought here. */
#ifndef MCOS_APP_FETCH_H
#define MCOS_APP_FETCH_H

#include "app/cli.h"
#include "ring/ring.h"

/* Connects, asks for the record and checks it. *ret_ring is yours. Fails as the calls.
 */
int mc_fetch_ring(struct mc_cli *cli, const char *name, struct mc_ring **ret_ring);

#endif /* MCOS_APP_FETCH_H */
