/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/file/source.h -- rings for resolvers, from an agent's data folder on this
 * host (docs/operate.md, "Files").
 *
 * Files are mapped and shared: all resolvers of a host have one copy. A mapping stays
 * whole when its file is replaced or removed, as the agent does it. If somebody
 * writes into the file, or cuts it short, the ring is found out (mc_blob_spoil).
 * Every call comes back as soon as the file system answers.
 */
#ifndef MCOS_ADAPTER_FILE_SOURCE_H
#define MCOS_ADAPTER_FILE_SOURCE_H

#include "port/source.h"

/* The folder need not be there yet. On success *ret_source is yours (ops->close).
 * Fails with NOMEM. */
int mc_file_source_open(const char *data, struct mc_source **ret_source);

#endif /* MCOS_ADAPTER_FILE_SOURCE_H */
