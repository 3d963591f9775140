/* SPDX-License-Identifier: Apache-2.0 */
/* port/log.h -- where lines for people go. Text is one line without its newline. */
#ifndef MCOS_PORT_LOG_H
#define MCOS_PORT_LOG_H

enum mc_log_level { MC_LOG_ERROR, MC_LOG_WARN, MC_LOG_INFO, MC_LOG_DEBUG };

struct mc_log {
    void (*line)(struct mc_log *log, enum mc_log_level level, const char *text);
};

#endif /* MCOS_PORT_LOG_H */
