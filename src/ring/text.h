/* SPDX-License-Identifier: Apache-2.0 */
/* ring/text.h -- an arena: copies that all go at once, with the draft that owns them.
 */
#ifndef MCOS_RING_TEXT_H
#define MCOS_RING_TEXT_H

#include "base/bytes.h"

struct mc_text;

/*
 * Room for n bytes in the arena *texts (NULL: empty yet), or NULL when memory is
 * out. Not aligned. Lent until mc_text_free.
 */
uint8_t *mc_text_room(struct mc_text **texts, size_t n);
void mc_text_free(struct mc_text *texts); /* NULL is fine */

#endif /* MCOS_RING_TEXT_H */
