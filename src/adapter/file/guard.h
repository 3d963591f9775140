/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/file/guard.h -- a mapped file that is cut short spoils its ring, and not the
 * process.
 *
 * Who reads a mapping beyond the end of its file gets SIGBUS. For mappings that are
 * guarded that means: zeros are read instead, and their blob is spoilt, which who
 * reads a ring asks afterwards (docs/adr/0013). A SIGBUS anywhere else goes to whatever
 * handler there was before, or ends the process as ever.
 */
#ifndef MCOS_ADAPTER_FILE_GUARD_H
#define MCOS_ADAPTER_FILE_GUARD_H

#include "base/blob.h"

/*
 * Guards `bytes` from `start` on, a page's beginning, until mc_guard_remove. The blob
 * must live as long. The first one installs the handler. Any thread. Fails with NOMEM.
 */
int mc_guard_add(void *start, size_t bytes, struct mc_blob *blob);
/* Before it is unmapped. Any thread. */
void mc_guard_remove(const void *start);

#endif /* MCOS_ADAPTER_FILE_GUARD_H */
