#include "host/record.h"

#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"

bool record_write(const char *folder, const Record *record, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "record.json", NULL);
    g_autoptr(Json) json = json_pack("{s:I,s:i,s:b,s:b}", "memory", (json_int_t)record->memory, "vcpus",
                                     (int)record->vcpus, "network", (int)record->network, "home",
                                     (int)record->home);
    return json_write_file(path, json, error);
}

bool record_read(const char *folder, Record *ret, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "record.json", NULL);
    g_autoptr(Json) json = json_read_file(path, LIMIT_MANIFEST, error);
    json_int_t memory = 0;
    int vcpus = 0, network = 0, home = 0;
    if (!json || !json_read(json, path, error, "{s:I,s:i,s:b,s?b}", "memory", &memory, "vcpus", &vcpus, "network",
                            &network, "home", &home))
        return false;
    if (memory < 1024 * 1024 || vcpus < 1 || vcpus > 64)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "file \"%s\": its numbers make no sense", path);
    *ret = (Record){.memory = (uint64_t)memory, .vcpus = (unsigned)vcpus, .network = network, .home = home};
    return true;
}
