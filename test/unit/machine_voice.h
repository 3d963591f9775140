/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One node that has been up for 20 s, and a voice, the cluster "far", to talk to
 * it with. Each `give` clears the trace first, so that it tells one answer.
 */
#ifndef TEST_MACHINE_VOICE_H
#define TEST_MACHINE_VOICE_H

#include "machine_kit.h"

extern struct kit *k;
extern struct kit_sender peer;
extern struct mc_buf b;

int voice_setup(void **state);
int voice_teardown(void **state);
uint64_t voice_wall_now(void);
unsigned voice_give_record(const struct mc_ring *ring);   /* the delivery */
void voice_give_announcement(const struct mc_ring *ring); /* NULL: holds nothing */
void voice_give_announcement_as(const char *cluster, const struct mc_entry *entries,
                                size_t count, uint32_t uptime_ms);
void voice_give_want(const char *cluster, const struct mc_ring *ring, bool loser);
/* By a line of one's own, whose name and digest are filled in. */
void voice_give_want_of(const char *cluster, const struct mc_ring *ring,
                        struct mc_want_line *line);
void voice_put_want(const char *cluster, const struct mc_ring *ring,
                    struct mc_want_line *line); /* into b, not given yet */
bool voice_said(const char *what);
void voice_expect(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
uint64_t voice_notes(enum mc_note_code code);
enum mc_member_state voice_state_of(const char *cluster);

#define VOICE_CASE(name)                                                               \
    cmocka_unit_test_setup_teardown(name, voice_setup, voice_teardown)

#endif /* TEST_MACHINE_VOICE_H */
