/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/amqp/letter.c -- heads and headers. */
#include "adapter/amqp/letter.h"

#include "base/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool mc_amqp_key_queue(const char *key, enum mc_bus_queue *ret_queue)
{
    size_t len = strnlen(key, MC_BUS_KEY_MAX);
    bool ring = strncmp(key, "ring", 4) == 0;

    if (len == MC_BUS_KEY_MAX || (!ring && strncmp(key, "talk", 4) != 0))
        return false;
    if (len != 4 && (key[4] != '.' || !mc_name_ok(key + 5)))
        return false;
    *ret_queue = ring ? MC_QUEUE_RECORDS : MC_QUEUE_TALK;
    return true;
}

size_t mc_amqp_body_max(enum mc_bus_queue queue)
{
    return MC_HEAD_BYTES_MAX +
           (queue == MC_QUEUE_RECORDS ? MC_PACKED_BYTES_MAX : MC_TALK_BYTES_MAX);
}

static amqp_table_entry_t text(const char *key, const char *value)
{
    return (amqp_table_entry_t){
        .key = amqp_cstring_bytes(key),
        .value = {.kind = AMQP_FIELD_KIND_UTF8,
                  .value = {.bytes = amqp_cstring_bytes(value)}}};
}

static amqp_table_entry_t number(const char *key, uint64_t value)
{
    return (amqp_table_entry_t){
        .key = amqp_cstring_bytes(key),
        .value = {.kind = AMQP_FIELD_KIND_I64, .value = {.i64 = (int64_t)value}}};
}

void mc_amqp_letter_write(const struct mc_letter_head *head, uint64_t talk_ttl_ms,
                          struct mc_amqp_paper *paper)
{
    amqp_basic_properties_t *p = &paper->properties;
    amqp_table_entry_t *h = paper->headers;
    int n = 0;

    mc_hex(paper->from_uid, head->from_uid, MC_UID_BYTES);
    h[n++] = text("from", head->from.s);
    h[n++] = text("from_uid", paper->from_uid);
    h[n++] = number("sequence", head->sequence);
    if (head->ring_name.s[0] != '\0') {
        h[n++] = text("ring_name", head->ring_name.s);
        h[n++] = number("version", head->version);
        h[n++] = number("timestamp", head->timestamp);
    }
    *p = (amqp_basic_properties_t){
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
                  AMQP_BASIC_HEADERS_FLAG,
        .content_type = amqp_cstring_bytes("application/x-mcos"),
        .delivery_mode = AMQP_DELIVERY_PERSISTENT,
        .headers = {.num_entries = n, .entries = h}};
    if (head->key[0] == 't') {
        (void)snprintf(paper->expiration, sizeof(paper->expiration), "%" PRIu64,
                       talk_ttl_ms);
        p->_flags |= AMQP_BASIC_EXPIRATION_FLAG;
        p->expiration = amqp_cstring_bytes(paper->expiration);
        p->delivery_mode = AMQP_DELIVERY_NONPERSISTENT;
    }
}

static bool is_key(const amqp_table_entry_t *e, const char *key)
{
    return e->key.len == strlen(key) && memcmp(e->key.bytes, key, e->key.len) == 0;
}

static void read_name(const amqp_field_value_t *v, struct mc_name *ret)
{
    char name[MC_NAME_MAX + 1] = "";

    if (v->kind != AMQP_FIELD_KIND_UTF8 || v->value.bytes.len == 0 ||
        v->value.bytes.len > MC_NAME_MAX)
        return;
    memcpy(name, v->value.bytes.bytes, v->value.bytes.len);
    if (strlen(name) == v->value.bytes.len)
        (void)mc_name_set(ret, name);
}

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void read_uid(const amqp_field_value_t *v, uint8_t ret[MC_UID_BYTES])
{
    const uint8_t *hex = v->value.bytes.bytes;
    uint8_t uid[MC_UID_BYTES];

    if (v->kind != AMQP_FIELD_KIND_UTF8 || v->value.bytes.len != 2 * MC_UID_BYTES)
        return;
    for (size_t i = 0; i < MC_UID_BYTES; i++) {
        int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return;
        uid[i] = (uint8_t)(high * 16 + low);
    }
    memcpy(ret, uid, MC_UID_BYTES);
}

/* Other libraries may have chosen another width on the way (a shovel, a test). */
static void read_number(const amqp_field_value_t *v, uint64_t *ret)
{
    if (v->kind == AMQP_FIELD_KIND_I64)
        *ret = (uint64_t)v->value.i64;
    else if (v->kind == AMQP_FIELD_KIND_U64 || v->kind == AMQP_FIELD_KIND_TIMESTAMP)
        *ret = v->value.u64;
    else if (v->kind == AMQP_FIELD_KIND_I32 && v->value.i32 >= 0)
        *ret = (uint64_t)v->value.i32;
}

void mc_amqp_letter_read(const amqp_basic_properties_t *properties,
                         struct mc_letter_head *ret_head)
{
    const amqp_table_t *headers = &properties->headers;

    if ((properties->_flags & AMQP_BASIC_HEADERS_FLAG) == 0)
        return;
    for (int i = 0; i < headers->num_entries; i++) {
        const amqp_table_entry_t *e = &headers->entries[i];

        if (is_key(e, "from"))
            read_name(&e->value, &ret_head->from);
        else if (is_key(e, "from_uid"))
            read_uid(&e->value, ret_head->from_uid);
        else if (is_key(e, "sequence"))
            read_number(&e->value, &ret_head->sequence);
        else if (is_key(e, "ring_name"))
            read_name(&e->value, &ret_head->ring_name);
        else if (is_key(e, "version"))
            read_number(&e->value, &ret_head->version);
        else if (is_key(e, "timestamp"))
            read_number(&e->value, &ret_head->timestamp);
    }
}
