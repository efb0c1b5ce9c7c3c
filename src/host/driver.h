/* What this room asks of machines, as a table: the real one (driver.c) points straight at machine/, a
 * simulated one (simulated.h) serves tests of faults and of scale. Each entry has the meaning, errors and
 * threads of the function of machine/ that it is named after. */
#pragma once

#include "image/image.h"
#include "machine/agent.h"
#include "machine/disk_copy.h"
#include "machine/display.h"
#include "machine/machine.h"
#include "machine/machine_memory.h"
#include "machine/template.h"

typedef struct {
    char *accelerator; /* "kvm" or "tcg" */
    char *accelerator_why;
    char *qemu_version;
} DriverAbout;

struct HostDriver {
    Hypervisor *(*open)(const char *state_folder, GError **error);
    void (*close)(Hypervisor *hypervisor);
    void (*about)(const Hypervisor *hypervisor, DriverAbout *ret); /* the caller frees the strings */

    Image *(*image)(const char *folder, GError **error);

    Machine *(*start)(Hypervisor *hypervisor, const MachineSpec *spec, GError **error);
    Machine *(*resume)(Hypervisor *hypervisor, const MachineSpec *spec, const char *path, GError **error);
    Machine *(*adopt)(Hypervisor *hypervisor, const char *folder, GError **error);
    bool (*kill_in)(const char *folder, GError **error);
    void (*release)(Machine *machine);  /* machine_unref */
    Machine *(*hold)(Machine *machine); /* machine_ref */
    void (*listen)(Machine *machine, const MachineListener *listener, void *data);

    MachineState (*state)(const Machine *machine);
    MachineEnd (*end)(const Machine *machine);
    const char *(*template_key)(const Machine *machine);
    bool (*resume_processors)(Machine *machine, GError **error); /* machine_continue */
    bool (*press_power)(Machine *machine, GError **error);
    bool (*quit)(Machine *machine, GError **error);
    bool (*kill)(Machine *machine, GError **error);
    bool (*wait_end)(Machine *machine, int64_t limit_ms, GError **error);
    bool (*suspend)(Machine *machine, const char *path, GError **error);
    char *(*console_tail)(const Machine *machine, size_t limit);
    bool (*activity)(Machine *machine, uint64_t *ret_bytes, GError **error);
    bool (*trim_console)(const Machine *machine, uint64_t limit, GError **error);
    bool (*memory)(const Machine *machine, MachineMemory *ret, GError **error);

    char *(*key)(const Hypervisor *hypervisor, uint64_t memory, unsigned vcpus, const char *image_version);
    bool (*overlay)(const char *path, const char *backing, bool backing_is_raw, uint64_t size,
                    GError **error);
    bool (*copy)(const char *from, const char *to, DiskCopyProgress progress, void *data, GError **error); /* disk_copy */
    bool (*backing)(const char *path, char **ret_backing, GError **error);
    Template *(*freeze)(Machine *machine, const char *key, const char *const *readable, GError **error);
    Template *(*template_open)(Hypervisor *hypervisor, const char *folder, const char *key, GError **error);
    bool (*template_copy)(Template *frozen, const char *folder, const char *key, GError **error);
    const char *(*template_folder)(const Template *frozen);
    Template *(*template_hold)(Template *frozen);
    void (*template_release)(Template *frozen);
    uint64_t (*template_resident)(const Template *frozen);
    Machine *(*fork)(Template *frozen, const ForkSpec *spec, ForkTiming *ret_timing, GError **error);
    void (*keep_waiting)(Template *frozen, unsigned wanted, bool disk_is_disposable);
    unsigned (*waiting)(const Template *frozen);
    bool (*waiting_clear)(Hypervisor *hypervisor, GError **error);

    bool (*identity)(Machine *machine, const AgentIdentity *identity, int64_t limit_ms, char **ret_steps,
                     GError **error);
    bool (*prepare_freeze)(Machine *machine, int64_t limit_ms, GError **error);
    bool (*wait_ready)(Machine *machine, bool settled, int64_t limit_ms, GError **error);
    bool (*logs_on)(const Machine *machine); /* agent_logs_on */
    bool (*log_on)(Machine *machine, const AgentLogOn *person, int64_t limit_ms, AgentLoggedOn *ret, GError **error);
    bool (*grow_home)(Machine *machine, int64_t limit_ms, GError **error);
    bool (*seats)(const Machine *machine); /* agent_seats */
    bool (*log_off)(Machine *machine, unsigned seat, int64_t limit_ms, GError **error);
    bool (*resize)(Machine *machine, unsigned width, unsigned height, int64_t limit_ms, GError **error);
    bool (*shut_down)(Machine *machine, GError **error);
    bool (*show)(Machine *machine, const AgentShow *what, int64_t limit_ms, GError **error);
    bool (*ask)(Machine *machine, const AgentQuestion *question, GError **error);
    bool (*ask_end)(Machine *machine, unsigned seat, const char *question, GError **error);
    bool (*lock)(Machine *machine, unsigned seat, int64_t limit_ms, GError **error);
    bool (*unlock)(Machine *machine, unsigned seat, int64_t limit_ms, GError **error);

    int (*display)(Machine *machine, GError **error);
    int (*seat_display)(Machine *machine, unsigned seat, GError **error); /* its person's; ends the one before */
    int (*seat_look)(Machine *machine, unsigned seat, GError **error);    /* one beside it */
    bool (*viewers)(Machine *machine, unsigned *ret_viewers, GError **error);
    GBytes *(*screenshot)(Machine *machine, size_t limit, GError **error);
    bool (*disconnect_all)(Machine *machine, GError **error);
    bool (*plug_network)(Machine *machine, const char *mac, GError **error);
    bool (*plug_user_disk)(Machine *machine, const char *path, bool is_raw, GError **error);
    bool (*unplug_user_disk)(Machine *machine, GError **error);
    bool (*user_disk_resize)(Machine *machine, uint64_t bytes, GError **error);
    bool (*disk_create)(const char *path, uint64_t size, GError **error);
    bool (*disk_virtual_size)(const char *path, bool is_raw, uint64_t *ret_bytes, GError **error);
    bool (*plug_clipboard)(Machine *machine, GError **error);
    int (*tunnel)(Machine *machine, unsigned number, GError **error); /* tunnel_open */

    void (*host_memory)(uint64_t *ret_total, uint64_t *ret_available); /* bytes; NULL: as the kernel says */
};

typedef struct HostDriver HostDriver;

/* Real machines. */
const HostDriver *host_driver_real(void);
