/* The log goes to standard error, one line an entry; under systemd with <priority> prefixes (sd-daemon(3)).
 * Library code returns errors and does not log; the top of a process does. Never log a secret. Any thread. */
#pragma once

#include <glib.h>

typedef enum { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 } LogLevel;

/* Once at start: the process's name, and the level above which nothing is printed (ORIEL_DEBUG=1 sets DEBUG). */
void log_open(const char *program);

void log_write(LogLevel level, const char *format, ...) G_GNUC_PRINTF(2, 3);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
