/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/http/server.h -- requests from sockets to a handler (port/serve.h), by
 * libmicrohttpd, driven by somebody else's loop: no thread of its own. Several
 * threads each have a server of their own, beside the first one.
 *
 *     mc_http_server_open(&config, handler, &server, &diag);
 *     poll mc_http_server_fds() for reading, for mc_http_server_timeout_ms() at
 *     most; then, whatever ended the wait, mc_http_server_run(server);
 *     mc_http_server_stop(server); run until mc_http_server_busy() is 0, or as
 *     long as one likes; mc_http_server_close(server);
 *
 * It listens on loopback addresses and unix sockets only. A browser may be led to
 * a loopback port by a name that resolves to it, so over TCP the Host header must
 * be a loopback name. Whole bodies are read here, bounded by the handler; what is
 * wrong with a request as such is answered here, as a problem document.
 *
 * One that sends a byte now and then is never silent long enough for a timeout, and
 * a few hundred of them would keep everybody else out. So a head has its time and a
 * whole request has its time, from the opening of the connection; after an answer the
 * head of the next request has more, for clients keep connections to use them again;
 * and when all places are taken, a newcomer gets the place of the connection that has
 * been without a whole request for longest (or, if there is none such, of the one that
 * has been reading its answer for longest). If all of them wait for an answer that is
 * given later, the newcomer is told 503 and closed.
 */
#ifndef MCOS_ADAPTER_HTTP_SERVER_H
#define MCOS_ADAPTER_HTTP_SERVER_H

#include "mcos/err.h"
#include "port/serve.h"

#include <stdbool.h>
#include <stdint.h>

#define MC_HTTP_LISTEN_MAX 8u
#define MC_HTTP_CONNECTIONS_MAX                                                        \
    256u                             /* open at once, over all listeners, if not told  \
                                      */
#define MC_HTTP_TIMEOUT_S        30u /* without a byte either way */
#define MC_HTTP_HEAD_S           5u  /* for the first request line and headers */
#define MC_HTTP_KEPT_S           30u /* for those after an answer */
#define MC_HTTP_REQUEST_S        30u /* for a whole request to arrive */
#define MC_HTTP_BODIES_MAX       (256u << 20) /* bytes of bodies and answers at one time */
#define MC_HTTP_HEAD_BYTES_MAX   32768u /* request line and headers, and a buffer */
#define MC_HTTP_TARGET_BYTES_MAX 8192u  /* path and query, before decoding */
#define MC_HTTP_ADDRESS_MAX      128u

/* All borrowed for open. */
struct mc_http_config {
    const char *const *listen; /* "127.0.0.1:8471", "[::1]:0", "localhost:80",
                                  "unix:/path"; port 0: any free one */
    size_t listen_count;       /* 1 .. MC_HTTP_LISTEN_MAX */
    size_t connections_max;    /* 0: MC_HTTP_CONNECTIONS_MAX */
    size_t bodies_max;         /* 0: MC_HTTP_BODIES_MAX */
    unsigned kept_s;           /* 0: MC_HTTP_KEPT_S, and no more than that */
    bool any_bytes; /* values in a query are any bytes; else they are UTF-8 without NUL
                     */
    /* Not NULL: takes part in what that one accepts, for another thread with a loop of
     * its own; `listen` is not looked at. That one is closed last. */
    const struct mc_http_server *beside;
};

struct mc_http_server;

/*
 * The handler is borrowed until close. On success *ret_server is yours; on failure
 * nothing listens. Fails with CONFIG (not an address, not loopback, a path that is
 * not a socket), LOCKED (somebody listens there), IO, NOMEM.
 */
int mc_http_server_open(const struct mc_http_config *config, struct mc_handler *handler,
                        struct mc_http_server **ret_server, struct mcos_diag *diag);

/* Descriptors to poll for reading, the same until close; at most cap are written,
 * how many there are is returned (MC_HTTP_LISTEN_MAX at most). */
size_t mc_http_server_fds(const struct mc_http_server *server, int *fds, size_t cap);

/* Does what can be done without waiting; the handler is called from here. */
void mc_http_server_run(struct mc_http_server *server);

/* In how long run() wants to be called even if nothing is readable; UINT64_MAX: no
 * need. */
uint64_t mc_http_server_timeout_ms(const struct mc_http_server *server);

/* Address of the i-th listener as in the config, with the real port; lent. */
const char *mc_http_server_address(const struct mc_http_server *server, size_t i);

/* Accepts nothing more; what has begun goes on as long as run() is called. */
void mc_http_server_stop(struct mc_http_server *server);
/* Requests that have begun and are not answered to the end. */
size_t mc_http_server_busy(const struct mc_http_server *server);

/* Cuts what is left, removes its unix sockets. Answers that are given later than this
 * are dropped. NULL is fine. */
void mc_http_server_close(struct mc_http_server *server);

#endif /* MCOS_ADAPTER_HTTP_SERVER_H */
