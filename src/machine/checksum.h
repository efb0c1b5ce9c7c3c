/* CRC-32C (RFC 3720 B.4) of large files that we wrote ourselves: finds damage, not malice. Any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Continues `checksum` (0 at first) over more bytes. */
uint32_t checksum_crc32c(uint32_t checksum, const void *bytes, size_t length);
