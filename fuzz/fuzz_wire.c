/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes may come as a message. The first byte tells whether the rest goes
 * through the envelope, or straight into one of the bodies (the check in the
 * envelope would keep most input out of them).
 */
#include "sync/wire_talk.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is written the same again. */
static void envelope(struct mc_bytes in)
{
    struct mc_envelope e;
    struct mc_bytes body;
    struct mc_buf b = {0};

    if (mc_envelope_decode(in, &e, &body) != 0)
        return;
    assert(body.ptr + body.len == in.ptr + in.len);
    mc_envelope_encode(&b, &e);
    mc_buf_put(&b, body.ptr, body.len);
    if (e.kind != MC_WIRE_RECORD)
        mc_envelope_seal(&b, 0);
    assert(b.len == in.len);
    mc_buf_fini(&b);
}

static void entries(struct mc_reader r)
{
    struct mc_entry e;
    struct mc_sum sum;

    while (mc_entry_decode(&r, &e)) {
        assert(mc_name_ok(e.name.s));
        sum = mc_entry_sum(&e);
        (void)sum;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mc_bytes in = {data + 1, size - 1};
    struct mc_announce a;
    struct mc_want_head wh;
    struct mc_want_line wl;
    struct mc_list_head lh;
    struct mc_members_head mh;
    struct mc_member_line ml;
    struct mc_wire_record rec;
    struct mc_wire_difference diff;
    struct mc_reader held;
    struct mc_reader r;

    if (size == 0)
        return 0;
    switch (data[0] % 7) {
    case 0:
        envelope(in);
        break;
    case 1:
        if (mc_announce_decode(in, &a) == 0)
            entries(mc_reader_init(a.entries));
        break;
    case 2:
        if (mc_want_decode(in, &wh, &r) == 0) {
            held = mc_want_held(r, wh.count);
            assert(held.pos >= r.pos && held.pos <= in.len);
            while (mc_want_next(&r, &wl))
                assert(mc_name_ok(wl.name.s));
        }
        break;
    case 3:
        if (mc_list_decode(in, &lh, &r) == 0)
            entries(r);
        break;
    case 4:
        if (mc_members_decode(in, &mh, &r) == 0) {
            while (mc_members_next(&r, &ml))
                assert(strlen(ml.address) < sizeof(ml.address));
        }
        break;
    case 6:
        if (mc_wire_difference_decode(in, &diff) == 0)
            assert(diff.head.len + diff.delta.len + 12 == in.len);
        break;
    default:
        if (mc_wire_record_decode(in, &rec) == 0)
            assert(rec.head.len + rec.packed.len + 12 == in.len);
        break;
    }
    return 0;
}
