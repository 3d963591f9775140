/* SPDX-License-Identifier: Apache-2.0 */
/* node/json_out.c -- values to JSON. */
#include "node/json_out.h"

#include "sync/stamp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRECISION 15 /* digits of a real: what a decimal keeps through a double */

void mc_json_put_text(json_t *object, const char *name, const char *text)
{
    json_t *value = json_string(text);

    if (value == NULL) {
        char *copy = strdup(text);

        for (char *p = copy; p != NULL && *p != '\0'; p++) {
            if ((unsigned char)*p >= 0x80)
                *p = '?';
        }
        if (copy != NULL)
            value = json_string(copy);
        free(copy);
    }
    (void)json_object_set_new(object, name, value);
}

void mc_json_put_next_power(json_t *object, const struct mc_head *head)
{
    if (head->next_part_power == MC_NO_NEXT_PART_POWER)
        (void)json_object_set_new(object, "next_partition_power", json_null());
    else
        mc_json_put_int(object, "next_partition_power", head->next_part_power);
}

void mc_json_put_int(json_t *object, const char *name, uint64_t value)
{
    (void)json_object_set_new(object, name, json_integer((json_int_t)value));
}

void mc_json_put_real(json_t *object, const char *name, double value)
{
    (void)json_object_set_new(object, name, json_real(value));
}

void mc_json_put_bool(json_t *object, const char *name, bool value)
{
    (void)json_object_set_new(object, name, json_boolean(value));
}

void mc_json_put_hex(json_t *object, const char *name, const uint8_t *bytes, size_t n)
{
    char text[2 * MC_DIGEST_BYTES + 1];

    if (n > MC_DIGEST_BYTES)
        n = MC_DIGEST_BYTES;
    mc_hex(text, bytes, n);
    (void)json_object_set_new(object, name, json_string(text));
}

/* Days since 1970 to a date of our calendar: the year is counted from 1 March, so
 * that the leap day is its last. */
void mc_time_format(uint64_t ns, char dst[MC_TIME_TEXT_MAX])
{
    uint64_t seconds = ns / 1000000000u;
    unsigned ms = (unsigned)(ns / 1000000u % 1000u);
    unsigned of_day = (unsigned)(seconds % 86400u);
    uint64_t day = seconds / 86400u + 719468u; /* since 0000-03-01 */
    uint64_t era = day / 146097u;
    unsigned of_era = (unsigned)(day % 146097u);
    unsigned year =
        (of_era - of_era / 1460u + of_era / 36524u - of_era / 146096u) / 365u;
    unsigned of_year = of_era - (365u * year + year / 4u - year / 100u);
    unsigned month = (5u * of_year + 2u) / 153u; /* 0: March */
    unsigned mday = of_year - (153u * month + 2u) / 5u + 1u;

    (void)snprintf(dst, MC_TIME_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                   (unsigned)(era * 400u) + year + (month >= 10u ? 1u : 0u),
                   month < 10u ? month + 3u : month - 9u, mday, of_day / 3600u,
                   of_day / 60u % 60u, of_day % 60u, ms);
}

void mc_json_put_time(json_t *object, const char *name, uint64_t ns)
{
    char text[MC_TIME_TEXT_MAX];

    if (ns == 0) {
        (void)json_object_set_new(object, name, json_null());
        return;
    }
    mc_time_format(ns, text);
    (void)json_object_set_new(object, name, json_string(text));
}

void mc_json_put_stamp(json_t *object, const struct mc_head *head)
{
    struct mc_stamp stamp = mc_stamp_of(head);
    char text[MC_STAMP_TEXT_MAX];

    mc_stamp_format(&stamp, text);
    mc_json_put_text(object, "stamp", text);
    mc_json_put_int(object, "epoch", head->epoch);
    mc_json_put_int(object, "version", head->version);
    mc_json_put_hex(object, "digest", head->digest, MC_DIGEST_BYTES);
}

static int append(const char *bytes, size_t size, void *ctx)
{
    struct mc_buf *b = ctx;

    mc_buf_put(b, bytes, size);
    return b->err;
}

void mc_json_answer(struct mc_response *response, int status, json_t *take_doc)
{
    mc_buf_clear(&response->body);
    response->status = status;
    response->content_type = "application/json";
    if (json_dump_callback(take_doc, append, &response->body,
                           JSON_REAL_PRECISION(PRECISION)) != 0 &&
        response->body.err == 0)
        response->body.err = MCOS_E_NOMEM;
    mc_buf_u8(&response->body, '\n');
    json_decref(take_doc);
}
