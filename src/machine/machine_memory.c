#include "machine/machine_memory.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/number.h"

#define ROLLUP_LIMIT 16384
/* QEMU's heap, device memory and translation cache, and room for its growth; measured 20 to 50 MiB. */
#define QEMU_OVERHEAD ((uint64_t)96 * 1024 * 1024)

/* The value of one line such as "Private_Dirty:     1234 kB", in bytes; 0 where it is missing. */
static uint64_t rollup_value(const char *text, const char *key)
{
    g_autofree char *wanted = g_strdup_printf("\n%s:", key);
    const char *line = strstr(text, wanted);
    if (!line)
        return 0;
    line += strlen(wanted);
    line += strspn(line, " ");
    g_autofree char *digits = g_strndup(line, strspn(line, "0123456789"));
    uint64_t kibibytes;
    return number_parse(digits, 0, UINT64_MAX / 1024, key, &kibibytes, NULL) ? kibibytes * 1024 : 0;
}

bool machine_memory(const Machine *machine, MachineMemory *ret, GError **error)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/smaps_rollup", (int)machine_pid(machine));
    g_autofree char *text =
        machine_state(machine) == MACHINE_STATE_ENDED ? NULL : file_read(path, ROLLUP_LIMIT, NULL, NULL);
    if (!text)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "machine \"%s\": its process is gone",
                          machine_folder(machine));
    *ret = (MachineMemory){
        .private_bytes = rollup_value(text, "Private_Clean") + rollup_value(text, "Private_Dirty"),
        .proportional = rollup_value(text, "Pss"),
        .resident = rollup_value(text, "Rss"),
    };
    return true;
}

uint64_t machine_memory_worst(uint64_t memory)
{
    return memory + QEMU_OVERHEAD;
}
