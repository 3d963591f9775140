/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/stage.h -- carries out one statement of a play on a world.
 */
#ifndef MCOS_SIM_STAGE_H
#define MCOS_SIM_STAGE_H

#include "sim/world.h"

#define SIM_WORDS_MAX 24u

struct sim_stage {
    struct sim_world *world; /* made by `clusters` */
    void (*show)(void *ctx, const char *line);
    void *ctx;
    bool change_mode;
    enum mc_announce_mode mode;
    char error[256]; /* why the last statement could not be understood or failed */
};

/* A statement cut into its words, without `at`. All lent by the line. */
struct sim_statement {
    uint64_t at_ms; /* SIM_NEVER: now */
    char *words[SIM_WORDS_MAX];
    unsigned count;
};

/* Cuts the line up in place. False: stage->error says why. */
bool sim_stage_parse(struct sim_stage *stage, char *line, struct sim_statement *ret);
/* False: not understood, or an expectation was not met; stage->error says. */
bool sim_stage_do(struct sim_stage *stage, const struct sim_statement *st);
void sim_stage_fini(struct sim_stage *stage);

/* ---- for the stage's own files ---- */

/* The value of `key=`, or NULL. */
const char *sim_word_value(const struct sim_statement *st, const char *key);
/* "10s", "300ms", "-2h": milliseconds. False if it is no time. */
bool sim_word_ms(const char *text, int64_t *ret_ms);
bool sim_word_number(const char *text, uint64_t *ret);
/* "c4": the machine, made if it is new; NULL: no such name. */
struct sim_site *sim_word_site(struct sim_stage *stage, const char *text, size_t len);
bool sim_stage_wrong(struct sim_stage *stage, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* sim/expect.c */
bool sim_stage_expect(struct sim_stage *stage, const struct sim_statement *st);

#endif /* MCOS_SIM_STAGE_H */
