/* The kernel's device events (netlink, NETLINK_KOBJECT_UEVENT): "this appeared", "this changed". */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char action[16];    /* "add", "remove", "change" */
    char subsystem[32]; /* "block", "drm", "virtio-ports" */
    char name[64];      /* DEVNAME: "vda", "vport1p1"; "" if it has none */
    bool hotplug;       /* HOTPLUG=1: a DRM connector changed */
    bool lost;          /* more came than the queue holds: anything may have changed; the rest is empty */
} Uevent;

/* A non-blocking, close-on-exec socket, or -1 with errno. */
int uevent_open(void);

/* Next event that is waiting; false when there is none. Messages that are not from the kernel are dropped. */
bool uevent_next(int fd, Uevent *event);

/* Reads one message ("add@/devices/...\0ACTION=add\0SUBSYSTEM=block\0..."). False: malformed. */
bool uevent_parse(const char *message, size_t length, Uevent *event);
