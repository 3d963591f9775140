/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/amqp/url.h -- where the brokers are and who we are to them.
 *
 *     amqp://user:password@host:port,host:port/vhost      (amqps:// for TLS)
 *
 * and after it, if need be, ?OPTION=VALUE&OPTION=VALUE:
 *
 *     max_message_size   the brokers' own: bytes, or a number of KiB or MiB
 *     auth               external: the certificate says who we are (amqps:// only,
 *                        and then there is no user and no password)
 *
 * All but one host may be left out: guest, guest, 5672 (5671 with TLS), vhost
 * "/". User, password and vhost may hold %XX. An IPv6 address stands in [].
 */
#ifndef MCOS_ADAPTER_AMQP_URL_H
#define MCOS_ADAPTER_AMQP_URL_H

#include "mcos/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MC_AMQP_HOSTS_MAX 8u
#define MC_AMQP_WORD_MAX  255u /* user, password, vhost, host */

struct mc_amqp_host {
    char name[MC_AMQP_WORD_MAX + 1];
    uint16_t port;
};

struct mc_amqp_url {
    bool tls;
    bool external; /* log in by certificate */
    char user[MC_AMQP_WORD_MAX + 1];
    char password[MC_AMQP_WORD_MAX + 1];
    char vhost[MC_AMQP_WORD_MAX + 1];
    struct mc_amqp_host hosts[MC_AMQP_HOSTS_MAX];
    size_t host_count; /* 1 at least */
    size_t body_max;   /* SIZE_MAX: not told */
    int heartbeat_s;   /* 0: as usual; not read from the text */
};

/* Fails with CONFIG; what diag says never holds the password. */
int mc_amqp_url_parse(const char *text, struct mc_amqp_url *ret_url,
                      struct mcos_diag *diag);

/* The text with *** for a password, for people; cut if it does not fit. Any text
 * will do, a broken address too. */
void mc_amqp_url_mask(const char *text, char *dst, size_t cap);

#endif /* MCOS_ADAPTER_AMQP_URL_H */
