/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine is fed whatever the input says: bytes as they are, bodies under a
 * valid envelope of one of a few clusters, records of a small family of rings, whole
 * or as differences, stores that fail, a bus that comes and goes, time that passes.
 * It must neither fall nor ask for the same moment for ever.
 */
#include "ring/draft.h"
#include "sync/machine.h"
#include "sync/wire_talk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FAMILY    6u
#define PENDING   64u
#define STEPS_MAX 2000u

static struct mc_ring *family[FAMILY];

struct world {
    struct mc_machine *m;
    struct mc_reader in;
    struct mc_ring *held;
    uint64_t now_ms;
    uint64_t wake_ms;
    uint64_t sequence;
    uint64_t delivery;
    struct mc_event pending[PENDING];
    unsigned count;
    unsigned ring_of[PENDING];
    unsigned steps;
    bool relays; /* talk comes by way of another agent */
};

static struct mc_ring *mint(const struct mc_ring *held, const struct mc_ring *also,
                            uint64_t wall_ns)
{
    struct mc_draft d;
    struct mc_blob *blob = NULL;
    struct mc_ring *ring = NULL;
    int err;

    mc_draft_init(&d);
    mc_name_set(&d.head.name, "photos");
    d.head.tombstone = true;
    d.head.system[0] = 7;
    err = mc_draft_mint(&d, held, &also, also == NULL ? 0 : 1, wall_ns);
    if (err == 0)
        err = mc_draft_encode(&d, &blob, NULL);
    if (err == 0)
        err = mc_ring_open(blob, MC_CHECK_NONE, &ring, NULL);
    assert(err == 0);
    mc_blob_unref(blob);
    mc_draft_fini(&d);
    return ring;
}

static void make_family(void)
{
    if (family[0] != NULL)
        return;
    family[0] = mint(NULL, NULL, 10);
    family[1] = mint(family[0], NULL, 20);
    family[2] = mint(family[0], NULL, 30);
    family[3] = mint(family[0], NULL, 40);
    family[4] = mint(family[3], family[1], 50);
    family[5] = mint(family[4], family[2], 60);
}

static void step(struct world *w, struct mc_event event)
{
    struct mc_effects fx;

    event.now_ms = w->now_ms;
    event.wall_ns = 1700000000000000000ull + w->now_ms * 1000000;
    fx = mc_machine_step(w->m, &event);
    w->steps++;
    for (size_t i = 0; i < fx.count; i++) {
        const struct mc_effect *e = &fx.list[i];
        struct mc_event answer = {.kind = MC_EV_SENT};
        struct mc_envelope envelope;
        struct mc_bytes body;

        switch (e->kind) {
        case MC_FX_WAKE:
            w->wake_ms = e->u.wake.at_ms;
            assert(w->wake_ms >= w->now_ms);
            continue;
        case MC_FX_SEND:
            assert(mc_envelope_decode(e->u.send.bytes, &envelope, &body) == 0);
            assert(e->u.send.bytes.len <= MC_TALK_BYTES_MAX);
            answer.u.sent.token = e->u.send.token;
            break;
        case MC_FX_SEND_RECORD:
            assert(mc_envelope_decode(e->u.record.envelope, &envelope, &body) == 0);
            answer.u.sent.token = e->u.record.token;
            break;
        case MC_FX_STORE:
            answer.kind = MC_EV_STORED;
            answer.u.stored.delivery = e->u.store.delivery;
            answer.u.stored.token = e->u.store.token;
            break;
        default:
            continue;
        }
        if (w->count < PENDING)
            w->pending[w->count++] = answer;
    }
}

/* Answers one of what is pending, well or badly. */
static void answer(struct world *w)
{
    static const int errors[] = {0, 0, 0, MCOS_E_IO, MCOS_E_DIGEST, MCOS_E_AWAY};
    unsigned at = mc_reader_u8(&w->in);
    struct mc_event event;
    struct mc_ring *came = family[mc_reader_u8(&w->in) % FAMILY];
    int err = errors[mc_reader_u8(&w->in) % 6];

    if (w->count == 0)
        return;
    at %= w->count;
    event = w->pending[at];
    w->pending[at] = w->pending[--w->count];
    if (event.kind == MC_EV_SENT) {
        event.u.sent.err = err;
        step(w, event);
        return;
    }
    event.u.stored.err = err;
    if (err == 0) {
        event.u.stored.merge = mc_merge(w->held, came);
        event.u.stored.came = mc_stamp_of(mc_ring_head(came));
        if (event.u.stored.merge.verdict <= MC_MERGE_REPLACED)
            w->held = came;
        event.u.stored.held = w->held;
        event.u.stored.body_bytes = mc_reader_u16(&w->in);
    }
    step(w, event);
}

static size_t open_letter(struct world *w, struct mc_buf *b, enum mc_wire_kind kind,
                          unsigned from)
{
    struct mc_envelope e = {.protocol = 1,
                            .kind = kind,
                            .incarnation = from / 4,
                            .sequence = ++w->sequence,
                            .sent_ns = 1700000000000000000ull};
    char name[3] = {'c', (char)('0' + from % 4), 0};

    e.system[0] = 7;
    e.uid[0] = (uint8_t)(1 + from % 5);
    mc_name_set(&e.cluster, name);
    mc_envelope_encode(b, &e);
    return 0;
}

static void give(struct world *w, struct mc_bytes bytes, bool records)
{
    struct mc_event event = {.kind = MC_EV_MESSAGE};

    event.u.message.delivery = ++w->delivery;
    event.u.message.records = records;
    event.u.message.bytes = bytes;
    if (w->relays && !records) {
        event.kind = MC_EV_RELAYED;
        event.u.relayed.bytes = bytes;
    }
    step(w, event);
}

/* What other agents of our cluster hold. */
static void company(struct world *w, unsigned arg)
{
    struct mc_event event = {.kind = MC_EV_COMPANY};
    const struct mc_head *h = mc_ring_head(family[arg % FAMILY]);
    struct mc_entry e = {.name = h->name,
                         .epoch = h->epoch,
                         .version = h->version,
                         .timestamp = h->timestamp,
                         .tombstone = h->tombstone};

    memcpy(e.digest8, h->digest, 8);
    event.u.company.others = arg % 3 != 0;
    event.u.company.least = &e;
    event.u.company.count = arg % 2;
    step(w, event);
}

/* A body of the input's own under an envelope that is in order. */
static void talk(struct world *w)
{
    unsigned kind = 2 + mc_reader_u8(&w->in) % 6;
    unsigned from = mc_reader_u8(&w->in);
    struct mc_bytes body = mc_reader_take(&w->in, mc_reader_u16(&w->in) % 600);
    struct mc_buf b = {0};

    (void)open_letter(w, &b, (enum mc_wire_kind)kind, from);
    mc_buf_put(&b, body.ptr, body.len);
    mc_envelope_seal(&b, 0);
    give(w, (struct mc_bytes){b.ptr, b.len}, false);
    mc_buf_fini(&b);
}

static void put_entry(struct mc_buf *b, const struct mc_ring *ring, bool loser)
{
    const struct mc_head *h = mc_ring_head(ring);
    struct mc_entry e = {.name = h->name,
                         .epoch = h->epoch,
                         .version = h->version,
                         .timestamp = h->timestamp,
                         .tombstone = !loser,
                         .loser = loser};

    memcpy(e.digest8, h->digest, 8);
    mc_entry_encode(b, &e);
}

static void announce(struct world *w)
{
    unsigned from = mc_reader_u8(&w->in);
    unsigned what = mc_reader_u8(&w->in);
    struct mc_announce a = {.interval_ms = 1 + mc_reader_u16(&w->in),
                            .uptime_ms = (what & 8) != 0 ? 60000 : 0,
                            .whole = (what & 16) != 0};
    struct mc_buf b = {0};
    size_t at;

    a.digest[0] = mc_reader_u8(&w->in);
    (void)open_letter(w, &b, MC_WIRE_ANNOUNCE, from);
    at = mc_announce_open(&b, &a);
    if (what % 8 < FAMILY)
        put_entry(&b, family[what % 8], false);
    if ((what & 32) != 0)
        put_entry(&b, family[1], true);
    mc_announce_close(&b, at, &a);
    mc_envelope_seal(&b, 0);
    give(w, (struct mc_bytes){b.ptr, b.len}, false);
    mc_buf_fini(&b);
}

static void difference(struct world *w, unsigned from)
{
    const struct mc_ring *ring = family[mc_reader_u8(&w->in) % FAMILY];
    struct mc_bytes head = {mc_blob_get(mc_ring_blob(ring)).ptr,
                            mc_ring_head(ring)->head_bytes};
    struct mc_buf b = {0};

    (void)open_letter(w, &b, MC_WIRE_DIFFERENCE, from);
    mc_wire_difference_open(&b, head, mc_ring_head(family[from % FAMILY])->digest);
    mc_envelope_seal(&b, 0);
    give(w, (struct mc_bytes){b.ptr, b.len}, true);
    mc_buf_fini(&b);
}

static void record(struct world *w)
{
    unsigned from = mc_reader_u8(&w->in);
    struct mc_bytes all =
        mc_blob_get(mc_ring_blob(family[mc_reader_u8(&w->in) % FAMILY]));
    struct mc_wire_record r = {all, 0, {all.ptr, 1}};
    struct mc_buf b = {0};

    if (all.len > MC_HEAD_BYTES_MAX)
        r.head.len = MC_HEAD_BYTES_MAX;
    (void)open_letter(w, &b, MC_WIRE_RECORD, from);
    mc_wire_record_encode(&b, &r);
    give(w, (struct mc_bytes){b.ptr, b.len}, true);
    mc_buf_fini(&b);
}

static void other(struct world *w, unsigned op)
{
    struct mc_event event = {.kind = MC_EV_BUS};
    unsigned arg = mc_reader_u8(&w->in);

    switch (op) {
    case 4:
        event.u.bus.up = (arg & 1) != 0;
        event.u.bus.fresh = (arg & 2) != 0;
        break;
    case 5:
        event.kind = MC_EV_MESSAGE;
        event.u.message.own = true;
        event.u.message.sequence = (1ull << 32) + arg;
        break;
    case 6:
        event.kind = MC_EV_MINT;
        event.u.mint.token = 1000 + w->steps;
        event.u.mint.ring = mc_ring_head(family[0])->name;
        event.u.mint.stamp = mc_stamp_of(mc_ring_head(family[arg % FAMILY]));
        break;
    default:
        if (arg >= 200 && arg < 225) {
            company(w, arg);
            return;
        }
        if (arg >= 225 && arg <= 250)
            w->relays = arg % 2 != 0;
        event.kind = arg > 250 ? MC_EV_STOP : MC_EV_WAKE;
        break;
    }
    step(w, event);
}

/* Time passes; each wake must have led somewhere. */
static void pass(struct world *w, uint64_t ms)
{
    uint64_t until = w->now_ms + ms;
    unsigned same = 0;

    while (w->wake_ms <= until && w->steps < STEPS_MAX) {
        same = w->wake_ms == w->now_ms ? same + 1 : 0;
        assert(same < 200);
        w->now_ms = w->wake_ms;
        w->wake_ms = UINT64_MAX;
        step(w, (struct mc_event){.kind = MC_EV_WAKE});
    }
    w->now_ms = until;
}

static void look(const struct mc_machine *m)
{
    struct mc_machine_status s = mc_machine_status(m);

    assert(s.notes[MC_NOTE_STARTED] <= 1);
    for (size_t i = 0; i < mc_machine_member_count(m); i++) {
        struct mc_member member = mc_machine_member(m, i);

        for (size_t h = 1; h < member.holding_count; h++)
            assert(strcmp(member.holdings[h - 1].ring.s, member.holdings[h].ring.s) <
                   0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mc_machine_config config = {.incarnation = 1,
                                       .seed = 3,
                                       .announce_interval_ms = 10000,
                                       .inactive_after_ms = 30000};
    struct world w = {.in = mc_reader_init((struct mc_bytes){data, size}),
                      .wake_ms = UINT64_MAX};
    unsigned first;

    make_family();
    mc_name_set(&config.cluster, "c0");
    config.system[0] = 7;
    config.uid[0] = 1;
    first = mc_reader_u8(&w.in);
    config.announce = (enum mc_announce_mode)(first % 3);
    config.shared = first >= 128;
    assert(mc_machine_new(&config, &w.m) == 0);
    while (mc_reader_left(&w.in) > 0 && w.steps < STEPS_MAX) {
        unsigned op = mc_reader_u8(&w.in) % 12;

        if (op == 0)
            give(&w, mc_reader_take(&w.in, mc_reader_u8(&w.in)), true);
        else if (op == 1)
            talk(&w);
        else if (op == 2)
            announce(&w);
        else if (op == 3)
            record(&w);
        else if (op == 11)
            difference(&w, mc_reader_u8(&w.in));
        else if (op <= 7)
            other(&w, op);
        else if (op == 8)
            pass(&w, mc_reader_u16(&w.in));
        else
            answer(&w);
    }
    look(w.m);
    mc_machine_free(w.m);
    return 0;
}
