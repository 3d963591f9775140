/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/sqlite/outbox.c -- letters on their way into the file. */
#include "adapter/sqlite/outbox.h"

#include "adapter/sqlite/bus.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void append(struct mc_parcels *list, struct mc_parcel *p)
{
    p->next = NULL;
    if (list->last != NULL)
        list->last->next = p;
    else
        list->first = p;
    list->last = p;
}

static struct mc_parcel *take_first(struct mc_parcels *list)
{
    struct mc_parcel *p = list->first;

    if (p != NULL)
        list->first = p->next;
    if (list->first == NULL)
        list->last = NULL;
    return p;
}

static bool is_state(const struct mc_outbox *box, const struct mc_parcel *p)
{
    return p == &box->state[0] || p == &box->state[1];
}

void mc_outbox_init(struct mc_outbox *box)
{
    *box = (struct mc_outbox){.group_max = MC_OUTBOX_GROUP_MAX};
}

void mc_outbox_fini(struct mc_outbox *box)
{
    struct mc_parcel *p;

    while ((p = take_first(&box->letters)) != NULL) {
        mc_blob_unref(p->body);
        free(p);
    }
    while ((p = take_first(&box->told)) != NULL)
        if (!is_state(box, p))
            free(p);
}

static bool queue_of(const char *key, enum mc_bus_queue *ret)
{
    size_t len = strnlen(key, MC_BUS_KEY_MAX);

    if (len < 4 || len == MC_BUS_KEY_MAX)
        return false;
    if (memcmp(key, "ring", 4) == 0)
        *ret = MC_QUEUE_RECORDS;
    else if (memcmp(key, "talk", 4) == 0)
        *ret = MC_QUEUE_TALK;
    else
        return false;
    return len == 4 || (key[4] == '.' && mc_name_ok(key + 5));
}

int mc_outbox_put(struct mc_outbox *box, const struct mc_letter_head *head,
                  struct mc_bytes body, uint64_t token)
{
    size_t body_max = MC_HEAD_BYTES_MAX;
    enum mc_bus_queue queue;
    struct mc_parcel *p;

    if (!queue_of(head->key, &queue) || head->sequence == 0 ||
        !mc_name_ok(head->from.s) ||
        (head->ring_name.s[0] != 0 && !mc_name_ok(head->ring_name.s)))
        return MCOS_E_VALUE;
    body_max += queue == MC_QUEUE_RECORDS ? MC_PACKED_BYTES_MAX : MC_TALK_BYTES_MAX;
    if (body.len > body_max)
        return MCOS_E_TOOBIG;
    if (box->count >= MC_OUTBOX_LETTERS_MAX ||
        body.len > MC_OUTBOX_BYTES_MAX - box->bytes)
        return MCOS_E_BUSY;
    p = calloc(1, sizeof(*p));
    if (p == NULL || mc_blob_new(body, &p->body) != 0) {
        free(p);
        return MCOS_E_NOMEM;
    }
    p->event = (struct mc_bus_event){.kind = MC_BUS_CONFIRM, .token = token};
    p->queue = queue;
    p->head = *head;
    append(&box->letters, p);
    box->count++;
    box->bytes += body.len;
    return 0;
}

/* 1: a queue will hold it. The key "ring.x" goes to the cluster x alone. */
static int wanted(struct mc_db *db, const struct mc_parcel *p)
{
    sqlite3_stmt *st;
    int err = mc_db_query(db, MC_DB_QUEUE_WANTS, p->queue, &st);

    if (err != 0)
        return err;
    sqlite3_bind_int(st, 1, (int)p->queue);
    if (p->head.key[4] != 0)
        sqlite3_bind_text(st, 2, p->head.key, -1, SQLITE_STATIC);
    err = mc_db_step(db, st);
    sqlite3_reset(st);
    return err;
}

static int insert(struct mc_db *db, const struct mc_parcel *p, int64_t expires_ms)
{
    struct mc_bytes body = mc_blob_get(p->body);
    sqlite3_stmt *st;
    int err = mc_db_query(db, MC_DB_ADD, p->queue, &st);

    if (err != 0)
        return err;
    sqlite3_bind_text(st, 1, p->head.key, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 2, p->head.from.s, -1, SQLITE_STATIC);
    sqlite3_bind_blob(st, 3, p->head.from_uid, MC_UID_BYTES, SQLITE_STATIC);
    sqlite3_bind_int64(st, 4, (sqlite3_int64)p->head.sequence);
    sqlite3_bind_text(st, 5, p->head.ring_name.s, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 6, (sqlite3_int64)p->head.version);
    sqlite3_bind_int64(st, 7, (sqlite3_int64)p->head.timestamp);
    sqlite3_bind_int64(st, 8, expires_ms);
    sqlite3_bind_blob(st, 9, body.len == 0 ? (const void *)"" : body.ptr, (int)body.len,
                      SQLITE_STATIC);
    err = mc_db_step(db, st);
    sqlite3_clear_bindings(st); /* the body is not ours to keep */
    return err;
}

size_t mc_outbox_group(const struct mc_outbox *box, uint64_t *ret_bytes)
{
    uint64_t bytes = 0;
    size_t count = 0;

    for (const struct mc_parcel *p = box->letters.first;
         p != NULL && count < box->group_max && bytes < MC_OUTBOX_GROUP_BYTES;
         p = p->next) {
        bytes += mc_blob_get(p->body).len;
        count++;
    }
    *ret_bytes = bytes;
    return count;
}

int mc_outbox_commit(struct mc_outbox *box, struct mc_db *db, int64_t wall_ms,
                     uint64_t talk_ttl_ms, size_t *ret_sent)
{
    uint64_t bytes;
    size_t count = mc_outbox_group(box, &bytes);
    const struct mc_parcel *p = box->letters.first;
    int err = mc_db_begin(db, true);

    if (err != 0)
        return err;
    for (size_t i = 0; i < count && err >= 0; i++, p = p->next) {
        uint64_t ttl_ms =
            p->queue == MC_QUEUE_TALK ? talk_ttl_ms : MC_SQLITE_RECORD_TTL_MS;

        err = wanted(db, p);
        if (err == 1)
            err = insert(db, p, wall_ms + (int64_t)ttl_ms);
    }
    if (err < 0) {
        mc_db_rollback(db);
        return err;
    }
    err = mc_db_commit(db);
    if (err == 0)
        *ret_sent = count;
    return err;
}

void mc_outbox_confirm(struct mc_outbox *box, size_t count, int err)
{
    struct mc_parcel *p;

    while (count-- != 0 && (p = take_first(&box->letters)) != NULL) {
        box->bytes -= mc_blob_get(p->body).len;
        mc_blob_unref(p->body);
        p->body = NULL;
        p->event.err = err;
        append(&box->told, p);
    }
}

static void withdraw(struct mc_parcels *list, struct mc_parcel *p)
{
    struct mc_parcels kept = {0};
    struct mc_parcel *q;

    while ((q = take_first(list)) != NULL)
        if (q != p)
            append(&kept, q);
    *list = kept;
}

void mc_outbox_state(struct mc_outbox *box, struct mc_bus_event event)
{
    struct mc_parcel *down = &box->state[0], *up = &box->state[1];

    if (event.kind == MC_BUS_UP) {
        assert(!box->up_told_later);
        event.fresh_queue |= box->fresh_owed;
        box->fresh_owed = false;
        box->up_told_later = true;
        up->event = event;
        append(&box->told, up);
        return;
    }
    if (box->up_told_later) {
        withdraw(&box->told, up);
        box->up_told_later = false;
        box->fresh_owed = up->event.fresh_queue;
    }
    if (!box->down_told_later)
        append(&box->told, down);
    box->down_told_later = true;
    down->event = event;
}

bool mc_outbox_take(struct mc_outbox *box, struct mc_bus_event *ret_event)
{
    struct mc_parcel *p = take_first(&box->told);

    if (p == NULL)
        return false;
    *ret_event = p->event;
    if (is_state(box, p)) {
        if (p == &box->state[0])
            box->down_told_later = false;
        else
            box->up_told_later = false;
    } else {
        box->count--;
        free(p);
    }
    return true;
}
