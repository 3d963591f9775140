/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/json_out.h -- what every answer is made of: texts, numbers, stamps, times.
 *
 * A member that cannot be added because memory is out is left out; the answer as a
 * whole then fails in mc_json_answer, if memory is still out.
 */
#ifndef MCOS_NODE_JSON_OUT_H
#define MCOS_NODE_JSON_OUT_H

#include "port/serve.h"
#include "ring/record.h"

#include <jansson.h>

#define MC_TIME_TEXT_MAX 80u

/* A text; bytes that are not UTF-8 become '?'. */
void mc_json_put_text(json_t *object, const char *name, const char *text);
/* next_partition_power of a ring: a number or null. */
void mc_json_put_next_power(json_t *object, const struct mc_head *head);
void mc_json_put_int(json_t *object, const char *name, uint64_t value);
void mc_json_put_real(json_t *object, const char *name, double value);
void mc_json_put_bool(json_t *object, const char *name, bool value);
void mc_json_put_hex(json_t *object, const char *name, const uint8_t *bytes, size_t n);
/* RFC 3339 UTC with milliseconds; null for 0. */
void mc_json_put_time(json_t *object, const char *name, uint64_t ns);
/* stamp, epoch, version, digest. */
void mc_json_put_stamp(json_t *object, const struct mc_head *head);

/* "2026-01-02T10:00:00.000Z" of nanoseconds since 1970. */
void mc_time_format(uint64_t ns, char dst[MC_TIME_TEXT_MAX]);

/* Makes it the body, with status and media type; gives take_doc back. */
void mc_json_answer(struct mc_response *response, int status, json_t *take_doc);

#endif /* MCOS_NODE_JSON_OUT_H */
