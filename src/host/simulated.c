#include "host/simulated.h"
#include "host/simulated_internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/file.h"

typedef struct {
    gatomicrefcount count;
    char *folder;
    char *template_key;
    MachineState state;
    MachineEnd end;
    unsigned viewers;
    bool ready;
    bool boots; /* its agent reports ready as soon as somebody listens */
    char *append;
    const MachineListener *listener;
    void *data;
} Simulated;

typedef struct {
    gatomicrefcount count;
    char *folder;
    char *key;
    unsigned wanted;
} SimulatedTemplate;

typedef struct {
    OrielErrorKind kind;
    unsigned times;
} Fault;

typedef struct {
    void (*visit)(void *data);
    void *data;
} Visit;

static GMutex lock; /* of the tables and of every field above */
static GRecMutex telling; /* held while a listener runs; taken before `lock`, so that one who was removed runs no more */
static GHashTable *machines; /* folder → Simulated that has not ended; holds a reference */
static GHashTable *faults;   /* operation → Fault */
static GHashTable *visits;   /* operation → Visit */
static GHashTable *calls;    /* operation → number */
static int hypervisor_stand_in;

static void simulated_unref(Simulated *machine)
{
    if (!g_atomic_ref_count_dec(&machine->count))
        return;
    g_free(machine->folder);
    g_free(machine->append);
    g_free(machine->template_key);
    g_free(machine);
}

static void tables_make(void)
{
    if (machines)
        return;
    machines = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)simulated_unref);
    faults = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    visits = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    calls = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

/* Counts the call. false, with the error: a fault was ordered. */
bool simulated_called(const char *operation, GError **error)
{
    g_mutex_lock(&lock);
    tables_make();
    gpointer before = g_hash_table_lookup(calls, operation);
    g_hash_table_replace(calls, g_strdup(operation), GUINT_TO_POINTER(GPOINTER_TO_UINT(before) + 1));
    Fault *fault = g_hash_table_lookup(faults, operation);
    bool fails = fault && fault->times > 0;
    OrielErrorKind kind = fails ? fault->kind : ORIEL_ERROR_INTERNAL;
    if (fails)
        fault->times--;
    Visit *ordered = g_hash_table_lookup(visits, operation);
    Visit visit = ordered ? *ordered : (Visit){0};
    g_hash_table_remove(visits, operation);
    g_mutex_unlock(&lock);
    if (visit.visit)
        visit.visit(visit.data);
    return !fails || oriel_fail(error, kind, "simulated machine: %s fails as ordered", operation);
}

/* ---- one machine ---- */

static Simulated *sim(const Machine *machine)
{
    return (Simulated *)machine;
}

static Simulated *running_in(const char *folder)
{
    tables_make();
    return g_hash_table_lookup(machines, folder);
}

static Machine *simulated_new(const char *folder, const char *template_key)
{
    Simulated *machine = g_new0(Simulated, 1);
    g_atomic_ref_count_init(&machine->count);
    machine->folder = g_strdup(folder);
    machine->template_key = g_strdup(template_key);
    machine->state = MACHINE_STATE_RUNNING;
    g_mutex_lock(&lock);
    if (running_in(folder))
        g_error("simulated machine: two run in %s", folder);
    g_atomic_ref_count_inc(&machine->count);
    g_hash_table_insert(machines, machine->folder, machine);
    g_mutex_unlock(&lock);
    return (Machine *)machine;
}

/* Takes it out of the table and tells. */
static void end_it(Simulated *machine, MachineEnd end)
{
    g_rec_mutex_lock(&telling);
    g_mutex_lock(&lock);
    bool first = machine->state != MACHINE_STATE_ENDED;
    if (first) {
        machine->state = MACHINE_STATE_ENDED;
        machine->end = end;
        g_atomic_ref_count_inc(&machine->count);
        g_hash_table_remove(machines, machine->folder);
    }
    const MachineListener *listener = machine->listener;
    void *data = machine->data;
    g_mutex_unlock(&lock);
    if (first && listener && listener->ended)
        listener->ended((Machine *)machine, end, data);
    g_rec_mutex_unlock(&telling);
    if (first)
        simulated_unref(machine);
}

static void fake_listen(Machine *machine, const MachineListener *listener, void *data)
{
    g_rec_mutex_lock(&telling);
    g_mutex_lock(&lock);
    sim(machine)->listener = listener;
    sim(machine)->data = data;
    bool ended = sim(machine)->state == MACHINE_STATE_ENDED;
    bool ready = listener && sim(machine)->boots;
    if (ready)
        sim(machine)->boots = false;
    g_mutex_unlock(&lock);
    if (ready && simulated_application(machine, sim(machine)->append, listener, data) && listener->agent_ready)
        listener->agent_ready(machine, true, data);
    if (ended && listener && listener->ended)
        listener->ended(machine, sim(machine)->end, data);
    g_rec_mutex_unlock(&telling);
}

static Machine *fake_hold(Machine *machine)
{
    g_atomic_ref_count_inc(&sim(machine)->count);
    return machine;
}

static void fake_release(Machine *machine)
{
    simulated_unref(sim(machine));
}

static MachineState fake_state(const Machine *machine)
{
    g_mutex_lock(&lock);
    MachineState state = sim(machine)->state;
    g_mutex_unlock(&lock);
    return state;
}

static MachineEnd fake_end(const Machine *machine)
{
    return sim(machine)->end;
}

static const char *fake_template_key(const Machine *machine)
{
    return sim(machine)->template_key;
}

static bool write_text(const char *folder, const char *name, const char *text, GError **error)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    return file_write_atomic(path, text, strlen(text), 0600, error);
}

static Machine *fake_start(Hypervisor *hypervisor, const MachineSpec *spec, GError **error)
{
    if (!simulated_called("start", error))
        return NULL;
    Machine *machine = simulated_new(spec->folder, NULL);
    g_mutex_lock(&lock);
    sim(machine)->boots = true;
    sim(machine)->append = g_strdup(spec->append);
    g_mutex_unlock(&lock);
    return machine;
}

static Machine *fake_resume(Hypervisor *hypervisor, const MachineSpec *spec, const char *path, GError **error)
{
    if (!simulated_called("resume", error))
        return NULL;
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "simulated machine: no state \"%s\"", path);
        return NULL;
    }
    return simulated_new(spec->folder, NULL);
}

static Machine *fake_adopt(Hypervisor *hypervisor, const char *folder, GError **error)
{
    if (!simulated_called("adopt", error))
        return NULL;
    g_mutex_lock(&lock);
    Simulated *machine = running_in(folder);
    if (machine)
        g_atomic_ref_count_inc(&machine->count);
    g_mutex_unlock(&lock);
    if (!machine)
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "simulated machine: none runs in \"%s\"", folder);
    return (Machine *)machine;
}

static bool die(const char *folder, MachineEnd end)
{
    g_mutex_lock(&lock);
    Simulated *machine = running_in(folder);
    if (machine)
        g_atomic_ref_count_inc(&machine->count);
    g_mutex_unlock(&lock);
    if (!machine)
        return false;
    end_it(machine, end);
    simulated_unref(machine);
    return true;
}

static bool fake_kill_in(const char *folder, GError **error)
{
    if (!simulated_called("kill_in", error))
        return false;
    die(folder, MACHINE_END_QUIT);
    return true;
}

static bool fake_resume_processors(Machine *machine, GError **error)
{
    if (!simulated_called("resume_processors", error))
        return false;
    g_mutex_lock(&lock);
    sim(machine)->state = MACHINE_STATE_RUNNING;
    g_mutex_unlock(&lock);
    return true;
}

static bool fake_press_power(Machine *machine, GError **error)
{
    if (!simulated_called("press_power", error))
        return false;
    end_it(sim(machine), MACHINE_END_SHUT_DOWN);
    return true;
}

static bool fake_quit(Machine *machine, GError **error)
{
    if (!simulated_called("quit", error))
        return false;
    end_it(sim(machine), MACHINE_END_QUIT);
    return true;
}

static bool fake_kill(Machine *machine, GError **error)
{
    if (!simulated_called("kill", error))
        return false;
    end_it(sim(machine), MACHINE_END_QUIT);
    return true;
}

static bool fake_wait_end(Machine *machine, int64_t limit_ms, GError **error)
{
    return fake_state(machine) == MACHINE_STATE_ENDED ||
           oriel_fail(error, ORIEL_ERROR_TIMEOUT, "simulated machine: runs on");
}

static bool fake_suspend(Machine *machine, const char *path, GError **error)
{
    if (!simulated_called("suspend", error) || !file_write_atomic(path, "asleep", 6, 0600, error))
        return false;
    end_it(sim(machine), MACHINE_END_QUIT);
    return true;
}

static char *fake_console_tail(const Machine *machine, size_t limit)
{
    return g_strdup("simulated: kernel panic\n");
}

static bool fake_activity(Machine *machine, uint64_t *ret_bytes, GError **error)
{
    *ret_bytes = simulated_calls("wait_ready");
    return simulated_called("activity", error);
}

static bool fake_trim_console(const Machine *machine, uint64_t limit, GError **error)
{
    return true;
}

static bool fake_memory(const Machine *machine, MachineMemory *ret, GError **error)
{
    *ret = (MachineMemory){.private_bytes = 40 << 20, .proportional = 50 << 20, .resident = 600 << 20};
    return true;
}

/* ---- templates ---- */

static SimulatedTemplate *template_of(const Template *frozen)
{
    return (SimulatedTemplate *)frozen;
}

static Template *template_new(const char *folder, const char *key)
{
    SimulatedTemplate *frozen = g_new0(SimulatedTemplate, 1);
    g_atomic_ref_count_init(&frozen->count);
    frozen->folder = g_strdup(folder);
    frozen->key = g_strdup(key);
    return (Template *)frozen;
}

static Template *fake_template_hold(Template *frozen)
{
    g_atomic_ref_count_inc(&template_of(frozen)->count);
    return frozen;
}

static void fake_template_release(Template *frozen)
{
    if (!g_atomic_ref_count_dec(&template_of(frozen)->count))
        return;
    g_free(template_of(frozen)->folder);
    g_free(template_of(frozen)->key);
    g_free(frozen);
}

static char *fake_key(const Hypervisor *hypervisor, uint64_t memory, unsigned vcpus,
                      const char *image_version)
{
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT " %u %s", memory, vcpus, image_version);
    char *key = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
    key[32] = '\0';
    return key;
}

/* A simulated disk is a text: the path of its backing file. */
static bool fake_overlay(const char *path, const char *backing, bool raw, uint64_t size, GError **error)
{
    return simulated_called("overlay", error) && file_write_atomic(path, backing, strlen(backing), 0600, error);
}

/* A copy names none, and is at its middle once. */
static bool fake_copy(const char *from, const char *to, DiskCopyProgress progress, void *data, GError **error)
{
    return simulated_called("copy", error) && progress(data, 1, 2, error) && file_write_atomic(to, "", 0, 0600, error);
}

static bool fake_backing(const char *path, char **ret_backing, GError **error)
{
    g_autofree char *text = file_read(path, 4096, NULL, error);
    if (!text)
        return false;
    *ret_backing = *text ? g_steal_pointer(&text) : NULL;
    return true;
}

static Template *fake_freeze(Machine *machine, const char *key, const char *const *readable, GError **error)
{
    g_autofree char *folder = g_strdup(sim(machine)->folder);
    end_it(sim(machine), MACHINE_END_QUIT);
    if (!simulated_called("freeze", error) || !write_text(folder, "ram", "ram", error) ||
        !write_text(folder, "template.json", key, error))
        return NULL;
    return template_new(folder, key);
}

static Template *fake_template_open(Hypervisor *hypervisor, const char *folder, const char *key,
                                    GError **error)
{
    g_autofree char *path = g_build_filename(folder, "template.json", NULL);
    g_autofree char *text = simulated_called("template_open", error) ? file_read(path, 4096, NULL, error) : NULL;
    if (!text)
        return NULL;
    if (strcmp(text, key) != 0) {
        oriel_fail(error, ORIEL_ERROR_CORRUPT, "simulated template \"%s\": is damaged", folder);
        return NULL;
    }
    return template_new(folder, key);
}

static bool fake_template_copy(Template *frozen, const char *folder, const char *key, GError **error)
{
    return simulated_called("template_copy", error) && folder_make(folder, 0700, error) &&
           write_text(folder, "disk.qcow2", "copied", error) && write_text(folder, "ram", "ram", error) &&
           write_text(folder, "template.json", key, error);
}

static const char *fake_template_folder(const Template *frozen)
{
    return template_of(frozen)->folder;
}

static uint64_t fake_template_resident(const Template *frozen)
{
    return 500 << 20;
}

static Machine *fake_fork(Template *frozen, const ForkSpec *spec, ForkTiming *ret_timing, GError **error)
{
    g_autofree char *backing = g_build_filename(template_of(frozen)->folder, "disk.qcow2", NULL);
    if (!simulated_called("fork", error))
        return NULL;
    if (g_file_test(spec->folder, G_FILE_TEST_EXISTS)) {
        oriel_fail(error, ORIEL_ERROR_CONFLICT, "simulated machine: \"%s\" exists", spec->folder);
        return NULL;
    }
    if (!folder_make(spec->folder, 0700, error) || !write_text(spec->folder, "disk.qcow2", backing, error))
        return NULL;
    return simulated_new(spec->folder, template_of(frozen)->key);
}

static void fake_keep_waiting(Template *frozen, unsigned wanted, bool disk_is_disposable)
{
    template_of(frozen)->wanted = wanted;
}

static unsigned fake_waiting(const Template *frozen)
{
    return template_of(frozen)->wanted;
}

static bool fake_waiting_clear(Hypervisor *hypervisor, GError **error)
{
    return simulated_called("waiting_clear", error);
}

/* ---- guest and display ---- */

static void tell_ready(Machine *machine)
{
    g_rec_mutex_lock(&telling);
    g_mutex_lock(&lock);
    sim(machine)->ready = true;
    const MachineListener *listener = sim(machine)->listener;
    void *data = sim(machine)->data;
    g_mutex_unlock(&lock);
    if (listener && listener->agent_ready)
        listener->agent_ready(machine, true, data);
    g_rec_mutex_unlock(&telling);
}

static bool fake_identity(Machine *machine, const AgentIdentity *identity, int64_t limit_ms, char **ret_steps,
                          GError **error)
{
    if (!simulated_called("identity", error))
        return false;
    tell_ready(machine);
    return true;
}

static bool fake_prepare_freeze(Machine *machine, int64_t limit_ms, GError **error)
{
    return simulated_called("prepare_freeze", error);
}

static bool fake_wait_ready(Machine *machine, bool settled, int64_t limit_ms, GError **error)
{
    return simulated_called("wait_ready", error);
}

/* Its guests have nobody who could be told: no entry about people and their disks is ever called. */
static bool fake_logs_on(const Machine *machine)
{
    return false;
}

static bool fake_log_off(Machine *machine, unsigned seat, int64_t limit_ms, GError **error)
{
    return simulated_called("log_off", error);
}

static bool fake_shut_down(Machine *machine, GError **error)
{
    if (!simulated_called("shut_down", error))
        return false;
    end_it(sim(machine), MACHINE_END_SHUT_DOWN);
    return true;
}

static void tell_viewers(Simulated *machine, unsigned viewers)
{
    g_rec_mutex_lock(&telling);
    g_mutex_lock(&lock);
    bool more = viewers > machine->viewers;
    machine->viewers = viewers;
    const MachineListener *listener = machine->listener;
    void *data = machine->data;
    g_mutex_unlock(&lock);
    void (*function)(Machine *, unsigned, void *) = NULL;
    if (listener)
        function = more ? listener->viewer_connected : listener->viewer_gone;
    if (function)
        function((Machine *)machine, viewers, data);
    g_rec_mutex_unlock(&telling);
}

/* The other end says RFB's greeting and hangs up: enough to tell that it is a display. */
static int fake_display(Machine *machine, GError **error)
{
    int ends[2];
    if (!simulated_called("display", error))
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        oriel_fail(error, ORIEL_ERROR_INTERNAL, "simulated machine: no sockets");
        return -1;
    }
    bool said = fd_write_all(ends[1], "RFB 003.008\n", 12, error);
    close(ends[1]);
    if (said)
        return ends[0];
    close(ends[0]);
    return -1;
}

static bool fake_viewers(Machine *machine, unsigned *ret_viewers, GError **error)
{
    g_mutex_lock(&lock);
    *ret_viewers = sim(machine)->viewers;
    g_mutex_unlock(&lock);
    return simulated_called("viewers", error);
}

static GBytes *fake_screenshot(Machine *machine, size_t limit, GError **error)
{
    /* A PNG of one grey pixel. */
    static const uint8_t png[] = {
        0x89, 'P',  'N',  'G',  0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 'I',  'H',  'D',  'R',  0x00,
        0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b, 0x55, 0x00,
        0x00, 0x00, 0x0a, 'I',  'D',  'A',  'T',  0x78, 0x9c, 0x63, 0x68, 0x00, 0x00, 0x00, 0x82, 0x00, 0x81,
        0x77, 0xcd, 0x72, 0xb6, 0x00, 0x00, 0x00, 0x00, 'I',  'E',  'N',  'D',  0xae, 0x42, 0x60, 0x82,
    };
    return simulated_called("screenshot", error) ? g_bytes_new_static(png, sizeof png) : NULL;
}

static bool fake_disconnect_all(Machine *machine, GError **error)
{
    if (!simulated_called("disconnect_all", error))
        return false;
    tell_viewers(sim(machine), 0);
    return true;
}

static bool fake_plug_network(Machine *machine, const char *mac, GError **error)
{
    return simulated_called("plug_network", error);
}

static bool fake_plug_clipboard(Machine *machine, GError **error)
{
    return simulated_called("plug_clipboard", error);
}

/* ---- the whole ---- */

static Hypervisor *fake_open(const char *state_folder, GError **error)
{
    return simulated_called("open", error) ? (Hypervisor *)&hypervisor_stand_in : NULL;
}

static void fake_close(Hypervisor *hypervisor)
{
}

static void fake_about(const Hypervisor *hypervisor, DriverAbout *ret)
{
    *ret = (DriverAbout){g_strdup("tcg"), g_strdup("Machines are simulated."), g_strdup("0")};
}

static Image *fake_image(const char *folder, GError **error)
{
    if (!simulated_called("image", error))
        return NULL;
    Image *image = g_new0(Image, 1);
    image->name = g_strdup("simulated");
    image->version = 1;
    image->folder = g_strdup(folder);
    image->disk = g_build_filename(folder, "disk.qcow2", NULL);
    image->kernel = g_build_filename(folder, "kernel", NULL);
    image->initrd = g_build_filename(folder, "initrd", NULL);
    image->append = g_strdup("quiet");
    image->session = g_strdup("x11");
    return image;
}

const HostDriver *host_driver_simulated(void)
{
    static const HostDriver driver = {
        .open = fake_open,
        .close = fake_close,
        .about = fake_about,
        .image = fake_image,
        .start = fake_start,
        .resume = fake_resume,
        .adopt = fake_adopt,
        .kill_in = fake_kill_in,
        .release = fake_release,
        .hold = fake_hold,
        .listen = fake_listen,
        .state = fake_state,
        .end = fake_end,
        .template_key = fake_template_key,
        .resume_processors = fake_resume_processors,
        .press_power = fake_press_power,
        .quit = fake_quit,
        .kill = fake_kill,
        .wait_end = fake_wait_end,
        .suspend = fake_suspend,
        .console_tail = fake_console_tail,
        .activity = fake_activity,
        .trim_console = fake_trim_console,
        .memory = fake_memory,
        .key = fake_key,
        .overlay = fake_overlay,
        .copy = fake_copy,
        .backing = fake_backing,
        .freeze = fake_freeze,
        .template_open = fake_template_open,
        .template_copy = fake_template_copy,
        .template_folder = fake_template_folder,
        .template_hold = fake_template_hold,
        .template_release = fake_template_release,
        .template_resident = fake_template_resident,
        .fork = fake_fork,
        .keep_waiting = fake_keep_waiting,
        .waiting = fake_waiting,
        .waiting_clear = fake_waiting_clear,
        .identity = fake_identity,
        .prepare_freeze = fake_prepare_freeze,
        .wait_ready = fake_wait_ready,
        .seats = simulated_seats,
        .log_off = fake_log_off,
        .resize = simulated_resize,
        .shut_down = fake_shut_down,
        .show = simulated_show,
        .ask = simulated_ask,
        .ask_end = simulated_ask_end,
        .lock = simulated_lock,
        .unlock = simulated_unlock,
        .tunnel = simulated_tunnel,
        .display = fake_display,
        .seat_display = simulated_seat_display,
        .seat_look = simulated_seat_look,
        .viewers = fake_viewers,
        .screenshot = fake_screenshot,
        .disconnect_all = fake_disconnect_all,
        .plug_network = fake_plug_network,
        .logs_on = fake_logs_on,
        .plug_clipboard = fake_plug_clipboard,
    };
    return &driver;
}

/* ---- what a test does ---- */

void simulated_reset(void)
{
    g_mutex_lock(&lock);
    tables_make();
    g_hash_table_remove_all(machines);
    g_hash_table_remove_all(faults);
    g_hash_table_remove_all(calls);
    g_mutex_unlock(&lock);
}

void simulated_fail(const char *operation, OrielErrorKind kind, unsigned times)
{
    Fault *fault = g_new0(Fault, 1);
    *fault = (Fault){kind, times};
    g_mutex_lock(&lock);
    tables_make();
    g_hash_table_replace(faults, g_strdup(operation), fault);
    g_mutex_unlock(&lock);
}

void simulated_visit(const char *operation, void (*visit)(void *data), void *data)
{
    Visit *ordered = g_new0(Visit, 1);
    *ordered = (Visit){visit, data};
    g_mutex_lock(&lock);
    tables_make();
    g_hash_table_replace(visits, g_strdup(operation), ordered);
    g_mutex_unlock(&lock);
}

unsigned simulated_calls(const char *operation)
{
    g_mutex_lock(&lock);
    tables_make();
    unsigned number = GPOINTER_TO_UINT(g_hash_table_lookup(calls, operation));
    g_mutex_unlock(&lock);
    return number;
}

unsigned simulated_running(void)
{
    g_mutex_lock(&lock);
    tables_make();
    unsigned number = g_hash_table_size(machines);
    g_mutex_unlock(&lock);
    return number;
}

bool simulated_runs(const char *folder)
{
    g_mutex_lock(&lock);
    bool runs = running_in(folder) != NULL;
    g_mutex_unlock(&lock);
    return runs;
}

bool simulated_die(const char *folder, MachineEnd end)
{
    return die(folder, end);
}

/* The machine of this folder, counted. */
static Simulated *find(const char *folder)
{
    g_mutex_lock(&lock);
    Simulated *machine = running_in(folder);
    if (machine)
        g_atomic_ref_count_inc(&machine->count);
    g_mutex_unlock(&lock);
    return machine;
}

bool simulated_pause(const char *folder)
{
    Simulated *machine = find(folder);
    if (!machine)
        return false;
    g_mutex_lock(&lock);
    machine->state = MACHINE_STATE_PAUSED;
    g_mutex_unlock(&lock);
    simulated_unref(machine);
    return true;
}

const char *simulated_folder(const Machine *machine)
{
    return sim(machine)->folder;
}

bool simulated_set_viewers(const char *folder, unsigned viewers)
{
    Simulated *machine = find(folder);
    if (!machine)
        return false;
    tell_viewers(machine, viewers);
    simulated_unref(machine);
    return true;
}

bool simulated_tell(const char *folder, SimulatedWord word, void *word_data)
{
    Simulated *machine = find(folder);
    if (!machine)
        return false;
    g_rec_mutex_lock(&telling);
    g_mutex_lock(&lock);
    const MachineListener *listener = machine->listener;
    void *data = machine->data;
    g_mutex_unlock(&lock);
    if (listener)
        word((Machine *)machine, listener, data, word_data);
    g_rec_mutex_unlock(&telling);
    simulated_unref(machine);
    return true;
}
