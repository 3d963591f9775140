/* SPDX-License-Identifier: Apache-2.0 */
/* redis/held.c -- rings of keys, remembered by the hash of the key's name. */
#include "redis/held.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS 4096u
/* Below the length of any head. */
#define SHORTEST 256u
/* Devices of all remembered rings together: beyond, all are forgotten. */
#define DEVICES_MAX (2u * MC_DEVICES_MAX)

struct slot {
    int db;
    struct mc_bytes name;  /* ours */
    struct mc_bytes value; /* the server's: compared, and read through the ring */
    struct mc_bytes head;  /* ours: a copy of the value's head */
    struct mc_ring *ring;
};

static struct slot *slots[SLOTS];
static uint64_t device_total;

static struct mc_bytes bytes_of(const struct rm_string *s)
{
    size_t len;
    const char *ptr = rm.StringPtrLen(s, &len);

    return (struct mc_bytes){(const uint8_t *)ptr, len};
}

static bool same(struct mc_bytes a, struct mc_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static struct slot **place_of(struct mc_bytes name)
{
    return &slots[mc_xxh3_64(name) % SLOTS];
}

static void slot_free(struct slot *slot)
{
    if (slot == NULL)
        return;
    mc_ring_unref(slot->ring);
    free((void *)(uintptr_t)slot->name.ptr);
    free((void *)(uintptr_t)slot->head.ptr);
    free(slot);
}

static void forget(struct slot **place)
{
    if (*place == NULL)
        return;
    device_total -= mc_ring_head((*place)->ring)->device_count;
    slot_free(*place);
    *place = NULL;
}

static void forget_all(void)
{
    for (unsigned i = 0; i < SLOTS; i++)
        forget(&slots[i]);
}

static int copy(struct mc_bytes in, struct mc_bytes *ret)
{
    uint8_t *ptr = malloc(in.len + 1);

    if (ptr == NULL)
        return MCOS_E_NOMEM;
    if (in.len > 0)
        memcpy(ptr, in.ptr, in.len);
    *ret = (struct mc_bytes){ptr, in.len};
    return 0;
}

/* The value's bytes, where they lie. */
static int peek(struct rm_ctx *ctx, struct rm_string *name, struct mc_bytes *ret_value)
{
    struct rm_key *key = rm.OpenKey(ctx, name, RM_READ);
    int type = key == NULL ? RM_TYPE_EMPTY : rm.KeyType(key);
    size_t len = 0;
    int err = 0;

    if (type == RM_TYPE_EMPTY)
        err = MCOS_E_NOTFOUND;
    else if (type != RM_TYPE_STRING)
        err = MCOS_E_TYPE;
    else if (rm.ValueLength(key) < SHORTEST)
        err = MCOS_E_FORMAT; /* short ones are packed away: do not touch them */
    if (err == 0) {
        const char *ptr = rm.StringDMA(key, &len, RM_READ);

        if (ptr == NULL)
            err = MCOS_E_FORMAT;
        else
            *ret_value = (struct mc_bytes){(const uint8_t *)ptr, len};
    }
    if (key != NULL)
        rm.CloseKey(key);
    return err;
}

/* The bytes are the server's: nothing to give back. */
static void release(void *ctx, struct mc_bytes bytes)
{
    (void)ctx;
    (void)bytes;
}

static int open_value(struct mc_bytes value, struct mc_ring **ret_ring,
                      struct mcos_diag *diag)
{
    struct mc_blob *blob = NULL;
    int err = mc_blob_wrap(value, release, NULL, &blob);

    if (err == 0)
        err = mc_ring_open(blob, MC_CHECK_XXH3, ret_ring, diag);
    mc_blob_unref(blob);
    return err;
}

static int remember(struct slot **place, int db, struct mc_bytes name,
                    struct mc_bytes value, struct mc_ring *ring)
{
    const struct mc_head *head = mc_ring_head(ring);
    struct slot *slot = calloc(1, sizeof(*slot));
    int err = slot == NULL ? MCOS_E_NOMEM : 0;

    if (err == 0) {
        slot->db = db;
        slot->value = value;
        err = copy(name, &slot->name);
    }
    if (err == 0)
        err = copy((struct mc_bytes){value.ptr, head->head_bytes}, &slot->head);
    if (err != 0) {
        slot_free(slot);
        return err;
    }
    slot->ring = ring;
    forget(place);
    if (device_total + head->device_count > DEVICES_MAX)
        forget_all();
    device_total += head->device_count;
    *place = slot;
    return 0;
}

int mc_held_find(struct rm_ctx *ctx, struct rm_string *key, struct mc_ring **ret_ring,
                 struct mcos_diag *diag)
{
    struct mc_bytes name = bytes_of(key);
    struct slot **place = place_of(name);
    struct slot *slot = *place;
    int db = rm.GetSelectedDb(ctx);
    struct mc_bytes value;
    struct mc_ring *ring = NULL;
    int err = peek(ctx, key, &value);

    if (err != 0)
        return mcos_diag_set(diag, err, "", "not a ring record");
    if (slot != NULL && slot->db == db && slot->value.ptr == value.ptr &&
        slot->value.len == value.len && same(slot->name, name) &&
        memcmp(slot->head.ptr, value.ptr, slot->head.len) == 0) {
        *ret_ring = slot->ring;
        return 0;
    }
    err = open_value(value, &ring, diag);
    if (err == 0)
        err = remember(place, db, name, value, ring);
    if (err != 0) {
        mc_ring_unref(ring);
        return err;
    }
    *ret_ring = ring;
    return 0;
}

int mc_held_stamp(struct rm_ctx *ctx, struct rm_string *key, struct mc_stamp *ret_stamp)
{
    struct mc_bytes value;
    struct mc_front front;
    struct mc_head head;
    int err = peek(ctx, key, &value);

    if (err != 0)
        return err;
    err = mc_head_decode(value, &head, NULL);
    if (err == MCOS_E_UPGRADE) {
        err = mc_front_decode(value, &front);
        if (err == 0)
            *ret_stamp = mc_stamp_of_front(&front);
        return err;
    }
    if (err == 0 && head.record_bytes != value.len)
        err = MCOS_E_FORMAT;
    if (err == 0)
        *ret_stamp = mc_stamp_of(&head);
    return err;
}

int mc_held_front(struct rm_ctx *ctx, struct rm_string *key, struct mc_front *ret_front)
{
    struct mc_bytes value;
    int err = peek(ctx, key, &value);

    return err != 0 ? err : mc_front_decode(value, ret_front);
}

bool mc_held_intact(const struct mc_ring *ring)
{
    const struct mc_section_info *table =
        &mc_ring_head(ring)->section[MC_SECTION_TABLE];
    struct mc_bytes all = mc_blob_get(mc_ring_blob(ring));
    uint8_t sum[16];

    mc_xxh3_128(sum, (struct mc_bytes){all.ptr + table->offset, (size_t)table->bytes});
    return memcmp(sum, table->xxh3, sizeof(sum)) == 0;
}

static int on_change(struct rm_ctx *ctx, int type, const char *event,
                     struct rm_string *key)
{
    (void)ctx;
    (void)type;
    (void)event;
    forget(place_of(bytes_of(key)));
    return RM_OK;
}

static void on_upheaval(struct rm_ctx *ctx, struct rm_event event, uint64_t sub,
                        void *data)
{
    (void)ctx;
    (void)event;
    (void)sub;
    (void)data;
    forget_all();
}

int mc_held_watch(struct rm_ctx *ctx)
{
    static const struct rm_event upheavals[] = {
        {RM_EVENT_FLUSHDB, 1}, {RM_EVENT_LOADING, 1}, {RM_EVENT_SWAPDB, 1}};

    if (rm.SubscribeToKeyspaceEvents(ctx, RM_NOTIFY_CHANGES, on_change) != RM_OK)
        return RM_ERR;
    for (size_t i = 0; i < sizeof(upheavals) / sizeof(upheavals[0]); i++) {
        if (rm.SubscribeToServerEvent(ctx, upheavals[i], on_upheaval) != RM_OK)
            return RM_ERR;
    }
    return RM_OK;
}
