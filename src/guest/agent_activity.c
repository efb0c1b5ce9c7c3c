#include "guest/agent_activity.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/input.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "/dev/input"
#define EVENTS_A_READ 64
#define READS_A_DEVICE 64 /* the kernel keeps fewer for each reader */
#define REPETITION 2      /* the value of a key that is held down: a book on the keyboard is nobody's presence */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

bool agent_activity_counts(unsigned type, int value)
{
    return (type == EV_KEY && value != REPETITION) || type == EV_REL || type == EV_ABS;
}

bool agent_activity_open(AgentActivity *activity)
{
    *activity = (AgentActivity){.epoll = epoll_create1(EPOLL_CLOEXEC)};
    agent_activity_follow(activity);
    return activity->epoll >= 0;
}

static void follow_device(AgentActivity *activity, const char *name)
{
    char path[sizeof FOLDER + 300];
    snprintf(path, sizeof path, FOLDER "/%s", name);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd < 0)
        return;
    if (epoll_ctl(activity->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        close(fd);
        return;
    }
    activity->devices[activity->count++] = fd;
    if (activity->held)
        ioctl(fd, EVIOCGRAB, 1);
}

static bool key_is_down(int fd)
{
    unsigned char keys[KEY_CNT / 8 + 1] = {0};
    unsigned char any = 0;
    if (ioctl(fd, EVIOCGKEY(sizeof keys), keys) < 0)
        return false;
    for (size_t i = 0; i < sizeof keys; i++)
        any |= keys[i];
    return any != 0;
}

bool agent_activity_hold(AgentActivity *activity, bool at_once)
{
    for (int i = 0; i < activity->count && !at_once; i++)
        if (key_is_down(activity->devices[i]))
            return false;
    for (int i = 0; i < activity->count && !activity->held; i++)
        ioctl(activity->devices[i], EVIOCGRAB, 1);
    activity->held = true;
    return true;
}

void agent_activity_let_go(AgentActivity *activity)
{
    for (int i = 0; i < activity->count && activity->held; i++)
        ioctl(activity->devices[i], EVIOCGRAB, NULL);
    activity->held = false;
}

void agent_activity_follow(AgentActivity *activity)
{
    while (activity->count > 0)
        close(activity->devices[--activity->count]); /* which takes it out of the epoll */
    DIR *folder = opendir(FOLDER);
    for (struct dirent *entry; folder && activity->count < ACTIVITY_DEVICES && (entry = readdir(folder));)
        if (strncmp(entry->d_name, "event", strlen("event")) == 0)
            follow_device(activity, entry->d_name);
    if (folder)
        closedir(folder);
}

static bool drain_device(int fd)
{
    struct input_event events[EVENTS_A_READ];
    bool input = false;
    for (int reads = 0; reads < READS_A_DEVICE; reads++) {
        ssize_t bytes = read(fd, events, sizeof events);
        if (bytes < (ssize_t)sizeof events[0])
            break;
        for (size_t i = 0; i < (size_t)bytes / sizeof events[0]; i++)
            input |= agent_activity_counts(events[i].type, events[i].value);
    }
    return input;
}

bool agent_activity_drain(AgentActivity *activity)
{
    bool input = false;
    for (int i = 0; i < activity->count; i++)
        input |= drain_device(activity->devices[i]);
    if (input)
        activity->input_ms = now_ms();
    return input;
}

int64_t agent_activity_idle_ms(const AgentActivity *activity)
{
    return activity->input_ms ? now_ms() - activity->input_ms : -1;
}
