/* image-build RECIPE IMAGES [CACHE]: builds one image by the library alone, without orield. For tests and for people who
 * write recipes. The guest's programs are looked for in $ORIEL_GUEST. Interrupt cancels. */
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "image/image.h"

static GCancellable *cancellable;

static gpointer watch_signals(gpointer data)
{
    int number;
    sigwait(data, &number);
    g_cancellable_cancel(cancellable);
    return NULL;
}

static void show(void *data, const char *step, unsigned percent, const char *line)
{
    static unsigned shown = 101;
    if (line && g_getenv("ORIEL_DEBUG"))
        fprintf(stderr, "%s\n", line);
    if (percent != shown)
        printf("%3u %% %s\n", percent, step);
    shown = percent;
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static sigset_t signals;
    g_autoptr(GError) error = NULL;
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: image-build RECIPE IMAGES [CACHE]\n");
        return EXIT_FAILURE;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    cancellable = g_cancellable_new();
    g_thread_unref(g_thread_new("signals", watch_signals, &signals));
    g_autofree char *base = g_path_get_basename(argv[1]);
    char *dot = strrchr(base, '.');
    if (dot)
        *dot = '\0';
    g_autoptr(Recipe) recipe = recipe_load(argv[1], &error);
    const char *guest = g_getenv("ORIEL_GUEST");
    ImageBuild build = {.recipe = recipe, .images = argv[2], .name = base, .guest = guest ? guest : ORIEL_GUEST_FOLDER,
                        .cache = argv[3], .progress = show, .cancellable = cancellable};
    g_autoptr(Image) image = recipe ? image_build(&build, &error) : NULL;
    if (!image) {
        fprintf(stderr, "image-build: %s\n", error->message);
        return oriel_error_info(oriel_error_kind(error))->exit_code;
    }
    g_autofree char *size = number_format_size(image->file_bytes);
    printf("%s version %u: %s, %u packages, %s\n", image->name, image->version, image->folder, image->packages, size);
    return EXIT_SUCCESS;
}
