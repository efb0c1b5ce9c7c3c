#include "machine/checksum.h"

#include <nmmintrin.h>
#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL_REVERSED 0x82f63b78U

static uint32_t crc_plain(uint32_t crc, const uint8_t *at, size_t length)
{
    while (length-- > 0) {
        crc ^= *at++;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (POLYNOMIAL_REVERSED & (0U - (crc & 1)));
    }
    return crc;
}

__attribute__((target("sse4.2"))) static uint32_t crc_fast(uint32_t crc, const uint8_t *at, size_t length)
{
    uint64_t wide = crc;
    for (; length >= 8; at += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        wide = _mm_crc32_u64(wide, word);
    }
    return crc_plain((uint32_t)wide, at, length);
}

uint32_t checksum_crc32c(uint32_t checksum, const void *bytes, size_t length)
{
    uint32_t crc = ~checksum;
    bool fast = __builtin_cpu_supports("sse4.2");
    return ~(fast ? crc_fast(crc, bytes, length) : crc_plain(crc, bytes, length));
}
