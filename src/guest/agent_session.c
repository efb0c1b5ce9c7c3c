#include "guest/agent_session.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/agent_child.h"
#include "guest/file.h"

#define SYSTEMD "/run/systemd"
#define SESSIONS SYSTEMD "/sessions"
#define ASK_MS 5000
#define TERMINATE_MS 15000 /* a busy emulated guest needs more than 5 s; the host waits 60 s (host/session.c) */

static void follow(int watch)
{
    if (inotify_add_watch(watch, SESSIONS, IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE | IN_ONLYDIR) < 0)
        inotify_add_watch(watch, SYSTEMD, IN_CREATE | IN_ONLYDIR); /* logind has not started yet */
}

int agent_session_watch(void)
{
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch >= 0)
        follow(watch);
    return watch;
}

void agent_session_drain(int watch)
{
    char block[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    while (read(watch, block, sizeof block) > 0 || errno == EINTR)
        ;
    follow(watch);
}

bool agent_session_parse(const char *id, const char *text, AgentSession *session)
{
    char value[64];
    *session = (AgentSession){0};
    snprintf(session->id, sizeof session->id, "%s", id);
    for (const char *at = session->id; *at; at++)
        if (!isalnum((unsigned char)*at))
            return false;
    if (!guest_value(text, "CLASS", value, sizeof value) || strcmp(value, "user") != 0)
        return false;
    if (guest_value(text, "STATE", value, sizeof value) && strcmp(value, "closing") == 0)
        return false;
    unsigned long uid;
    if (!guest_value(text, "UID", value, sizeof value) || !guest_number(value, UINT32_MAX - 1, &uid))
        return false;
    session->uid = (uid_t)uid;
    if (!guest_value(text, "USER", session->user, sizeof session->user) || !session->user[0])
        return false;
    if (guest_value(text, "TYPE", value, sizeof value))
        session->graphical = strcmp(value, "x11") == 0 || strcmp(value, "wayland") == 0;
    if (!guest_value(text, "SCOPE", session->scope, sizeof session->scope) || strchr(session->scope, '/'))
        session->scope[0] = '\0';
    if (guest_value(text, "TTY", session->tty, sizeof session->tty))
        for (const char *at = session->tty; *at; at++)
            if (!isalnum((unsigned char)*at))
                session->tty[0] = '\0'; /* "pts/0": nobody sits there */
    session->present = true;
    return true;
}

AgentSession agent_session_read(void)
{
    AgentSession best = {0};
    DIR *folder = opendir(SESSIONS);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char path[sizeof SESSIONS + 300], text[4096];
        AgentSession found;
        snprintf(path, sizeof path, SESSIONS "/%s", entry->d_name);
        bool usable = isalnum((unsigned char)entry->d_name[0]) && guest_file_read(path, text, sizeof text) > 0 &&
                      agent_session_parse(entry->d_name, text, &found);
        if (usable && (!best.present || (found.graphical && !best.graphical)))
            best = found;
    }
    if (folder)
        closedir(folder);
    return best;
}

bool agent_session_equal(const AgentSession *a, const AgentSession *b)
{
    return a->present == b->present && (!a->present || (strcmp(a->id, b->id) == 0 && strcmp(a->user, b->user) == 0));
}

static bool has_display(const char *block, size_t length)
{
    static const char key[] = "DISPLAY=";
    for (const char *entry = block; entry < block + length; entry += strnlen(entry, (size_t)(block + length - entry)) + 1)
        if (strnlen(entry, (size_t)(block + length - entry)) >= sizeof key && memcmp(entry, key, sizeof key - 1) == 0)
            return true;
    return false;
}

bool agent_session_environment_take(const char *block, size_t length, SessionEnvironment *environment)
{
    static const char *const KEYS[] = {"DISPLAY=", "XAUTHORITY=", "DBUS_SESSION_BUS_ADDRESS=", "XDG_RUNTIME_DIR=",
                                       "XDG_SESSION_ID=", "HOME=", "USER=", "LOGNAME=", "LANG="};
    size_t used = 0, count = 0;
    bool display = false;
    if (!has_display(block, length)) /* what was found in another process stays */
        return false;
    const size_t most = sizeof environment->entries / sizeof environment->entries[0] - 2;
    for (const char *entry = block; entry < block + length; entry += strnlen(entry, (size_t)(block + length - entry)) + 1) {
        size_t bytes = strnlen(entry, (size_t)(block + length - entry));
        for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
            size_t key = strlen(KEYS[i]);
            if (bytes < key || memcmp(entry, KEYS[i], key) != 0 || count == most ||
                bytes + 1 > sizeof environment->room - used)
                continue;
            memcpy(environment->room + used, entry, bytes);
            environment->room[used + bytes] = '\0';
            environment->entries[count++] = environment->room + used;
            used += bytes + 1;
            display |= i == 0 && bytes > key;
        }
    }
    environment->entries[count++] = "PATH=/usr/local/bin:/usr/bin:/bin";
    environment->entries[count] = NULL;
    return display;
}

/* Looks into one process. The session manager's environment is the best: it knows the session's bus. */
static bool look_into(const char *pid, const AgentSession *session, SessionEnvironment *environment)
{
    char path[64], block[16384];
    struct stat info;
    snprintf(path, sizeof path, "/proc/%.16s", pid);
    if (stat(path, &info) < 0 || info.st_uid != session->uid)
        return false;
    snprintf(path, sizeof path, "/proc/%.16s/environ", pid);
    ssize_t length = guest_file_read(path, block, sizeof block);
    if (length <= 0 || !agent_session_environment_take(block, (size_t)length, environment))
        return false;
    snprintf(path, sizeof path, "/proc/%.16s/comm", pid);
    if (guest_file_read(path, environment->leader, sizeof environment->leader) < 0)
        environment->leader[0] = '\0';
    environment->leader[strcspn(environment->leader, "\n")] = '\0';
    return true;
}

bool agent_session_environment(const AgentSession *session, SessionEnvironment *environment)
{
    bool found = false;
    DIR *folder = session->present ? opendir("/proc") : NULL;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (!isdigit((unsigned char)entry->d_name[0]) || !look_into(entry->d_name, session, environment))
            continue;
        found = true;
        if (strcmp(environment->leader, "xfce4-session") == 0)
            break;
    }
    if (folder)
        closedir(folder);
    return found;
}

bool agent_session_ask_to_end(const AgentSession *session, Failure *failure)
{
    /* What xfce4-session-logout does, without loading GTK for it: no dialog, no saved session. */
    static const char *const XFCE[] = {"dbus-send", "--session", "--print-reply", "--dest=org.xfce.SessionManager",
                                       "/org/xfce/SessionManager", "org.xfce.Session.Manager.Logout", "boolean:false",
                                       "boolean:false", NULL};
    SessionEnvironment environment;
    if (!session->graphical || !agent_session_environment(session, &environment))
        return failure_set(failure, "the session has no desktop that could be asked");
    if (strcmp(environment.leader, "xfce4-session") != 0)
        return failure_set(failure, "the desktop does not know how to be asked");
    AgentChild ask = {
        .argv = XFCE, .environment = environment.entries, .uid = session->uid, .timeout_ms = ASK_MS};
    return agent_child_run(&ask, failure);
}

bool agent_session_clipboard_start(const AgentSession *session, Failure *failure)
{
    /* Not in the background of its own: it would say that it is up only after seconds on a slow machine. */
    static const char *const VDAGENT[] = {"spice-vdagent", "-x", NULL};
    SessionEnvironment environment;
    if (!session->graphical || !agent_session_environment(session, &environment))
        return failure_set(failure, "there is no graphical session");
    /* In the session's own cgroup: its daemon asks logind whether it talks to the active session. */
    char procs[192];
    snprintf(procs, sizeof procs, "/sys/fs/cgroup/user.slice/user-%u.slice/%s/cgroup.procs", (unsigned)session->uid,
             session->scope);
    AgentChild vdagent = {.argv = VDAGENT,
                          .environment = environment.entries,
                          .cgroup = session->scope[0] ? procs : NULL,
                          .uid = session->uid};
    return agent_child_start(&vdagent, failure);
}

/* Sends the signal (0: none) to each clipboard helper; returns whether there was one. */
static bool clipboard_signal(int number)
{
    bool found = false;
    DIR *folder = opendir("/proc");
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char path[64], name[32];
        unsigned long pid;
        snprintf(path, sizeof path, "/proc/%.16s/comm", entry->d_name);
        if (guest_number(entry->d_name, INT32_MAX, &pid) && guest_file_read(path, name, sizeof name) > 0 &&
            strcmp(name, "spice-vdagent\n") == 0)
            found = kill((pid_t)pid, number) == 0 || found;
    }
    if (folder)
        closedir(folder);
    return found;
}

bool agent_session_clipboard_runs(void)
{
    return clipboard_signal(0);
}

void agent_session_clipboard_end(void)
{
    clipboard_signal(SIGKILL); /* the only signal that a frozen process takes */
}

bool agent_session_terminate(const AgentSession *session, Failure *failure)
{
    const char *const argv[] = {"loginctl", "terminate-session", session->id, NULL};
    AgentChild terminate = {.argv = argv, .timeout_ms = TERMINATE_MS};
    return agent_child_run(&terminate, failure);
}
