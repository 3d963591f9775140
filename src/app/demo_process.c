/* SPDX-License-Identifier: Apache-2.0 */
/* app/demo_process.c -- processes of the demo. */
#include "app/demo_process.h"

#include "app/api.h"
#include "app/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_MS  3000u
#define LOG_TAIL 2000
#define POLL_MS  50

extern char **environ;

/* In the child: never returns. Only calls that are safe after fork. */
static void become(const struct mc_process_how *how, int out, pid_t parent)
{
    /* Own session: Ctrl-C reaches the demo alone, which then ends them in order. */
    (void)setsid();
    (void)signal(SIGPIPE, SIG_DFL);
    if (!how->keep) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
    }
    (void)dup2(out, STDOUT_FILENO);
    (void)dup2(out, STDERR_FILENO);
    (void)close(STDIN_FILENO);
    (void)open("/dev/null", O_RDONLY);
    /* What dies badly leaves its dump here, not where the user stands. */
    if (how->folder != NULL && chdir(how->folder) != 0)
        _exit(1);
    /* execve promises not to change them */
    (void)execve(how->args[0], (char *const *)(uintptr_t)how->args,
                 how->env == NULL ? environ : (char *const *)(uintptr_t)how->env);
    _exit(127);
}

int mc_process_start(struct mc_process *process, const struct mc_process_how *how,
                     struct mcos_diag *diag)
{
    char path[MC_DEMO_PATH_MAX + 64];
    pid_t parent = getpid();
    int log;

    (void)snprintf(path, sizeof(path), "%s/%s.log", how->folder, process->name);
    log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0)
        return mcos_diag_set(diag, MCOS_E_IO, "", "%.180s: %s", path, strerror(errno));
    process->pid = fork();
    if (process->pid == 0)
        become(how, log, parent);
    (void)close(log);
    if (process->pid > 0)
        return 0;
    process->pid = 0;
    return mcos_diag_set(diag, MCOS_E_IO, "", "no process can be started: %s",
                         strerror(errno));
}

void mc_process_end(struct mc_process *process, int number)
{
    uint64_t until = mc_api_now_ms() + STOP_MS;

    if (!mc_process_runs(process))
        return;
    (void)kill(process->pid, number);
    while (mc_process_runs(process)) {
        if (mc_api_now_ms() > until)
            (void)kill(process->pid, SIGKILL);
        mc_api_sleep_ms(5);
    }
}

bool mc_process_runs(struct mc_process *process)
{
    if (process->pid > 0 && waitpid(process->pid, NULL, WNOHANG) == process->pid)
        process->pid = 0;
    return process->pid > 0;
}

void mc_process_print_log(const struct mc_process *process, const char *folder)
{
    char path[MC_DEMO_PATH_MAX + 64];
    char tail[LOG_TAIL + 1];
    FILE *log;
    size_t n;

    if (process->name == NULL)
        return;
    (void)snprintf(path, sizeof(path), "%s/%s.log", folder, process->name);
    log = fopen(path, "re");
    if (log == NULL)
        return;
    if (fseek(log, -LOG_TAIL, SEEK_END) != 0)
        rewind(log);
    n = fread(tail, 1, LOG_TAIL, log);
    tail[n] = '\0';
    (void)fprintf(stderr, "-- the end of %s's log\n%s", process->name, tail);
    (void)fclose(log);
}

/* ---- one question ---- */

/* Reads until the other end is closed; false when time is over or a signal came. */
static bool read_all(int fd, char *dst, size_t cap, uint64_t until)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    char rest[256];
    size_t used = 0;

    while (mc_cli_signal == 0 && mc_api_now_ms() < until) {
        bool room = used + 1 < cap;
        ssize_t n;

        if (poll(&ready, 1, POLL_MS) <= 0)
            continue;
        n = read(fd, room ? dst + used : rest, room ? cap - used - 1 : sizeof(rest));
        if (n <= 0)
            return n == 0;
        used += room ? (size_t)n : 0;
        dst[used] = '\0';
    }
    return false;
}

bool mc_process_ask(const char *const *args, char *dst, size_t cap, uint32_t within_ms)
{
    const struct mc_process_how how = {.args = args};
    pid_t parent = getpid();
    int ends[2];
    int status = -1;
    bool whole;
    pid_t pid;

    dst[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid = fork();
    if (pid == 0)
        become(&how, ends[1], parent);
    (void)close(ends[1]);
    whole = pid > 0 && read_all(ends[0], dst, cap, mc_api_now_ms() + within_ms);
    (void)close(ends[0]);
    if (pid > 0 && !whole)
        (void)kill(pid, SIGKILL);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return whole && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
