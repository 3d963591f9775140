/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/progress.h -- what takes longer than a second shows that it goes on.
 *
 * One line on standard error, if that is a terminal and neither --quiet, --plain nor
 * --json was given; redrawn a few times a second and wiped out at the end.
 */
#ifndef MCOS_APP_PROGRESS_H
#define MCOS_APP_PROGRESS_H

#include "app/out.h"

struct mc_bar {
    const struct mc_out *out; /* borrowed, as is what */
    const char *what;         /* "building photos" */
    uint64_t start_ms;
    uint64_t drawn_ms;
    unsigned most; /* thousandths; a second try does not go back */
    bool shown;
};

void mc_bar_begin(struct mc_bar *bar, const struct mc_out *out, const char *what);
/* Called as often as you like. */
void mc_bar_tell(struct mc_bar *bar, unsigned thousandths);
/* The same where nobody knows how far it is: the time only. */
void mc_bar_wait(struct mc_bar *bar);
void mc_bar_end(struct mc_bar *bar);

#endif /* MCOS_APP_PROGRESS_H */
