/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz/fuzz_amqp.c -- any bytes as an AMQP address, and as one delivery: a byte
 * for the kind of frame, then a key, an encoded header table or a piece of body.
 * Headers go through librabbitmq's own decoder, as on the wire.
 */
#include "adapter/amqp/parcel.h"
#include "adapter/amqp/url.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_address(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), masked[64];
    struct mc_amqp_url url;

    if (text == NULL)
        return;
    memcpy(text, data, size);
    text[size] = '\0';
    mc_amqp_url_mask(text, masked, sizeof(masked));
    if (mc_amqp_url_parse(text, &url, NULL) == 0 &&
        (url.host_count == 0 || url.host_count > MC_AMQP_HOSTS_MAX ||
         url.hosts[0].name[0] == '\0' || url.hosts[0].port == 0 || url.body_max == 0))
        abort();
    free(text);
}

static void try_frames(struct mc_reader *r)
{
    static const uint8_t me[MC_UID_BYTES] = {0};
    struct mc_amqp_parcel parcel = {0};
    amqp_pool_t pool;
    bool whole = false;

    init_amqp_pool(&pool, 4096);
    while (!r->bad && r->pos < r->len && !whole) {
        amqp_basic_deliver_t deliver = {.delivery_tag = 1};
        amqp_basic_properties_t properties = {._flags = AMQP_BASIC_HEADERS_FLAG};
        amqp_frame_t frame = {.frame_type = (uint8_t)(1 + mc_reader_u8(r) % 3)};
        struct mc_bytes piece = mc_reader_take(r, mc_reader_u16(r) % 512u);
        amqp_bytes_t bytes = {.len = piece.len, .bytes = (void *)(uintptr_t)piece.ptr};
        size_t offset = 0;

        if (r->bad)
            break;
        if (frame.frame_type == AMQP_FRAME_METHOD) {
            deliver.routing_key = bytes;
            frame.payload.method.decoded = &deliver;
        } else if (frame.frame_type == AMQP_FRAME_HEADER) {
            if (amqp_decode_table(bytes, &pool, &properties.headers, &offset) < 0)
                break;
            frame.payload.properties.body_size = mc_reader_u32(r);
            frame.payload.properties.decoded = &properties;
        } else {
            frame.payload.body_fragment = bytes;
        }
        if (mc_amqp_parcel_take(&parcel, MC_QUEUE_TALK, me, &frame, &whole) != 0)
            break;
    }
    if (whole && !parcel.bad && parcel.body.len > mc_amqp_body_max(MC_QUEUE_TALK))
        abort();
    if (parcel.head.ring_name.s[0] != '\0' && !mc_name_ok(parcel.head.ring_name.s))
        abort();
    mc_amqp_parcel_clear(&parcel);
    empty_amqp_pool(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mc_reader r = mc_reader_init((struct mc_bytes){data, size});

    try_address(data, size);
    try_frames(&r);
    return 0;
}
