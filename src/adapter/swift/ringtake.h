/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/swift/ringtake.h -- taking values out of a JSON object, one key after the
 * other; what nobody takes is left in it.
 */
#ifndef MCOS_ADAPTER_SWIFT_RINGTAKE_H
#define MCOS_ADAPTER_SWIFT_RINGTAKE_H

#include "ring/draft.h"

#include <jansson.h>

/* May a key be absent, and does null say the same? */
enum mc_need { MC_NEEDED, MC_OPTIONAL, MC_OR_NULL };

/* The first error sticks; from then on nothing is taken. */
struct mc_taking {
    struct mc_draft *draft; /* owns the texts */
    struct mcos_diag *diag;
    int err;
    char at[32];         /* JSON pointer of the object that is read */
    const char *missing; /* the first needed key that it does not have */
};

void mc_take_refuse(struct mc_taking *r, int code, const char *key, const char *fmt,
                    ...) __attribute__((format(printf, 4, 5)));

/* Begins with an object at a place, and ends with it: is something missing? */
void mc_take_enter(struct mc_taking *r, json_t *object, const char *at);
void mc_take_leave(struct mc_taking *r);

/* Takes a value out of its object: yours. NULL if there is none to be read. */
json_t *mc_take(struct mc_taking *r, json_t *object, const char *key,
                enum mc_need need);
/* "" and `absent` where there is none. Texts live as long as the draft. */
const char *mc_take_text(struct mc_taking *r, json_t *object, const char *key,
                         enum mc_need need, size_t max);
unsigned mc_take_whole(struct mc_taking *r, json_t *object, const char *key,
                       enum mc_need need, unsigned max, unsigned absent);
/* A copy that lives as long as the draft. */
const char *mc_take_own(struct mc_taking *r, const char *text);

#endif /* MCOS_ADAPTER_SWIFT_RINGTAKE_H */
