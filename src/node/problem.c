/* SPDX-License-Identifier: Apache-2.0 */
/* node/problem.c -- the error table, and what to do about it, as JSON. */
#include "node/problem.h"

#include "node/json_out.h"
#include "sync/stamp.h"

#include <stdio.h>

#define RETRY_S 5u /* when nothing better is known */

static const char *hint_of(int code)
{
    static const struct {
        int code;
        const char *hint;
    } hints[] = {
        {MCOS_E_PRECOND,
         "send If-None-Match: * to create, or If-Match with the ETag of "
         "GET to replace or delete"},
        {MCOS_E_STALE, "read the ring again, see what changed, then send its ETag"},
        {MCOS_E_EXISTS,
         "send If-Match with its ETag to replace it, or take another name"},
        {MCOS_E_DELETED, "If-None-Match: * makes it again"},
        {MCOS_E_NOTREADY, "wait, it listens to what the others hold; --alone skips it"},
        {MCOS_E_CLOCK,
         "set this machine's clock, or make the change on another cluster"},
        {MCOS_E_IDENTITY, "give one of the two clusters another name, or stop it"},
        {MCOS_E_SECRET,
         "start this agent with swift_conf, the swift.conf that the ring is used with"},
        {MCOS_E_WEIGHT, "weights are 0 or greater, and not all 0"},
        {MCOS_E_PLACEMENT, "add devices with weight, or ask for fewer replicas"},
        {MCOS_E_PARTPOWER, "0 to 24; that of a ring can be raised, which splits its "
                           "partitions, and not lowered"},
        {MCOS_E_NAME, "lower-case letters, digits, - and _; 64 at most; the first a "
                      "letter or digit"},
        {MCOS_E_OLD, "upgrade this agent, or make the change on another cluster"},
        {MCOS_E_PLANSTALE, "plan again, look at it, then apply that one"},
        {MCOS_E_FULL, "make room in the data folder"},
    };

    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (hints[i].code == code)
            return hints[i].hint;
    }
    return "";
}

void mc_problem(struct mc_response *response, int code, const struct mcos_diag *diag,
                const struct mc_ring *held)
{
    json_t *doc = json_object();
    int status = mcos_err_http(code);
    const char *detail = mcos_err_text(code);
    char type[80];

    if (diag != NULL && diag->text[0] != '\0')
        detail = diag->text;
    (void)snprintf(type, sizeof(type), "/problems/%s", mcos_err_slug(code));
    mc_json_put_text(doc, "type", type);
    mc_json_put_text(doc, "title", mcos_err_text(code));
    mc_json_put_int(doc, "status", (uint64_t)status);
    mc_json_put_text(doc, "code", mcos_err_slug(code));
    mc_json_put_text(doc, "detail", detail);
    if (diag != NULL && diag->field[0] != '\0')
        mc_json_put_text(doc, "field", diag->field);
    if (diag != NULL && diag->line > 0)
        mc_json_put_int(doc, "line", (uint64_t)diag->line);
    if (diag != NULL && diag->text[0] != '\0' && diag->offset >= 0)
        mc_json_put_int(doc, "offset", (uint64_t)diag->offset);
    if (hint_of(code)[0] != '\0')
        mc_json_put_text(doc, "hint", hint_of(code));
    if ((status == 412 || status == 428) && held != NULL) {
        const struct mc_head *head = mc_ring_head(held);

        mc_json_put_stamp(doc, head);
        mc_json_put_text(doc, "author", head->author);
        mc_json_put_text(doc, "origin", head->origin.s);
        mc_json_put_time(doc, "time", head->timestamp);
    }
    if (status == 503 && response->retry_after_s == 0)
        response->retry_after_s = RETRY_S;
    mc_json_answer(response, status, doc);
    response->content_type = "application/problem+json";
    response->etag[0] = '\0';
    response->location[0] = '\0';
}
