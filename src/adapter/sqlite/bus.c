/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/sqlite/bus.c -- the port's five verbs over one file.
 *
 * next() does all the work, in this order: what waits to be told; the file, if
 * it is away; is it still the file under the path; letters out; letters in; the
 * keeping of books. Each of them is short, or tried again later.
 */
#include "adapter/sqlite/bus.h"

#include "adapter/sqlite/bell.h"
#include "adapter/sqlite/db.h"
#include "adapter/sqlite/lane.h"
#include "adapter/sqlite/outbox.h"
#include "adapter/sqlite/place.h"
#include "adapter/sqlite/room.h"
#include "adapter/sqlite/sweep.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POLL_MS         1000 /* though the bell is quiet */
#define POLL_DEAF_MS    50   /* without a bell */
#define LOCKED_MS_MAX   2000 /* locked longer than this is away */
#define LOCKED_RETRY_MS 20
#define OPEN_RETRY_MS   20 /* another process is opening the file */
#define AWAY_MS_MIN     100
#define AWAY_MS_MAX     5000
#define SAVE_MS         100 /* acknowledgements of records */
#define SAVE_TALK_MS    2000
#define SEEN_MS         3600000 /* an idle cluster says so that it lives */
#define LOG_REST_MS     300
#define LOG_BYTES_IDLE  (4u << 20)  /* copy the log, when readers have read it */
#define LOG_BYTES_MAX   (16u << 20) /* and now: see journal_size_limit */

struct bus {
    struct mc_bus base;
    char path[MC_PLACE_PATH_MAX];
    struct mc_lane_owner owner;
    uint64_t talk_ttl_ms;
    struct mc_clock *clock;

    struct mc_bell bell;
    struct mc_outbox out;
    struct mc_lane lane[2];
    uint64_t delivery;

    int claim_fd;             /* nobody else is who we are; -1: not claimed yet */
    struct mc_db *db;         /* NULL: away */
    struct mc_place_id place; /* what stood under the path when we opened it */
    bool condemned;           /* `place` is damaged: replace it */
    bool reload;              /* our queues' rows were lost */
    bool down;                /* DOWN was told, and no UP since */
    bool full;                /* and this is why, though we can read */
    uint64_t full_bytes;      /* what did not fit */
    uint64_t full_ms;         /* how long to wait before the next try, */
    uint64_t room_ms;         /* and when that is */
    uint64_t retry_ms;        /* away: when to try again */
    uint64_t away_ms;         /* and how long to wait after that */
    uint64_t locked_since_ms; /* 0: not locked */
    uint64_t send_ms;         /* locked: when to try again */
    uint64_t poll_ms;
    uint64_t sweep_ms;
    uint64_t seen_ms;
    uint64_t fold_ms; /* when to copy the log; 0: it is short */
};

static int bus_publish(struct mc_bus *base, const struct mc_letter_head *head,
                       struct mc_bytes body, uint64_t token);
static int bus_next(struct mc_bus *base, struct mc_bus_event *ret_event,
                    uint64_t *ret_wait_ms);
static void bus_ack(struct mc_bus *base, uint64_t delivery);
static int bus_fd(struct mc_bus *base);
static void bus_close(struct mc_bus *base);
static int connect_file(struct bus *b, uint64_t now, struct mcos_diag *diag);
static void go_down(struct bus *b, uint64_t now, int err);
static void send_letters(struct bus *b, uint64_t now);
static void save_lanes(struct bus *b, uint64_t now, bool all);
static void go_full(struct bus *b, uint64_t now, uint64_t bytes);

static const struct mc_bus_ops ops = {.publish = bus_publish,
                                      .next = bus_next,
                                      .ack = bus_ack,
                                      .fd = bus_fd,
                                      .close = bus_close};

int mc_sqlite_bus_open(const struct mc_sqlite_bus_config *config,
                       struct mc_bus **ret_bus, struct mcos_diag *diag)
{
    size_t len = strlen(config->path);
    struct bus *b;
    int err;

    if (len == 0 || len >= MC_PLACE_PATH_MAX)
        return mcos_diag_set(diag, MCOS_E_CONFIG, "bus", "the path is %s",
                             len == 0 ? "empty" : "too long");
    if (!mc_name_ok(config->cluster.s) || config->talk_ttl_ms == 0)
        return MCOS_E_VALUE;
    b = calloc(1, sizeof(*b));
    if (b == NULL)
        return MCOS_E_NOMEM;
    b->base.ops = &ops;
    memcpy(b->path, config->path, len + 1);
    b->owner.cluster = config->cluster;
    memcpy(b->owner.uid, config->uid, MC_UID_BYTES);
    mc_hex(b->owner.uid8, config->uid, 4);
    b->talk_ttl_ms = config->talk_ttl_ms;
    b->clock = config->clock;
    b->claim_fd = -1;
    b->away_ms = b->full_ms = AWAY_MS_MIN;
    mc_bell_init(&b->bell);
    mc_outbox_init(&b->out);
    mc_lane_init(&b->lane[0], MC_QUEUE_RECORDS, &b->owner);
    mc_lane_init(&b->lane[1], MC_QUEUE_TALK, &b->owner);
    err = connect_file(b, b->clock->now_ms(b->clock), diag);
    if (err == MCOS_E_CONFIG || err == MCOS_E_UPGRADE || err == MCOS_E_NOMEM ||
        err == MCOS_E_IDENTITY) {
        bus_close(&b->base);
        return err;
    }
    *ret_bus = &b->base;
    return 0;
}

static int bus_publish(struct mc_bus *base, const struct mc_letter_head *head,
                       struct mc_bytes body, uint64_t token)
{
    struct bus *b = (struct bus *)base;
    int err = mc_outbox_put(&b->out, head, body, token);

    if (err != 0)
        return err;
    if (b->db == NULL || b->full)
        mc_outbox_confirm(&b->out, SIZE_MAX, MCOS_E_AWAY);
    mc_bell_poke(&b->bell);
    return 0;
}

static void bus_ack(struct mc_bus *base, uint64_t delivery)
{
    struct bus *b = (struct bus *)base;
    uint64_t now = b->clock->now_ms(b->clock);

    for (int i = 0; i < 2; i++) {
        struct mc_lane *lane = &b->lane[i];

        if (delivery == 0 || !mc_lane_ack(lane, delivery))
            continue;
        if (lane->save_ms == 0)
            lane->save_ms = now + (i == 0 ? SAVE_MS : SAVE_TALK_MS);
        if (lane->waiting)
            mc_bell_poke(&b->bell); /* there was no room for the next one */
    }
}

static int bus_fd(struct mc_bus *base)
{
    return ((struct bus *)base)->bell.poll_fd;
}

static void bus_close(struct mc_bus *base)
{
    struct bus *b = (struct bus *)base;

    /* What was handed over goes out if it goes at once. */
    for (size_t n = 0; n < MC_OUTBOX_GROUP_MAX && b->out.letters.first != NULL; n++)
        send_letters(b, b->clock->now_ms(b->clock));
    if (b->db != NULL)
        save_lanes(b, 0, true);
    mc_db_close(b->db);
    for (int i = 0; i < 2; i++)
        mc_lane_fini(&b->lane[i]);
    mc_outbox_fini(&b->out);
    mc_bell_fini(&b->bell);
    if (b->claim_fd >= 0)
        close(b->claim_fd);
    free(b);
}

/* --- the file comes and goes --- */

static int64_t wall_ms(struct bus *b)
{
    return (int64_t)(b->clock->wall_ns(b->clock) / 1000000u);
}

/* With the lock of the place held. */
static int open_file(struct bus *b, bool *ret_made, struct mcos_diag *diag)
{
    struct mc_place_id there;
    bool known = mc_bell_exists(b->path);
    int err = mc_place_look(b->path, &there);

    if (err == 0 && b->condemned && there.dev == b->place.dev &&
        there.file == b->place.file) {
        err = mc_place_set_aside(b->path);
        if (err == 0)
            err = MCOS_E_NOTFOUND;
    }
    if (err == MCOS_E_NOTFOUND)
        err = mc_place_make(b->path);
    else if (err == MCOS_E_CONFIG)
        mcos_diag_set(diag, err, "bus", "%.200s is not a file", b->path);
    if (err != 0)
        return err;
    b->condemned = false;
    err = mc_db_open(b->path, known, &b->db, ret_made, diag);
    if (err != MCOS_E_FORMAT)
        return err;
    err = mc_place_set_aside(b->path);
    if (err == 0)
        err = mc_place_make(b->path);
    return err == 0 ? mc_db_open(b->path, true, &b->db, ret_made, diag) : err;
}

static int load_lanes(struct bus *b, bool *ret_made)
{
    int err = mc_db_begin(b->db, true);

    for (int i = 0; i < 2 && err == 0; i++)
        err = mc_lane_load(&b->lane[i], b->db, &b->owner, wall_ms(b), ret_made);
    if (err == 0)
        return mc_db_commit(b->db);
    mc_db_rollback(b->db);
    return err;
}

static int connect_locked(struct bus *b, struct mcos_diag *diag)
{
    struct mc_place_id before = b->place;
    bool made = false, queue_made = false;
    int err = open_file(b, &made, diag);

    if (err == 0)
        err = mc_bell_attach(&b->bell, b->path);
    if (err == 0)
        err = mc_place_look(b->path, &b->place);
    if (err != 0)
        return err;
    if (before.file == b->place.file && before.dev == b->place.dev && !made &&
        !b->reload) {
        mc_lane_wake(&b->lane[0]); /* it was only away: we know where we were */
        mc_lane_wake(&b->lane[1]);
        err = mc_db_begin(b->db, true); /* up is who may write */
        mc_db_rollback(b->db);
    } else {
        err = load_lanes(b, &queue_made);
    }
    if (err == 0)
        err = mc_place_look(b->path, &b->place); /* now with its log */
    if (err == 0) {
        mc_outbox_state(&b->out,
                        (struct mc_bus_event){.kind = MC_BUS_UP,
                                              .fresh_queue = made || queue_made});
        b->down = b->reload = false;
        if (made)
            mc_bell_ring(&b->bell);
    } else if (err != MCOS_E_FORMAT) { /* that one is to be replaced */
        b->place = before;
    }
    return err;
}

static int connect_file(struct bus *b, uint64_t now, struct mcos_diag *diag)
{
    int lock = -1;
    int err = mc_place_claim(b->path, b->owner.uid, &b->claim_fd);

    if (err == MCOS_E_IDENTITY)
        mcos_diag_set(diag, err, "bus",
                      "%s is connected to this bus by another process: was its data "
                      "folder copied?",
                      b->owner.cluster.s);
    if (err == 0)
        err = mc_place_lock(b->path, &lock);
    if (err == MCOS_E_LOCKED) { /* another process is opening it: mostly for moments */
        if (b->locked_since_ms == 0)
            b->locked_since_ms = now;
        if (now - b->locked_since_ms < LOCKED_MS_MAX) {
            b->retry_ms = now + OPEN_RETRY_MS;
            return err;
        }
    }
    if (err == 0)
        err = connect_locked(b, diag);
    if (lock >= 0)
        close(lock);
    if (err != 0) {
        go_down(b, now, err);
        return err;
    }
    b->away_ms = AWAY_MS_MIN;
    b->locked_since_ms = b->send_ms = 0;
    b->poll_ms = now;
    b->sweep_ms = now + MC_SWEEP_MS;
    b->seen_ms = now + SEEN_MS;
    return 0;
}

static uint64_t longer(uint64_t ms)
{
    return ms * 2 > AWAY_MS_MAX ? AWAY_MS_MAX : ms * 2;
}

static void go_down(struct bus *b, uint64_t now, int err)
{
    bool first = !b->down;

    if (b->db != NULL && err == MCOS_E_FORMAT)
        b->condemned = true;
    mc_db_close(b->db);
    b->db = NULL;
    if (first)
        mc_outbox_state(&b->out,
                        (struct mc_bus_event){.kind = MC_BUS_DOWN, .err = err});
    b->down = true;
    b->full = false;
    mc_outbox_confirm(&b->out, SIZE_MAX, MCOS_E_AWAY);
    if (first && (err == MCOS_E_FORMAT || err == MCOS_E_NOTFOUND)) {
        b->retry_ms = now; /* nothing to wait for */
        return;
    }
    b->retry_ms = now + b->away_ms;
    b->away_ms = longer(b->away_ms);
}

/*
 * The disk has no room for so much: that is told as DOWN, but we go on reading,
 * acknowledging and dropping, for nothing else makes room.
 */
static void go_full(struct bus *b, uint64_t now, uint64_t bytes)
{
    struct mc_bus_event down = {.kind = MC_BUS_DOWN, .err = MCOS_E_FULL};

    if (b->full)
        return;
    mc_outbox_state(&b->out, down);
    b->down = b->full = true;
    b->full_bytes = bytes;
    mc_outbox_confirm(&b->out, SIZE_MAX, MCOS_E_AWAY);
    b->room_ms = now + b->full_ms;
    b->full_ms = longer(b->full_ms);
}

/* Is what we have open still what stands under the path? */
static int look_again(struct bus *b, uint64_t now)
{
    struct mc_place_id there;
    int err = mc_place_look(b->path, &there);

    b->poll_ms = now + (b->bell.watch < 0 ? POLL_DEAF_MS : POLL_MS);
    if (mc_place_claim(b->path, b->owner.uid, &b->claim_fd) == MCOS_E_IDENTITY)
        return MCOS_E_IDENTITY;
    if (err == 0 && mc_place_same(&there, &b->place))
        return mc_bell_attach(&b->bell, b->path);
    if (err == 0 && there.dev == b->place.dev && there.file == b->place.file)
        return MCOS_E_FORMAT; /* its log was taken away: no two of us see the same */
    return err == 0 ? MCOS_E_NOTFOUND : err;
}

/* What an error means here: 0, or the bus is down. */
static int trouble(struct bus *b, uint64_t now, int err)
{
    if (err == 0 || err == MCOS_E_EMPTY) {
        b->locked_since_ms = 0;
        return 0;
    }
    if (err == MCOS_E_NOMEM)
        return 0;
    if (err == MCOS_E_FULL) { /* perhaps of the log alone */
        if (!b->full && mc_db_checkpoint(b->db) != 0)
            go_full(b, now, 0);
        else if (!b->full && mc_room_probe(b->db, 0) == MCOS_E_FULL)
            go_full(b, now, 0);
        return 0;
    }
    if (err == MCOS_E_LOCKED) {
        if (b->locked_since_ms == 0)
            b->locked_since_ms = now;
        b->send_ms = now + LOCKED_RETRY_MS;
        if (now - b->locked_since_ms < LOCKED_MS_MAX)
            return 0;
    } else if (err == MCOS_E_FORMAT) {
        int moved = look_again(b, now); /* what changed under us is not damaged */

        err = moved != 0 ? moved : err;
    }
    go_down(b, now, err);
    return err;
}

/* --- letters --- */

/* Whoever is never idle copies the log too. */
static void fold_if_long(struct bus *b)
{
    if (b->db != NULL && mc_db_log_bytes(b->db) >= LOG_BYTES_MAX)
        (void)mc_db_restart_log(b->db);
}

static void send_letters(struct bus *b, uint64_t now)
{
    bool made_room = false;
    size_t sent = 0;
    int err;

    while (b->db != NULL && b->out.letters.first != NULL && now >= b->send_ms) {
        uint64_t bytes = 0;

        (void)mc_outbox_group(&b->out, &bytes);
        err = MCOS_E_FULL;
        if (mc_room_for(b->db, bytes))
            err = mc_outbox_commit(&b->out, b->db, wall_ms(b), b->talk_ttl_ms, &sent);
        if (err == 0) {
            int moved = look_again(b, now);

            if (bytes >= b->full_bytes)
                b->full_ms = AWAY_MS_MIN;

            mc_bell_ring(&b->bell);
            b->locked_since_ms = 0;
            b->out.group_max = b->out.group_max * 2 > MC_OUTBOX_GROUP_MAX
                                   ? MC_OUTBOX_GROUP_MAX
                                   : b->out.group_max * 2;
            if (moved != 0) /* it went into a file that nobody reads any more */
                go_down(b, now, moved);
            else
                mc_outbox_confirm(&b->out, sent, 0);
            mc_lane_wake(&b->lane[0]);
            mc_lane_wake(&b->lane[1]);
            fold_if_long(b);
            return;
        }
        if (err != MCOS_E_FULL && err != MCOS_E_NOMEM) {
            (void)trouble(b, now, err);
            return;
        }
        if (mc_outbox_group(&b->out, &bytes) > 1) {
            b->out.group_max = 1; /* small ones may fit where all do not */
        } else if (err == MCOS_E_FULL && !made_room) {
            mc_room_make(b->db, wall_ms(b));
            made_room = true;
        } else {
            mc_outbox_confirm(&b->out, 1, err);
            if (err == MCOS_E_FULL)
                go_full(b, now, bytes);
        }
    }
}

/* Is there room again? */
static void try_room(struct bus *b, uint64_t now)
{
    int err;

    if (b->db == NULL || !b->full || now < b->room_ms)
        return;
    mc_room_make(b->db, wall_ms(b));
    err = mc_room_probe(b->db, b->full_bytes);
    if (err == 0) {
        b->down = b->full = false;
        mc_outbox_state(&b->out, (struct mc_bus_event){.kind = MC_BUS_UP});
        return;
    }
    b->room_ms = now + b->full_ms;
    b->full_ms = longer(b->full_ms);
    (void)trouble(b, now, err);
}

static int take_letter(struct bus *b, uint64_t now, struct mc_bus_event *ret_event)
{
    for (int i = 1; i >= 0 && b->db != NULL; i--) { /* talk is small: it goes first */
        struct mc_lane *lane = &b->lane[i];
        int err =
            mc_lane_take(lane, b->db, &b->owner, wall_ms(b), &b->delivery, ret_event);

        if (lane->changed && lane->save_ms == 0)
            lane->save_ms = now + (i == 0 ? SAVE_MS : SAVE_TALK_MS);
        if (err == 0)
            return 0;
        if (err != MCOS_E_EMPTY && trouble(b, now, err) != 0)
            break;
    }
    return MCOS_E_EMPTY;
}

/* --- books --- */

static void save_lanes(struct bus *b, uint64_t now, bool all)
{
    int err = 0;

    if (!all && (b->lane[0].save_ms == 0 || now < b->lane[0].save_ms) &&
        (b->lane[1].save_ms == 0 || now < b->lane[1].save_ms) && now < b->seen_ms)
        return;
    err = mc_db_begin(b->db, true);
    for (int i = 0; i < 2 && err == 0; i++)
        err = mc_lane_save(&b->lane[i], b->db, &b->owner, wall_ms(b));
    if (err == 0)
        err = mc_db_commit(b->db);
    else
        mc_db_rollback(b->db);
    b->reload = b->reload || err == MCOS_E_NOTFOUND;
    if (all)
        return;
    for (int i = 0; i < 2; i++) {
        if (err == 0)
            b->lane[i].changed = false;
        b->lane[i].save_ms = err == 0 ? 0 : now + SAVE_MS;
    }
    b->seen_ms = now + (err == 0 ? SEEN_MS : SAVE_MS);
    (void)trouble(b, now, err);
}

static void keep_books(struct bus *b, uint64_t now)
{
    int err;

    save_lanes(b, now, false);
    if (b->db != NULL && now >= b->sweep_ms) {
        b->sweep_ms = now + MC_SWEEP_MS;
        err = mc_sweep_run(b->db, wall_ms(b));
        if (err != 0) /* success need not mean that it could write */
            (void)trouble(b, now, err);
    }
    if (b->db == NULL || mc_db_log_bytes(b->db) < LOG_BYTES_IDLE) {
        b->fold_ms = 0;
    } else if (b->fold_ms == 0) {
        b->fold_ms = now + LOG_REST_MS;
    } else if (now >= b->fold_ms) {
        b->fold_ms = 0;
        (void)mc_db_checkpoint(b->db);
    }
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t wait_ms(const struct bus *b, uint64_t now)
{
    uint64_t at;

    if (b->db == NULL) {
        at = b->retry_ms;
    } else {
        at = min_u64(min_u64(b->poll_ms, b->sweep_ms), b->seen_ms);
        if (b->fold_ms != 0)
            at = min_u64(at, b->fold_ms);
        for (int i = 0; i < 2; i++) {
            if (b->lane[i].save_ms != 0)
                at = min_u64(at, b->lane[i].save_ms);
            if (b->lane[i].waiting && (b->locked_since_ms != 0 || b->lane[i].out == 0))
                at = min_u64(at, now + LOCKED_RETRY_MS);
        }
        if (b->out.letters.first != NULL)
            at = min_u64(at, b->send_ms);
        if (b->full)
            at = min_u64(at, b->room_ms);
    }
    return at > now ? at - now : 0;
}

static int bus_next(struct mc_bus *base, struct mc_bus_event *ret_event,
                    uint64_t *ret_wait_ms)
{
    struct bus *b = (struct bus *)base;
    uint64_t now = b->clock->now_ms(b->clock);
    bool woken = mc_bell_drain(&b->bell);

    if (b->db == NULL && now >= b->retry_ms)
        (void)connect_file(b, now, NULL);
    if (b->db != NULL && (woken || now >= b->poll_ms)) {
        int err = look_again(b, now);

        mc_lane_wake(&b->lane[0]);
        mc_lane_wake(&b->lane[1]);
        if (err != 0)
            go_down(b, now, err);
    }
    try_room(b, now);
    send_letters(b, now);
    if (mc_outbox_take(&b->out, ret_event))
        return 0;
    if (take_letter(b, now, ret_event) == 0) {
        fold_if_long(b);
        return 0;
    }
    if (b->db != NULL)
        keep_books(b, now);
    if (mc_outbox_take(&b->out, ret_event))
        return 0;
    *ret_wait_ms = wait_ms(b, now);
    return MCOS_E_EMPTY;
}
