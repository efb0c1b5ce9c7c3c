#include "machine/hypervisor.h"

#include "machine/hypervisor_internal.h"
#include "machine/sandbox.h"

static char *confinement_describe(const QemuFeatures *features)
{
    int abi = sandbox_abi();
    g_autofree char *landlock =
        abi > 0 ? g_strdup_printf("Landlock (ABI %d): each machine sees its own folder only", abi)
                : g_strdup("no Landlock in this kernel: machines see what their user may see (use Linux 5.13 "
                           "or later)");
    return g_strdup_printf("%s; %s", landlock,
                           features->sandbox ? "QEMU's seccomp sandbox"
                                             : "this QEMU was built without its seccomp sandbox");
}

Hypervisor *hypervisor_open(const HypervisorOptions *options, GError **error)
{
    g_autoptr(Hypervisor) hypervisor = g_new0(Hypervisor, 1);
    hypervisor->state_folder = g_strdup(options->state_folder);
    hypervisor->features = qemu_features_probe(options->qemu, error);
    if (!hypervisor->features)
        return NULL;
    hypervisor->accelerator =
        accelerator_probe(options->state_folder, hypervisor->features->path, options->force, error);
    if (!hypervisor->accelerator)
        return NULL;
    hypervisor->confinement = confinement_describe(hypervisor->features);
    hypervisor->loop = loop_new(error);
    if (!hypervisor->loop)
        return NULL;
    return g_steal_pointer(&hypervisor);
}

void hypervisor_close(Hypervisor *hypervisor)
{
    if (!hypervisor)
        return;
    loop_free(hypervisor->loop);
    qemu_features_free(hypervisor->features);
    accelerator_free(hypervisor->accelerator);
    g_free(hypervisor->state_folder);
    g_free(hypervisor->confinement);
    g_free(hypervisor);
}

const QemuFeatures *hypervisor_features(const Hypervisor *hypervisor)
{
    return hypervisor->features;
}

const Accelerator *hypervisor_accelerator(const Hypervisor *hypervisor)
{
    return hypervisor->accelerator;
}

const char *hypervisor_state_folder(const Hypervisor *hypervisor)
{
    return hypervisor->state_folder;
}

const char *hypervisor_confinement(const Hypervisor *hypervisor)
{
    return hypervisor->confinement;
}
