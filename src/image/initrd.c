#include "image/initrd.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"

#define MODULE_LARGEST (32 * 1024 * 1024)
#define MODULES "usr/lib/modules"

/* crc32c is what ext4 asks the kernel's crypto layer for at mount time, when nobody could load it any more. */
static const char *const WANTED[] = {"crc32c_generic", "virtio_pci", "virtio_blk", "ext4", "virtio_console", NULL};

char *initrd_kernel_version(const char *root, GError **error)
{
    g_autofree char *path = g_build_filename(root, MODULES, NULL);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    g_autofree char *version = g_strdup(folder ? g_dir_read_name(folder) : NULL);
    if (!version) {
        oriel_fail(error, ORIEL_ERROR_INVALID, "the recipe's kernel package has no modules");
        return NULL;
    }
    if (g_dir_read_name(folder)) {
        oriel_fail(error, ORIEL_ERROR_INVALID, "the recipe installs more than one kernel");
        return NULL;
    }
    return g_steal_pointer(&version);
}

/* "kernel/fs/ext4/ext4.ko" is "ext4"; - and _ are the same in names of modules. */
static char *module_name(const char *file)
{
    char *name = g_path_get_basename(file);
    *strchrnul(name, '.') = '\0';
    return g_strdelimit(name, "-", '_');
}

static void add_module(GPtrArray *order, GHashTable *needs, const char *file)
{
    if (g_ptr_array_find_with_equal_func(order, file, g_str_equal, NULL))
        return;
    /* modules.dep lists everything a module needs, what is needed first at the end. */
    char **words = g_hash_table_lookup(needs, file);
    for (guint i = words ? g_strv_length(words) : 0; i > 0; i--)
        if (*words[i - 1] && !g_ptr_array_find_with_equal_func(order, words[i - 1], g_str_equal, NULL))
            g_ptr_array_add(order, g_strdup(words[i - 1]));
    g_ptr_array_add(order, g_strdup(file));
}

GPtrArray *initrd_modules(const char *modules_dep, const char *const *names)
{
    GPtrArray *order = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GHashTable) needs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_strfreev);
    g_autoptr(GHashTable) files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(GStrv) lines = g_strsplit(modules_dep, "\n", -1);
    for (char **line = lines; *line; line++) {
        char *colon = strchr(*line, ':');
        if (!colon)
            continue;
        *colon = '\0';
        g_hash_table_insert(needs, g_strdup(*line), g_strsplit(g_strstrip(colon + 1), " ", -1));
        g_hash_table_insert(files, module_name(*line), g_strdup(*line));
    }
    for (; *names; names++) {
        const char *file = g_hash_table_lookup(files, *names);
        if (file)
            add_module(order, needs, file);
    }
    return order;
}

static void align(GByteArray *archive)
{
    static const guint8 ZEROS[4] = {0};
    g_byte_array_append(archive, ZEROS, (4 - archive->len % 4) % 4);
}

static void add_entry(GByteArray *archive, const char *name, unsigned mode, const void *data, size_t length)
{
    unsigned number = archive->len; /* any number of its own will do as an inode */
    g_autofree char *header =
        g_strdup_printf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", number, mode, 0, 0, 1, 0,
                        (unsigned)length, 0, 0, 0, 0, (unsigned)strlen(name) + 1, 0);
    g_byte_array_append(archive, (guint8 *)header, (guint)strlen(header));
    g_byte_array_append(archive, (const guint8 *)name, (guint)strlen(name) + 1);
    align(archive);
    if (length > 0)
        g_byte_array_append(archive, data, (guint)length);
    align(archive);
}

static bool add_file(GByteArray *archive, const char *name, unsigned mode, const char *path, GError **error)
{
    size_t length;
    g_autofree char *data = file_read(path, MODULE_LARGEST, &length, error);
    if (!data)
        return false;
    add_entry(archive, name, S_IFREG | mode, data, length);
    return true;
}

static bool add_modules(GByteArray *archive, const char *folder, GError **error)
{
    g_autofree char *dep = g_build_filename(folder, "modules.dep", NULL);
    g_autofree char *text = file_read(dep, MODULE_LARGEST, NULL, error);
    if (!text)
        return false;
    g_autoptr(GPtrArray) order = initrd_modules(text, WANTED);
    g_autoptr(GString) list = g_string_new(NULL);
    for (guint i = 0; i < order->len; i++) {
        const char *file = order->pdata[i];
        g_autofree char *path = g_build_filename(folder, file, NULL);
        g_autofree char *base = g_path_get_basename(file);
        g_autofree char *name = g_strconcat("modules/", base, NULL);
        if (!add_file(archive, name, 0644, path, error))
            return false;
        g_string_append_printf(list, "%s\n", base);
    }
    add_entry(archive, "modules/list", S_IFREG | 0644, list->str, list->len);
    return true;
}

bool initrd_write(const char *root, const char *version, const char *init_program, const char *path, GError **error)
{
    static const char *const FOLDERS[] = {"dev", "proc", "sys", "root", "modules"};
    g_autoptr(GByteArray) archive = g_byte_array_new();
    g_autofree char *folder = g_build_filename(root, MODULES, version, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(FOLDERS); i++)
        add_entry(archive, FOLDERS[i], S_IFDIR | 0755, NULL, 0);
    if (!add_file(archive, "init", 0755, init_program, error) || !add_modules(archive, folder, error)) {
        g_prefix_error(error, "initrd: ");
        return false;
    }
    add_entry(archive, "TRAILER!!!", 0, NULL, 0);
    return file_write_atomic(path, archive->data, archive->len, 0444, error);
}
