#include "base/clock.h"

int64_t clock_utc_ms(void)
{
    return g_get_real_time() / 1000;
}

int64_t clock_monotonic_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

int64_t clock_monotonic_us(void)
{
    return g_get_monotonic_time();
}

char *clock_format_utc(int64_t utc_ms)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(utc_ms / 1000);
    if (!time)
        return g_strdup("invalid time");
    g_autofree char *seconds = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");
    return g_strdup_printf("%s.%03dZ", seconds, (int)(((utc_ms % 1000) + 1000) % 1000));
}
