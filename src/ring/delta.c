/* SPDX-License-Identifier: Apache-2.0 */
/* ring/delta.c -- a whole difference: its sections, and the text-like ones among them.
 */
#include "ring/delta.h"

#include "ring/delta_in.h"

#include <stdlib.h>
#include <string.h>

#define FORM   1u                     /* of the bytes: the first of them */
#define PIECES (1u + MC_DEVICE_TEXTS) /* of a slot: its numbers, then its texts */

/* ---- stretches of bytes ---- */

static size_t common_front(struct mc_bytes a, struct mc_bytes b)
{
    size_t n = 0;

    while (n < a.len && n < b.len && a.ptr[n] == b.ptr[n])
        n++;
    return n;
}

static size_t common_back(struct mc_bytes a, struct mc_bytes b, size_t front)
{
    size_t n = 0;

    while (n < a.len - front && n < b.len - front &&
           a.ptr[a.len - 1 - n] == b.ptr[b.len - 1 - n])
        n++;
    return n;
}

static void fill(uint8_t *to, uint64_t at, struct mc_bytes bytes)
{
    if (bytes.len != 0)
        memcpy(to + at, bytes.ptr, bytes.len);
}

static void say_literal(struct mc_delta *d, uint64_t at, size_t n)
{
    d->literals += n;
    if (d->literals > MC_DELTA_LITERALS_MAX) {
        d->bad = true;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned byte = d->range.writes ? d->from[at + i] : 0;
        unsigned node = 1;

        for (unsigned k = 8; k-- > 0;)
            node = node << 1 |
                   mc_range_bit(&d->range, &d->literal[node], (byte >> k & 1) != 0);
        if (!d->range.writes)
            d->to[at + i] = (uint8_t)node;
    }
}

/*
 * A stretch of the child's record at `at`, of `len` bytes when writing, said by what
 * differs from `was`. Returns its length: at most `room`, or bad.
 */
static size_t say_edit(struct mc_delta *d, struct mc_bytes was, uint64_t at, size_t len,
                       size_t room)
{
    struct mc_edit *e = &d->edit;
    uint32_t front = 0;
    uint32_t back = 0;
    uint32_t middle = 0;
    bool same = false;

    if (d->range.writes) {
        struct mc_bytes is = {d->from + at, len};

        front = (uint32_t)common_front(was, is);
        back = (uint32_t)common_back(was, is, front);
        middle = (uint32_t)(len - front - back);
        same = front == was.len && front == len;
    }
    same = mc_range_bit(&d->range, &e->same, same);
    if (same) {
        front = (uint32_t)was.len;
        back = 0;
        middle = 0;
    } else {
        front = mc_range_number(&d->range, &e->front, front);
        back = mc_range_number(&d->range, &e->back, back);
        middle = mc_range_number(&d->range, &e->middle, middle);
    }
    if (d->range.writes) {
        say_literal(d, at + front, middle);
        return len;
    }
    if (front > was.len || back > was.len - front ||
        (uint64_t)front + back + middle > room) {
        d->bad = true;
        return 0;
    }
    fill(d->to, at, (struct mc_bytes){was.ptr, front});
    say_literal(d, at + front, middle);
    if (back != 0)
        fill(d->to, at + front + middle,
             (struct mc_bytes){was.ptr + was.len - back, back});
    return (size_t)front + middle + back;
}

/* ---- devices ---- */

/* A slot taken apart; len 0: there is none. */
struct slot {
    struct mc_bytes all;
    struct mc_bytes piece[PIECES];
};

static void take_slot(struct mc_reader *r, struct slot *ret)
{
    size_t start = r->pos;

    ret->piece[0] = mc_reader_take(r, MC_DEVICE_FIXED);
    for (unsigned i = 1; i < PIECES; i++) {
        size_t n = r->pos + 2 <= r->len ? mc_get_u16(r->ptr + r->pos) : 0;

        ret->piece[i] = mc_reader_take(r, n + 3);
    }
    ret->all = (struct mc_bytes){r->ptr + start, r->pos - start};
}

/* A slot that is not as the parent's of the same number; `is` only when writing. */
static uint64_t say_slot(struct mc_delta *d, const struct slot *was,
                         const struct slot *is, uint64_t at, uint64_t end,
                         struct slot *ret)
{
    for (unsigned i = 0; i < PIECES && !d->bad; i++) {
        size_t n = say_edit(d, was->piece[i], at, is->piece[i].len, end - at);

        ret->piece[i] = (struct mc_bytes){mc_delta_child(d, at), n};
        at += n;
    }
    return at;
}

static struct mc_bytes parent_section(const struct mc_delta *d, enum mc_section s)
{
    const struct mc_section_info *info = &d->parent->head.section[s];

    return (struct mc_bytes){mc_blob_get(d->parent->blob).ptr + info->offset,
                             (size_t)info->bytes};
}

static void say_devices(struct mc_delta *d)
{
    const struct mc_section_info *info = &d->head->section[MC_SECTION_DEVICES];
    struct mc_reader old = mc_reader_init(parent_section(d, MC_SECTION_DEVICES));
    struct mc_reader now = {.len = (size_t)info->bytes};
    struct mc_chance as_before;
    struct slot last = {.all = {NULL, 0}};
    uint64_t at = info->offset;
    uint64_t end = info->offset + info->bytes;

    mc_chance_init(&as_before, 1);
    if (d->range.writes)
        now.ptr = d->from + info->offset;
    for (uint32_t id = 0; id < d->head->device_count && !d->bad; id++) {
        struct slot was = {.all = {NULL, 0}};
        struct slot is = {.all = {NULL, 0}};
        bool same = false;

        if (id < d->parent->head.device_count)
            take_slot(&old, &was);
        if (d->range.writes) {
            take_slot(&now, &is);
            same = was.all.len == is.all.len && was.all.len != 0 &&
                   memcmp(was.all.ptr, is.all.ptr, is.all.len) == 0;
        }
        if (was.all.len != 0)
            same = mc_range_bit(&d->range, &as_before, same);
        if (same) {
            d->bad = was.all.len > end - at;
            if (!d->range.writes && !d->bad)
                fill(d->to, at, was.all);
            last = was;
            d->gone[id] = (was.piece[0].ptr[4] & MC_DEVICE_REMOVED) != 0;
            at += was.all.len;
            continue;
        }
        at = say_slot(d, was.all.len != 0 ? &was : &last, &is, at, end, &last);
        if (!d->bad && last.piece[0].len == MC_DEVICE_FIXED)
            d->gone[id] = (last.piece[0].ptr[4] & MC_DEVICE_REMOVED) != 0;
    }
    d->bad = d->bad || at != end;
}

/* ---- builder: last moves, ancestors, secret ---- */

static uint32_t last_move(const uint8_t *list, uint32_t part)
{
    return list == NULL ? 0 : mc_delta_u32(list + (size_t)part * 4);
}

/* The time of this change: what most of the rows that changed have. */
static uint32_t time_of_change(const struct mc_delta *d, const uint8_t *moves)
{
    uint32_t parts = 1u << d->head->part_power;
    uint32_t time = 0;
    uint64_t votes = 0;

    for (uint32_t p = 0; p < parts; p++) {
        uint32_t t;

        if (!mc_delta_changed(d, p))
            continue;
        t = last_move(moves, p);
        if (votes == 0)
            time = t;
        votes = t == time ? votes + 1 : votes - 1;
    }
    return time;
}

/*
 * A row that changed has the time of the change, another one its old time: what is
 * otherwise is an exception.
 */
static void say_moves(struct mc_delta *d, uint64_t at)
{
    const uint8_t *was = d->parent->builder.last_move;
    uint32_t parts = 1u << d->head->part_power;
    const uint8_t *is = d->range.writes ? d->from + at : NULL;
    uint32_t time = d->range.writes ? time_of_change(d, is) : 0;
    uint32_t left[2] = {parts - (uint32_t)d->changed_rows, (uint32_t)d->changed_rows};
    uint32_t others[2] = {0, 0};

    for (uint32_t p = 0; is != NULL && p < parts; p++) {
        bool changed = mc_delta_changed(d, p);
        uint32_t old = last_move(was, mc_delta_row(d, p));

        others[changed] += last_move(is, p) != (changed ? time : old);
    }
    time = mc_range_bits(&d->range, time, 32);
    for (unsigned i = 0; i < 2; i++) {
        others[i] = mc_range_number(&d->range, &d->count, others[i]);
        if (others[i] > left[i]) {
            d->bad = true;
            return;
        }
    }
    for (uint32_t p = 0; p < parts; p++) {
        bool changed = mc_delta_changed(d, p);
        uint32_t old = last_move(was, mc_delta_row(d, p));
        uint32_t meant = changed ? time : old;
        uint32_t value = is == NULL ? meant : last_move(is, p);
        bool other = others[changed] != 0;

        if (other && others[changed] != left[changed])
            other = mc_range_coin(&d->range, others[changed], left[changed],
                                  value != meant);
        left[changed]--;
        if (other) {
            others[changed]--;
            value = mc_range_bits(&d->range, value, 32);
        }
        if (is == NULL)
            mc_set_u32(d->to + at + (size_t)p * 4, value);
    }
}

/* The ancestors of a child of this parent, and the parent's secret. */
static int expected_tail(const struct mc_delta *d, uint32_t ancestor_count,
                         struct mc_buf *ret)
{
    const struct mc_builder_info *info = &d->parent->builder;
    struct mc_bytes all = parent_section(d, MC_SECTION_BUILDER);
    struct mc_ancestor parent = mc_ancestor_of(&d->parent->head);
    size_t known = info->ancestor_count;
    size_t moves =
        info->last_move == NULL ? 0 : (size_t)mc_ring_part_count(d->parent) * 4;
    size_t list = MC_BUILDER_FIXED + moves;

    if (ancestor_count <= known)
        known = ancestor_count == 0 ? 0 : ancestor_count - 1;
    mc_buf_u64(ret, parent.version);
    mc_buf_u16(ret, parent.epoch);
    mc_buf_put(ret, parent.digest8, sizeof(parent.digest8));
    mc_buf_put(ret, all.ptr + list, known * MC_ANCESTOR_BYTES);
    list += info->ancestor_count * MC_ANCESTOR_BYTES;
    mc_buf_put(ret, all.ptr + list, all.len - list);
    return ret->err;
}

static int say_builder(struct mc_delta *d)
{
    const struct mc_section_info *info = &d->head->section[MC_SECTION_BUILDER];
    struct mc_bytes was = parent_section(d, MC_SECTION_BUILDER);
    struct mc_buf tail = {0};
    uint64_t at = info->offset;
    uint64_t end = info->offset + info->bytes;
    const uint8_t *fixed;
    size_t moves = 0;
    int err;

    was.len = MC_BUILDER_FIXED;
    /* A head is not valid with a shorter section. */
    d->bad =
        say_edit(d, was, at, MC_BUILDER_FIXED, MC_BUILDER_FIXED) != MC_BUILDER_FIXED;
    if (d->bad)
        return 0;
    fixed = mc_delta_child(d, at);
    at += MC_BUILDER_FIXED;
    if (!d->head->tombstone && (mc_get_u16(fixed + 10) & MC_BUILDER_LAST_MOVE) != 0)
        moves = (size_t)4 << d->head->part_power;
    if (moves > end - at) {
        d->bad = true;
        return 0;
    }
    if (moves != 0)
        say_moves(d, at);
    at += moves;
    err = expected_tail(d, mc_get_u32(fixed + 12), &tail);
    if (err == 0 && !d->bad)
        d->bad = say_edit(d, (struct mc_bytes){tail.ptr, tail.len}, at, end - at,
                          end - at) != end - at;
    mc_buf_fini(&tail);
    return err;
}

/* ---- all of it ---- */

static int say_all(struct mc_delta *d)
{
    const struct mc_section_info *info = &d->head->section[MC_SECTION_EXTRA];
    size_t rows = d->head->tombstone ? 0 : (size_t)1 << d->head->part_power;
    int err = MCOS_E_NOMEM;

    mc_chance_init(&d->edit.same, 1);
    mc_number_init(&d->edit.front);
    mc_number_init(&d->edit.back);
    mc_number_init(&d->edit.middle);
    mc_number_init(&d->count);
    mc_chance_init(d->literal, 256);
    d->gone = calloc(d->head->device_count + 1u, 1);
    d->changed = calloc(rows / 8 + 1, 1);
    if (d->gone == NULL || d->changed == NULL)
        goto out;
    say_devices(d);
    err = d->bad ? 0 : mc_delta_table(d);
    if (err == 0 && !d->bad)
        err = say_builder(d);
    if (err == 0 && !d->bad)
        d->bad = say_edit(d, parent_section(d, MC_SECTION_EXTRA), info->offset,
                          (size_t)info->bytes, (size_t)info->bytes) != info->bytes;
out:
    free(d->gone);
    free(d->changed);
    return err;
}

/* The work is as long as the record, so a few bytes must not name a long one. */
static bool outgrows(const struct mc_head *head, const struct mc_ring *parent)
{
    return head->record_bytes >
           MC_DELTA_GROWTH * parent->head.record_bytes + MC_DELTA_FREE_BYTES;
}

int mc_delta_make(const struct mc_ring *parent, const struct mc_ring *child,
                  struct mc_buf *b)
{
    struct mc_delta *d;
    size_t before = b->len;
    int err;

    if (outgrows(&child->head, parent))
        return MCOS_E_TOOBIG;
    d = calloc(1, sizeof(*d));
    if (d == NULL)
        return MCOS_E_NOMEM;
    mc_buf_u8(b, FORM);
    d->range = mc_range_writer(b);
    d->parent = parent;
    d->head = &child->head;
    d->from = mc_blob_get(child->blob).ptr;
    err = say_all(d);
    if (err == 0 && d->bad)
        err = b->err != 0 ? b->err : MCOS_E_TOOBIG;
    if (err == 0 && !mc_range_close(&d->range))
        err = b->err;
    if (err != 0) {
        b->len = before;
        b->err = 0;
    }
    free(d);
    return err;
}

int mc_delta_apply(const struct mc_ring *parent, struct mc_bytes head_bytes,
                   struct mc_bytes delta, struct mc_blob **ret_blob,
                   struct mcos_diag *diag)
{
    struct mc_head head;
    struct mc_delta *d;
    struct mc_buf all = {0};
    int err = mc_head_decode(head_bytes, &head, diag);

    if (err != 0)
        return err;
    if (head.head_bytes != head_bytes.len)
        return mcos_diag_set(diag, MCOS_E_FORMAT, "head", "bytes after the last field");
    if (delta.len == 0 || delta.ptr[0] != FORM)
        return mcos_diag_set(diag, delta.len == 0 ? MCOS_E_DIGEST : MCOS_E_UPGRADE,
                             "difference", "not in a form we know");
    if (outgrows(&head, parent))
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "difference",
                             "%llu bytes from a parent of %llu",
                             (unsigned long long)head.record_bytes,
                             (unsigned long long)parent->head.record_bytes);
    d = calloc(1, sizeof(*d));
    if (d == NULL)
        return MCOS_E_NOMEM;
    mc_buf_zero(&all, (size_t)head.record_bytes);
    err = all.err;
    if (err == 0) {
        memcpy(all.ptr, head_bytes.ptr, head_bytes.len);
        d->range = mc_range_reader((struct mc_bytes){delta.ptr + 1, delta.len - 1});
        d->parent = parent;
        d->head = &head;
        d->to = all.ptr;
        err = say_all(d);
        if (err == 0 && (d->bad || !mc_range_close(&d->range)))
            err = mcos_diag_set(diag, MCOS_E_DIGEST, "difference",
                                "damaged, or from another parent");
    }
    if (err == 0)
        err = mc_blob_from_buf(&all, ret_blob);
    free(d);
    mc_buf_fini(&all);
    return err;
}
