/* Between the folders of images (image/) and their rows (store/): writes what a folder is into its row. */
#pragma once

#include "image/image.h"
#include "store/image.h"

/* Puts size, checksum and facts of a whole image into the row's fields, state READY. Does not write the row.
 */
void image_record_fill(StoreImageVersion *row, const Image *image);

/* The same as text for StoreImageVersion.manifest. Caller frees with g_free. */
char *image_facts_text(const Image *image);
