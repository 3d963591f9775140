/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/post.h -- the bus of a small world: every site's two queues, and the way
 * there (sim/net.h). Each site's mailbox is a struct mc_bus (port/bus.h).
 *
 * The queues live as long as the post; a site that stops closes its mailbox,
 * whose record queue goes on collecting and whose talk is lost.
 */
#ifndef MCOS_SIM_POST_H
#define MCOS_SIM_POST_H

#include "sim/agenda.h"
#include "sim/net.h"
#include "sim/queue.h"

#define SIM_RECORDS_MAX       256u
#define SIM_RECORDS_BYTES_MAX (256u << 20)
#define SIM_TALK_MAX          4096u
#define SIM_UNCONFIRMED_MAX   4096u

struct sim_post;

/* A confirmation, or news of the connection, on its way to the site. */
struct sim_word {
    enum mc_bus_event_kind kind;
    int err;
    uint64_t token;
    bool fresh;
};

struct sim_out {
    uint64_t delivery; /* 0: free */
    struct sim_item item;
};

struct sim_mailbox {
    struct mc_bus port; /* first */
    struct sim_post *post;
    uint32_t site;
    struct mc_name name;
    uint8_t uid[MC_UID_BYTES];
    /* Whose queues are used: one's own, or of the first agent of a cluster; there
     * `consumer` is who is given the letters, the one that has waited longest. */
    struct sim_mailbox *home;
    struct sim_mailbox *consumer;
    uint64_t since; /* the post's count of connections */
    bool declared;  /* its queues exist */
    bool fresh;     /* they were made anew and nobody was told */
    bool open;
    bool away;      /* cut off from the bus */
    bool connected; /* open, and the bus is there */
    uint64_t line;  /* grows with each connection */
    struct sim_queue queue[2];
    struct sim_out out[MC_INFLIGHT_MAX];
    struct sim_word *words; /* first come first */
    size_t word_count;
    size_t word_cap;
    uint64_t *unconfirmed; /* tokens */
    size_t unconfirmed_count;
};

struct sim_post {
    struct sim_agenda *agenda; /* borrowed for life, all three */
    const uint64_t *now_ms;
    struct sim_net *net;
    void (*ready)(void *ctx, uint32_t site); /* next() has something; may be NULL */
    void *ctx;
    struct sim_mailbox **boxes; /* by site; NULL: none yet */
    uint32_t box_count;
    uint64_t talk_ttl_ms;
    bool away;
    uint64_t connections;
    uint64_t outages;
    uint64_t arrivals;
    uint64_t deliveries;
    /* counted for curves */
    uint64_t published[2];
    uint64_t published_bytes[2];
};

void sim_post_init(struct sim_post *post, struct sim_agenda *agenda,
                   const uint64_t *now_ms, struct sim_net *net);
void sim_post_fini(struct sim_post *post);

/* Before it is opened: it uses the queues of another site, which has the same name
 * and uid. */
void sim_post_share(struct sim_post *post, uint32_t site, uint32_t home,
                    const struct mc_name *name, const uint8_t uid[MC_UID_BYTES]);
/* Lets the queues go, so that another agent of the cluster may have them. */
void sim_post_yield(struct sim_post *post, uint32_t site);
/* Opens the site's mailbox. A new uid gets new queues. Lent by the post. */
struct sim_mailbox *sim_post_open(struct sim_post *post, uint32_t site,
                                  const struct mc_name *name,
                                  const uint8_t uid[MC_UID_BYTES]);
/* Letters and confirmations of the agenda end here. */
void sim_post_due(struct sim_post *post, struct sim_due *due);

/* The bus is away, or back, for one site or (SIM_ALL) for all. */
#define SIM_ALL UINT32_MAX
void sim_post_away(struct sim_post *post, uint32_t site, bool away);
void sim_post_wipe(struct sim_post *post); /* all queues are made anew */

/* The record letter that is out under this number, or NULL. Lent. */
const struct sim_letter *sim_mailbox_out(const struct sim_mailbox *box,
                                         uint64_t delivery);

#endif /* MCOS_SIM_POST_H */
