#include "machine/machine_arguments.h"

#include <string.h>

#include "base/error.h"

#define MEBIBYTE ((uint64_t)1024 * 1024)
#define VCPUS_MOST 64
/* TCG's translation cache. It is private memory which fills up within seconds and is never given back, so a
 * desktop's is bounded (QEMU's default may grow to 1 GiB). Measured on a forked XFCE desktop in its first
 * half minute: 64 MiB: no flush; 32: 4 flushes; 24: 8; 16: 22 and twice the processor time. A machine that
 * boots to become a template lives shortly and may have more. */
#define TCG_CACHE_MIB 32
#define TCG_CACHE_TEMPLATE_MIB 512

static void add(GPtrArray *arguments, const char *option, const char *value)
{
    g_ptr_array_add(arguments, g_strdup(option));
    g_ptr_array_add(arguments, g_strdup(value));
}

static void add_formatted(GPtrArray *arguments, const char *option, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
static void add_formatted(GPtrArray *arguments, const char *option, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_ptr_array_add(arguments, g_strdup(option));
    g_ptr_array_add(arguments, g_strdup_vprintf(format, args));
    va_end(args);
}

/* A comma ends an option's value unless it is doubled. */
static char *escape(const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, ",", -1);
    return g_strjoinv(",,", parts);
}

static void add_accelerator(GPtrArray *arguments, const MachineLaunch *launch, AcceleratorKind accelerator)
{
    if (accelerator == ACCELERATOR_KVM)
        add(arguments, "-accel", "kvm");
    else
        add_formatted(arguments, "-accel", "tcg,thread=multi,tb-size=%d",
                      launch->ram == MACHINE_RAM_TEMPLATE ? TCG_CACHE_TEMPLATE_MIB : TCG_CACHE_MIB);
}

static void add_machine(GPtrArray *arguments, const MachineLaunch *launch, const QemuFeatures *features,
                        AcceleratorKind accelerator)
{
    add_formatted(arguments, "-machine", "%s,memory-backend=ram,dump-guest-core=off,vmport=off%s%s",
                  features->machine_type, features->smbus_switch ? ",smbus=off" : "",
                  features->sata_switch && !launch->spec->cdrom ? ",sata=off" : "");
    add(arguments, "-cpu", accelerator == ACCELERATOR_KVM ? "host" : "max");
    add_formatted(arguments, "-smp", "%u", launch->spec->vcpus);
    add_formatted(arguments, "-m", "%" G_GUINT64_FORMAT "M", launch->spec->memory / MEBIBYTE);
    add(arguments, "-rtc", "base=utc");
}

static void add_memory(GPtrArray *arguments, const MachineLaunch *launch)
{
    uint64_t mebibytes = launch->spec->memory / MEBIBYTE;
    if (launch->ram == MACHINE_RAM_PRIVATE)
        add_formatted(arguments, "-object", "memory-backend-ram,id=ram,size=%" G_GUINT64_FORMAT "M",
                      mebibytes);
    else
        add_formatted(arguments, "-object",
                      "memory-backend-file,id=ram,size=%" G_GUINT64_FORMAT
                      "M,mem-path=/proc/self/fd/%d,share=%s",
                      mebibytes, MACHINE_FD_RAM, launch->ram == MACHINE_RAM_TEMPLATE ? "on" : "off");
}

/* Every device that is there from the start, at a fixed place. No balloon, no free page reporting, no
 * virtio-mem: in a fork they would punch holes into the template's RAM. */
static void add_devices(GPtrArray *arguments)
{
    static const char *const devices[] = {
        "virtio-vga,id=video,bus=pcie.0,addr=1,xres=1280,yres=800",
        "virtio-serial-pci,id=serial-bus,bus=pcie.0,addr=2",
        "virtserialport,bus=serial-bus.0,nr=1,chardev=agent,name=" MACHINE_AGENT_PORT,
        "virtio-tablet-pci,id=tablet,bus=pcie.0,addr=3",
        "virtio-keyboard-pci,id=keyboard,bus=pcie.0,addr=4",
        "virtio-blk-pci,id=disk,drive=disk,bus=pcie.0,addr=5,bootindex=1",
        "virtio-rng-pci,id=random,rng=random-source,bus=pcie.0,addr=6",
        "pcie-root-port,id=" MACHINE_PORT_NETWORK ",chassis=1,bus=pcie.0,addr=8.0,multifunction=on",
        "pcie-root-port,id=" MACHINE_PORT_USER_DISK ",chassis=2,bus=pcie.0,addr=8.1",
        "pcie-root-port,id=" MACHINE_PORT_SPARE ",chassis=3,bus=pcie.0,addr=8.2",
        "vmgenid,guid=auto",
    };
    add(arguments, "-object", "rng-random,id=random-source,filename=/dev/urandom");
    for (size_t i = 0; i < G_N_ELEMENTS(devices); i++)
        add(arguments, "-device", devices[i]);
}

/* Played into nothing, at the pace of a clock, unless a viewer listens (RFB extension of QEMU). No volume of its own: what a guest
 * has switched off at start would stay silent for ever. It costs nothing while nothing plays: no voice, no timer. */
static void add_sound(GPtrArray *arguments)
{
    add(arguments, "-audiodev", "none,id=" MACHINE_SOUND);
    add(arguments, "-device", "intel-hda,id=sound-card,bus=pcie.0,addr=7");
    add(arguments, "-device", "hda-output,id=sound-output,bus=sound-card.0,audiodev=" MACHINE_SOUND ",mixer=off");
}

static void add_channels(GPtrArray *arguments, const QemuFeatures *features)
{
    add_formatted(arguments, "-chardev", "socket,id=qmp,fd=%d,server=on,wait=off", MACHINE_FD_QMP);
    add(arguments, "-mon", "chardev=qmp,mode=control");
    add_formatted(arguments, "-chardev", "socket,id=agent,fd=%d,server=on,wait=off", MACHINE_FD_AGENT);
    add(arguments, "-chardev", "file,id=serial,path=" MACHINE_FILE_SERIAL ",append=on");
    add(arguments, "-serial", "chardev:serial");
    add(arguments, "-vnc", features->sound ? "unix:" MACHINE_FILE_DISPLAY ",lossy=on,audiodev=" MACHINE_SOUND : "unix:" MACHINE_FILE_DISPLAY ",lossy=on");
    /* Its console listener keeps the screen's refresh at 30 ms, where VNC alone backs off to 3 s (console.c
     * gui_update). */
    add(arguments, "-display", features->display_dbus ? "dbus,p2p=on" : "none");
}

/* Inside the folder a relative name, which survives the folder's renaming. */
static const char *disk_name(const MachineSpec *spec)
{
    size_t length = strlen(spec->folder);
    bool inside = g_str_has_prefix(spec->disk, spec->folder) && spec->disk[length] == '/';
    return inside ? spec->disk + length + 1 : spec->disk;
}

static void add_disks(GPtrArray *arguments, const MachineSpec *spec)
{
    g_autofree char *disk = escape(disk_name(spec));
    add_formatted(arguments, "-blockdev", "driver=file,node-name=disk-file,filename=%s,aio=threads", disk);
    add_formatted(arguments, "-blockdev", "driver=%s,node-name=disk,file=disk-file,discard=unmap%s",
                  spec->disk_is_raw ? "raw" : "qcow2", spec->disk_is_disposable ? ",cache.no-flush=on" : "");
    if (spec->cdrom) {
        g_autofree char *cdrom = escape(spec->cdrom);
        add_formatted(arguments, "-blockdev", "driver=file,node-name=cdrom-file,filename=%s,read-only=on",
                      cdrom);
        add(arguments, "-blockdev", "driver=raw,node-name=cdrom,file=cdrom-file,read-only=on");
        add(arguments, "-device", "ide-cd,id=cdrom,drive=cdrom,bootindex=2");
    }
}

static void add_boot(GPtrArray *arguments, const MachineSpec *spec)
{
    if (!spec->kernel)
        return;
    add(arguments, "-kernel", spec->kernel);
    if (spec->initrd)
        add(arguments, "-initrd", spec->initrd);
    if (spec->append)
        add(arguments, "-append", spec->append);
}

static bool spec_check(const MachineSpec *spec, GError **error)
{
    if (!spec->folder || !g_path_is_absolute(spec->folder) || !spec->disk || !g_path_is_absolute(spec->disk))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "machine: its folder and disk need absolute paths");
    if (spec->memory < 32 * MEBIBYTE || spec->memory % MEBIBYTE != 0)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "machine \"%s\": memory is whole MiB, and 32 at least",
                          spec->folder);
    if (spec->vcpus < 1 || spec->vcpus > VCPUS_MOST)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "machine \"%s\": between 1 and %d processors are allowed", spec->folder,
                          VCPUS_MOST);
    if ((spec->initrd || spec->append) && !spec->kernel)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "machine \"%s\": initrd and append need a kernel",
                          spec->folder);
    return true;
}

/* What must be equal between a template and its forks. */
static void add_fixed(GPtrArray *arguments, const MachineLaunch *launch, const QemuFeatures *features,
                      AcceleratorKind accelerator)
{
    add_machine(arguments, launch, features, accelerator);
    add_devices(arguments);
    if (features->sound)
        add_sound(arguments);
    add_channels(arguments, features);
}

GStrv machine_arguments(const MachineLaunch *launch, const QemuFeatures *features,
                        AcceleratorKind accelerator, GError **error)
{
    const MachineSpec *spec = launch->spec;
    if (!spec_check(spec, error))
        return NULL;
    g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *id = g_path_get_basename(spec->folder);
    g_autofree char *name = escape(id);
    g_ptr_array_add(arguments, g_strdup(features->path));
    add_formatted(arguments, "-name", "guest=%s,debug-threads=on", name);
    g_ptr_array_add(arguments, g_strdup("-nodefaults"));
    g_ptr_array_add(arguments, g_strdup("-no-user-config"));
    if (features->sandbox)
        add(arguments, "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    /* A reboot ends the machine: what it boots from is for the caller to decide, and a fork has no kernel to
     * boot. */
    g_ptr_array_add(arguments, g_strdup("-no-reboot"));
    add_accelerator(arguments, launch, accelerator);
    add_memory(arguments, launch);
    add_disks(arguments, spec);
    add_fixed(arguments, launch, features, accelerator);
    add_boot(arguments, spec);
    if (launch->incoming)
        add(arguments, "-incoming", "defer");
    if (launch->paused)
        g_ptr_array_add(arguments, g_strdup("-S"));
    g_ptr_array_add(arguments, NULL);
    return (GStrv)g_ptr_array_free(g_steal_pointer(&arguments), FALSE);
}

char *machine_arguments_key(uint64_t memory, unsigned vcpus, const QemuFeatures *features,
                            AcceleratorKind accelerator)
{
    const MachineSpec spec = {.memory = memory, .vcpus = vcpus};
    const MachineLaunch launch = {.spec = &spec};
    g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);
    add(arguments, "-accel", accelerator_name(accelerator));
    add_fixed(arguments, &launch, features, accelerator);
    g_ptr_array_add(arguments, NULL);
    return g_strjoinv(" ", (GStrv)arguments->pdata);
}
