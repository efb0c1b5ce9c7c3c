#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/print.h"

enum { BAR_CELLS = 24, TEXT_LIMIT = 200, LOG_PAUSE_MS = 15000 };

struct Progress {
    bool terminal, quiet;
    bool drawn;
    int64_t since_ms;
    char *title, *step;
    int percent;
    int printed_percent;
    int64_t printed_ms; /* monotonic; 0: nothing yet */
    char *printed_step;
};

Progress *progress_new(bool terminal, bool quiet)
{
    Progress *progress = g_new0(Progress, 1);
    progress->terminal = terminal;
    progress->quiet = quiet;
    progress->since_ms = clock_monotonic_ms();
    return progress;
}

static int terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

/* Columns of a terminal, not bytes; wide letters are rare here and cost at worst an early cut. */
static char *cut(const char *text, int columns)
{
    glong letters = g_utf8_strlen(text, -1);
    if (letters <= columns)
        return g_strdup(text);
    return columns > 1 ? g_utf8_substring(text, 0, columns) : g_strdup("");
}

char *progress_text(const char *title, int percent, const char *step, int64_t elapsed_ms, int columns)
{
    g_autoptr(GString) line = g_string_new(title);
    if (percent >= 0) {
        int filled = MIN(percent, 100) * BAR_CELLS / 100;
        g_string_append(line, "  [");
        for (int i = 0; i < BAR_CELLS; i++)
            g_string_append_c(line, i < filled ? '#' : '-');
        g_string_append_printf(line, "] %3d %%", MIN(percent, 100));
    }
    int64_t seconds = elapsed_ms / 1000;
    g_string_append_printf(line, "  %d:%02d", (int)(seconds / 60), (int)(seconds % 60));
    if (step && *step)
        g_string_append_printf(line, "  %s", step);
    return cut(line->str, columns);
}

static void draw(Progress *progress)
{
    g_autofree char *text = progress_text(progress->title, progress->percent, progress->step,
                                          clock_monotonic_ms() - progress->since_ms, terminal_columns() - 1);
    fprintf(stderr, "\r\033[K%s", text);
    fflush(stderr);
    progress->drawn = true;
}

/* In a log file: a line for a new step, and none for each per cent. Steps that flicker get one line in a while. */
static void log_line(Progress *progress)
{
    int64_t now = clock_monotonic_ms();
    bool same = g_strcmp0(progress->printed_step, progress->step) == 0;
    bool moved = ABS(progress->percent - progress->printed_percent) >= 5;
    bool due = now - progress->printed_ms >= LOG_PAUSE_MS;
    if (progress->printed_ms && (same || (!moved && !due)))
        return;
    progress->printed_ms = now;
    g_free(progress->printed_step);
    progress->printed_step = g_strdup(progress->step);
    progress->printed_percent = progress->percent;
    if (progress->percent >= 0)
        fprintf(stderr, "%s: %d %%%s%s\n", progress->title, progress->percent, *progress->step ? " " : "",
                progress->step);
    else
        fprintf(stderr, "%s: %s\n", progress->title, progress->step);
}

void progress_set(Progress *progress, const char *title, int percent, const char *step)
{
    g_autofree char *safe_title = print_safe(title ? title : "");
    g_autofree char *safe_step = print_safe(step ? step : "");
    g_free(progress->title);
    g_free(progress->step);
    progress->title = cut(safe_title, TEXT_LIMIT);
    progress->step = cut(safe_step, TEXT_LIMIT);
    progress->percent = percent;
    if (progress->quiet)
        return;
    if (progress->terminal)
        draw(progress);
    else
        log_line(progress);
}

void progress_clear(Progress *progress)
{
    if (progress->drawn) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    progress->drawn = false;
}

void progress_free(Progress *progress)
{
    if (!progress)
        return;
    if (progress->drawn)
        fputc('\n', stderr);
    g_free(progress->title);
    g_free(progress->step);
    g_free(progress->printed_step);
    g_free(progress);
}
