/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/amqp/link.h -- one connection to one broker.
 *
 * It belongs to one thread, for librabbitmq wants it so. Every call ends within
 * a named time. Whatever goes wrong, the link is of no use any more: err says
 * what kind, `text` why, in the broker's own words where it had any.
 *
 *     AWAY      not reachable, lost, or closed by the broker
 *     CONFIG    waiting does not mend it: refused, or declared otherwise
 *     NOTFOUND  a queue or the exchange is gone
 */
#ifndef MCOS_ADAPTER_AMQP_LINK_H
#define MCOS_ADAPTER_AMQP_LINK_H

#include "adapter/amqp/url.h"

#include <amqp.h>
#include <amqp_framing.h>

#define MC_AMQP_CONNECT_MS         3000 /* one address */
#define MC_AMQP_HEARTBEAT_S        15   /* two missed: lost */
#define MC_AMQP_SHARED_HEARTBEAT_S 5    /* while others wait for the broker to notice */
#define MC_AMQP_TCP_MS             20000u /* unacknowledged by the peer's kernel: lost */
#define MC_AMQP_LINK_TEXT          200u
#define MC_AMQP_CHANNELS_MAX       16

/* Paths of PEM files; "" if none. */
struct mc_amqp_tls {
    const char *ca;
    const char *cert;
    const char *key;
};

struct mc_amqp_link {
    amqp_connection_state_t conn; /* NULL: closed */
    int fd;
    const struct mc_amqp_host *host;
    unsigned code; /* the broker's own, 0: it said none */
    bool lost;     /* no use in saying goodbye */
    bool slow;     /* connected, and a question was not answered in time */
    bool look;     /* something may lie in the socket */
    bool tls;      /* it may lie in the TLS library too: always look */
    char text[MC_AMQP_LINK_TEXT];
};

/* Connects to the host, and only then `opened(ctx, fd)`; then logs in. Each question to
 * the broker, then and later, is waited for rpc_ms at most. */
int mc_amqp_link_open(struct mc_amqp_link *link, const struct mc_amqp_url *url,
                      const struct mc_amqp_tls *tls, const struct mc_amqp_host *host,
                      const char *name, unsigned rpc_ms,
                      void (*opened)(void *ctx, int fd), void *ctx);
/* Says goodbye if there is anybody to say it to. A closed link is fine. */
void mc_amqp_link_close(struct mc_amqp_link *link);

/* 0, or what the last question's answer means. `what` begins the text. */
int mc_amqp_link_check(struct mc_amqp_link *link, amqp_rpc_reply_t reply,
                       const char *what);
int mc_amqp_link_asked(struct mc_amqp_link *link, const char *what);
/* The same of a call that returns a status. */
int mc_amqp_link_status(struct mc_amqp_link *link, int status, const char *what);
int mc_amqp_link_fail(struct mc_amqp_link *link, int err, const char *text);

/* The next frame, valid until the next call, or EMPTY: none is here now, or none more
 * than one look at the socket brought since `wait` (or `look` was set). A channel or
 * connection that the broker closes is an error. */
int mc_amqp_link_frame(struct mc_amqp_link *link, amqp_frame_t *ret_frame);
/* Until a frame may be here, wake_fd is readable (true), or ms have passed. */
bool mc_amqp_link_wait(struct mc_amqp_link *link, int wake_fd, int ms);

#endif /* MCOS_ADAPTER_AMQP_LINK_H */
