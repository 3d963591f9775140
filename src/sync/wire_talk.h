/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/wire_talk.h -- bodies of the messages on the talk keys (P14 to P20).
 *
 * A body that carries a list is written front first, then line by line, then
 * its front is completed by `…_close`; it is read front first, then line by
 * line until false. Bytes after what is known are left alone: a newer protocol
 * may have appended to them (P12).
 */
#ifndef MCOS_SYNC_WIRE_TALK_H
#define MCOS_SYNC_WIRE_TALK_H

#include "base/version.h"
#include "sync/wire.h"

#define MC_BUCKETS       64u
#define MC_ENTRY_BYTES   92u /* at most */
#define MC_ADDRESS_BYTES 128u

/* One line of an inventory: a record held, or a loser that nobody settled. */
struct mc_entry {
    struct mc_name name;
    uint16_t epoch;
    uint64_t version;
    uint64_t timestamp;
    uint8_t digest8[8];
    bool tombstone;
    bool loser;
};

void mc_entry_encode(struct mc_buf *b, const struct mc_entry *entry);
/* False when the bytes are at their end or bad (r->bad tells). */
bool mc_entry_decode(struct mc_reader *r, struct mc_entry *ret);
/* Names first; of one name the held record, then losers, greatest first (P14). */
int mc_entry_cmp(const struct mc_entry *a, const struct mc_entry *b);

/* Which of MC_BUCKETS a ring's name falls into. */
unsigned mc_bucket_of(const struct mc_name *name);
/* What an entry adds to its bucket's sum: two u64, added without carry (P15). */
struct mc_sum {
    uint64_t lane[2];
};
struct mc_sum mc_entry_sum(const struct mc_entry *entry);
/* The inventory digest: XXH3-128 over all the sums. */
void mc_sums_digest(const struct mc_sum sums[MC_BUCKETS], uint8_t ret[16]);

struct mc_announce {
    uint32_t interval_ms;
    bool full;          /* publishes records too */
    uint32_t uptime_ms; /* since its start; UINT32_MAX: that or more */
    bool whole;         /* the entries are the whole inventory */
    char region[MC_NAME_MAX + 1];
    char zone[MC_NAME_MAX + 1];
    char address[MC_ADDRESS_BYTES];
    uint32_t ring_count;
    uint8_t digest[16];
    struct mc_bytes entries; /* decoded: lent by the input */
    uint64_t buckets[MC_BUCKETS];
    unsigned format; /* the greatest that it reads; 0, or not said: the first */
    char program[MC_PROGRAM_BYTES];
};

/* Appends the front; entries are to follow. Returns where, for the close. */
size_t mc_announce_open(struct mc_buf *b, const struct mc_announce *a);
void mc_announce_close(struct mc_buf *b, size_t at, const struct mc_announce *a);
/* Fails with FORMAT. Entries are not looked at yet. */
int mc_announce_decode(struct mc_bytes body, struct mc_announce *ret);

struct mc_want_head {
    bool members;
    uint64_t buckets; /* bit i: list bucket i */
    unsigned count;
};
struct mc_want_line {
    struct mc_name name;
    uint8_t digest8[8];
    bool loser;
    bool names_held;  /* a difference from this one would do (P47): */
    uint8_t held8[8]; /* not read or written with the line */
};

size_t mc_want_open(struct mc_buf *b, bool members, uint64_t buckets);
void mc_want_put(struct mc_buf *b, const struct mc_want_line *line);
/* After the last line, for each that names what is held, in their order. */
void mc_want_put_held(struct mc_buf *b, const uint8_t held8[8]);
void mc_want_close(struct mc_buf *b, size_t at, unsigned count);
int mc_want_decode(struct mc_bytes body, struct mc_want_head *ret,
                   struct mc_reader *ret_lines);
bool mc_want_next(struct mc_reader *r, struct mc_want_line *ret);
/* What the lines name as held, 8 bytes for each that does: lies behind `count` lines.
 */
struct mc_reader mc_want_held(struct mc_reader lines, unsigned count);

/* Part of a bucket: every entry after the ring `after` ("": from the first). */
struct mc_list_head {
    unsigned bucket;
    bool last; /* and so to the bucket's end; else to the last entry here */
    char after[MC_NAME_MAX + 1];
};

size_t mc_list_open(struct mc_buf *b, unsigned bucket, const char *after);
void mc_list_close(struct mc_buf *b, size_t at, bool last);
int mc_list_decode(struct mc_bytes body, struct mc_list_head *ret,
                   struct mc_reader *ret_lines);

struct mc_members_head {
    uint32_t known; /* clusters that the sender knows */
    bool last;
    unsigned count;
};
enum { MC_TOLD_ACTIVE, MC_TOLD_SILENT, MC_TOLD_LEFT };
struct mc_member_line {
    struct mc_name name;
    uint8_t uid[MC_UID_BYTES];
    uint8_t state;
    char region[MC_NAME_MAX + 1];
    char zone[MC_NAME_MAX + 1];
    char address[MC_ADDRESS_BYTES];
};

size_t mc_members_open(struct mc_buf *b, uint32_t known);
void mc_members_put(struct mc_buf *b, const struct mc_member_line *line);
void mc_members_close(struct mc_buf *b, size_t at, bool last, unsigned count);
int mc_members_decode(struct mc_bytes body, struct mc_members_head *ret,
                      struct mc_reader *ret_lines);
bool mc_members_next(struct mc_reader *r, struct mc_member_line *ret);

#endif /* MCOS_SYNC_WIRE_TALK_H */
