#include <glib.h>

#include "base/limits.h"
#include "gateway/bucket.h"

#define NOW 5000000LL

/* A client that takes all at once, whoever sends always having more: bytes of so much time, looked at each `step_ms`. */
static uint64_t sent_within(Bucket *bucket, int64_t from_ms, int64_t for_ms, int64_t step_ms)
{
    uint64_t sent = 0;
    for (int64_t now = from_ms; now < from_ms + for_ms; now += step_ms)
        for (size_t may; (may = bucket_allows(bucket, 16 * 1024, now)) > 0; sent += may)
            bucket_take(bucket, may);
    return sent;
}

static void test_no_limit(void)
{
    Bucket bucket = {0};
    g_assert_cmpuint(bucket_allows(&bucket, 65536, NOW), ==, 65536);
    bucket_take(&bucket, 65536);
    g_assert_cmpuint(bucket_allows(&bucket, 65536, NOW), ==, 65536);
    g_assert_cmpint(bucket_due_ms(&bucket), ==, 0);
}

/* Never more than the rate and one bucketful; and nearly all of the rate, however seldom one looks. */
static void test_rate(void)
{
    static const unsigned rates[] = {LIMIT_BANDWIDTH_LEAST_KBIT_S, 100, 500, 1000, 8000, LIMIT_BANDWIDTH_KBIT_S};
    static const int64_t steps[] = {1, 20, 50};
    for (size_t i = 0; i < G_N_ELEMENTS(rates); i++)
        for (size_t k = 0; k < G_N_ELEMENTS(steps); k++) {
            Bucket bucket = {0};
            bucket_set(&bucket, (uint16_t)rates[i], NOW);
            const uint64_t fair = (uint64_t)rates[i] * 10000 / 8; /* bytes of ten seconds */
            const uint64_t full = MAX(rates[i] * 250 / 8, 4096);
            uint64_t sent = sent_within(&bucket, NOW, 10000, steps[k]);
            g_assert_cmpuint(sent, <=, fair + full);
            g_assert_cmpuint(sent, >=, fair * 9 / 10);
        }
}

static void test_due(void)
{
    Bucket bucket = {0};
    bucket_set(&bucket, 100, NOW);
    sent_within(&bucket, NOW, 1, 1);
    g_assert_cmpuint(bucket_allows(&bucket, 1, NOW), ==, 0);
    int64_t due = bucket_due_ms(&bucket);
    g_assert_cmpint(due, >, NOW);
    g_assert_cmpuint(bucket_allows(&bucket, 1, due - 1), ==, 0);
    g_assert_cmpuint(bucket_allows(&bucket, 1, due), ==, 1);
}

/* Silence saves up one bucketful, however long it was. */
static void test_silence(void)
{
    Bucket bucket = {0};
    bucket_set(&bucket, 1000, NOW);
    sent_within(&bucket, NOW, 1000, 1);
    g_assert_cmpuint(sent_within(&bucket, NOW + 100LL * 24 * 3600 * 1000, 1, 1), ==, 1000 * 250 / 8);
}

static void test_changes(void)
{
    Bucket bucket = {0};
    bucket_set(&bucket, 8000, NOW);
    bucket_set(&bucket, 1000, NOW); /* less: what was saved up is cut */
    g_assert_cmpuint(sent_within(&bucket, NOW, 1, 1), ==, 1000 * 250 / 8);
    bucket_set(&bucket, 8000, NOW); /* more: it is not given anew */
    g_assert_cmpuint(bucket_allows(&bucket, 65536, NOW), ==, 0);
    g_assert_cmpuint(bucket_allows(&bucket, 65536, NOW + 10), ==, 8000 * 10 / 8);
    bucket_set(&bucket, 0, NOW + 10);
    g_assert_cmpuint(bucket_allows(&bucket, 65536, NOW + 10), ==, 65536);
    g_assert_cmpint(bucket_due_ms(&bucket), ==, 0);
}

/* A clock that goes back gives nothing and takes nothing. */
static void test_backwards(void)
{
    Bucket bucket = {0};
    bucket_set(&bucket, 1000, NOW);
    sent_within(&bucket, NOW, 1, 1);
    g_assert_cmpuint(bucket_allows(&bucket, 65536, NOW - 5000), ==, 0);
    g_assert_cmpuint(bucket_allows(&bucket, 65536, NOW + 10), ==, 1000 * 10 / 8);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bucket/no-limit", test_no_limit);
    g_test_add_func("/bucket/rate", test_rate);
    g_test_add_func("/bucket/due", test_due);
    g_test_add_func("/bucket/silence", test_silence);
    g_test_add_func("/bucket/changes", test_changes);
    g_test_add_func("/bucket/backwards", test_backwards);
    return g_test_run();
}
