/* SPDX-License-Identifier: Apache-2.0 */
/* service/question.h -- what is asked, from a query or from JSON. */
#ifndef MCOS_SERVICE_QUESTION_H
#define MCOS_SERVICE_QUESTION_H

#include "mcos/resolver.h"
#include "port/serve.h"

#define MC_QUESTION_NAMES_MAX 10000u     /* of a batch in JSON */
#define MC_QUESTION_BYTES_MAX (4u << 20) /* of its text */

/* One name. Its bytes are lent by the request. */
struct mc_question {
    struct mcos_key key;
    unsigned flags; /* MCOS_ACTIVE_FIRST, or 0 */
    bool previous;  /* the version before is asked, too */
    size_t handoffs;
};

/* Fails with FIELD, VALUE; diag names the parameter. */
int mc_question_read(const struct mc_request *request, struct mc_question *ret,
                     struct mcos_diag *diag);

/* Many names; their bytes are its own. */
struct mc_questions {
    void *tree;
    struct mcos_key *keys;
    size_t count;
    unsigned flags;
    bool previous;
};

/*
 * {"names": [[account, container, object] ...], "active_first": false,
 * "previous": false}; container and object may be absent, and the two booleans. On
 * success *ret is yours (fini). Fails with JSON, TOOBIG, FIELD, VALUE, NOMEM; diag says
 * where.
 */
int mc_questions_parse(struct mc_bytes text, struct mc_questions *ret,
                       struct mcos_diag *diag);
void mc_questions_fini(struct mc_questions *questions); /* {0} is fine */

#endif /* MCOS_SERVICE_QUESTION_H */
