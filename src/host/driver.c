#include "host/driver.h"

#include "machine/overlay.h"
#include "machine/plug.h"
#include "machine/tunnel.h"

static Hypervisor *real_open(const char *state_folder, GError **error)
{
    return hypervisor_open(&(HypervisorOptions){.state_folder = state_folder}, error);
}

static void real_about(const Hypervisor *hypervisor, DriverAbout *ret)
{
    const Accelerator *accelerator = hypervisor_accelerator(hypervisor);
    ret->accelerator = g_strdup(accelerator_name(accelerator->kind));
    ret->accelerator_why = g_strdup(accelerator->explanation);
    ret->qemu_version = g_strdup(hypervisor_features(hypervisor)->version);
}

const HostDriver *host_driver_real(void)
{
    static const HostDriver driver = {
        .open = real_open,
        .close = hypervisor_close,
        .about = real_about,
        .image = image_open,
        .start = machine_start,
        .resume = machine_resume,
        .adopt = machine_adopt,
        .kill_in = machine_kill_in,
        .release = machine_unref,
        .hold = machine_ref,
        .listen = machine_set_listener,
        .state = machine_state,
        .end = machine_end,
        .template_key = machine_template_key,
        .resume_processors = machine_continue,
        .press_power = machine_press_power,
        .quit = machine_quit,
        .kill = machine_kill,
        .wait_end = machine_wait_end,
        .suspend = machine_suspend,
        .console_tail = machine_console_tail,
        .activity = machine_activity,
        .trim_console = machine_trim_console,
        .memory = machine_memory,
        .key = template_key,
        .overlay = overlay_create,
        .copy = disk_copy,
        .backing = overlay_backing,
        .freeze = template_freeze,
        .template_open = template_open,
        .template_copy = template_copy,
        .template_folder = template_folder,
        .template_hold = template_ref,
        .template_release = template_unref,
        .template_resident = template_memory_resident,
        .fork = template_fork,
        .keep_waiting = template_keep_waiting,
        .waiting = template_waiting,
        .waiting_clear = waiting_clear,
        .identity = agent_identity,
        .prepare_freeze = agent_prepare_freeze,
        .wait_ready = agent_wait_ready,
        .logs_on = agent_logs_on,
        .log_on = agent_log_on,
        .grow_home = agent_grow_home,
        .seats = agent_seats,
        .log_off = agent_log_off,
        .resize = agent_resize,
        .shut_down = agent_shut_down,
        .show = agent_show,
        .ask = agent_ask,
        .ask_end = agent_ask_end,
        .lock = agent_lock,
        .unlock = agent_unlock,
        .display = display_connect,
        .seat_display = tunnel_open, /* of the seat's number */
        .seat_look = tunnel_open_beside,
        .viewers = display_viewers,
        .screenshot = display_screenshot,
        .disconnect_all = display_disconnect_all,
        .plug_network = plug_network,
        .plug_user_disk = plug_user_disk,
        .unplug_user_disk = unplug_user_disk,
        .user_disk_resize = user_disk_resize,
        .disk_create = disk_create,
        .disk_virtual_size = disk_virtual_size,
        .plug_clipboard = plug_clipboard,
        .tunnel = tunnel_open,
    };
    return &driver;
}
