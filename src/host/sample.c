/* Once a minute: what charts show. */
#include "host/private.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "store/sample.h"

static const int64_t thin_every_ms = 3600 * 1000;

/* proc(5), /proc/stat: "cpu  user nice system idle iowait irq softirq steal ...", in ticks since the start.
 */
int sample_processor(const char *text, ProcessorTicks *last)
{
    unsigned long long ticks[8] = {0};
    if (sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &ticks[0], &ticks[1], &ticks[2],
               &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]) != 8)
        return -1;
    ProcessorTicks now = {0, 0};
    for (size_t i = 0; i < G_N_ELEMENTS(ticks); i++)
        now.all += ticks[i];
    now.idle = ticks[3] + ticks[4];
    ProcessorTicks before = *last;
    *last = now;
    if (before.all == 0 || now.all <= before.all || now.idle < before.idle)
        return -1;
    uint64_t passed = now.all - before.all, idle = MIN(now.idle - before.idle, passed);
    return (int)((passed - idle) * 100 / passed);
}

void sample_pass(Host *host, Sampler *sampler)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = file_read("/proc/stat", 1 << 20, NULL, NULL);
    StoreSampleHost figures = {.host_id = host->id,
                               .processor_percent = text ? sample_processor(text, &sampler->ticks) : -1};
    g_mutex_lock(&host->lock);
    figures.memory_bytes = host->capacity.used;
    g_mutex_unlock(&host->lock);
    int64_t now = clock_monotonic_ms();
    bool thin = !sampler->thinned_ms || now - sampler->thinned_ms >= thin_every_ms;
    if (thin)
        sampler->thinned_ms = now;
    if (!store_sample_take(host->store, &figures, clock_utc_ms(), &error) ||
        (thin && !store_sample_thin(host->store, clock_utc_ms(), &error)))
        log_warning("the charts lack this minute: %s", error->message);
}
