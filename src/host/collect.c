/* Folders that nothing names any more: a desktop's without a row, a template's that no pool wants. Disks of
 * templates stay as long as a desktop's disk rests on them. */
#include "host/private.h"

#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"

static GPtrArray *names_in(const char *folder)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name = NULL;
    while (dir && (name = g_dir_read_name(dir)))
        g_ptr_array_add(names, g_strdup(name));
    return names;
}

/* ---- desktops ---- */

/* The worker that visits it finds no row and removes everything. */
static void collect_desktops(Host *host)
{
    g_autoptr(GPtrArray) names = names_in(host->desktops);
    for (size_t i = 0; i < names->len; i++) {
        if (!id_is_valid(names->pdata[i]))
            continue;
        g_autoptr(Slot) known = slot_find(host, names->pdata[i]);
        if (known)
            continue; /* the loop looks after it */
        g_autoptr(Slot) slot = slot_of(host, names->pdata[i]);
        slot_queue(slot);
    }
}

/* ---- templates ---- */

/* Folders of templates that disks of desktops rest on. */
static GHashTable *backing_folders(Host *host)
{
    GHashTable *folders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) names = names_in(host->desktops);
    for (size_t i = 0; i < names->len; i++) {
        g_autofree char *disk = g_build_filename(host->desktops, names->pdata[i], "disk.qcow2", NULL);
        g_autofree char *backing = NULL;
        if (host->driver->backing(disk, &backing, NULL) && backing)
            g_hash_table_add(folders, g_path_get_dirname(backing));
    }
    return folders;
}

bool collect_is_backing(Host *host, const char *template_folder)
{
    if (!g_file_test(template_folder, G_FILE_TEST_EXISTS))
        return false;
    g_autoptr(GHashTable) folders = backing_folders(host);
    return g_hash_table_contains(folders, template_folder);
}

/* template.json goes first: without it there is no template, whatever else is left by a crash. */
static bool trim(const char *folder, GError **error)
{
    static const char *const files[] = {"template.json", "ram", "state"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(folder, files[i], NULL);
        if (!folder_remove(path, error))
            return false;
    }
    return true;
}

bool collect_retire(Host *host, const char *template_folder, GError **error)
{
    return trim(template_folder, error) &&
           (collect_is_backing(host, template_folder) || folder_remove(template_folder, error));
}

static bool is_wanted(Host *host, const char *key)
{
    g_mutex_lock(&host->lock);
    bool wanted = false;
    GHashTableIter each;
    gpointer value = NULL;
    g_hash_table_iter_init(&each, host->templates_of);
    while (!wanted && g_hash_table_iter_next(&each, NULL, &value)) {
        const PoolTemplate *entry = value;
        /* While one is opened or built, its folder is not known here: nothing is collected then. */
        wanted = g_strcmp0(entry->key, key) == 0 || entry->state == TEMPLATE_OPENING ||
                 entry->state == TEMPLATE_BUILDING;
    }
    g_mutex_unlock(&host->lock);
    return wanted;
}

static bool has_entries(Host *host)
{
    g_mutex_lock(&host->lock);
    bool some = g_hash_table_size(host->templates_of) > 0;
    g_mutex_unlock(&host->lock);
    return some;
}

static void collect_template(Host *host, const char *key, GHashTable *backing)
{
    g_autofree char *folder = g_build_filename(host->templates, key, NULL);
    g_autoptr(GError) error = NULL;
    bool needed = g_hash_table_contains(backing, folder);
    bool gone = host->driver->kill_in(folder, &error) &&
                (needed ? trim(folder, &error) : folder_remove(folder, &error));
    if (!gone)
        log_warning("template %s: cannot be removed: %s", key, error->message);
}

/* Only what nobody wanted at the last look either: a fork that was under way then has its disk by now, and
 * shows on what it rests. */
static void collect_templates(Host *host)
{
    g_autoptr(GPtrArray) names = names_in(host->templates);
    g_autoptr(GHashTable) backing = names->len ? backing_folders(host) : NULL;
    GHashTable *unwanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; i < names->len; i++) {
        const char *key = names->pdata[i];
        if (is_wanted(host, key))
            continue;
        g_hash_table_add(unwanted, g_strdup(key));
        if (g_hash_table_contains(host->unwanted, key))
            collect_template(host, key, backing);
    }
    g_hash_table_unref(host->unwanted);
    host->unwanted = unwanted;
}

void collect_pass(Host *host)
{
    collect_desktops(host);
    g_autoptr(GPtrArray) pools = store_pool_list_fields(host->store, NULL);
    if (pools && (has_entries(host) || pools->len == 0))
        collect_templates(host);
}
