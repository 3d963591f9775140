/* SPDX-License-Identifier: Apache-2.0 */
/* app/api.c -- one agent's HTTP API, as documents. */
#include "app/api.h"

#include "app/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SAY_MS 500u /* of waiting for an agent to listen */

static int read_answer(struct mc_api *api, json_t **ret_doc);

int mc_api_init(struct mc_api *api, const char *server, uint32_t timeout_ms)
{
    *api = (struct mc_api){.patience_ms = timeout_ms};
    return mc_client_new(server, timeout_ms, &api->client, &api->diag);
}

void mc_api_fini(struct mc_api *api)
{
    mc_client_free(api->client);
    mc_response_fini(&api->response);
    json_decref(api->problem);
    *api = (struct mc_api){0};
}

static void on_wait(void *ctx)
{
    mc_bar_wait(ctx);
}

/* What a person does about an agent that could not be asked. */
static void advise(struct mc_api *api)
{
    struct mcos_diag why = api->diag;
    const bool nobody = mc_client_refused(api->client);

    (void)mcos_diag_set(
        &api->diag, MCOS_E_UNREACHABLE, "--server", "%.170s; %s", why.text,
        nobody ? "start mcosd there, or name another agent with "
                 "--server or MCOS_SERVER"
               : "try again, wait longer with --timeout, or name another "
                 "agent with --server");
}

int mc_api_call(struct mc_api *api, const struct mc_request *request, json_t **ret_doc)
{
    uint64_t start = mc_api_now_ms();
    bool said = api->out == NULL;
    struct mc_bar bar = {0};
    int rc;

    mc_client_stop_on(api->client, api->stop);
    for (;;) {
        uint64_t pause = 200; /* Retry-After counts seconds; an agent is sooner ready */
        uint64_t spent;
        bool refused;

        json_decref(api->problem);
        api->problem = NULL;
        api->diag = (struct mcos_diag){.offset = -1};
        if (api->doing != NULL && api->out != NULL) {
            mc_bar_begin(&bar, api->out, api->doing);
            mc_client_on_wait(api->client, on_wait, &bar);
        }
        rc = mc_client_send(api->client, request, &api->response, &api->diag);
        mc_client_on_wait(api->client, NULL, NULL);
        mc_bar_end(&bar);
        if (rc == MCOS_E_UNREACHABLE)
            advise(api);
        if (rc == 0)
            rc = read_answer(api, ret_doc);
        refused = rc == MCOS_E_UNREACHABLE && mc_client_refused(api->client);
        if ((rc != MCOS_E_NOTREADY && !refused) ||
            (api->stop != NULL && *api->stop != 0))
            return rc;
        spent = mc_api_now_ms() - start;
        if (spent + pause > (refused ? api->connect_ms : api->patience_ms))
            return rc;
        if (refused && !said && spent >= SAY_MS) {
            mc_out_hint(api->out, "no agent listens at %s yet: waiting for it",
                        mc_client_server(api->client));
            said = true;
        }
        mc_api_sleep_ms(pause);
    }
}

int mc_api_get(struct mc_api *api, json_t **ret_doc, const char *fmt, ...)
{
    struct mc_request request = {0};
    char *path = NULL;
    va_list args;
    int rc;

    va_start(args, fmt);
    rc = vasprintf(&path, fmt, args);
    va_end(args);
    if (rc < 0)
        return MCOS_E_NOMEM;
    request.path = path;
    rc = mc_api_call(api, &request, ret_doc);
    free(path);
    return rc;
}

const char *mc_doc_text(const json_t *doc, const char *key)
{
    const char *text = json_string_value(json_object_get(doc, key));

    return text == NULL ? "" : text;
}

long long mc_doc_int(const json_t *doc, const char *key)
{
    return json_integer_value(json_object_get(doc, key));
}

double mc_doc_real(const json_t *doc, const char *key)
{
    return json_number_value(json_object_get(doc, key));
}

bool mc_doc_bool(const json_t *doc, const char *key)
{
    return json_is_true(json_object_get(doc, key));
}

uint64_t mc_api_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void mc_api_sleep_ms(uint64_t ms)
{
    struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

    (void)nanosleep(&t, NULL);
}

static int not_an_agent(struct mc_api *api, const char *why)
{
    return mcos_diag_set(&api->diag, MCOS_E_UNREACHABLE, "--server",
                         "what answers at %s is not mcosd (%s): name the agent with "
                         "--server or MCOS_SERVER",
                         mc_client_server(api->client), why);
}

/* A refusal: its code by its stable name, by its status if we do not know that. */
static int read_problem(struct mc_api *api, json_t *take_doc)
{
    int status = api->response.status;
    int code = mcos_err_from_slug(mc_doc_text(take_doc, "code"));

    if (mc_doc_text(take_doc, "code")[0] == '\0') {
        json_decref(take_doc);
        return not_an_agent(api, "an error without a code");
    }
    api->problem = take_doc;
    if (code != 0)
        return code;
    if (status == 404 || status == 410)
        return MCOS_E_NOTFOUND;
    if (status == 409 || status == 412 || status == 428)
        return MCOS_E_STALE;
    return status >= 500 ? MCOS_E_IO : MCOS_E_VALUE;
}

static int read_answer(struct mc_api *api, json_t **ret_doc)
{
    const struct mc_response *r = &api->response;
    bool refused = r->status >= 400;
    json_error_t error;
    json_t *doc;

    if (r->status < 200 || (r->status >= 300 && !refused))
        return not_an_agent(api, "an unexpected status");
    if (!refused && ret_doc == NULL)
        return 0;
    doc = json_loadb((const char *)r->body.ptr, r->body.len, JSON_REJECT_DUPLICATES,
                     &error);
    if (doc == NULL)
        return not_an_agent(api, "its answer is not JSON");
    if (!json_is_object(doc)) {
        json_decref(doc);
        return not_an_agent(api, "its answer is not an object");
    }
    if (refused)
        return read_problem(api, doc);
    *ret_doc = doc;
    return 0;
}
