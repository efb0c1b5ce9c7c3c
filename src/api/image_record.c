#include "api/image_record.h"

#include <string.h>

#include "api/resource.h"
#include "base/json.h"

char *image_facts_text(const Image *image)
{
    g_autoptr(Json) facts =
        json_pack("{s:I, s:I, s:s?, s:s?}", "vcpus", (json_int_t)image->vcpus, "memory_bytes",
                  (json_int_t)image->memory, "title", image->title, "session", image->session);
    return json_text(facts);
}

void image_facts_read(const char *text, ImageFacts *ret)
{
    *ret = (ImageFacts){0};
    if (!text || !*text)
        return;
    g_autoptr(Json) facts = json_parse_object(text, strlen(text), "image", NULL);
    json_int_t vcpus = json_integer_value(json_object_get(facts, "vcpus"));
    json_int_t memory = json_integer_value(json_object_get(facts, "memory_bytes"));
    ret->vcpus = vcpus > 0 ? (uint64_t)vcpus : 0;
    ret->memory_bytes = memory > 0 ? (uint64_t)memory : 0;
    const char *session = json_string_value(json_object_get(facts, "session"));
    g_strlcpy(ret->session, session ? session : "", sizeof ret->session);
}

void image_record_fill(StoreImageVersion *row, const Image *image)
{
    row->state = STORE_IMAGE_READY;
    g_free(row->manifest);
    row->manifest = image_facts_text(image);
    store_set(&row->checksum, image->disk_sha256);
    row->disk_bytes = image->disk_bytes;
    row->file_bytes = image->file_bytes;
    store_set(&row->error, NULL);
}
