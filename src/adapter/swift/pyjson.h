/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/swift/pyjson.h -- JSON as Python's json.dumps(sort_keys=True) writes it:
 * ASCII, ", " and ": " between, keys in the order of their characters.
 */
#ifndef MCOS_ADAPTER_SWIFT_PYJSON_H
#define MCOS_ADAPTER_SWIFT_PYJSON_H

#include "base/bytes.h"

#include <jansson.h>

/* Appends a value of at most sixteen levels; b->err tells. */
void mc_pyjson_put(struct mc_buf *b, const json_t *value);

#endif /* MCOS_ADAPTER_SWIFT_PYJSON_H */
