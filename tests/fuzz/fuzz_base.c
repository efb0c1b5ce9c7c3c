/* Numbers, sizes, ids and JSON from outside: no input may crash, and what is accepted must be what it says. */
#include <string.h>

#include "base/id.h"
#include "base/json.h"
#include "base/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    uint64_t number = 0;
    if (number_parse(text, 5, 1000, "fuzz", &number, NULL) && (number < 5 || number > 1000))
        g_abort();
    if (number_parse_size(text, "fuzz", &number, NULL) && number > (uint64_t)G_MAXINT64)
        g_abort();
    if (id_is_valid(text) && strlen(text) != ID_LENGTH)
        g_abort();
    g_autoptr(Json) object = json_parse_object((const char *)data, size, "fuzz", NULL);
    if (object && !json_is_object(object))
        g_abort();
    return 0;
}
