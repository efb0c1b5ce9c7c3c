#include "image/progress.h"

#include <glib.h>
#include <string.h>

/* Share of the whole (percent) that each part of mmdebstrap's run takes: measured on debian-xfce with a warm cache. */
static const struct {
    unsigned from, downloaded, done;
} ROUNDS[] = {{1, 4, 14}, {16, 30, 80}};

void progress_step(Progress *progress, const char *step, unsigned percent)
{
    progress->step = step;
    if (percent > progress->percent)
        progress->percent = percent;
}

static unsigned share(unsigned from, unsigned to, unsigned done, unsigned all)
{
    if (all == 0)
        return from;
    return from + (to - from) * MIN(done, all) / all;
}

static void follow_apt(Progress *progress, const char *line)
{
    unsigned round = MIN(progress->round, G_N_ELEMENTS(ROUNDS) - 1);
    const char *installed = strstr(line, " newly installed, ");
    if (installed) {
        const char *number = installed;
        while (number > line && g_ascii_isdigit(number[-1]))
            number--;
        progress->packages = (unsigned)MIN(g_ascii_strtoull(number, NULL, 10), 100000);
        progress->fetched = progress->unpacked = progress->set_up = 0;
    } else if (g_str_has_prefix(line, "Get:")) {
        progress->fetched++;
        progress_step(progress, "download", share(ROUNDS[round].from, ROUNDS[round].downloaded, progress->fetched,
                                                  progress->packages));
    } else if (g_str_has_prefix(line, "Unpacking ") || g_str_has_prefix(line, "Setting up ")) {
        *(line[0] == 'U' ? &progress->unpacked : &progress->set_up) += 1;
        progress_step(progress, "install", share(ROUNDS[round].downloaded, ROUNDS[round].done,
                                                 progress->unpacked + progress->set_up, 2 * progress->packages));
    }
}

/* Who is not root builds in a user namespace: what unshare(1) and newuidmap(1) say where that is not allowed. */
static bool is_namespace_error(const char *line)
{
    return g_str_has_prefix(line, "unshare: ") || g_str_has_prefix(line, "newuidmap: ") || g_str_has_prefix(line, "newgidmap: ");
}

static void explain_namespace(const char *error, char *text, size_t size)
{
    const char *advice = "allow them (sysctl kernel.unprivileged_userns_clone=1; on Ubuntu also "
                         "kernel.apparmor_restrict_unprivileged_userns=0; in a container its runtime decides)";
    if (strstr(error, "No space left on device")) /* what unshare(2) calls a limit that is reached */
        advice = "raise their limit (sysctl user.max_user_namespaces=10000)";
    else if (strstr(error, "/etc/sub") || g_str_has_prefix(error, "new"))
        advice = "give this user a range of ids (usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER)";
    g_snprintf(text, (gulong)size,
               "this host does not let the user that builds make the user namespace that a build without root needs "
               "(%s); %s, or build as root",
               error, advice);
}

static bool reports_error(const char *line)
{
    return g_str_has_prefix(line, "E: ") || g_str_has_prefix(line, "Err:") || strstr(line, "No space left on device") ||
           g_str_has_prefix(line, "dpkg: error") || g_str_has_prefix(line, "qemu-img: ") ||
           g_str_has_prefix(line, "mke2fs: ") || is_namespace_error(line);
}

void progress_line(Progress *progress, const char *line)
{
    /* apt's "Err:" only says where; why follows as "E: ". */
    bool vague = g_str_has_prefix(progress->first_error, "Err:") && g_str_has_prefix(line, "E: ");
    if ((!progress->first_error[0] || vague) && reports_error(line)) {
        g_strlcpy(progress->first_error, line, sizeof progress->first_error);
        g_strlcpy(progress->before_error, progress->last_line, sizeof progress->before_error);
    }
    g_strlcpy(progress->last_line, line, sizeof progress->last_line);
    if (g_str_has_prefix(line, "I: installing remaining packages"))
        progress->round = 1;
    else if (g_str_has_prefix(line, "oriel: "))
        progress_step(progress, "configure", 80);
    else
        follow_apt(progress, line);
}

void progress_explain(const Progress *progress, const char *program, OrielErrorKind *ret_kind, char *text, size_t size)
{
    const char *error = progress->first_error[0] ? progress->first_error : progress->last_line;
    /* A recipe's own script or one of our hooks failed: what it said last stands before mmdebstrap's complaint. */
    bool hook = strstr(error, "customize.sh") || strstr(error, "setup.sh");
    const char *detail = hook && progress->before_error[0] ? progress->before_error : error;
    if (is_namespace_error(error)) {
        *ret_kind = ORIEL_ERROR_UNSUPPORTED;
        explain_namespace(error, text, size);
        return;
    }
    bool small = strstr(error, "in ext2 filesystem while populating"); /* the file system's words, not the host's */
    if (small)
        *ret_kind = ORIEL_ERROR_INVALID;
    else if (strstr(error, "No space left on device") || strstr(error, "enough free space") ||
             strstr(detail, "No space left on device"))
        *ret_kind = ORIEL_ERROR_NO_SPACE;
    else if (strstr(error, "Unable to locate package") || strstr(error, "has no installation candidate") ||
             strstr(error, "Release' does not have") || strstr(error, "does not have a Release file") ||
             (hook && progress->step && strcmp(progress->step, "configure") == 0))
        *ret_kind = ORIEL_ERROR_INVALID;
    else if (g_str_has_prefix(error, "Err:") || strstr(error, "Failed to fetch") || strstr(error, "Temporary failure"))
        *ret_kind = ORIEL_ERROR_UNAVAILABLE;
    else
        *ret_kind = ORIEL_ERROR_INTERNAL;
    if (small)
        g_snprintf(text, (gulong)size, "the recipe's size is too small for what it installs; give it a larger one");
    else
        g_snprintf(text, (gulong)size, "%s failed: %s", program, *detail ? detail : "it gave no reason");
}
