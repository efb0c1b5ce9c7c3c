#include "host/rfb_picture.h"

#include <png.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "host/rfb_logon.h"

enum {
    PIXEL_BYTES = 4,
    RGB_BYTES = 3,
    NAME_MOST = 4096,
    TEXT_MOST = 16 * 1024 * 1024, /* of its clipboard, which is thrown away */
};

typedef struct {
    int fd;
    int64_t deadline_us;
    unsigned width, height;
    uint8_t *pixels; /* RGB */
    uint64_t painted; /* pixels */
} Picture;

static unsigned short_of(const uint8_t *bytes)
{
    return (unsigned)(bytes[0] << 8 | bytes[1]);
}

static uint32_t long_of(const uint8_t *bytes)
{
    return (uint32_t)short_of(bytes) << 16 | short_of(bytes + 2);
}

static bool hear(const Picture *picture, void *bytes, size_t length, GError **error)
{
    return rfb_hear(picture->fd, bytes, length, picture->deadline_us, error);
}

static bool skip(const Picture *picture, size_t length, size_t most, GError **error)
{
    uint8_t block[4096];
    if (length > most)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "says more than it may");
    for (size_t part; length > 0; length -= part) {
        part = MIN(length, sizeof block);
        if (!hear(picture, block, part, error))
            return false;
    }
    return true;
}

/* ClientInit: others stay. Then the pixels as we want them: red, green, blue and nothing, one byte each. */
static bool begin(Picture *picture, GError **error)
{
    static const uint8_t shared = 1,
                         wishes[] = {0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 0, 8, 16, 0, 0, 0, /* SetPixelFormat */
                                     2, 0, 0, 1, 0, 0, 0, 0};                                             /* SetEncodings: raw */
    uint8_t init[24] = {0};
    if (!rfb_say(picture->fd, &shared, 1, error) || !hear(picture, init, sizeof init, error) ||
        !skip(picture, long_of(init + 20), NAME_MOST, error))
        return false;
    picture->width = short_of(init);
    picture->height = short_of(init + 2);
    if (picture->width == 0 || picture->height == 0)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "has no pixels");
    if ((uint64_t)picture->width * picture->height > LIMIT_PICTURE_PIXELS)
        return oriel_fail(error, ORIEL_ERROR_TOO_LARGE, "has %u × %u pixels, too many for a picture of it",
                          picture->width, picture->height);
    const uint8_t ask[] = {3, 0, 0, 0, 0, 0, init[0], init[1], init[2], init[3]}; /* FramebufferUpdateRequest: all */
    return rfb_say(picture->fd, wishes, sizeof wishes, error) && rfb_say(picture->fd, ask, sizeof ask, error);
}

static bool take_rectangle(Picture *picture, GError **error)
{
    uint8_t head[12] = {0};
    if (!hear(picture, head, sizeof head, error))
        return false;
    unsigned x = short_of(head), y = short_of(head + 2), width = short_of(head + 4), height = short_of(head + 6);
    if (long_of(head + 8) != 0 || x + width > picture->width || y + height > picture->height)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "paints what was not asked for");
    g_autofree uint8_t *row = g_malloc((size_t)width * PIXEL_BYTES + 1);
    for (unsigned line = y; line < y + height; line++) {
        uint8_t *to = picture->pixels + ((size_t)line * picture->width + x) * RGB_BYTES;
        if (!hear(picture, row, (size_t)width * PIXEL_BYTES, error))
            return false;
        for (unsigned i = 0; i < width; i++)
            memcpy(to + (size_t)i * RGB_BYTES, row + (size_t)i * PIXEL_BYTES, RGB_BYTES);
    }
    picture->painted += (uint64_t)width * height;
    return true;
}

static bool take_update(Picture *picture, GError **error)
{
    uint8_t head[3] = {0};
    if (!hear(picture, head, sizeof head, error))
        return false;
    for (unsigned count = short_of(head + 1); count > 0; count--)
        if (!take_rectangle(picture, error))
            return false;
    return true;
}

static bool take_message(Picture *picture, GError **error)
{
    enum { UPDATE, COLOURS, BELL, TEXT };
    uint8_t kind = 0, head[7] = {0};
    if (!hear(picture, &kind, 1, error))
        return false;
    switch (kind) {
    case UPDATE:
        return take_update(picture, error);
    case COLOURS:
        return hear(picture, head, 5, error) && skip(picture, (size_t)short_of(head + 3) * 6, TEXT_MOST, error);
    case BELL:
        return true;
    case TEXT:
        return hear(picture, head, 7, error) && skip(picture, long_of(head + 3), TEXT_MOST, error);
    default:
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "says what was not asked for");
    }
}

static GBytes *encode(const Picture *picture, GError **error)
{
    png_image image = {.version = PNG_IMAGE_VERSION, .width = picture->width, .height = picture->height,
                       .format = PNG_FORMAT_RGB, .flags = PNG_IMAGE_FLAG_FAST};
    png_alloc_size_t length = PNG_IMAGE_PNG_SIZE_MAX(image);
    g_autofree uint8_t *png = g_malloc(length);
    if (!png_image_write_to_memory(&image, png, &length, 0, picture->pixels, 0, NULL)) {
        oriel_fail(error, ORIEL_ERROR_INTERNAL, "picture: cannot be written: %s", image.message);
        return NULL;
    }
    return g_bytes_new(png, length);
}

GBytes *rfb_picture(int fd, int64_t deadline_us, GError **error)
{
    Picture picture = {.fd = fd, .deadline_us = deadline_us};
    if (!begin(&picture, error))
        return NULL;
    g_autofree uint8_t *pixels = g_malloc0((size_t)picture.width * picture.height * RGB_BYTES);
    picture.pixels = pixels;
    while (picture.painted < (uint64_t)picture.width * picture.height)
        if (!take_message(&picture, error))
            return NULL;
    return encode(&picture, error);
}
