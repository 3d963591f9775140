/* SPDX-License-Identifier: Apache-2.0 */
/* node/json_ring.h -- a ring, its figures and its devices as JSON (docs/api.md). */
#ifndef MCOS_NODE_JSON_RING_H
#define MCOS_NODE_JSON_RING_H

#include "node/json_out.h"
#include "node/routes_state.h"

/* Yours. */
json_t *mc_json_ring(struct mc_routes *routes, const struct mc_ring *ring);
json_t *mc_json_devices(struct mc_routes *routes, const struct mc_ring *ring);
/* One device for a look-up: who and where it is, and its cluster's state. */
json_t *mc_json_device(struct mc_routes *routes, const struct mc_ring *ring,
                       uint32_t id);

#endif /* MCOS_NODE_JSON_RING_H */
