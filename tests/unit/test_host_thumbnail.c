/* Smaller pictures of screens that a guest has drawn. */
#include "host/private.h"

#include <png.h>
#include <string.h>

#include "base/error.h"

static GBytes *picture(unsigned width, unsigned height)
{
    png_image image = {.version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = PNG_FORMAT_GRAY};
    g_autofree uint8_t *pixels = g_malloc0(PNG_IMAGE_SIZE(image));
    png_alloc_size_t length = PNG_IMAGE_PNG_SIZE_MAX(image);
    uint8_t *png = g_malloc(length);
    g_assert_true(png_image_write_to_memory(&image, png, &length, 0, pixels, 0, NULL));
    return g_bytes_new_take(png, length);
}

static void test_scale(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) png = picture(1280, 800);
    g_autoptr(GBytes) same = thumbnail_scale(png, 1280, &error);
    g_assert_true(same == png);
    g_autoptr(GBytes) small = thumbnail_scale(png, 320, &error);
    g_assert_no_error(error);
    png_image image = {.version = PNG_IMAGE_VERSION};
    size_t length = 0;
    const void *data = g_bytes_get_data(small, &length);
    g_assert_true(png_image_begin_read_from_memory(&image, data, length));
    g_assert_cmpuint(image.width, ==, 320);
    g_assert_cmpuint(image.height, ==, 200);
    png_image_free(&image);
}

/* Few bytes, many pixels: refused by the header alone, so a picture that ends right after it is refused for its size and not for
 * its damage. */
static void test_bomb(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) small = picture(16, 16);
    gsize length = 0;
    g_autofree uint8_t *bytes = g_bytes_unref_to_data(g_steal_pointer(&small), &length);
    static const uint8_t header[] = {0, 0, 0, 13, 'I', 'H', 'D', 'R', 0, 0, 0x40, 0, 0, 0, 0x10, 0, 8, 0, 0, 0, 0};
    memcpy(bytes + 8, header, sizeof header); /* 16384 × 4096 */
    uint32_t sum = GUINT32_TO_BE(0xaf76a6ef);
    memcpy(bytes + 8 + sizeof header, &sum, sizeof sum);
    g_autoptr(GBytes) bomb = g_bytes_new(bytes, length);
    g_assert_null(thumbnail_scale(bomb, 320, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_TOO_LARGE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/thumbnail/scale", test_scale);
    g_test_add_func("/host/thumbnail/bomb", test_bomb);
    return g_test_run();
}
