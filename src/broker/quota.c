#include "broker/quota.h"

#include "base/error.h"
#include "base/number.h"

static const char *const words[QUOTA_KINDS] = {"desktops", "running", "memory_bytes", "disk_bytes"};
static const char *const titles[QUOTA_KINDS] = {"desktops", "running desktops", "memory", "disk"};

const char *quota_word(QuotaKind kind)
{
    return (size_t)kind < QUOTA_KINDS ? words[kind] : "";
}

static bool is_more_generous(int64_t most, int64_t than)
{
    return than != QUOTA_UNLIMITED && (most == QUOTA_UNLIMITED || most > than);
}

void quota_resolve(const QuotaSaid *said, size_t count, QuotaLimit ret[QUOTA_KINDS])
{
    for (int kind = 0; kind < QUOTA_KINDS; kind++) {
        QuotaLimit limit = {.most = QUOTA_UNLIMITED, .source = QUOTA_OF_NOBODY};
        for (size_t i = 0; i < count; i++) {
            int64_t most = said[i].most[kind];
            if (most == QUOTA_UNSAID || said[i].source > limit.source)
                continue;
            if (said[i].source < limit.source || is_more_generous(most, limit.most))
                limit = (QuotaLimit){.most = most, .source = said[i].source, .name = said[i].name};
        }
        ret[kind] = limit;
    }
}

static char *amount(QuotaKind kind, int64_t value)
{
    bool is_size = kind == QUOTA_MEMORY || kind == QUOTA_DISK;
    return is_size ? number_format_size((uint64_t)value) : g_strdup_printf("%" G_GINT64_FORMAT, value);
}

static bool refuse(const char *user, QuotaKind kind, const QuotaLimit *limit, const int64_t *figures, GError **error)
{
    g_autofree char *used = amount(kind, figures[0]), *most = amount(kind, limit->most), *more = amount(kind, figures[1]);
    const char *whose = limit->source == QUOTA_OF_USER ? "own quota" : "quota of the group";
    g_autofree char *name = limit->source == QUOTA_OF_USER ? g_strdup("") : g_strdup_printf(" \"%s\"", limit->name);
    return oriel_fail(error, ORIEL_ERROR_FULL,
                      "%s of \"%s\": %s of %s are used (%s%s), this needs %s more; log off from a desktop or give one back, "
                      "or ask your administrator for more",
                      titles[kind], user, used, most, whose, name, more);
}

bool quota_admit(const char *user, const QuotaLimit limits[QUOTA_KINDS], const int64_t used[QUOTA_KINDS],
                 const int64_t more[QUOTA_KINDS], GError **error)
{
    for (int kind = 0; kind < QUOTA_KINDS; kind++) {
        int64_t most = limits[kind].most;
        if (most < 0 || more[kind] <= 0 || (used[kind] <= most && more[kind] <= most - used[kind]))
            continue;
        return refuse(user, (QuotaKind)kind, &limits[kind], (const int64_t[]){used[kind], more[kind]}, error);
    }
    return true;
}
