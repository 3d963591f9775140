/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/timing.h -- every timer and every bound of the conversation, by name.
 *
 * docs/protocol.md says what each is for; nothing here is part of the bytes, so
 * a cluster with other numbers still understands its peers.
 */
#ifndef MCOS_SYNC_TIMING_H
#define MCOS_SYNC_TIMING_H

/* Announcing. */
#define MC_ANNOUNCE_JITTER_PCT    20u   /* of delta_t, to both sides */
#define MC_START_GAP_MS           300u  /* first gap after a start; doubles */
#define MC_BEHIND_WINDOW_MS       300u  /* answering one who is behind */
#define MC_BEHIND_PER_EQUAL_MS    2u    /* longer by this for each that could answer */
#define MC_BEHIND_WINDOW_MAX_MS   1000u /* but not longer than this */
#define MC_BEHIND_EQUALS          2u    /* as many equal ones heard: keep silent */
#define MC_RECEIPT_WINDOW_MS      300u  /* telling of a change */
#define MC_RECEIPT_PER_CLUSTER_MS 10u   /* longer by this for each ACTIVE cluster */
#define MC_RECEIPT_AFTER_MS       5u    /* for each, and a change is not told before */
#define MC_RECEIPT_PAIRS_PER_MS   2u    /* of a newcomer: each tells each */
#define MC_RECEIPT_BODY_BYTES     (256u << 10) /* to all together take another ms, */
#define MC_RECEIPT_BODY_MAX_MS    1000u        /* up to this */
#define MC_ANNOUNCE_GAP_MS        1000u /* between announcements brought forward */
#define MC_INVENTORY_BYTES        4096u /* of entries in an announcement */
#define MC_CHANGES_MAX            32u   /* latest changes told when they are more */

/* Not asked for again (P66). */
#define MC_VAIN_MAX        8u  /* remembered of a ring */
#define MC_UNREAD_SEEN_MAX 64u /* remembered though no ring is known for them */

/* Asking. */
#define MC_EARLY_MS          10000u /* after a start or reconnection */
#define MC_WANT_EARLY_MS     200u   /* window for asking then */
#define MC_WANT_LATE_MS      3000u  /* later: the body is probably in the queue */
#define MC_WANT_RETRY_MS     1000u  /* another holder after this */
#define MC_WANT_EVEN_TRIES   8u     /* so often; then it doubles, up to delta_t */
#define MC_WANT_RETRY_MAX_MS 64000u
#define MC_WANT_ARRIVED_MS   60000u /* the body is here and being stored */
#define MC_DIFFERENCE_MS     64000u /* after it was asked for, one may come */
#define MC_WANT_WINDOW       16u    /* asked for at the same time */
#define MC_WANT_ENTRIES_MAX  64u    /* in one message */

/* Answering. */
#define MC_DEMAND_MS       1000u /* so many askers within this: publish for all */
#define MC_DEMAND_CLUSTERS 3u
#define MC_QUIET_MS        5000u /* and ignore further wants of it so long */
#define MC_SENDING_MAX     4u    /* bodies not yet confirmed by the bus */
#define MC_ANSWERS_MAX     64u   /* answers waiting for their turn */
#define MC_SEND_RETRY_MS   1000u /* the bus was busy */
#define MC_PART_BYTES      8192u /* of one list or members message, about */
#define MC_LIST_JOBS_MAX   4u    /* askers being answered with lists */

/* Full mode: by the first in line a ring is published again between these shares of
 * delta_t, by each further one later by one share. */
#define MC_FULL_FROM_PCT 80u
#define MC_FULL_TO_PCT   90u
#define MC_FULL_LINE_PCT 20u
#define MC_FULL_LINE_MAX 16u /* farther back it is all the same */

/* Storing. */
#define MC_STORES_MAX       16u /* records handed to the store, not yet answered */
#define MC_STORE_RETRIES    3u
#define MC_STORE_RETRY_MS_0 1000u
#define MC_STORE_RETRY_MS_1 5000u
#define MC_STORE_RETRY_MS_2 25000u
#define MC_JUMP_VERSIONS    1000u
#define MC_JUMP_TIME_MS     3600000u

/* Members. */
#define MC_SILENT_INTERVALS    3u    /* announcements missed */
#define MC_MUTE_INTERVALS      2u    /* own announcements missed */
#define MC_LISTEN_MS           2100u /* before the first mint */
#define MC_MEMBERS_WINDOW_MS   300u  /* answering "who is there" */
#define MC_MEMBERS_LINE_MS     1000u /* later for each that stands before us in line */
#define MC_MEMBERS_LINE_MAX    64u   /* farther back it is all the same */
#define MC_MEMBERS_QUIET_MS    1000u /* after an answer was heard or given */
#define MC_MEMBERS_SPREAD_MS   5000u /* the last time, within this after MC_EARLY_MS */
#define MC_MEMBERS_ASKS        3u    /* times a newcomer asks */
#define MC_SAME_START_MS       1000u /* uptimes so near say nothing: letters take time */
#define MC_CLOCK_OFF_MS        300000
#define MC_CLOCK_QUORUM        3u
#define MC_MEMBERS_SAVE_GAP_MS 1000u     /* between two writings of the table */
#define MC_NOTES_PER_MINUTE    10u       /* of each kind a stranger can cause */
#define MC_INTERVAL_MS_MAX     86400000u /* a day: longer ones are read as this */

/* Several agents of one cluster. */
#define MC_PROBE_MS 1000u /* hellos of one who follows */

/* A step. */
#define MC_STEP_EFFECTS_MAX 128u
#define MC_STEP_BYTES_MAX   32768u

#endif /* MCOS_SYNC_TIMING_H */
