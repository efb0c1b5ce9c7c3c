/* For files of this room only. */
#pragma once

#include "machine/hypervisor.h"
#include "machine/loop.h"

struct Hypervisor {
    Loop *loop;
    char *state_folder;
    QemuFeatures *features;
    Accelerator *accelerator;
    char *confinement;
};
