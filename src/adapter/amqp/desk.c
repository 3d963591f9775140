/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/amqp/desk.c -- the agent's half of the desk, and what ties both. */
#include "adapter/amqp/desk_in.h"

#include "mcos/err.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void tell_state(struct mc_amqp_desk *desk, struct mc_bus_event *ev, bool *ret);
static void expire_letters(struct mc_amqp_desk *desk, uint64_t now);
static bool take_confirm(struct mc_amqp_desk *desk, struct mc_bus_event *ret_event);
static bool take_arrival(struct mc_amqp_desk *desk, uint64_t now,
                         struct mc_bus_event *ret_event);

void mc_amqp_ring(int fd)
{
    const uint64_t one = 1;

    if (write(fd, &one, sizeof(one)) < 0)
        return; /* it cannot be fuller than full: it is readable */
}

void mc_amqp_drain(int fd)
{
    uint64_t count;

    if (read(fd, &count, sizeof(count)) < 0)
        return; /* nobody rang */
}

void mc_amqp_letters_add(struct mc_amqp_letters *list, struct mc_amqp_letter *letter)
{
    letter->next = NULL;
    if (list->last != NULL)
        list->last->next = letter;
    else
        list->first = letter;
    list->last = letter;
}

struct mc_amqp_letter *mc_amqp_letters_take(struct mc_amqp_letters *list)
{
    struct mc_amqp_letter *letter = list->first;

    if (letter != NULL)
        list->first = letter->next;
    if (list->first == NULL)
        list->last = NULL;
    return letter;
}

int mc_amqp_desk_init(struct mc_amqp_desk *desk, struct mc_clock *clock,
                      uint64_t talk_ttl_ms)
{
    pthread_condattr_t attr;

    *desk = (struct mc_amqp_desk){.clock = clock,
                                  .talk_ttl_ms = talk_ttl_ms,
                                  .socket = {-1, -1},
                                  .body_max = SIZE_MAX,
                                  .refused_max = SIZE_MAX,
                                  /* numbers of an earlier life mean nothing here */
                                  .delivery = clock->wall_ns(clock)};
    (void)pthread_mutex_init(&desk->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&desk->ended, &attr);
    (void)pthread_condattr_destroy(&attr);
    desk->agent_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    for (int i = 0; i < 2; i++)
        desk->side_fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return desk->agent_fd < 0 || desk->side_fd[0] < 0 || desk->side_fd[1] < 0
               ? MCOS_E_IO
               : 0;
}

void mc_amqp_desk_fini(struct mc_amqp_desk *desk)
{
    struct mc_amqp_letters *const lists[] = {&desk->queued, &desk->sent, &desk->done};
    struct mc_amqp_letter *letter;

    assert(!desk->running[0] && !desk->running[1]);
    for (int i = 0; i < 3; i++)
        while ((letter = mc_amqp_letters_take(lists[i])) != NULL) {
            mc_blob_unref(letter->body);
            free(letter);
        }
    mc_amqp_desk_forget(desk);
    for (int i = 0; i < 2; i++)
        if (desk->side_fd[i] >= 0)
            close(desk->side_fd[i]);
    if (desk->agent_fd >= 0)
        close(desk->agent_fd);
    (void)pthread_cond_destroy(&desk->ended);
    (void)pthread_mutex_destroy(&desk->lock);
}

void mc_amqp_desk_forget(struct mc_amqp_desk *desk)
{
    for (int i = 0; i < 2; i++) {
        struct mc_amqp_arrival *a;

        while ((a = desk->in[i].first) != NULL) {
            desk->in[i].first = a->next;
            mc_blob_unref(a->event.body);
            free(a);
        }
        desk->in[i].last = NULL;
        desk->unacked[i] = 0;
    }
    memset(desk->out, 0, sizeof(desk->out));
    desk->ack_count = 0;
}

void mc_amqp_desk_finish(struct mc_amqp_desk *desk, struct mc_amqp_letter *letter,
                         int err)
{
    desk->letter_bytes -= mc_blob_get(letter->body).len;
    mc_blob_unref(letter->body);
    letter->body = NULL;
    letter->err = err;
    mc_amqp_letters_add(&desk->done, letter);
    mc_amqp_ring(desk->agent_fd);
}

/* ---- what the agent hands over ---- */

static size_t body_max(const struct mc_amqp_desk *desk)
{
    if (desk->clock->now_ms(desk->clock) >= desk->refused_ms ||
        desk->body_max < desk->refused_max)
        return desk->body_max;
    return desk->refused_max;
}

size_t mc_amqp_desk_body_max(struct mc_amqp_desk *desk)
{
    size_t max;

    (void)pthread_mutex_lock(&desk->lock);
    max = body_max(desk);
    (void)pthread_mutex_unlock(&desk->lock);
    return max;
}

int mc_amqp_desk_put(struct mc_amqp_desk *desk, const struct mc_letter_head *head,
                     struct mc_bytes body, uint64_t token)
{
    enum mc_bus_queue queue;
    struct mc_amqp_letter *letter;
    bool room, refused, up;

    if (!mc_amqp_key_queue(head->key, &queue) || head->sequence == 0 ||
        !mc_name_ok(head->from.s) ||
        (head->ring_name.s[0] != '\0' && !mc_name_ok(head->ring_name.s)))
        return MCOS_E_VALUE;
    if (body.len > mc_amqp_body_max(queue))
        return MCOS_E_TOOBIG;
    (void)pthread_mutex_lock(&desk->lock);
    room = desk->letter_count < MC_AMQP_LETTERS_MAX &&
           body.len <= MC_AMQP_BYTES_MAX - desk->letter_bytes;
    refused = body.len > body_max(desk);
    (void)pthread_mutex_unlock(&desk->lock); /* only we add: the room stays */
    if (!room || refused)
        return refused ? MCOS_E_TOOBIG : MCOS_E_BUSY;
    letter = calloc(1, sizeof(*letter));
    if (letter == NULL || mc_blob_new(body, &letter->body) != 0) {
        free(letter);
        return MCOS_E_NOMEM;
    }
    letter->head = *head;
    letter->token = token;
    (void)pthread_mutex_lock(&desk->lock);
    desk->letter_count++;
    desk->letter_bytes += body.len;
    up = desk->up[0] && desk->up[1] && !desk->blocked;
    if (up) {
        letter->due_ms = desk->clock->now_ms(desk->clock) + MC_AMQP_SEND_MS;
        mc_amqp_letters_add(&desk->queued, letter);
    } else {
        mc_amqp_desk_finish(desk, letter, MCOS_E_AWAY);
    }
    (void)pthread_mutex_unlock(&desk->lock);
    if (up) /* not before: who wakes wants the lock */
        mc_amqp_ring(desk->side_fd[MC_AMQP_PUBLISHER]);
    return 0;
}

void mc_amqp_desk_add_ack(struct mc_amqp_desk *desk, enum mc_bus_queue queue,
                          uint64_t tag)
{
    assert(desk->ack_count < MC_AMQP_OUT_MAX);
    desk->acks[desk->ack_count++] = (struct mc_amqp_ack){.queue = queue, .tag = tag};
}

void mc_amqp_desk_ack(struct mc_amqp_desk *desk, uint64_t delivery)
{
    bool due = false;

    (void)pthread_mutex_lock(&desk->lock);
    for (size_t i = 0; i < MC_AMQP_OUT_MAX && delivery != 0; i++) {
        struct mc_amqp_out *out = &desk->out[i];

        if (out->delivery != delivery)
            continue;
        mc_amqp_desk_add_ack(desk, out->queue, out->tag);
        due = out->queue == MC_QUEUE_RECORDS || desk->ack_count >= MC_AMQP_ACKS_TALK;
        *out = (struct mc_amqp_out){0};
        break;
    }
    (void)pthread_mutex_unlock(&desk->lock);
    if (due)
        mc_amqp_ring(desk->side_fd[MC_AMQP_CONSUMER]);
}

void mc_amqp_desk_yield(struct mc_amqp_desk *desk)
{
    (void)pthread_mutex_lock(&desk->lock);
    desk->yield = true;
    mc_amqp_ring(desk->side_fd[MC_AMQP_CONSUMER]);
    (void)pthread_mutex_unlock(&desk->lock);
}

/* ---- what the agent is told ---- */

static uint64_t wait_ms(const struct mc_amqp_desk *desk, uint64_t now)
{
    uint64_t due = UINT64_MAX;

    if (desk->queued.first != NULL)
        due = desk->queued.first->due_ms;
    if (desk->sent.first != NULL && desk->sent.first->due_ms < due)
        due = desk->sent.first->due_ms;
    if (due == UINT64_MAX)
        return due;
    return due > now ? due - now : 0;
}

int mc_amqp_desk_next(struct mc_amqp_desk *desk, struct mc_bus_event *ret_event,
                      uint64_t *ret_wait_ms)
{
    uint64_t now = desk->clock->now_ms(desk->clock);
    struct mc_bus_event event = {0};
    bool found = false;

    (void)pthread_mutex_lock(&desk->lock);
    expire_letters(desk, now);
    tell_state(desk, &event, &found);
    if (!found)
        found = take_confirm(desk, &event);
    if (!found && (desk->told == MC_AMQP_TOLD_UP || desk->blocked))
        found = take_arrival(desk, now, &event);
    if (!found) {
        mc_amqp_drain(desk->agent_fd);
        *ret_wait_ms = wait_ms(desk, now);
    }
    (void)pthread_mutex_unlock(&desk->lock);
    if (!found)
        return MCOS_E_EMPTY;
    *ret_event = event;
    return 0;
}

void mc_amqp_desk_news(struct mc_amqp_desk *desk, struct mc_amqp_news *ret_news)
{
    (void)pthread_mutex_lock(&desk->lock);
    *ret_news = (struct mc_amqp_news){.away = !desk->up[0] || !desk->up[1],
                                      .err = desk->fall_err,
                                      .blocked = desk->blocked,
                                      .spare = desk->spare,
                                      .unheard = desk->unheard,
                                      .dropped = desk->dropped};
    memcpy(ret_news->trouble, desk->trouble, sizeof(desk->trouble));
    (void)pthread_mutex_unlock(&desk->lock);
}

/* DOWN first, whatever came after it: the confirmations that follow belong to it. */
static void tell_state(struct mc_amqp_desk *desk, struct mc_bus_event *ev, bool *ret)
{
    if (desk->falls != desk->told_falls && desk->told != MC_AMQP_TOLD_DOWN) {
        desk->told_falls = desk->falls;
        desk->told = MC_AMQP_TOLD_DOWN;
        *ev = (struct mc_bus_event){.kind = MC_BUS_DOWN, .err = desk->fall_err};
        *ret = true;
    } else if (desk->told != MC_AMQP_TOLD_UP && desk->up[0] && desk->up[1] &&
               !desk->blocked && desk->done.first == NULL) {
        desk->told_falls = desk->falls;
        desk->told = MC_AMQP_TOLD_UP;
        *ev = (struct mc_bus_event){.kind = MC_BUS_UP, .fresh_queue = desk->fresh};
        desk->fresh = false;
        *ret = true;
    }
}

static void expire_letters(struct mc_amqp_desk *desk, uint64_t now)
{
    struct mc_amqp_letters *const lists[] = {&desk->queued, &desk->sent};

    for (int i = 0; i < 2; i++)
        while (lists[i]->first != NULL && lists[i]->first->due_ms <= now)
            mc_amqp_desk_finish(desk, mc_amqp_letters_take(lists[i]), MCOS_E_BUSY);
}

static bool take_confirm(struct mc_amqp_desk *desk, struct mc_bus_event *ret_event)
{
    struct mc_amqp_letter *letter = mc_amqp_letters_take(&desk->done);

    if (letter == NULL)
        return false;
    *ret_event = (struct mc_bus_event){
        .kind = MC_BUS_CONFIRM, .err = letter->err, .token = letter->token};
    desk->letter_count--;
    free(letter);
    return true;
}

static struct mc_amqp_arrival *take_first(struct mc_amqp_arrivals *list)
{
    struct mc_amqp_arrival *a = list->first;

    if (a != NULL)
        list->first = a->next;
    if (list->first == NULL)
        list->last = NULL;
    return a;
}

/* Talk is small: it goes first. What lay here too long is as old as if it had lain
 * in the queue. */
static bool take_arrival(struct mc_amqp_desk *desk, uint64_t now,
                         struct mc_bus_event *ret_event)
{
    struct mc_amqp_arrival *a;
    size_t i = 0;

    while ((a = take_first(&desk->in[MC_QUEUE_TALK])) != NULL) {
        if (now - a->came_ms <= desk->talk_ttl_ms)
            break;
        mc_amqp_desk_add_ack(desk, MC_QUEUE_TALK, a->tag);
        mc_blob_unref(a->event.body);
        free(a);
    }
    if (a == NULL)
        a = take_first(&desk->in[MC_QUEUE_RECORDS]);
    if (a == NULL)
        return false;
    while (desk->out[i].delivery != 0)
        i++; /* there is room: the broker keeps to the prefetch, deliver() sees to it */
    desk->out[i] = (struct mc_amqp_out){++desk->delivery, a->event.queue, a->tag};
    *ret_event = a->event;
    ret_event->delivery = desk->delivery;
    free(a);
    return true;
}
