/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/change.h -- one change of a ring on its way: from a request, by way of the
 * worker, to a record and what is told about it.
 *
 *     begin    on the loop: precondition, may we mint, what is replaced
 *     run      on the worker: parse and place, touching nothing but the change
 *     finish   on the loop: mint with the same precondition (somebody may have been
 *              first meanwhile), answer
 *
 * What is refused is refused before anything is minted, so nothing has changed.
 */
#ifndef MCOS_NODE_CHANGE_H
#define MCOS_NODE_CHANGE_H

#include "node/operation.h"
#include "node/routes_state.h"
#include "node/spec.h"
#include "node/token.h"

struct mc_change {
    struct mc_routes *routes;
    struct mc_later *later;
    struct mc_name ring;
    char author[MC_AUTHOR_MAX + 1];
    struct mc_expect expect;
    struct mc_operation operation;
    struct mc_ring *old; /* the record replaced, or NULL; ours */
    bool replaces;       /* there was one, even if it is not kept any more */

    /* Copied for the worker. */
    void (*run)(struct mc_change *change);
    bool dry;                /* a plan: nothing is minted */
    char plan[MC_TOKEN_MAX]; /* what must come out; "": anything */
    struct mc_blob *body;
    uint32_t now_s;
    bool has_check;
    uint8_t hash_check[8];    /* of this machine's secret */
    struct mc_buf secret_buf; /* behind secret */
    struct mc_secret secret;
    int (*import_swift)(void *ctx, struct mc_bytes gz, const struct mc_secret *secret,
                        struct mc_draft *draft, struct mc_buf *extra,
                        struct mcos_diag *diag);
    void *import_ctx;

    /* What the worker made of it. */
    int err;
    struct mcos_diag diag;
    struct mc_buf extra; /* the draft may point into it */
    struct mc_spec_doc *doc;
    struct mc_draft draft;
    struct mc_build_report report;
    struct mc_response told; /* of a plan */
    uint64_t began_ms;
    uint64_t build_ms; /* waiting for the worker included */

    struct mc_ring *made; /* ours; set from the start: it was made before */
    bool distributed;
};

/*
 * Looks at what a change begins with. *ret_change is yours. Fails with PRECOND,
 * USAGE, as mc_agent_expects and mc_agent_may_mint, NOMEM; then call->response says
 * when to try again, if that is known.
 */
int mc_change_new(struct mc_call *call, struct mc_change **ret_change,
                  struct mcos_diag *diag);
/* Was it made before, by the same request? Then there is nothing to build. */
bool mc_change_is_replayed(const struct mc_change *change);
/* The same for one that is only planned: a precondition is not needed, and it does
 * not matter who may mint. */
int mc_change_new_dry(struct mc_call *call, struct mc_change **ret_change,
                      struct mcos_diag *diag);
void mc_change_free(struct mc_change *change); /* NULL is fine */

/*
 * Has run() called on the worker, and keeps the request: the answer comes when that
 * is done. On success the change is taken. Fails with BUSY.
 */
int mc_change_submit(struct mc_change *change, void (*run)(struct mc_change *change),
                     struct mcos_diag *diag);

/* What run() is for a spec (node/routes_change.c), to be given to submit. */
void mc_change_build(struct mc_change *change);
/* Copies what building needs of the agent and of this machine (on the loop). */
void mc_change_take(struct mc_call *call, struct mc_change *change);
/* Is the media type (parameters left aside) absent or one of the two? Fails with TYPE.
 */
int mc_change_type(const struct mc_call *call, const char *first, const char *second,
                   struct mcos_diag *diag);
/* Hands the change to the worker if r is 0, or says why it cannot be. */
void mc_change_go(struct mc_call *call, struct mc_change *take_change, int r,
                  void (*run)(struct mc_change *change), struct mcos_diag *diag);

/* Tells a plan, on the worker: fills `told` of what was built (node/routes_plan.c).
 * Fails with NOMEM. */
int mc_change_explain(struct mc_change *change, const struct mc_built *built,
                      const char *token);

/* Mints the draft at once and fills the answer in. */
int mc_change_mint(struct mc_call *call, struct mc_change *change,
                   struct mcos_diag *diag);
void mc_change_tell(struct mc_call *call, const struct mc_change *change);

#endif /* MCOS_NODE_CHANGE_H */
