/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/api.h -- one agent's HTTP API, as documents (docs/api.md).
 *
 * A refusal (status 400 and up) is returned as the code of its problem, and the
 * problem itself is kept until the next call. "Not ready yet" (503 with
 * Retry-After) is tried again until `patience_ms` is over: nothing was accepted.
 * So is, until `connect_ms` is over, an agent that does not listen yet.
 */
#ifndef MCOS_APP_API_H
#define MCOS_APP_API_H

#include "adapter/curl/client.h"
#include "app/out.h"

#include <jansson.h>

struct mc_api {
    struct mc_client *client; /* yours: mc_api_fini() frees it */
    uint32_t patience_ms;
    uint32_t connect_ms;      /* 0 as made */
    const struct mc_out *out; /* where a word on the waiting goes; NULL: none */
    const volatile sig_atomic_t *stop;
    const char *doing; /* said of a long wait on a terminal; NULL: nothing. Borrowed */
    struct mc_response response; /* of the last call */
    json_t *problem;             /* of the last call, or NULL. Lent */
    struct mcos_diag diag;
};

/* Fails as mc_client_new. */
int mc_api_init(struct mc_api *api, const char *server, uint32_t timeout_ms);
void mc_api_fini(struct mc_api *api);

/*
 * Sends and reads the answer. *ret_doc (ret_doc may be NULL) is yours.
 * Fails with the code of the problem, UNREACHABLE also when what answers is no
 * agent, and as mc_client_send.
 */
int mc_api_call(struct mc_api *api, const struct mc_request *request, json_t **ret_doc);
int mc_api_get(struct mc_api *api, json_t **ret_doc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Fields of a document; "" , 0 or false when absent or of another type. */
const char *mc_doc_text(const json_t *doc, const char *key);
long long mc_doc_int(const json_t *doc, const char *key);
double mc_doc_real(const json_t *doc, const char *key); /* also of an integer */
bool mc_doc_bool(const json_t *doc, const char *key);

/* Milliseconds of a clock that never goes back; sleeping that a signal ends. */
uint64_t mc_api_now_ms(void);
void mc_api_sleep_ms(uint64_t ms);

#endif /* MCOS_APP_API_H */
