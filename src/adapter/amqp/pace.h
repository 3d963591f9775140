/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/amqp/pace.h -- how long a side waits for an answer, and between tries.
 *
 * Between two tries it waits a time drawn from [0, n], n being 0.2, 0.4, 0.8 ... 60 s:
 * quick after a hiccup, and ten thousand clusters whose broker was away do not come
 * back in one second.
 *
 * A broker that took our connection and does not answer in time is slow, perhaps
 * because of all who come at once. To come again at once would cost it the login that
 * it has half done, and one more: so the next answer is waited for twice as long, and n
 * is at least as long as was waited in vain. A dead one is told by its kernel (link.h)
 * and by the heartbeat, whatever the patience is.
 */
#ifndef MCOS_ADAPTER_AMQP_PACE_H
#define MCOS_ADAPTER_AMQP_PACE_H

#include "base/rng.h"

#include <stdbool.h>
#include <stdint.h>

#define MC_AMQP_RPC_MS       20000u /* one question to the broker */
#define MC_AMQP_RPC_MS_MAX   60000u /* after others were not answered in time */
#define MC_AMQP_RETRY_MS     200u
#define MC_AMQP_RETRY_MS_MAX 60000u
#define MC_AMQP_STEADY_MS    5000u /* up for so long: all is as at the start */

struct mc_amqp_pace {
    unsigned tries; /* failed in a row */
    unsigned slow;  /* of them, those that ended by our patience */
};

/* How long to wait for an answer. */
unsigned mc_amqp_pace_patience_ms(const struct mc_amqp_pace *pace);

/* One more has failed; `slow`: the broker was there and did not answer in time. Returns
 * how long to wait before the next. */
uint64_t mc_amqp_pace_failed(struct mc_amqp_pace *pace, bool slow, struct mc_rng *rng);

/* The bus was up for up_ms before it failed (0: it never was); `refused`: waiting does
 * not mend it. */
void mc_amqp_pace_served(struct mc_amqp_pace *pace, uint64_t up_ms, bool refused);

#endif /* MCOS_ADAPTER_AMQP_PACE_H */
