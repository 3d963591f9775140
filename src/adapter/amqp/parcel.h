/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/amqp/parcel.h -- one delivery, put together from its frames: a method,
 * a header, bodies.
 *
 * The header is read first: of our own letters, of what is too big and of what
 * has no key of ours the body is never kept.
 */
#ifndef MCOS_ADAPTER_AMQP_PARCEL_H
#define MCOS_ADAPTER_AMQP_PARCEL_H

#include "adapter/amqp/letter.h"

struct mc_amqp_parcel {
    uint64_t tag; /* 0: none is under way */
    bool headed;  /* its header was here */
    bool own;
    bool bad; /* to be acknowledged and dropped */
    struct mc_letter_head head;
    uint64_t left;      /* bytes of the body that are still to come */
    struct mc_buf body; /* of mc_amqp_body_max at most */
};

/*
 * Takes one frame of the channel. *ret_whole: the parcel is complete, take what
 * is in it and finish with mc_amqp_parcel_clear(). Fails with FORMAT (frames in
 * no order; the connection is of no use) and NOMEM.
 */
int mc_amqp_parcel_take(struct mc_amqp_parcel *parcel, enum mc_bus_queue queue,
                        const uint8_t own_uid[MC_UID_BYTES], const amqp_frame_t *frame,
                        bool *ret_whole);
void mc_amqp_parcel_clear(struct mc_amqp_parcel *parcel);

#endif /* MCOS_ADAPTER_AMQP_PARCEL_H */
