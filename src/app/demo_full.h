/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/demo_full.h -- what the full demo tells beside the story: the engines start,
 * others read what is in them, and each of them fails once.
 */
#ifndef MCOS_APP_DEMO_FULL_H
#define MCOS_APP_DEMO_FULL_H

#include "app/demo_act.h"

/* Starts the engines and waits for them. A promise; false also after a signal. */
bool mc_full_start(struct mc_demo *demo);

/* The chapters after the story, in which all clusters hold `objects`. The same. */
bool mc_full_chapters(struct mc_demo *demo, struct mc_target *objects);

#endif /* MCOS_APP_DEMO_FULL_H */
