/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/play.h -- scenarios as text: what happens when, and the trace that must
 * come of it (test/scenario/README.md has the words).
 *
 * A line at the margin is a statement or a comment; an indented line is trace.
 * The play is run, its text is written anew with the trace that came, and both
 * must be equal.
 */
#ifndef MCOS_SIM_PLAY_H
#define MCOS_SIM_PLAY_H

#include "sync/machine.h"

struct sim_play_options {
    bool bless;    /* write the trace that came into the file */
    bool no_trace; /* only what the play says it expects */
    bool change_mode;
    enum mc_announce_mode mode; /* instead of the play's own */
};

/* 0, or 1: it failed and standard output says why. */
int sim_play_run(const char *path, const struct sim_play_options *options);

#endif /* MCOS_SIM_PLAY_H */
