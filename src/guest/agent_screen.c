#include "guest/agent_screen.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "guest/agent_child.h"
#include "guest/file.h"

#define TOOL_MS 30000
#define OUTPUTS_MOST 8
#define CLASS "/sys/class/drm"

typedef struct {
    char names[OUTPUTS_MOST][32]; /* as X calls them: "Virtual-1" */
    unsigned count;
} Outputs;

/* /sys/class/drm/card0-Virtual-1/status */
static Outputs outputs_connected(void)
{
    Outputs outputs = {0};
    DIR *folder = opendir(CLASS);
    for (struct dirent *entry; folder && outputs.count < OUTPUTS_MOST && (entry = readdir(folder));) {
        char path[sizeof CLASS + 300], status[32];
        const char *name = strncmp(entry->d_name, "card", 4) == 0 ? strchr(entry->d_name, '-') : NULL;
        snprintf(path, sizeof path, CLASS "/%s/status", entry->d_name);
        if (name && guest_file_read(path, status, sizeof status) > 0 && strncmp(status, "connected", 9) == 0)
            snprintf(outputs.names[outputs.count++], sizeof outputs.names[0], "%.31s", name + 1);
    }
    if (folder)
        closedir(folder);
    return outputs;
}

/* argv as the session's user with the session's screen. */
static bool run_in_session(const AgentSession *session, const char *const *argv, Failure *failure)
{
    SessionEnvironment environment;
    if (!session->graphical || !agent_session_environment(session, &environment))
        return failure_set(failure, "there is no graphical session");
    AgentChild tool = {.argv = argv, .environment = environment.entries, .uid = session->uid, .timeout_ms = TOOL_MS};
    return agent_child_run(&tool, failure);
}

bool agent_screen_follow(const AgentSession *session, Failure *failure)
{
    Outputs outputs = outputs_connected();
    bool followed = outputs.count > 0 || failure_set(failure, "no screen is connected");
    for (unsigned i = 0; i < outputs.count; i++) {
        const char *const argv[] = {"xrandr", "--output", outputs.names[i], "--auto", NULL};
        followed = run_in_session(session, argv, failure) && followed;
    }
    return followed;
}

/* VESA CVT 1.2 with reduced blanking at 60 Hz; a virtual screen only looks at the sizes. */
static bool add_mode(const AgentSession *session, const char *output, unsigned width, unsigned height)
{
    Failure ignored; /* the mode may exist from an earlier time; what counts is the switch that follows */
    char name[32], clock[32], numbers[8][16];
    const unsigned values[8] = {width,  width + 48,  width + 80,  width + 160,
                                height, height + 3, height + 9, height + 32};
    snprintf(name, sizeof name, "%ux%u", width, height);
    snprintf(clock, sizeof clock, "%.2f", (width + 160) * (double)(height + 32) * 60 / 1e6);
    for (int i = 0; i < 8; i++)
        snprintf(numbers[i], sizeof numbers[i], "%u", values[i]);
    const char *const create[] = {"xrandr",   "--newmode", name,       clock,      numbers[0], numbers[1], numbers[2],
                                  numbers[3], numbers[4],  numbers[5], numbers[6], numbers[7], "+hsync",   "-vsync", NULL};
    const char *const attach[] = {"xrandr", "--addmode", output, name, NULL};
    run_in_session(session, create, &ignored);
    return run_in_session(session, attach, &ignored);
}

bool agent_screen_resize(const AgentSession *session, unsigned width, unsigned height, Failure *failure)
{
    Outputs outputs = outputs_connected();
    char mode[32];
    if (outputs.count == 0)
        return failure_set(failure, "no screen is connected");
    snprintf(mode, sizeof mode, "%ux%u", width, height);
    const char *const argv[] = {"xrandr", "--output", outputs.names[0], "--mode", mode, NULL};
    if (run_in_session(session, argv, failure))
        return true;
    add_mode(session, outputs.names[0], width, height);
    *failure = (Failure){""};
    return run_in_session(session, argv, failure);
}

bool agent_screen_keyboard(const AgentSession *session, const char *layout, Failure *failure)
{
    const char *const argv[] = {"setxkbmap", "-layout", layout, NULL};
    return run_in_session(session, argv, failure);
}
