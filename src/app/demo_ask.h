/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/demo_ask.h -- what the demo asks its clusters, each one itself: who is
 * ready, who holds what, who answers what. Waits poll and end with a deadline or
 * a signal.
 */
#ifndef MCOS_APP_DEMO_ASK_H
#define MCOS_APP_DEMO_ASK_H

#include "app/demo_log.h"
#include "app/demo_site.h"

#define MC_SITE_BIT(number) (1u << ((number)-1)) /* clusters are counted from 1 */
#define MC_SITES_ALL        0x1fu

struct mc_demo {
    struct mc_world world;
    struct mc_demo_log log;
};

/* Which version everybody shall hold. */
struct mc_target {
    const char *ring;
    char stamp[64];
    char digest[65];
    bool distributed; /* the bus was up to take it */
};

struct mc_site *mc_demo_site(struct mc_demo *demo, unsigned number);

/* "eu-west, eu-north" */
#define MC_DEMO_NAMES_MAX 128u
void mc_demo_names(struct mc_demo *demo, unsigned set, char dst[MC_DEMO_NAMES_MAX]);

/* True when all of the set say /readyz; a promise. */
bool mc_demo_ready(struct mc_demo *demo, unsigned set, uint32_t within_ms);

/* True when each of the set itself holds the target; a promise, with its time. */
bool mc_demo_held(struct mc_demo *demo, unsigned set, const struct mc_target *target,
                  uint32_t within_ms);

/* True when the observer's view shows all of the set in that state; a promise. */
bool mc_demo_state(struct mc_demo *demo, unsigned observer, unsigned set,
                   const char *state, uint32_t within_ms);

/* True when the observer's view shows exactly the set as holders. No promise: the
 * view follows by announcements. */
bool mc_demo_seen(struct mc_demo *demo, unsigned observer, unsigned set,
                  const char *ring, uint32_t within_ms);

/* True when all five answer the same look-ups alike, and as expected; a promise. */
bool mc_demo_lookups(struct mc_demo *demo, const char *ring, bool swift);

#endif /* MCOS_APP_DEMO_ASK_H */
