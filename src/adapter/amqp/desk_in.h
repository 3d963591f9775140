/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/amqp/desk_in.h -- what the two files of the desk share; the lock is held. */
#ifndef MCOS_ADAPTER_AMQP_DESK_IN_H
#define MCOS_ADAPTER_AMQP_DESK_IN_H

#include "adapter/amqp/desk.h"

void mc_amqp_drain(int fd);
void mc_amqp_letters_add(struct mc_amqp_letters *list, struct mc_amqp_letter *letter);
struct mc_amqp_letter *mc_amqp_letters_take(struct mc_amqp_letters *list);
/* The letter is done: its confirmation waits to be told. */
void mc_amqp_desk_finish(struct mc_amqp_desk *desk, struct mc_amqp_letter *letter,
                         int err);
/* Deliveries, here and with the agent: the broker will bring them again. */
void mc_amqp_desk_forget(struct mc_amqp_desk *desk);
/* Nobody is told: see mc_amqp_desk_patience. */
void mc_amqp_desk_add_ack(struct mc_amqp_desk *desk, enum mc_bus_queue queue,
                          uint64_t tag);

#endif /* MCOS_ADAPTER_AMQP_DESK_IN_H */
