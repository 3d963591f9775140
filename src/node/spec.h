/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node/spec.h -- the spec as JSON: what `mcos ring create -f` reads and what
 * PUT /v1/rings/{ring} takes.
 *
 * Unknown and duplicate keys, wrong types, depth, numbers that are not finite:
 * refused with a JSON pointer. `partition_power` and `devices` are required;
 * `replicas` is 3 and `hash` is xxh3 unless given; of a device `name` and `weight`
 * (a number, or a text that is one) are required.
 */
#ifndef MCOS_NODE_SPEC_H
#define MCOS_NODE_SPEC_H

#include "ring/ring.h"
#include "ring/spec.h"

struct mc_spec_doc; /* owns the memory behind spec */

/*
 * Parses and checks (mc_spec_check). On success *ret_doc is yours. A device
 * without cluster gets its own name as cluster if that is a name; without host,
 * its name. Fails with JSON, FIELD, VALUE, TOOBIG, NOMEM and as mc_spec_check.
 */
int mc_spec_parse(struct mc_bytes text, struct mc_spec_doc **ret_doc,
                  struct mcos_diag *diag);
const struct mc_spec *mc_spec_doc_get(const struct mc_spec_doc *doc); /* lent */
void mc_spec_doc_free(struct mc_spec_doc *doc);                       /* NULL is fine */

/* The spec that a ring was made from, as JSON text into b (indented, newline at
 * the end): feed it back and nothing changes. Fails with NOMEM, DELETED (a tombstone).
 */
int mc_spec_of_ring(const struct mc_ring *ring, struct mc_buf *b);

#endif /* MCOS_NODE_SPEC_H */
