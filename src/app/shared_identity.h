/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/shared_identity.h -- who we are, when the cluster may have other agents: their
 * Redis says.
 *
 * A folder that knows its uid starts without Redis; one that knows none cannot, or
 * there would be two clusters of one name.
 */
#ifndef MCOS_APP_SHARED_IDENTITY_H
#define MCOS_APP_SHARED_IDENTITY_H

#include "base/name.h"
#include "port/log.h"
#include "port/store.h"

/*
 * Agrees on the uid with the other agents, by the registry (`store` is one of
 * adapter/redis), and keeps it in the folder `data`. All borrowed. Fails with IDENTITY
 * (it is another cluster's), FORMAT, and as the registry and the folder do.
 */
int mc_shared_identity_open(struct mc_store *store, struct mc_log *log,
                            const char *data, const struct mc_name *cluster,
                            uint8_t ret_uid[MC_UID_BYTES], struct mcos_diag *diag);

#endif /* MCOS_APP_SHARED_IDENTITY_H */
