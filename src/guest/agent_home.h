/* The user disk: found by its serial, checked, mounted as the person's home. */
#pragma once

#include "guest/agent_account.h"

/* Waits for the disk, makes it a file system where is_new and it has none, repairs what can be repaired by itself, mounts it
 * (no set-user-ID, no devices) at person->home with the skeleton's files the first time, and lets it have the whole disk.
 * What is mounted there already stays. */
bool agent_home_mount(const AgentAccount *person, bool is_new, Failure *failure);

bool agent_home_is_mounted(const char *home);

/* Ends whatever runs as this account and lets go of the disk. True: it may be unplugged. */
bool agent_home_unmount(const AgentAccount *person, Failure *failure);

/* After the disk has grown: the mounted file system follows. */
bool agent_home_grow(Failure *failure);

/* Kills every process of this account, and waits until they are gone. */
void agent_processes_end(unsigned uid);
