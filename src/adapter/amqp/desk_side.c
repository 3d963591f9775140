/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/amqp/desk_side.c -- the half of the desk that faces the broker. */
#include "adapter/amqp/desk_in.h"

#include "mcos/err.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- up and down ---- */

void mc_amqp_desk_up(struct mc_amqp_desk *desk, enum mc_amqp_side_name side, bool fresh)
{
    int other = 1 - (int)side;

    (void)pthread_mutex_lock(&desk->lock);
    desk->up[side] = true;
    desk->fresh = desk->fresh || fresh;
    desk->blocked = desk->blocked && side != MC_AMQP_PUBLISHER;
    desk->nudged[other] = !desk->up[other];
    mc_amqp_ring(desk->side_fd[other]);
    mc_amqp_ring(desk->agent_fd);
    (void)pthread_mutex_unlock(&desk->lock);
}

static void give_up_letters(struct mc_amqp_desk *desk)
{
    struct mc_amqp_letters *const lists[] = {&desk->sent, &desk->queued};
    struct mc_amqp_letter *letter;

    for (int i = 0; i < 2; i++)
        while ((letter = mc_amqp_letters_take(lists[i])) != NULL)
            mc_amqp_desk_finish(desk, letter, MCOS_E_AWAY);
}

void mc_amqp_desk_down(struct mc_amqp_desk *desk, enum mc_amqp_side_name side, int err,
                       const char *text)
{
    (void)pthread_mutex_lock(&desk->lock);
    (void)snprintf(desk->trouble, sizeof(desk->trouble), "%s", text);
    desk->fall_err = err;
    if ((desk->up[0] && desk->up[1]) ||
        (desk->told == MC_AMQP_TOLD_NOTHING && desk->falls == 0))
        desk->falls++;
    desk->up[side] = false;
    give_up_letters(desk);
    if (side == MC_AMQP_CONSUMER) {
        mc_amqp_desk_forget(desk);
        desk->recheck = false;
        desk->yield = false;
    }
    mc_amqp_ring(desk->agent_fd);
    (void)pthread_mutex_unlock(&desk->lock);
}

void mc_amqp_desk_socket(struct mc_amqp_desk *desk, enum mc_amqp_side_name side, int fd)
{
    (void)pthread_mutex_lock(&desk->lock);
    desk->socket[side] = fd;
    (void)pthread_mutex_unlock(&desk->lock);
}

bool mc_amqp_desk_stopping(struct mc_amqp_desk *desk)
{
    bool stopping;

    (void)pthread_mutex_lock(&desk->lock);
    stopping = desk->stopping;
    (void)pthread_mutex_unlock(&desk->lock);
    return stopping;
}

void mc_amqp_desk_heard(struct mc_amqp_desk *desk, enum mc_amqp_side_name side)
{
    mc_amqp_drain(desk->side_fd[side]);
}

bool mc_amqp_desk_pause(struct mc_amqp_desk *desk, enum mc_amqp_side_name side,
                        uint64_t ms)
{
    uint64_t until = desk->clock->now_ms(desk->clock) + ms;

    /* The other may have come up while this one tried: that is no reason to hurry. */
    (void)pthread_mutex_lock(&desk->lock);
    desk->nudged[side] = false;
    (void)pthread_mutex_unlock(&desk->lock);
    for (;;) {
        struct pollfd p = {.fd = desk->side_fd[side], .events = POLLIN};
        uint64_t now = desk->clock->now_ms(desk->clock);
        bool stopping, nudged;

        mc_amqp_drain(desk->side_fd[side]);
        (void)pthread_mutex_lock(&desk->lock);
        stopping = desk->stopping;
        nudged = desk->nudged[side];
        (void)pthread_mutex_unlock(&desk->lock);
        if (stopping || nudged || now >= until)
            return stopping;
        (void)poll(&p, 1, (int)(until - now));
    }
}

/* ---- the publisher ---- */

int mc_amqp_desk_take(struct mc_amqp_desk *desk, uint64_t tag,
                      struct mc_letter_head *ret_head, struct mc_blob **ret_body)
{
    struct mc_amqp_letter *letter = NULL;

    (void)pthread_mutex_lock(&desk->lock);
    if (!desk->blocked && desk->up[0] && desk->up[1])
        letter = mc_amqp_letters_take(&desk->queued);
    if (letter != NULL) {
        letter->tag = tag;
        letter->due_ms = desk->clock->now_ms(desk->clock) + MC_AMQP_CONFIRM_MS;
        mc_amqp_letters_add(&desk->sent, letter);
        *ret_head = letter->head;
        *ret_body = mc_blob_ref(letter->body);
    }
    (void)pthread_mutex_unlock(&desk->lock);
    return letter == NULL ? MCOS_E_EMPTY : 0;
}

/* Confirmations come nearly in order, so what is looked for is near the front. */
void mc_amqp_desk_settle(struct mc_amqp_desk *desk, uint64_t tag, bool multiple,
                         int err)
{
    struct mc_amqp_letters kept = {0};
    struct mc_amqp_letter *letter;

    (void)pthread_mutex_lock(&desk->lock);
    while (desk->sent.first != NULL && desk->sent.first->tag <= tag) {
        letter = mc_amqp_letters_take(&desk->sent);
        if (multiple || letter->tag == tag)
            mc_amqp_desk_finish(desk, letter, err);
        else
            mc_amqp_letters_add(&kept, letter);
    }
    if (kept.last != NULL) {
        kept.last->next = desk->sent.first;
        desk->sent.first = kept.first;
        if (desk->sent.last == NULL)
            desk->sent.last = kept.last;
    }
    (void)pthread_mutex_unlock(&desk->lock);
}

void mc_amqp_desk_refuse_largest(struct mc_amqp_desk *desk, size_t max)
{
    struct mc_amqp_letter *largest = NULL;
    size_t most = 0;

    (void)pthread_mutex_lock(&desk->lock);
    for (struct mc_amqp_letter *l = desk->sent.first; l != NULL; l = l->next) {
        size_t len = mc_blob_get(l->body).len;

        if (largest == NULL || len > most) {
            largest = l;
            most = len;
        }
    }
    if (largest != NULL) {
        struct mc_amqp_letters all = desk->sent;
        struct mc_amqp_letter *l;

        desk->refused_max = max != 0 ? max : most - (most > 0);
        desk->refused_ms = desk->clock->now_ms(desk->clock) + MC_AMQP_REFUSED_MS;
        desk->sent = (struct mc_amqp_letters){0};
        while ((l = mc_amqp_letters_take(&all)) != NULL) {
            if (l == largest)
                mc_amqp_desk_finish(desk, l, MCOS_E_TOOBIG);
            else
                mc_amqp_letters_add(&desk->sent, l);
        }
    }
    (void)pthread_mutex_unlock(&desk->lock);
}

void mc_amqp_desk_blocked(struct mc_amqp_desk *desk, bool blocked)
{
    (void)pthread_mutex_lock(&desk->lock);
    if (blocked && !desk->blocked) {
        desk->fall_err = MCOS_E_FULL;
        desk->falls++;
        give_up_letters(desk);
    }
    desk->blocked = blocked;
    mc_amqp_ring(desk->agent_fd);
    (void)pthread_mutex_unlock(&desk->lock);
}

void mc_amqp_desk_unheard(struct mc_amqp_desk *desk, bool to_all)
{
    (void)pthread_mutex_lock(&desk->lock);
    desk->unheard++;
    desk->recheck = desk->recheck || to_all;
    if (to_all)
        mc_amqp_ring(desk->side_fd[MC_AMQP_CONSUMER]);
    mc_amqp_ring(desk->agent_fd);
    (void)pthread_mutex_unlock(&desk->lock);
}

bool mc_amqp_desk_drained(struct mc_amqp_desk *desk)
{
    bool drained;

    (void)pthread_mutex_lock(&desk->lock);
    drained =
        desk->stopping && ((desk->queued.first == NULL && desk->sent.first == NULL) ||
                           desk->blocked || !desk->up[0] || !desk->up[1] ||
                           desk->clock->now_ms(desk->clock) >= desk->stop_ms);
    (void)pthread_mutex_unlock(&desk->lock);
    return drained;
}

/* ---- the consumer ---- */

int mc_amqp_desk_deliver(struct mc_amqp_desk *desk, enum mc_bus_queue queue,
                         struct mc_amqp_parcel *parcel)
{
    unsigned most =
        queue == MC_QUEUE_TALK ? MC_AMQP_TALK_PREFETCH : MC_AMQP_RECORDS_PREFETCH;
    struct mc_amqp_arrival *a = calloc(1, sizeof(*a));
    int err = a == NULL ? MCOS_E_NOMEM : 0;

    if (err == 0 && !parcel->own && !parcel->bad)
        err = mc_blob_from_buf(&parcel->body, &a->event.body);
    if (err != 0) {
        free(a);
        return err;
    }
    a->event.kind = MC_BUS_MESSAGE;
    a->event.queue = queue;
    a->event.own = parcel->own;
    a->event.head = parcel->head;
    a->tag = parcel->tag;
    (void)pthread_mutex_lock(&desk->lock);
    a->came_ms = desk->clock->now_ms(desk->clock);
    if (desk->unacked[queue] == most) {
        err = MCOS_E_FORMAT;
    } else if (parcel->bad) {
        desk->unacked[queue]++;
        desk->dropped++;
        mc_amqp_desk_add_ack(desk, queue, parcel->tag);
    } else {
        struct mc_amqp_arrivals *list = &desk->in[queue];

        desk->unacked[queue]++;
        if (list->last != NULL)
            list->last->next = a;
        else
            list->first = a;
        list->last = a;
        a = NULL;
    }
    (void)pthread_mutex_unlock(&desk->lock);
    mc_amqp_ring(desk->agent_fd); /* not before: who wakes wants the lock */
    if (a != NULL)
        mc_blob_unref(a->event.body);
    free(a);
    return err;
}

int mc_amqp_desk_patience(struct mc_amqp_desk *desk, int ms)
{
    bool waiting;

    (void)pthread_mutex_lock(&desk->lock);
    waiting = desk->unacked[MC_QUEUE_TALK] > 0 || desk->ack_count > 0;
    (void)pthread_mutex_unlock(&desk->lock);
    return waiting && ms > MC_AMQP_ACKS_MS ? MC_AMQP_ACKS_MS : ms;
}

/* The first letter of talk that is not to be acknowledged yet. */
static uint64_t first_kept(const struct mc_amqp_desk *desk)
{
    const struct mc_amqp_arrival *a = desk->in[MC_QUEUE_TALK].first;
    uint64_t first = a == NULL ? UINT64_MAX : a->tag;

    for (size_t i = 0; i < MC_AMQP_OUT_MAX; i++)
        if (desk->out[i].delivery != 0 && desk->out[i].queue == MC_QUEUE_TALK &&
            desk->out[i].tag < first)
            first = desk->out[i].tag;
    for (size_t i = 0; i < desk->ack_count; i++)
        if (desk->acks[i].queue == MC_QUEUE_TALK && desk->acks[i].tag < first)
            first = desk->acks[i].tag;
    return first;
}

/* Of talk before that one, the last stands for all. Returns how many are left. */
static size_t join_acks(struct mc_amqp_ack *acks, size_t count, uint64_t first)
{
    struct mc_amqp_ack last = {.queue = MC_QUEUE_TALK, .multiple = true};
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        if (acks[i].queue != MC_QUEUE_TALK || acks[i].tag >= first)
            acks[n++] = acks[i];
        else if (acks[i].tag > last.tag)
            last.tag = acks[i].tag;
    }
    if (last.tag != 0)
        acks[n++] = last;
    return n;
}

size_t mc_amqp_desk_take_acks(struct mc_amqp_desk *desk, struct mc_amqp_ack *ret_acks,
                              size_t max)
{
    size_t n;

    (void)pthread_mutex_lock(&desk->lock);
    n = desk->ack_count < max ? desk->ack_count : max;
    memcpy(ret_acks, desk->acks, n * sizeof(*ret_acks));
    memmove(desk->acks, desk->acks + n, (desk->ack_count - n) * sizeof(*ret_acks));
    desk->ack_count -= n;
    for (size_t i = 0; i < n; i++)
        desk->unacked[ret_acks[i].queue]--;
    n = join_acks(ret_acks, n, first_kept(desk));
    (void)pthread_mutex_unlock(&desk->lock);
    return n;
}

void mc_amqp_desk_spare(struct mc_amqp_desk *desk, bool spare)
{
    (void)pthread_mutex_lock(&desk->lock);
    desk->spare = spare;
    (void)pthread_mutex_unlock(&desk->lock);
}

bool mc_amqp_desk_yields(struct mc_amqp_desk *desk)
{
    bool yields;

    (void)pthread_mutex_lock(&desk->lock);
    yields = desk->yield;
    desk->yield = false;
    (void)pthread_mutex_unlock(&desk->lock);
    return yields;
}

bool mc_amqp_desk_recheck(struct mc_amqp_desk *desk)
{
    bool recheck;

    (void)pthread_mutex_lock(&desk->lock);
    recheck = desk->recheck;
    desk->recheck = false;
    (void)pthread_mutex_unlock(&desk->lock);
    return recheck;
}
