/* Files between browser and desktop: what a guest answers, read by the host; and what a host asks, served by the guest in an empty
 * folder. */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "guest/agent_files.h"
#include "host/file_link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *home;

static void home_remove(void)
{
    folder_remove(home, NULL);
}

/* A guest that may not make files of any size: what is asked for is reserved at once. */
static void home_make(void)
{
    const struct rlimit most = {.rlim_cur = 1024 * 1024, .rlim_max = 1024 * 1024};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &most);
    home = g_dir_make_tmp("oriel-fuzz-files-XXXXXX", NULL);
    atexit(home_remove);
}

/* Whatever is asked, these bytes are the answer. */
static void read_answers(int fd)
{
    g_auto(HostFiles) files = {0};
    FileLink link = {.fd = fd, .folder = FILES_FOLDER};
    uint32_t number = 0;
    uint64_t bytes = 0;
    file_link_list(&link, &files, NULL);
    file_link_get(&link, "name", &number, &bytes, NULL);
    g_autoptr(GBytes) read = file_link_read(&link, number, 0, 100, NULL);
    g_autofree char *name = file_link_finish(&link, number, NULL);
    g_assert_true(!name || agent_files_name_is_plain(name, strlen(name)));
    g_assert_true(!read || g_bytes_get_size(read) <= 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_auto(HostFiles) files = {0};
    int ends[2];
    if (!home)
        home_make();
    if (size > 32768 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return 0;
    file_list_parse(data, size, &files, NULL);
    g_assert_true(file_name_is_plain((const char *)data, size) == agent_files_name_is_plain((const char *)data, size));
    if (write(ends[0], data, size) == (ssize_t)size)
        shutdown(ends[0], SHUT_WR);
    if (size > 0 && data[0] & 1)
        read_answers(ends[1]);
    else
        agent_files_serve(ends[1], home);
    close(ends[0]);
    close(ends[1]);
    return 0;
}
