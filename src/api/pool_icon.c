/* Icons of pools: what people see on a tile. Whatever is uploaded is decoded once before it is kept. */
#include <png.h>
#include <string.h>

#include "api/resource.h"
#include "base/error.h"
#include "base/limits.h"

/* Every byte of it becomes a pixel, or it is none. The sides are bounded before anything is decoded. */
static bool png_check(const guchar *bytes, gsize length, GError **error)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    bool begun = png_image_begin_read_from_memory(&image, bytes, length) != 0;
    if (!begun || image.width == 0 || image.height == 0) {
        png_image_free(&image);
        return oriel_fail(error, ORIEL_ERROR_INVALID, "icon: this is no PNG picture");
    }
    if (image.width > LIMIT_ICON_SIDE || image.height > LIMIT_ICON_SIDE) {
        oriel_fail(error, ORIEL_ERROR_INVALID, "icon: %u by %u pixels are too many; at most %d by %d", image.width, image.height,
                   LIMIT_ICON_SIDE, LIMIT_ICON_SIDE);
        png_image_free(&image);
        return false;
    }
    image.format = PNG_FORMAT_RGBA;
    g_autofree guchar *pixels = g_malloc(PNG_IMAGE_SIZE(image));
    bool whole = png_image_finish_read(&image, NULL, pixels, 0, NULL) != 0;
    png_image_free(&image);
    return whole || oriel_fail(error, ORIEL_ERROR_INVALID, "icon: this PNG picture is damaged");
}

static char *icon_read(Call *call, GError **error)
{
    const char *text = NULL;
    if (!json_read(call->body, "request body", error, "{s:s}", "png", &text))
        return NULL;
    gsize length = 0;
    g_autofree guchar *bytes = g_base64_decode(text, &length);
    if (length > LIMIT_ICON) {
        oriel_fail(error, ORIEL_ERROR_TOO_LARGE, "icon: is more than %d KiB", LIMIT_ICON / 1024);
        return NULL;
    }
    return png_check(bytes, length, error) ? g_base64_encode(bytes, length) : NULL;
}

bool pool_icon_put(Call *call, GError **error)
{
    g_autoptr(StorePool) pool = store_pool_find(call->service->store, call->parameters[0], error);
    g_autofree char *icon = pool ? icon_read(call, error) : NULL;
    if (!icon || !store_pool_set_icon(call->service->store, &call->actor, pool->id, icon, error))
        return false;
    reply_empty(call->reply);
    return true;
}

bool pool_icon_delete(Call *call, GError **error)
{
    g_autoptr(StorePool) pool = store_pool_find(call->service->store, call->parameters[0], error);
    if (!pool || !store_pool_set_icon(call->service->store, &call->actor, pool->id, "", error))
        return false;
    reply_empty(call->reply);
    return true;
}

/* Of a pool that one may not use and not see there is none. */
static bool may_see(Call *call, const StorePool *pool, GError **error)
{
    bool entitled = call_allows(call, PERMISSION_POOL_READ);
    if (!entitled && call->caller->user_id &&
        !store_user_entitled(call->service->store, call->caller->user_id, pool->id, &entitled, error))
        return false;
    return entitled || oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "pool \"%s\": there is none", call->parameters[0]);
}

bool pool_icon_get(Call *call, GError **error)
{
    g_autoptr(StorePool) pool = store_pool_find(call->service->store, call->parameters[0], error);
    if (!pool || !may_see(call, pool, error))
        return false;
    g_autofree char *icon = store_pool_icon(call->service->store, pool->id, error);
    if (!icon)
        return false;
    if (!*icon)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "pool \"%s\": has no icon", pool->name);
    gsize length = 0;
    guchar *bytes = g_base64_decode(icon, &length);
    g_autoptr(GBytes) picture = g_bytes_new_take(bytes, length);
    reply_bytes(call->reply, "image/png", picture);
    return true;
}
