/* SPDX-License-Identifier: Apache-2.0 */
/* app/fate.c -- what became of a change after it was accepted. */
#include "app/fate.h"

#include "app/out.h"

#include <string.h>

enum mc_fate mc_fate_of(const json_t *change, const json_t *ring)
{
    const char *stamp = mc_doc_text(change, "stamp");
    long long epoch = mc_doc_int(change, "epoch");
    long long now = mc_doc_int(ring, "epoch");
    size_t i;
    json_t *loser;

    if (strcmp(mc_doc_text(ring, "stamp"), stamp) == 0)
        return MC_FATE_IN_FORCE;
    json_array_foreach(json_object_get(ring, "losers"), i, loser)
    {
        if (strcmp(mc_doc_text(loser, "stamp"), stamp) == 0)
            return MC_FATE_LOST;
    }
    if (now > epoch ||
        (now == epoch && mc_doc_int(ring, "version") > mc_doc_int(change, "version")))
        return MC_FATE_REPLACED;
    return MC_FATE_ELSEWHERE;
}

json_t *mc_fate_problem(enum mc_fate fate, const json_t *change, const json_t *ring)
{
    const char *name = mc_doc_text(ring, "ring");
    struct mcos_diag diag = {.offset = -1};
    char hint[1024];
    json_t *p;

    if (fate == MC_FATE_LOST)
        (void)mcos_diag_set(&diag, MCOS_E_CONFLICT, "",
                            "your change %s of %s lost against %s, made on %s at the "
                            "same time: it is kept as a conflict",
                            mc_doc_text(change, "stamp"), name,
                            mc_doc_text(ring, "stamp"), mc_doc_text(ring, "origin"));
    else
        (void)mcos_diag_set(&diag, MCOS_E_CONFLICT, "",
                            "your change %s of %s is not in force any more: %s, made "
                            "on %s, is",
                            mc_doc_text(change, "stamp"), name,
                            mc_doc_text(ring, "stamp"), mc_doc_text(ring, "origin"));
    p = mc_out_problem(MCOS_E_CONFLICT, &diag);
    if (p == NULL)
        return NULL;
    (void)snprintf(hint, sizeof(hint),
                   "%s ring show %s shows %s; %s ring update %s makes the next "
                   "version and settles it",
                   mc_out_self, name, fate == MC_FATE_LOST ? "both" : "what is held",
                   mc_out_self, name);
    (void)json_object_set_new(p, "hint", json_string(hint));
    for (unsigned i = 0; i < 3; i++) {
        static const char *const keys[] = {"stamp", "author", "time"};

        if (json_is_string(json_object_get(ring, keys[i])))
            (void)json_object_set(p, keys[i], json_object_get(ring, keys[i]));
    }
    return p;
}
