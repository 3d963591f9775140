/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port/serve.h -- a request and its answer, whatever carried them.
 *
 * The HTTP adapter reads sockets and hands whole, bounded requests to a
 * handler; the handler (node/routes.h) knows no socket.
 *
 * An answer is given in handle(), or later: then handle() calls keep() on the
 * request's `later` and leaves the response alone, and some time after it has
 * returned, on the same thread, somebody calls answer(), once. A client that has
 * gone away meanwhile, or a server that was closed, is no concern of the handler:
 * the answer is dropped.
 */
#ifndef MCOS_PORT_SERVE_H
#define MCOS_PORT_SERVE_H

#include "base/blob.h"

#include <stdatomic.h>
#include <stddef.h>

#define MC_SERVE_PARAMS_MAX 16u

struct mc_param {
    const char *name;
    const char *value; /* percent-decoded, NUL-terminated */
    size_t len;        /* of the value, which may hold NULs where any bytes are taken */
};

struct mc_response;

/* The promise of an answer; made by the server, one for each request. */
struct mc_later {
    void (*keep)(struct mc_later *later);
    /* Takes what the response owns. Not from within handle(). */
    void (*answer)(struct mc_later *later, struct mc_response *take_response);
    /* The client has hung up: set by the server within a second, to be read on any
     * thread until answer(). What was for the client alone need not be done. */
    atomic_bool gone;
};

/* All borrowed for the call, but for `later`. Strings are NUL-terminated; absent
 * headers are NULL. */
struct mc_request {
    const char *method; /* "GET" */
    const char *path;   /* percent-decoded, begins with / */
    struct mc_param query[MC_SERVE_PARAMS_MAX];
    size_t query_count;
    const char *if_match;
    const char *if_none_match;
    const char *content_type;
    const char *idempotency_key;
    const char
        *author; /* who asks, for the record: "uid:0" over the unix socket, else "" */
    struct mc_bytes body;
    struct mc_blob *blob; /* the same bytes, to be kept by reference; NULL: no body */
    struct mc_later *later;
};

/* Starts as {0}; the handler fills it in; body memory is yours (mc_buf_fini). */
struct mc_response {
    int status;
    const char *content_type; /* lent: a literal */
    char etag[96];            /* "" if none, else with its quotes */
    char location[160];
    unsigned retry_after_s; /* 0: none */
    char answered_by[80];   /* Mcos-Answered-By: the cluster's name */
    const char *allow;      /* lent: a literal, with 405 */
    struct mc_buf body;
    struct mc_blob *blob; /* not NULL: the body, instead; yours (mc_blob_unref) */
};

struct mc_handler {
    /* Bytes a body of this method and path may have; 0: none allowed. */
    size_t (*body_max)(struct mc_handler *handler, const char *method,
                       const char *path);
    /* Always fills the response; a failure is an answer too. */
    void (*handle)(struct mc_handler *handler, const struct mc_request *request,
                   struct mc_response *response);
};

#endif /* MCOS_PORT_SERVE_H */
