/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/curl/client.h -- an HTTP client for one agent, over libcurl.
 *
 * One request at a time, over a loopback or other TCP address
 * (`http://127.0.0.1:8471`) or a unix socket (`unix:/run/mcosd.sock`). No
 * policy: nothing is sent twice, nothing is followed. One thread.
 *
 *     mc_client_new("unix:/run/mcosd.sock", 30000, &client, &diag);
 *     mc_client_send(client, &(struct mc_request){.path = "/v1/status"}, &response,
 *                    &diag);
 *     mc_response_fini(&response);
 */
#ifndef MCOS_ADAPTER_CURL_CLIENT_H
#define MCOS_ADAPTER_CURL_CLIENT_H

#include "base/bytes.h"
#include "base/limits.h"
#include "mcos/err.h"

#include <signal.h>

#define MC_CLIENT_BODY_MAX MC_RECORD_BYTES_MAX /* no answer is longer than a record */
#define MC_CLIENT_ETAG_MAX 128u

struct mc_client;

/* All borrowed for the call. */
struct mc_request {
    const char *method;        /* NULL: GET */
    const char *path;          /* from the slash on, query included, escaped */
    const char *if_match;      /* the ETag, with its quotes; NULL: none */
    const char *if_none_match; /* "*" or an ETag with its quotes; NULL: none */
    const char *content_type;  /* NULL: none */
    struct mc_bytes body;
    /* How many bytes the answer may have, by its status and what of it is here: asked
     * again whenever more has come. NULL: MC_CLIENT_BODY_MAX. */
    size_t (*most)(void *ctx, int status, struct mc_bytes came);
    void *most_ctx;
};

/* Made with {0}; mc_response_fini() gives back its memory. */
struct mc_response {
    int status; /* HTTP status */
    char etag[MC_CLIENT_ETAG_MAX];
    char content_type[64];
    char answered_by[MC_NAME_MAX + 1]; /* Mcos-Answered-By */
    unsigned retry_after_s;            /* 0: not said */
    struct mc_buf body;
};

/*
 * On success *ret_client is yours; `server` is copied. Connects to nobody yet.
 * Fails with USAGE (not an address we know), NOTFOUND (libcurl is not installed),
 * NOMEM; diag says what is wrong.
 */
int mc_client_new(const char *server, uint32_t timeout_ms,
                  struct mc_client **ret_client, struct mcos_diag *diag);
void mc_client_free(struct mc_client *client); /* NULL is fine */

/* A request under way ends soon with EMPTY once *stop is not 0. Borrowed; NULL: never.
 */
void mc_client_stop_on(struct mc_client *client, const volatile sig_atomic_t *stop);

/* Called while an answer is waited for, about once a second. NULL: nobody is. */
void mc_client_on_wait(struct mc_client *client, void (*wait)(void *ctx), void *ctx);

/* As given to new. Lent. */
const char *mc_client_server(const struct mc_client *client);

/*
 * Any status is a success here: look at response->status. `response` is emptied
 * first and keeps its memory.
 * Fails with UNREACHABLE (refused, no such socket, no answer in time, cut off),
 * TOOBIG (answer longer than it may be; its beginning is in the response), EMPTY
 * (stopped), NOMEM; diag says why.
 */
int mc_client_send(struct mc_client *client, const struct mc_request *request,
                   struct mc_response *response, struct mcos_diag *diag);

/* Did the last send fail because nobody listens? Then nothing was sent. */
bool mc_client_refused(const struct mc_client *client);

void mc_response_fini(struct mc_response *response);

/* Appends `text` escaped for a path segment or a query value. */
void mc_client_escape(struct mc_buf *b, struct mc_bytes text);

#endif /* MCOS_ADAPTER_CURL_CLIENT_H */
