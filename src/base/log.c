#include "base/log.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static const char *program_name = "oriel";
static LogLevel highest = LOG_LEVEL_INFO;
static bool to_journal;

void log_open(const char *program)
{
    program_name = program;
    to_journal = g_getenv("JOURNAL_STREAM") != NULL;
    if (g_getenv("ORIEL_DEBUG"))
        highest = LOG_LEVEL_DEBUG;
}

static void write_all(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t done = write(STDERR_FILENO, text, length);
        if (done <= 0)
            return; /* nowhere left to say so */
        text += done;
        length -= (size_t)done;
    }
}

void log_write(LogLevel level, const char *format, ...)
{
    if (level > highest)
        return;
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_strdelimit(text, "\n\r", ' '); /* a guest's text must not forge lines */
    g_autofree char *line = NULL;
    if (to_journal) {
        line = g_strdup_printf("<%d>%s\n", (int)level, text);
    } else {
        g_autofree char *time = clock_format_utc(clock_utc_ms());
        const char *word = level <= LOG_LEVEL_ERROR ? "error: " : level == LOG_LEVEL_WARNING ? "warning: " : "";
        line = g_strdup_printf("%s %s: %s%s\n", time, program_name, word, text);
    }
    write_all(line, strlen(line));
}
