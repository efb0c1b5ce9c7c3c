#include "gateway/bucket.h"

#include <glib.h>

#define DEPTH_MS 250
#define DEPTH_LEAST (4096 * 8) /* bits */
#define PIECE (1024 * 8)       /* bits: for fewer nobody is woken */

/* 1 kbit/s is one bit in a millisecond. */
static int32_t depth(const Bucket *bucket)
{
    return MAX(bucket->kbit_s * DEPTH_MS, DEPTH_LEAST);
}

static void fill(Bucket *bucket, int64_t now_ms)
{
    int64_t passed = MAX(now_ms - bucket->filled_ms, 0);
    int64_t room = depth(bucket) - bucket->bits;
    int64_t more = passed > DEPTH_LEAST ? room : passed * bucket->kbit_s; /* so much time fills any */
    bucket->bits += (int32_t)MIN(more, room);
    bucket->filled_ms = MAX(now_ms, bucket->filled_ms);
}

void bucket_set(Bucket *bucket, uint16_t kbit_s, int64_t now_ms)
{
    if (!bucket->kbit_s) {
        bucket->kbit_s = kbit_s;
        bucket->bits = depth(bucket);
        bucket->filled_ms = now_ms;
        return;
    }
    fill(bucket, now_ms);
    bucket->kbit_s = kbit_s;
    bucket->bits = MIN(bucket->bits, depth(bucket));
}

size_t bucket_allows(Bucket *bucket, size_t most, int64_t now_ms)
{
    if (!bucket->kbit_s)
        return most;
    fill(bucket, now_ms);
    return bucket->bits < PIECE ? 0 : MIN(most, (size_t)bucket->bits / 8);
}

void bucket_take(Bucket *bucket, size_t bytes)
{
    if (bucket->kbit_s)
        bucket->bits -= (int32_t)MIN(bytes * 8, (size_t)MAX(bucket->bits, 0));
}

int64_t bucket_due_ms(const Bucket *bucket)
{
    if (!bucket->kbit_s)
        return 0;
    int32_t missing = MAX(PIECE - bucket->bits, 0);
    return bucket->filled_ms + (missing + bucket->kbit_s - 1) / bucket->kbit_s;
}
