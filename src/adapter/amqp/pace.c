/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/amqp/pace.c -- doubling, up to a limit. */
#include "adapter/amqp/pace.h"

static uint64_t doubled(uint64_t ms, unsigned times, uint64_t most)
{
    return times >= 16 || ms << times > most ? most : ms << times;
}

unsigned mc_amqp_pace_patience_ms(const struct mc_amqp_pace *pace)
{
    return (unsigned)doubled(MC_AMQP_RPC_MS, pace->slow, MC_AMQP_RPC_MS_MAX);
}

uint64_t mc_amqp_pace_failed(struct mc_amqp_pace *pace, bool slow, struct mc_rng *rng)
{
    uint64_t most = doubled(MC_AMQP_RETRY_MS, pace->tries, MC_AMQP_RETRY_MS_MAX);

    if (slow) {
        if (most < mc_amqp_pace_patience_ms(pace))
            most = mc_amqp_pace_patience_ms(pace);
        pace->slow++;
    }
    pace->tries++;
    return mc_rng_below(rng, most + 1);
}

void mc_amqp_pace_served(struct mc_amqp_pace *pace, uint64_t up_ms, bool refused)
{
    if (up_ms >= MC_AMQP_STEADY_MS && !refused)
        *pace = (struct mc_amqp_pace){0};
}
