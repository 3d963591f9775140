/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service/document.h -- what the service says, as JSON (docs/api.md): the agent's
 * documents, made of a view.
 *
 * All append to a buffer, whose `err` tells whether memory lasted.
 */
#ifndef MCOS_SERVICE_DOCUMENT_H
#define MCOS_SERVICE_DOCUMENT_H

#include "base/bytes.h"
#include "mcos/resolver.h"

/* The document of a look-up, without its end; what the version before answers, or null
 * (NULL); the end. Fail with DIGEST. */
int mc_doc_lookup(const struct mcos_view *view, const struct mcos_answer *answer,
                  const uint32_t *handoffs, size_t handoff_count, struct mc_buf *b);
int mc_doc_previous(const struct mcos_view *before, const struct mcos_answer *answer,
                    struct mc_buf *b);
void mc_doc_end(struct mc_buf *b);

/* A batch: head, one answer for each key, tail, end. `seen` has a bit for each id below
 * device_slots, all 0 at the beginning, and gathers the devices that the tail tells.
 * With the version before: its answer after each answer of the one in force, and its
 * own tail (before NULL: null). */
void mc_doc_batch_head(const struct mcos_view *view, const struct mcos_answer *any,
                       struct mc_buf *b);
void mc_doc_batch_answer(const struct mcos_answer *answer, uint8_t *seen,
                         struct mc_buf *b);
void mc_doc_batch_answer_previous(const struct mcos_answer *answer, uint8_t *seen,
                                  struct mc_buf *b);
void mc_doc_batch_answer_end(struct mc_buf *b);
int mc_doc_batch_tail(const struct mcos_view *view, const uint8_t *seen,
                      struct mc_buf *b);
int mc_doc_batch_previous(const struct mcos_view *before, const uint8_t *seen,
                          struct mc_buf *b);

/* A ring that is followed; view NULL: it is not held. `devices`: with all of them.
 * Fails with DIGEST. */
int mc_doc_ring(const char *name, struct mcos_ring *ring, const struct mcos_view *view,
                bool devices, struct mc_buf *b);

#endif /* MCOS_SERVICE_DOCUMENT_H */
