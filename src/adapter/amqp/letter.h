/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/amqp/letter.h -- a letter's head as AMQP properties and back.
 *
 * The headers are of the plainest types, so that any consumer reads them:
 *
 *     ring_name, version, timestamp   text, integer, integer; only with a record
 *     from, from_uid                  text: the cluster's name, 32 hex digits
 *     sequence                        integer; a number from 2^63 on looks negative
 *
 * Content type application/x-mcos. Records are persistent; talk is transient and
 * expires after the sender's three delta_t.
 */
#ifndef MCOS_ADAPTER_AMQP_LETTER_H
#define MCOS_ADAPTER_AMQP_LETTER_H

#include "port/bus.h"

#include <amqp.h>
#include <amqp_framing.h>

#define MC_AMQP_HEADERS_MAX 6

/* What the properties point into. */
struct mc_amqp_paper {
    amqp_basic_properties_t properties;
    amqp_table_entry_t headers[MC_AMQP_HEADERS_MAX];
    char from_uid[2 * MC_UID_BYTES + 1];
    char expiration[24];
};

/* Which queue a key leads to; false if it is not a key of the bus. */
bool mc_amqp_key_queue(const char *key, enum mc_bus_queue *ret_queue);

/* Bytes a body may have. */
size_t mc_amqp_body_max(enum mc_bus_queue queue);

/* head is lent to the paper. */
void mc_amqp_letter_write(const struct mc_letter_head *head, uint64_t talk_ttl_ms,
                          struct mc_amqp_paper *paper);

/* Fills all but the key. Anybody may send anything: what is missing or not valid
 * stays empty. */
void mc_amqp_letter_read(const amqp_basic_properties_t *properties,
                         struct mc_letter_head *ret_head);

#endif /* MCOS_ADAPTER_AMQP_LETTER_H */
