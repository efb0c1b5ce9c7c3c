#include "guest/agent_locker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "guest/agent_child.h"
#include "guest/agent_words.h"
#include "guest/file.h"

#define END_MS 2000

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

bool agent_locker_fits(const AgentSession *session)
{
    return session->present && session->graphical && access(AGENT_LOCKER, X_OK) == 0;
}

bool agent_locker_remembers(const AgentSession *session)
{
    char text[sizeof session->id + 2];
    if (!session->present || guest_file_read(LOCKER_FILE, text, sizeof text) < 0)
        return false;
    text[strcspn(text, "\n")] = '\0';
    return strcmp(text, session->id) == 0;
}

void agent_locker_hold(AgentLocker *locker, const AgentSession *session)
{
    char text[sizeof session->id + 2];
    Failure ignored;
    *locker = (AgentLocker){.held = true, .output = -1};
    snprintf(locker->session, sizeof locker->session, "%s", session->id);
    snprintf(text, sizeof text, "%s\n", session->id);
    guest_file_replace(LOCKER_FILE, text, 0600, &ignored);
}

bool agent_locker_cover(AgentLocker *locker, const AgentSession *session, Failure *failure)
{
    SessionEnvironment environment;
    const char *language = agent_words_language();
    const char *const argv[] = {AGENT_LOCKER, agent_words(language, WORDS_LOCKED), agent_words(language, WORDS_LOCKED_HOW), NULL};
    if (!agent_session_environment(session, &environment))
        return failure_set(failure, "the session has no screen that could be covered");
    AgentChild program = {.argv = argv, .environment = environment.entries, .uid = session->uid};
    pid_t pid = 0;
    int output = agent_child_open(&program, &pid, failure);
    if (output < 0)
        return false;
    locker->pid = pid;
    locker->output = output;
    locker->covers = false;
    locker->began_ms = now_ms();
    return true;
}

bool agent_locker_failed(AgentLocker *locker)
{
    return ++locker->deaths >= LOCKER_TRIES;
}

static LockerNews bury(AgentLocker *locker)
{
    close(locker->output);
    locker->output = -1;
    agent_child_reap(locker->pid, END_MS);
    locker->pid = 0;
    locker->covers = false;
    if (now_ms() - locker->began_ms > LOCKER_GOOD_MS)
        locker->deaths = 0;
    return agent_locker_failed(locker) ? LOCKER_HOPELESS : LOCKER_DIED;
}

LockerNews agent_locker_hear(AgentLocker *locker)
{
    char block[64];
    ssize_t got = read(locker->output, block, sizeof block);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return LOCKER_NOTHING;
    if (got <= 0)
        return bury(locker);
    bool news = !locker->covers;
    locker->covers = locker->has_covered = true;
    return news ? LOCKER_COVERS : LOCKER_NOTHING;
}

int agent_locker_pause_ms(const AgentLocker *locker)
{
    return LOCKER_AGAIN_MS * (int)(locker->deaths ? locker->deaths : 1);
}

void agent_locker_release(AgentLocker *locker)
{
    unlink(LOCKER_FILE);
    if (locker->pid > 0) {
        kill(locker->pid, SIGTERM);
        close(locker->output);
        agent_child_reap(locker->pid, END_MS);
    }
    *locker = (AgentLocker){.output = -1};
}
