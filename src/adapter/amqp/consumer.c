/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/amqp/consumer.c -- deliveries in, acknowledgements out. */
#include "adapter/amqp/side.h"
#include "adapter/amqp/watch.h"

#define FRAMES_MAX 64 /* then acknowledgements have their turn */

struct intake {
    struct mc_amqp_parcel parcels[2]; /* by enum mc_bus_queue */
    struct mc_amqp_watch watch;
    bool talks; /* a letter of talk came: we are the active consumer */
};

static int take_frames(struct mc_amqp_side *side, struct mc_amqp_link *link,
                       struct intake *in, bool *ret_more);
static int take_frame(struct mc_amqp_side *side, struct mc_amqp_link *link,
                      struct intake *in, const amqp_frame_t *frame);
static int send_acks(struct mc_amqp_side *side, struct mc_amqp_link *link);
static int look_home(struct mc_amqp_side *side, struct mc_amqp_link *link);

int mc_amqp_consumer_serve(struct mc_amqp_side *side, struct mc_amqp_link *link)
{
    struct mc_amqp_desk *desk = side->desk;
    struct intake in = {0};
    struct mc_amqp_found found = {0};
    bool stopping = false, rang = true, serving;
    bool shared = side->setup->shared, active = !shared;
    int err = mc_amqp_queues_open(link, &side->setup->queues, shared, &found);
    uint64_t home_ms = desk->clock->now_ms(desk->clock) + MC_AMQP_HOME_MS;

    mc_amqp_watch_init(&in.watch, desk->clock->now_ms(desk->clock));
    serving = err == 0;
    if (serving) {
        mc_amqp_desk_spare(desk, found.spare);
        mc_amqp_side_up(side, found.fresh);
    }
    while (err == 0 && !stopping) {
        bool more = false;

        if (rang)
            mc_amqp_desk_heard(desk, side->name);
        stopping = mc_amqp_desk_stopping(desk); /* before the last acknowledgements */
        err = send_acks(side, link);
        if (err == 0 && !stopping)
            err = take_frames(side, link, &in, &more);
        if (err == 0 && in.talks && !active) {
            active = more = true; /* as below */
            err = mc_amqp_queues_take_records(link, &side->setup->queues, found.spare);
        }
        if (err == 0 && mc_amqp_desk_yields(desk))
            err = mc_amqp_link_fail(link, MCOS_E_AWAY, "given up to another agent");
        if (err == 0 && mc_amqp_desk_recheck(desk))
            err = mc_amqp_link_fail(link, MCOS_E_NOTFOUND,
                                    "the exchange or our bindings are gone");
        if (err == 0 && !stopping)
            err = mc_amqp_queues_bind(
                link, &side->setup->queues, found.spare,
                mc_amqp_watch_take(&in.watch, desk->clock->now_ms(desk->clock)));
        if (err == 0 && !stopping && found.spare &&
            desk->clock->now_ms(desk->clock) >= home_ms) {
            err = look_home(side, link);
            home_ms += MC_AMQP_HOME_MS;
            more = true; /* what came meanwhile lies in the library */
        }
        rang = true;
        if (err == 0 && !stopping && !more)
            rang = mc_amqp_link_wait(
                link, desk->side_fd[side->name],
                mc_amqp_desk_patience(desk, shared ? MC_AMQP_SHARED_LOOK_MS
                                                   : MC_AMQP_LOOK_MS));
    }
    mc_amqp_parcel_clear(&in.parcels[0]);
    mc_amqp_parcel_clear(&in.parcels[1]);
    /* What we declared was taken, so this is no word about it: a letter lay with us
     * for longer than the broker's consumer_timeout. It will come again. */
    if (serving && link->code == AMQP_PRECONDITION_FAILED)
        return MCOS_E_AWAY;
    return err;
}

/* Who has a spare queue goes home when its own is open again. */
static int look_home(struct mc_amqp_side *side, struct mc_amqp_link *link)
{
    bool home = false;
    int err = mc_amqp_queues_look_home(link, &side->setup->queues, &home);

    return home ? mc_amqp_link_fail(link, MCOS_E_AWAY, "our queue can be reached again")
                : err;
}

static int take_frames(struct mc_amqp_side *side, struct mc_amqp_link *link,
                       struct intake *in, bool *ret_more)
{
    amqp_frame_t frame;
    int err = 0;

    for (int i = 0; i < FRAMES_MAX && err == 0; i++) {
        err = mc_amqp_link_frame(link, &frame);
        if (err == 0)
            err = take_frame(side, link, in, &frame);
        in->talks = in->talks || (err == 0 && frame.frame_type != AMQP_FRAME_METHOD &&
                                  frame.channel == MC_AMQP_TALK_CHANNEL);
    }
    *ret_more = err == 0;
    return err == MCOS_E_EMPTY ? 0 : err;
}

static int take_frame(struct mc_amqp_side *side, struct mc_amqp_link *link,
                      struct intake *in, const amqp_frame_t *frame)
{
    enum mc_bus_queue queue =
        frame->channel == MC_AMQP_TALK_CHANNEL ? MC_QUEUE_TALK : MC_QUEUE_RECORDS;
    struct mc_amqp_parcel *parcel = &in->parcels[queue];
    bool whole = false;
    int err;

    if (frame->frame_type == AMQP_FRAME_METHOD) {
        amqp_method_number_t id = frame->payload.method.id;

        if (id == AMQP_BASIC_CANCEL_METHOD)
            return mc_amqp_link_fail(link, MCOS_E_NOTFOUND,
                                     "a queue of ours was deleted");
        if (id != AMQP_BASIC_DELIVER_METHOD)
            return 0;
    }
    err = mc_amqp_parcel_take(parcel, queue, side->setup->uid, frame, &whole);
    if (err == 0 && whole) {
        mc_amqp_watch_heard(&in->watch, parcel->head.key,
                            side->desk->clock->now_ms(side->desk->clock));
        err = mc_amqp_desk_deliver(side->desk, queue, parcel);
        mc_amqp_parcel_clear(parcel);
    }
    if (err == 0)
        return 0;
    return mc_amqp_link_fail(link, err,
                             err == MCOS_E_NOMEM ? "no memory for a letter"
                                                 : "the broker's frames make no sense");
}

static int send_acks(struct mc_amqp_side *side, struct mc_amqp_link *link)
{
    struct mc_amqp_ack acks[32];
    size_t n;
    int err = 0;

    while (err == 0 && (n = mc_amqp_desk_take_acks(side->desk, acks,
                                                   sizeof(acks) / sizeof(*acks))) > 0) {
        for (size_t i = 0; i < n && err == 0; i++) {
            amqp_channel_t channel = acks[i].queue == MC_QUEUE_TALK
                                         ? MC_AMQP_TALK_CHANNEL
                                         : MC_AMQP_RECORDS_CHANNEL;

            err = mc_amqp_link_status(
                link,
                amqp_basic_ack(link->conn, channel, acks[i].tag, acks[i].multiple),
                "acknowledge");
        }
    }
    return err;
}
