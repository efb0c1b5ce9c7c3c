/* Recipes come from people through the API. Also what reads the host's apt sources, and manifests from the disk. */
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "image/manifest.h"
#include "image/recipe.h"
#include "image/sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    recipe_free(recipe_parse((const char *)data, size, "fuzz", NULL));
    g_autofree char *text = g_strndup((const char *)data, size);
    bool whole;
    g_free(sources_pick(text, false, "bookworm", &whole));
    g_free(sources_pick(text, true, "bookworm", &whole));
    g_autoptr(Json) object = json_parse_object((const char *)data, size, "fuzz", NULL);
    g_auto(Manifest) manifest = {0};
    if (object)
        manifest_read(object, "fuzz", &manifest, NULL);
    return 0;
}
