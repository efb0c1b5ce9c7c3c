/* Smaller pictures, by averaging blocks of pixels (libpng's simplified API). */
#include "host/private.h"

#include <png.h>
#include <string.h>

#include "base/error.h"

/* A guest chooses the size, and zeros compress a thousandfold: what a picture costs is looked up in its header first. An
 * 8K screen has 33 million pixels. */
static const uint64_t most_pixels = 36 * 1000 * 1000;

static GMutex decoding; /* one whole picture in memory at a time, however many ask */

static uint8_t *decode(GBytes *png, png_image *image, GError **error)
{
    size_t length = 0;
    const void *data = g_bytes_get_data(png, &length);
    *image = (png_image){.version = PNG_IMAGE_VERSION};
    uint8_t *pixels = NULL;
    bool readable = png_image_begin_read_from_memory(image, data, length);
    if (readable && (uint64_t)image->width * image->height > most_pixels) {
        oriel_fail(error, ORIEL_ERROR_TOO_LARGE, "screenshot: %u × %u pixels are too many to make a smaller one",
                   image->width, image->height);
        png_image_free(image);
        return NULL;
    }
    if (readable) {
        image->format = PNG_FORMAT_RGB;
        pixels = g_malloc(PNG_IMAGE_SIZE(*image));
        if (png_image_finish_read(image, NULL, pixels, 0, NULL))
            return pixels;
    }
    oriel_fail(error, ORIEL_ERROR_CORRUPT, "screenshot: is no PNG that can be read: %s", image->message);
    png_image_free(image);
    g_free(pixels);
    return NULL;
}

/* The mean of the source pixels that fall on target pixel x, y. */
static void average(const uint8_t *from, const png_image *source, const png_image *target, unsigned at[2],
                    uint8_t *to)
{
    unsigned left = (unsigned)((uint64_t)at[0] * source->width / target->width);
    unsigned right = MAX(left + 1, (unsigned)((uint64_t)(at[0] + 1) * source->width / target->width));
    unsigned top = (unsigned)((uint64_t)at[1] * source->height / target->height);
    unsigned bottom = MAX(top + 1, (unsigned)((uint64_t)(at[1] + 1) * source->height / target->height));
    uint64_t sum[3] = {0};
    for (unsigned y = top; y < bottom; y++)
        for (unsigned x = left; x < right; x++)
            for (unsigned c = 0; c < 3; c++)
                sum[c] += from[((size_t)y * source->width + x) * 3 + c];
    uint64_t count = (uint64_t)(right - left) * (bottom - top);
    for (unsigned c = 0; c < 3; c++)
        to[c] = (uint8_t)(sum[c] / count);
}

static GBytes *encode(png_image *image, const uint8_t *pixels, GError **error)
{
    png_alloc_size_t length = PNG_IMAGE_PNG_SIZE_MAX(*image);
    g_autofree uint8_t *png = g_malloc(length);
    if (!png_image_write_to_memory(image, png, &length, 0, pixels, 0, NULL)) {
        oriel_fail(error, ORIEL_ERROR_INTERNAL, "thumbnail: cannot be written: %s", image->message);
        return NULL;
    }
    return g_bytes_new(png, length);
}

static GBytes *scale(GBytes *png, unsigned width, GError **error)
{
    png_image source = {0};
    g_autofree uint8_t *from = decode(png, &source, error);
    if (!from)
        return NULL;
    if (width == 0 || source.width <= width)
        return g_bytes_ref(png);
    png_image target = {
        .version = PNG_IMAGE_VERSION,
        .width = width,
        .height = MAX(1, (unsigned)((uint64_t)source.height * width / source.width)),
        .format = PNG_FORMAT_RGB,
    };
    g_autofree uint8_t *to = g_malloc(PNG_IMAGE_SIZE(target));
    for (unsigned y = 0; y < target.height; y++)
        for (unsigned x = 0; x < target.width; x++)
            average(from, &source, &target, (unsigned[2]){x, y}, to + ((size_t)y * target.width + x) * 3);
    return encode(&target, to, error);
}

GBytes *thumbnail_scale(GBytes *png, unsigned width, GError **error)
{
    g_mutex_lock(&decoding);
    GBytes *smaller = scale(png, width, error);
    g_mutex_unlock(&decoding);
    return smaller;
}
