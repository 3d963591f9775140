/* SPDX-License-Identifier: Apache-2.0 */
/* A driver for machines; see machine_kit.h. */
#include "machine_kit.h"

#include "ring/delta.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LATENCY_MS 5u
#define WALL_NS    1700000000000000000ull

static struct kit_slot *slot_of(struct kit_node *n, const char *ring, bool make)
{
    for (size_t i = 0; i < n->slot_count; i++) {
        if (strcmp(mc_ring_head(n->slots[i].held)->name.s, ring) == 0)
            return &n->slots[i];
    }
    if (!make)
        return NULL;
    assert_true(n->slot_count < KIT_RINGS_MAX);
    return &n->slots[n->slot_count++];
}

const struct mc_ring *kit_held(const struct kit *k, unsigned i, const char *ring)
{
    struct kit_slot *slot = slot_of(&k->nodes[i], ring, false);

    return slot == NULL ? NULL : slot->held;
}

/* ---- life ---- */

struct kit *kit_new(unsigned nodes, enum mc_announce_mode mode)
{
    struct kit *k = calloc(1, sizeof(*k));

    k->now_ms = 1000;
    k->body_bytes = 500;
    k->rng = mc_rng_init(42);
    k->node_count = nodes;
    k->nodes = calloc(nodes, sizeof(*k->nodes));
    k->letters = calloc(KIT_LETTERS_MAX, sizeof(*k->letters));
    k->trace = calloc(1, KIT_TRACE_BYTES);
    k->watched = 0;
    for (unsigned i = 0; i < nodes; i++) {
        struct kit_node *n = &k->nodes[i];

        n->config = (struct mc_machine_config){.incarnation = 100 + i,
                                               .seed = i + 1,
                                               .announce_interval_ms = 10000,
                                               .inactive_after_ms = 30000,
                                               .announce = mode,
                                               .announce_budget = 256 * 1024};
        snprintf(n->config.cluster.s, sizeof(n->config.cluster.s), "c%02u", i);
        n->config.system[0] = KIT_SYSTEM;
        n->config.uid[0] = (uint8_t)(i + 1);
        n->confirms = true;
        n->wake_ms = UINT64_MAX;
    }
    return k;
}

static void drop_kept(struct kit_node *n)
{
    for (unsigned i = 0; i < 64; i++) {
        free(n->kept[i].bytes);
        n->kept[i].bytes = NULL;
        n->kept[i].delivery = 0;
    }
}

static void empty_store(struct kit_node *n)
{
    for (size_t i = 0; i < n->slot_count; i++) {
        mc_ring_unref(n->slots[i].held);
        for (unsigned l = 0; l < n->slots[i].loser_count; l++)
            mc_ring_unref(n->slots[i].losers[l]);
        n->slots[i] = (struct kit_slot){0};
    }
    n->slot_count = 0;
}

void kit_free(struct kit *k)
{
    for (unsigned i = 0; i < k->node_count; i++) {
        mc_machine_free(k->nodes[i].machine);
        empty_store(&k->nodes[i]);
        drop_kept(&k->nodes[i]);
    }
    for (size_t i = 0; i < k->letter_count; i++)
        free(k->letters[i].bytes);
    free(k->letters);
    free(k->nodes);
    free(k->trace);
    free(k);
}

void kit_kill(struct kit *k, unsigned i, bool wipe)
{
    struct kit_node *n = &k->nodes[i];

    mc_machine_free(n->machine);
    n->machine = NULL;
    n->up = false;
    n->connected = false;
    n->wake_ms = UINT64_MAX;
    drop_kept(n);
    for (size_t l = 0; l < k->letter_count; l++) {
        if (k->letters[l].to == i)
            k->letters[l].used = false;
    }
    if (wipe)
        empty_store(n);
}

void kit_start(struct kit *k, unsigned i)
{
    struct kit_node *n = &k->nodes[i];

    n->config.incarnation += 1000;
    assert_int_equal(mc_machine_new(&n->config, &n->machine), 0);
    for (size_t s = 0; s < n->slot_count; s++) {
        struct kit_slot *slot = &n->slots[s];

        assert_int_equal(mc_machine_hold(n->machine, slot->held, false, 500), 0);
        for (unsigned l = 0; l < slot->loser_count; l++)
            assert_int_equal(mc_machine_hold(n->machine, slot->losers[l], true, 500),
                             0);
    }
    kit_step(k, i, (struct mc_event){.kind = MC_EV_START});
    kit_bus(k, i, true);
}

void kit_bus(struct kit *k, unsigned i, bool up)
{
    struct mc_event e = {.kind = MC_EV_BUS};

    k->nodes[i].up = up;
    k->nodes[i].connected = up;
    e.u.bus.up = up;
    e.u.bus.err = up ? 0 : MCOS_E_AWAY;
    kit_step(k, i, e);
}

/* ---- trace ---- */

void kit_trace_clear(struct kit *k)
{
    k->trace[0] = '\0';
}

static void tell(struct kit *k, const char *fmt, ...)
{
    size_t at = strlen(k->trace);
    va_list args;

    if (at + 200 > KIT_TRACE_BYTES)
        return;
    if (at > 0) {
        strcat(k->trace, " / ");
        at += 3;
    }
    va_start(args, fmt);
    vsnprintf(k->trace + at, KIT_TRACE_BYTES - at, fmt, args);
    va_end(args);
}

static const char *kind_of(struct mc_bytes bytes)
{
    static const char *const words[] = {"?",     "record", "announce",
                                        "want",  "list",   "members",
                                        "leave", "hello",  "difference"};
    struct mc_envelope e;
    struct mc_bytes body;

    assert_int_equal(mc_envelope_decode(bytes, &e, &body), 0);
    return e.kind > MC_WIRE_HELLO ? words[0] : words[e.kind];
}

static void tell_effect(struct kit *k, const struct mc_effect *e)
{
    const struct mc_note *n = &e->u.note;

    switch (e->kind) {
    case MC_FX_STORE:
        tell(k, "store %" PRIu64, e->u.store.delivery);
        break;
    case MC_FX_ADOPT:
        tell(k, "adopt %s v%" PRIu64, e->u.adopt.ring.s, e->u.adopt.stamp.version);
        break;
    case MC_FX_SEND:
        tell(k, "%s %s", kind_of(e->u.send.bytes), e->u.send.key);
        break;
    case MC_FX_SEND_RECORD:
        tell(k, "record %s %s%s", e->u.record.key, e->u.record.ring.s,
             e->u.record.names_held ? " or from held" : "");
        break;
    case MC_FX_ACK:
        tell(k, "ack %" PRIu64, e->u.ack.delivery);
        break;
    case MC_FX_DONE:
        tell(k, "done %d", e->u.done.err);
        break;
    case MC_FX_NOTE:
        tell(k, "note %s", mc_note_event(n->code));
        if (n->cluster.s[0] != '\0' && n->ring.s[0] == '\0')
            tell(k, "%s", n->cluster.s);
        break;
    case MC_FX_WAKE:
    case MC_FX_MEMBERS:
        break;
    }
}

/* ---- carrying out ---- */

static void post(struct kit *k, unsigned from, const char *key, bool records,
                 uint64_t sequence, struct mc_bytes bytes)
{
    const char *dot = strchr(key, '.');

    for (unsigned to = 0; to < k->node_count; to++) {
        struct kit_letter *l = NULL;

        if (dot != NULL && strcmp(dot + 1, k->nodes[to].config.cluster.s) != 0)
            continue;
        if (!k->nodes[to].connected || k->cut[from][to] ||
            mc_rng_below(&k->rng, 100) < k->loss_pct)
            continue;
        for (size_t i = 0; l == NULL && i < k->letter_count; i++)
            l = k->letters[i].used ? NULL : &k->letters[i];
        if (l == NULL) {
            assert_true(k->letter_count < KIT_LETTERS_MAX);
            l = &k->letters[k->letter_count++];
        }
        free(l->bytes);
        *l = (struct kit_letter){.used = true,
                                 .to = to,
                                 .records = records,
                                 .own = to == from,
                                 .at_ms = k->now_ms + LATENCY_MS,
                                 .delivery = ++k->delivery,
                                 .sequence = sequence,
                                 .len = bytes.len};
        l->bytes = malloc(bytes.len);
        memcpy(l->bytes, bytes.ptr, bytes.len);
    }
}

/* NULL: its parent is not here, or did not make it. */
static struct mc_ring *unpack_difference(struct kit_node *n, struct mc_bytes body)
{
    struct mc_wire_difference d;
    struct mc_head head;
    const struct kit_slot *s;
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;

    assert_int_equal(mc_wire_difference_decode(body, &d), 0);
    assert_int_equal(mc_head_decode(d.head, &head, NULL), 0);
    s = slot_of(n, head.name.s, false);
    if (s != NULL && memcmp(mc_ring_head(s->held)->digest, d.parent8, 8) == 0 &&
        mc_delta_apply(s->held, d.head, d.delta, &blob, NULL) == 0)
        (void)mc_ring_open(blob, MC_CHECK_SHA256, &ring, NULL);
    mc_blob_unref(blob);
    return ring;
}

static struct mc_ring *unpack(struct kit_node *n, struct mc_bytes bytes)
{
    struct mc_envelope e;
    struct mc_bytes body;
    struct mc_wire_record r;
    struct mc_buf all = {0};
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;

    assert_int_equal(mc_envelope_decode(bytes, &e, &body), 0);
    if (e.kind == MC_WIRE_DIFFERENCE)
        return unpack_difference(n, body);
    assert_int_equal(mc_wire_record_decode(body, &r), 0);
    mc_buf_put(&all, r.head.ptr, r.head.len);
    mc_buf_put(&all, r.packed.ptr, r.packed.len);
    assert_int_equal(mc_blob_from_buf(&all, &blob), 0);
    assert_int_equal(mc_ring_open(blob, MC_CHECK_SHA256, &ring, NULL), 0);
    mc_blob_unref(blob);
    return ring;
}

/* What a store does, in a dozen lines. */
static struct mc_merge merge(struct kit_node *n, struct mc_ring *ring)
{
    struct kit_slot *s = slot_of(n, mc_ring_head(ring)->name.s, true);
    struct mc_merge m = mc_merge(s->held, ring);
    struct mc_ring *loser = NULL;

    if (m.verdict == MC_MERGE_ADDED || m.verdict == MC_MERGE_REPLACED) {
        loser = s->held;
        s->held = mc_ring_ref(ring);
    } else if (m.verdict == MC_MERGE_OLDER) {
        loser = mc_ring_ref(ring);
    }
    if (loser != NULL && m.relation == MC_RELATION_CONFLICT &&
        s->loser_count < MC_LOSERS_MAX)
        s->losers[s->loser_count++] = mc_ring_ref(loser);
    mc_ring_unref(loser);
    for (unsigned i = s->loser_count; i-- > 0;) {
        if (mc_ring_descends(s->held, mc_ring_head(s->losers[i])) != MC_DESCENT_NO) {
            mc_ring_unref(s->losers[i]);
            s->losers[i] = s->losers[--s->loser_count];
        }
    }
    return m;
}

static size_t losers_of(struct kit_node *n, const struct mc_name *name,
                        struct mc_stamp ret[MC_LOSERS_MAX])
{
    const struct kit_slot *s = slot_of(n, name->s, false);

    for (unsigned i = 0; i < s->loser_count; i++)
        ret[i] = mc_stamp_of(mc_ring_head(s->losers[i]));
    return s->loser_count;
}

static void answer_store(struct kit *k, unsigned i, uint64_t delivery, uint64_t token)
{
    struct kit_node *n = &k->nodes[i];
    struct mc_event e = {.kind = MC_EV_STORED};
    struct mc_stamp losers[MC_LOSERS_MAX];
    struct mc_ring *ring = NULL;

    e.u.stored.delivery = delivery;
    e.u.stored.token = token;
    e.u.stored.err = n->store_err;
    if (token != 0)
        ring = mc_ring_ref(n->mint);
    for (unsigned s = 0; token == 0 && s < 64; s++) {
        if (n->kept[s].delivery == delivery)
            ring = unpack(n, (struct mc_bytes){n->kept[s].bytes, n->kept[s].len});
    }
    if (ring == NULL)
        e.u.stored.err = MCOS_E_DIGEST;
    if (e.u.stored.err == 0) {
        e.u.stored.merge = merge(n, ring);
        e.u.stored.ring = mc_ring_head(ring)->name;
        e.u.stored.held = slot_of(n, mc_ring_head(ring)->name.s, false)->held;
        e.u.stored.came = mc_stamp_of(mc_ring_head(ring));
        e.u.stored.body_bytes = k->body_bytes;
        e.u.stored.losers = losers;
        e.u.stored.loser_count = losers_of(n, &mc_ring_head(ring)->name, losers);
    }
    kit_step(k, i, e);
    mc_ring_unref(ring);
}

static void answer_sent(struct kit *k, unsigned i, uint64_t token)
{
    struct mc_event e = {.kind = MC_EV_SENT};

    if (!k->nodes[i].confirms)
        return;
    e.u.sent.token = token;
    kit_step(k, i, e);
}

static const struct mc_ring *find_record(struct kit_node *n, const char *name,
                                         const uint8_t digest8[8])
{
    struct kit_slot *s = slot_of(n, name, false);

    for (unsigned i = 0; s != NULL && i < s->loser_count; i++) {
        if (memcmp(mc_ring_head(s->losers[i])->digest, digest8, 8) == 0)
            return s->losers[i];
    }
    assert_non_null(s);
    assert_memory_equal(mc_ring_head(s->held)->digest, digest8, 8);
    return s->held;
}

static void note_asked(struct kit_node *n, struct mc_bytes bytes)
{
    struct mc_envelope e;
    struct mc_bytes body;
    struct mc_want_head head;
    struct mc_reader lines;
    struct mc_reader held;

    assert_int_equal(mc_envelope_decode(bytes, &e, &body), 0);
    assert_int_equal(mc_want_decode(body, &head, &lines), 0);
    held = mc_want_held(lines, head.count);
    if (head.count == 0)
        return;
    assert_true(mc_want_next(&lines, &n->asked));
    if (n->asked.names_held)
        memcpy(n->asked.held8, mc_reader_take(&held, 8).ptr, 8);
    assert_false(held.bad);
}

static void carry_out(struct kit *k, unsigned i, const struct mc_effect *e)
{
    struct kit_node *n = &k->nodes[i];
    struct mc_buf b = {0};
    const char *kind;

    switch (e->kind) {
    case MC_FX_SEND:
        kind = kind_of(e->u.send.bytes);
        n->announces += kind[0] == 'a';
        n->wants += kind[0] == 'w';
        if (kind[0] == 'w')
            note_asked(n, e->u.send.bytes);
        k->talk_bytes += e->u.send.bytes.len;
        assert_true(e->u.send.bytes.len <= MC_TALK_BYTES_MAX);
        post(k, i, e->u.send.key, false, e->u.send.sequence, e->u.send.bytes);
        break;
    case MC_FX_SEND_RECORD:
        n->bodies++;
        mc_buf_put(&b, e->u.record.envelope.ptr, e->u.record.envelope.len);
        kit_put_ring(&b, find_record(n, e->u.record.ring.s, e->u.record.digest8));
        post(k, i, e->u.record.key, true, e->u.record.sequence,
             (struct mc_bytes){b.ptr, b.len});
        mc_buf_fini(&b);
        break;
    case MC_FX_WAKE:
        n->wake_ms = e->u.wake.at_ms;
        break;
    case MC_FX_DONE:
        n->mint_err = e->u.done.err;
        break;
    case MC_FX_ACK:
        for (unsigned s = 0; s < 64; s++) {
            if (n->kept[s].delivery == e->u.ack.delivery)
                n->kept[s].delivery = 0;
        }
        break;
    default:
        break;
    }
}

void kit_step(struct kit *k, unsigned i, struct mc_event event)
{
    struct kit_node *n = &k->nodes[i];
    struct mc_effects fx;
    struct mc_effect *copy;
    size_t count;

    event.now_ms = k->now_ms;
    event.wall_ns = WALL_NS + (uint64_t)((int64_t)k->now_ms + n->wall_off_ms) * 1000000;
    fx = mc_machine_step(n->machine, &event);
    k->steps++;
    count = fx.count;
    copy = malloc((count + 1) * sizeof(*copy));
    for (size_t e = 0; e < count; e++) {
        copy[e] = fx.list[e];
        if (i == k->watched)
            tell_effect(k, &fx.list[e]);
        carry_out(k, i, &fx.list[e]); /* bytes are lent: now or never */
    }
    for (size_t e = 0; e < count; e++) {
        if (copy[e].kind == MC_FX_STORE)
            answer_store(k, i, copy[e].u.store.delivery, copy[e].u.store.token);
        else if (copy[e].kind == MC_FX_SEND)
            answer_sent(k, i, copy[e].u.send.token);
        else if (copy[e].kind == MC_FX_SEND_RECORD)
            answer_sent(k, i, copy[e].u.record.token);
    }
    free(copy);
}

static void keep(struct kit_node *n, uint64_t delivery, struct mc_bytes bytes)
{
    unsigned s = 0;

    while (n->kept[s].delivery != 0)
        assert_true(++s < 64);
    free(n->kept[s].bytes);
    n->kept[s].bytes = malloc(bytes.len + 1);
    memcpy(n->kept[s].bytes, bytes.ptr, bytes.len);
    n->kept[s].len = bytes.len;
    n->kept[s].delivery = delivery;
}

void kit_deliver(struct kit *k, unsigned to, bool records, bool own, uint64_t sequence,
                 uint64_t delivery, struct mc_bytes bytes)
{
    struct mc_event e = {.kind = MC_EV_MESSAGE};

    e.u.message.delivery = delivery;
    e.u.message.records = records;
    e.u.message.own = own;
    e.u.message.sequence = sequence;
    if (!own) {
        e.u.message.bytes = bytes;
        keep(&k->nodes[to], delivery, bytes);
    }
    kit_step(k, to, e);
}

/* ---- time ---- */

/* The next thing to happen, at most at `until`; false if there is none. */
static bool run_one(struct kit *k, uint64_t until)
{
    struct kit_letter *first = NULL;
    unsigned who = UINT32_MAX;
    uint64_t at = until;

    for (size_t i = 0; i < k->letter_count; i++) {
        struct kit_letter *l = &k->letters[i];

        if (l->used && l->at_ms <= at &&
            (first == NULL || l->at_ms < first->at_ms ||
             (l->at_ms == first->at_ms && l->delivery < first->delivery))) {
            first = l;
            at = l->at_ms;
        }
    }
    for (unsigned i = 0; i < k->node_count; i++) {
        if (k->nodes[i].machine != NULL && k->nodes[i].wake_ms <= at &&
            (first == NULL || k->nodes[i].wake_ms < at)) {
            at = k->nodes[i].wake_ms;
            who = i;
            first = NULL;
        }
    }
    if (first == NULL && who == UINT32_MAX)
        return false;
    if (at > k->now_ms)
        k->now_ms = at;
    if (first != NULL) {
        struct kit_letter l = *first;

        first->used = false;
        first->bytes = NULL;
        if (k->nodes[l.to].connected)
            kit_deliver(k, l.to, l.records, l.own, l.sequence, l.delivery,
                        (struct mc_bytes){l.bytes, l.len});
        free(l.bytes);
    } else {
        k->nodes[who].wake_ms = UINT64_MAX;
        kit_step(k, who, (struct mc_event){.kind = MC_EV_WAKE});
    }
    return true;
}

void kit_run(struct kit *k, uint64_t ms)
{
    uint64_t until = k->now_ms + ms;

    while (run_one(k, until)) {
    }
    k->now_ms = until;
}

bool kit_agree(const struct kit *k, const char *ring, uint64_t version)
{
    const struct mc_ring *first = NULL;

    for (unsigned i = 0; i < k->node_count; i++) {
        const struct mc_ring *held = kit_held(k, i, ring);

        if (!k->nodes[i].connected)
            continue;
        if (held == NULL || mc_ring_head(held)->version != version)
            return false;
        if (first != NULL &&
            memcmp(mc_ring_head(first)->digest, mc_ring_head(held)->digest, 32) != 0)
            return false;
        first = held;
    }
    return true;
}

uint64_t kit_until(struct kit *k, const char *ring, uint64_t version, uint64_t max_ms)
{
    uint64_t from = k->now_ms;

    while (!kit_agree(k, ring, version))
        assert_true(run_one(k, from + max_ms));
    return k->now_ms - from;
}

int kit_mint_ring(struct kit *k, unsigned i, struct mc_ring *take_ring)
{
    struct mc_event e = {.kind = MC_EV_MINT};
    struct kit_node *n = &k->nodes[i];

    n->mint = take_ring;
    n->mint_err = 1;
    e.u.mint.token = 77;
    e.u.mint.ring = mc_ring_head(take_ring)->name;
    e.u.mint.stamp = mc_stamp_of(mc_ring_head(take_ring));
    kit_step(k, i, e);
    n->mint = NULL;
    mc_ring_unref(take_ring);
    return n->mint_err;
}

int kit_mint(struct kit *k, unsigned i, const char *ring, const char *note)
{
    struct kit_slot *s = slot_of(&k->nodes[i], ring, false);

    return kit_mint_ring(
        k, i,
        kit_ring(ring, s == NULL ? NULL : s->held,
                 s == NULL || s->loser_count == 0 ? NULL : s->losers[0],
                 WALL_NS + k->now_ms * 1000000, note, false));
}
