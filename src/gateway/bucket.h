/* How many bytes may go to a client now, where a display's rules limit them: a bucket that fills with time and from which what is
 * sent is taken. Pure: times are the caller's, monotonic ms. All zero: no limit. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint16_t kbit_s;    /* 0: no limit; 1000 bits each */
    int32_t bits;       /* in it at filled_ms; at most a quarter of a second's, so that a still screen's next change is there at once */
    int64_t filled_ms;
} Bucket;

/* Another limit from now on. A bucket that had none is full; one that had keeps what is in it. */
void bucket_set(Bucket *bucket, uint16_t kbit_s, int64_t now_ms);

/* Of `most` bytes as many as may go now; 0: none before bucket_due_ms. */
size_t bucket_allows(Bucket *bucket, size_t most, int64_t now_ms);

/* These were sent; not more than were allowed. */
void bucket_take(Bucket *bucket, size_t bytes);

/* When bytes may go again; 0: at once, there is no limit. */
int64_t bucket_due_ms(const Bucket *bucket);
