/* How far something is, on standard error: a bar that redraws itself on a terminal, a line for each new step
 * elsewhere. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct Progress Progress;

Progress *progress_new(bool terminal, bool quiet);

/* The title, per cent (0..100, -1: unknown) and the step under way ("" or NULL: none) as they are now. */
void progress_set(Progress *progress, const char *title, int percent, const char *step);

/* Takes the bar away, so that something else can be printed. progress_set draws it again. */
void progress_clear(Progress *progress);

/* Leaves the last state standing and frees. NULL is fine. */
void progress_free(Progress *progress);

/* The text of a bar, at most `columns` wide: "Build image x  [####----]  47 %  0:42  installing". Caller
 * frees. */
char *progress_text(const char *title, int percent, const char *step, int64_t elapsed_ms, int columns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Progress, progress_free)
