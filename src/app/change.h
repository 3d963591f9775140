/* SPDX-License-Identifier: Apache-2.0 */
/* app/change.h -- a change of a ring: asked for, reported, waited for. */
#ifndef MCOS_APP_CHANGE_H
#define MCOS_APP_CHANGE_H

#include "app/wait.h"

struct mc_change {
    const char *ring;
    const char *verb;    /* "created", for the report */
    const char *warning; /* said when it was accepted; NULL: none */
    const char *next;    /* what is to be done then; NULL: nothing */
    const char *taken;   /* what is to be typed if the name is taken; NULL: nothing */
    const char *doing;   /* said of a long wait for the answer; NULL: nothing */
    struct mc_request request;
};

/* The ETag of the ring that is held now. Fails with NOTFOUND, DELETED and as calls. */
int mc_change_etag(struct mc_cli *cli, const char *ring,
                   char ret_etag[MC_CLIENT_ETAG_MAX]);

/* An ETag as people write it (7-91d0aa02) gets its quotes. Fails with USAGE. */
int mc_change_quote(struct mc_cli *cli, const char *etag,
                    char ret_etag[MC_CLIENT_ETAG_MAX]);

/* Asks, says what came of it, waits. Returns an exit status or a failure. */
int mc_change_run(struct mc_cli *cli, const struct mc_change *change,
                  const struct mc_wait *wait);

#endif /* MCOS_APP_CHANGE_H */
