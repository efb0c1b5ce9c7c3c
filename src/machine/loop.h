/* The machine thread: one epoll descriptor for the QMP and agent sockets and the pidfds of all machines.
 * Sources may be added and removed from any thread; functions run on the machine thread, one at a time. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Loop Loop;
typedef struct LoopSource LoopSource;

/* `events` are EPOLLIN, EPOLLOUT, ... as epoll_wait(2) gave them. */
typedef void (*LoopFunction)(uint32_t events, void *data);
typedef void (*LoopTask)(void *data);

Loop *loop_new(GError **error);
void loop_free(Loop *loop); /* ends the thread; sources must be gone */
bool loop_is_current(const Loop *loop);

/* Watches fd (a socket, pipe or pidfd), which stays the caller's and must live until loop_remove. */
LoopSource *loop_add(Loop *loop, int fd, uint32_t events, LoopFunction function, void *data);

/* Which events to watch from now on; 0 mutes it (EPOLLHUP and EPOLLERR included). Any thread. */
void loop_set_events(LoopSource *source, uint32_t events);

/* When it returns, the function runs no more (unless called from it). NULL is fine. */
void loop_remove(LoopSource *source);

/* Runs a task on the machine thread, at once or after delay_ms. Tasks cannot be taken back: own what they
 * use. */
void loop_run(Loop *loop, int64_t delay_ms, LoopTask task, void *data);

/* Runs a task on the machine thread and waits until it has run; on the machine thread itself: calls it. */
void loop_run_wait(Loop *loop, LoopTask task, void *data);
