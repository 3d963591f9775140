/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/demo_log.h -- the demo's timeline: what happened when, which promises were
 * kept. Lines as it goes, or with --json one document at the end.
 */
#ifndef MCOS_APP_DEMO_LOG_H
#define MCOS_APP_DEMO_LOG_H

#include "app/out.h"

#include <stdint.h>

struct mc_api;

struct mc_demo_log {
    const struct mc_out *out;
    uint64_t start_ms;
    json_t *events;
    json_t *promises;
    unsigned broken;
    bool key_shown; /* below the first matrix */
};

void mc_demo_log_init(struct mc_demo_log *log, const struct mc_out *out);
void mc_demo_log_fini(struct mc_demo_log *log);

/* Seconds since the start. */
double mc_demo_log_now(const struct mc_demo_log *log);

/* A heading, and a line of the timeline. */
void mc_demo_step(struct mc_demo_log *log, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void mc_demo_say(struct mc_demo_log *log, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A promise, kept (after so many seconds) or not. */
void mc_demo_promise(struct mc_demo_log *log, bool kept, double seconds,
                     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The matrix as that agent sees it now. */
void mc_demo_matrix(struct mc_demo_log *log, struct mc_api *api);

/* With --json, the one document; `take_more` has fields beside the timeline. */
int mc_demo_log_end(struct mc_demo_log *log, json_t *take_more);

#endif /* MCOS_APP_DEMO_LOG_H */
