/* When somebody last pressed a key or moved the mouse: from the machine's own input devices (evdev), so that it holds for any
 * desktop and for none. Nothing here wakes up while nothing happens, and input wakes the agent at most once in each rest. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ACTIVITY_REST_MS 15000 /* between two looks at the devices: bounds what is told to the host too */
#define ACTIVITY_DEVICES 32

typedef struct {
    int epoll; /* readable: there was input */
    int devices[ACTIVITY_DEVICES];
    int count;
    int64_t input_ms; /* CLOCK_MONOTONIC of the last that was seen; 0: none */
    bool held;
} AgentActivity;

/* False: errno. */
bool agent_activity_open(AgentActivity *activity);

/* Opens the devices that are there now; again when one has come or gone. */
void agent_activity_follow(AgentActivity *activity);

/* From now on only the agent gets what is typed and pointed at: no screen, no console, no Ctrl+Alt+F1 and no SysRq (EVIOCGRAB). False: a key
 * is down, whose end whoever saw it go down must see; try again soon. */
bool agent_activity_hold(AgentActivity *activity, bool at_once);
void agent_activity_let_go(AgentActivity *activity);

/* Empties the devices; true: somebody did something. */
bool agent_activity_drain(AgentActivity *activity);

/* Since the last input; -1: none was seen. */
int64_t agent_activity_idle_ms(const AgentActivity *activity);

/* Whether an event of this type (linux/input-event-codes.h) is somebody's doing, and not an LED or a repetition. For tests. */
bool agent_activity_counts(unsigned type, int value);
