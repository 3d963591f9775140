/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/amqp/side.c -- connect, serve, wait, again. */
#include "adapter/amqp/side.h"

#include <signal.h>
#include <stdio.h>

static void *run(void *ctx);
static int connect_any(struct mc_amqp_side *side, struct mc_amqp_link *link);

int mc_amqp_side_start(struct mc_amqp_side *side, uint64_t seed)
{
    sigset_t all, before;
    int rc;

    side->rng = mc_rng_init(seed);
    side->host = (size_t)mc_rng_below(&side->rng, side->setup->url.host_count);
    side->desk->running[side->name] = true;
    /* Signals are for the thread that has the loop. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&side->thread, NULL, run, side);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        side->desk->running[side->name] = false;
    return rc == 0 ? 0 : MCOS_E_NOMEM;
}

static void *run(void *ctx)
{
    struct mc_amqp_side *side = ctx;
    struct mc_amqp_desk *desk = side->desk;
    bool stopping = false;

    while (!stopping) {
        struct mc_amqp_link link;
        int err;

        side->up_ms = 0;
        err = connect_any(side, &link);
        if (err == 0)
            err = side->serve(side, &link);
        mc_amqp_desk_socket(desk, side->name, -1);
        if (err != 0)
            mc_amqp_desk_down(desk, side->name, err, link.text);
        mc_amqp_link_close(&link);
        if (side->up_ms != 0)
            mc_amqp_pace_served(&side->pace,
                                desk->clock->now_ms(desk->clock) - side->up_ms,
                                err == MCOS_E_CONFIG);
        stopping =
            err == 0 ||
            mc_amqp_desk_pause(desk, side->name,
                               mc_amqp_pace_failed(&side->pace, link.slow, &side->rng));
    }
    (void)pthread_mutex_lock(&desk->lock);
    desk->running[side->name] = false;
    (void)pthread_cond_signal(&desk->ended);
    (void)pthread_mutex_unlock(&desk->lock);
    return NULL;
}

static void opened(void *ctx, int fd)
{
    struct mc_amqp_side *side = ctx;

    mc_amqp_desk_socket(side->desk, side->name, fd);
}

/* Each broker once. What waiting does not mend is worth more words than what it
 * may. */
static int connect_any(struct mc_amqp_side *side, struct mc_amqp_link *link)
{
    const struct mc_amqp_setup *s = side->setup;
    const struct mc_amqp_tls tls = {.ca = s->ca, .cert = s->cert, .key = s->key};
    char label[MC_NAME_MAX + 32];
    char text[MC_AMQP_LINK_TEXT] = "";
    bool slow = false;
    int worst = 0;

    (void)snprintf(label, sizeof(label), "mcosd %s %s", s->cluster.s,
                   side->name == MC_AMQP_PUBLISHER ? "publish" : "consume");
    for (size_t i = 0; i < s->url.host_count; i++) {
        const struct mc_amqp_host *host = &s->url.hosts[side->host];
        int err =
            mc_amqp_link_open(link, &s->url, &tls, host, label,
                              mc_amqp_pace_patience_ms(&side->pace), opened, side);

        if (err == 0)
            return 0;
        slow = slow || link->slow;
        side->host = (side->host + 1) % s->url.host_count;
        mc_amqp_desk_socket(side->desk, side->name, -1);
        mc_amqp_link_close(link);
        if (worst != MCOS_E_CONFIG) {
            worst = err;
            (void)snprintf(text, sizeof(text), "%s", link->text);
        }
        if (mc_amqp_desk_stopping(side->desk))
            break;
    }
    link->slow = slow;
    (void)snprintf(link->text, sizeof(link->text), "%s", text);
    return worst;
}

void mc_amqp_side_up(struct mc_amqp_side *side, bool fresh)
{
    side->up_ms = side->desk->clock->now_ms(side->desk->clock);
    mc_amqp_desk_up(side->desk, side->name, fresh);
}
