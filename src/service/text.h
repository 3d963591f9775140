/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service/text.h -- JSON written straight into a buffer, spaced as the agent's is.
 *
 * A value is written after mc_text_key (in an object) or mc_text_item (in a list);
 * both write the comma that is due. Texts are UTF-8.
 */
#ifndef MCOS_SERVICE_TEXT_H
#define MCOS_SERVICE_TEXT_H

#include "base/bytes.h"

void mc_text_raw(struct mc_buf *b, const char *literal);
void mc_text_key(struct mc_buf *b, const char *name); /* , "name":  */
void mc_text_item(struct mc_buf *b);                  /* the comma before an item */

void mc_text_string(struct mc_buf *b, const char *text);
/* Bytes that are not ASCII become '?': of texts that nobody has looked at. */
void mc_text_foreign(struct mc_buf *b, const char *text);
void mc_text_number(struct mc_buf *b, uint64_t value);
void mc_text_bool(struct mc_buf *b, bool value);
void mc_text_hex(struct mc_buf *b, const uint8_t *bytes, size_t n); /* 32 at most */
void mc_text_time(struct mc_buf *b, int64_t ns);                    /* null for 0 */

#endif /* MCOS_SERVICE_TEXT_H */
