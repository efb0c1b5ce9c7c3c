/* Walking the chain: whether each event is the one that was written, and all are there. */
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "store/event_chain.h"

enum { PAGE = 2000, TRIES = 5 };

typedef struct {
    int64_t sequence; /* of the head */
    char *hash;
    int64_t anchor_sequence;
    char *anchor_hash;
    int64_t lowest; /* of the events; 0: there are none */
    int64_t highest;
} Ends;

static void ends_clear(Ends *ends)
{
    g_clear_pointer(&ends->hash, g_free);
    g_clear_pointer(&ends->anchor_hash, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Ends, ends_clear)

/* One statement, so that all are of the same moment. */
static bool ends_read(Store *store, Ends *ret, GError **error)
{
    g_autoptr(Rows) rows = store_read(store,
                                      "SELECT h.sequence, h.hash, h.anchor_sequence, h.anchor_hash,"
                                      " (SELECT MIN(sequence) FROM events), (SELECT MAX(sequence) FROM events)"
                                      " FROM event_head h",
                                      NO_PARAMS, error);
    if (!rows)
        return false;
    if (rows->count != 1)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "audit trail: its head was removed from the store");
    Reader reader = {rows, 0, 0};
    ret->sequence = read_number(&reader);
    ret->hash = read_string(&reader);
    ret->anchor_sequence = read_number(&reader);
    ret->anchor_hash = read_string(&reader);
    ret->lowest = read_number(&reader);
    ret->highest = read_number(&reader);
    return true;
}

void store_event_verdict_clear(StoreEventVerdict *verdict)
{
    g_clear_pointer(&verdict->head_hash, g_free);
    g_clear_pointer(&verdict->anchor_hash, g_free);
    g_clear_pointer(&verdict->problem, g_free);
}

G_GNUC_PRINTF(3, 4)
static bool broken(StoreEventVerdict *verdict, int64_t sequence, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    verdict->problem = g_strdup_vprintf(format, values);
    va_end(values);
    verdict->problem_sequence = sequence;
    return false;
}

/* ---- the walk ---- */

typedef struct {
    StoreEventVerdict *verdict;
    int64_t sequence; /* of the one before */
    char *hash;
    int64_t through; /* what the last event of retention says was removed */
    char *through_hash;
} Walk;

static void walk_clear(Walk *walk)
{
    g_clear_pointer(&walk->hash, g_free);
    g_clear_pointer(&walk->through_hash, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Walk, walk_clear)

static void note_expiry(Walk *walk, const StoreEvent *event)
{
    json_int_t through = 0;
    const char *hash = NULL;
    g_autoptr(Json) detail = json_parse_object(event->detail, strlen(event->detail), "detail", NULL);
    if (!detail || json_unpack(detail, "{s:I, s:s}", "through", &through, "hash", &hash) != 0)
        return;
    walk->through = through;
    g_free(walk->through_hash);
    walk->through_hash = g_strdup(hash);
}

/* false: the chain breaks here. */
static bool walk_step(Walk *walk, const StoreEvent *event)
{
    StoreEventVerdict *verdict = walk->verdict;
    if (event->sequence > walk->sequence + 1)
        return broken(verdict, walk->sequence + 1,
                      "removed: after event %" G_GINT64_FORMAT " comes %" G_GINT64_FORMAT ", so %" G_GINT64_FORMAT
                      " between them were taken out",
                      walk->sequence, event->sequence, event->sequence - walk->sequence - 1);
    if (event->sequence <= walk->sequence)
        return broken(verdict, event->sequence, "inserted: there are two events %" G_GINT64_FORMAT,
                      event->sequence);
    g_autofree char *hash = chain_hash(walk->hash, event);
    if (strcmp(hash, event->hash) != 0)
        return broken(verdict, event->sequence,
                      "changed: event %" G_GINT64_FORMAT
                      " (%s) is not the one that was written here: its hash does not follow from the one before "
                      "and its fields",
                      event->sequence, event->id);
    if (strcmp(event->action, CHAIN_EXPIRE) == 0)
        note_expiry(walk, event);
    walk->sequence = event->sequence;
    g_free(walk->hash);
    walk->hash = g_steal_pointer(&hash);
    verdict->count++;
    if (!verdict->first_sequence)
        verdict->first_sequence = event->sequence;
    verdict->last_sequence = event->sequence;
    return true;
}

static bool walk_end(Walk *walk, const Ends *ends)
{
    StoreEventVerdict *verdict = walk->verdict;
    if (walk->sequence < ends->sequence)
        return broken(verdict, walk->sequence + 1,
                      "removed: the newest events were taken out, %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                      walk->sequence + 1, ends->sequence);
    if (strcmp(walk->hash, ends->hash) != 0)
        return broken(verdict, ends->sequence,
                      "changed: the newest event, %" G_GINT64_FORMAT
                      ", or the head of the chain is not the one that was written",
                      ends->sequence);
    if (ends->anchor_sequence && (walk->through != ends->anchor_sequence ||
                                  g_strcmp0(walk->through_hash, ends->anchor_hash) != 0))
        return broken(verdict, ends->anchor_sequence,
                      "removed: the events up to %" G_GINT64_FORMAT
                      " are gone, and no event of the chain says that retention removed them",
                      ends->anchor_sequence);
    return true;
}

/* Events that other threads append meanwhile are behind `ends` and not looked at. */
static bool walk_all(Store *store, const Ends *ends, Walk *walk, GError **error)
{
    StoreEventVerdict *verdict = walk->verdict;
    if (ends->lowest && ends->lowest <= ends->anchor_sequence)
        return broken(verdict, ends->lowest,
                      "inserted: event %" G_GINT64_FORMAT " stands before the oldest one that was kept",
                      ends->lowest);
    while (walk->sequence < ends->sequence) {
        g_autoptr(GPtrArray) events = store_event_after(store, walk->sequence, PAGE, error);
        if (!events)
            return false;
        if (events->len == 0)
            break;
        for (guint i = 0; i < events->len && walk->sequence < ends->sequence; i++)
            if (!walk_step(walk, events->pdata[i]))
                return false;
    }
    if (ends->highest > ends->sequence)
        return broken(verdict, ends->sequence + 1,
                      "inserted: event %" G_GINT64_FORMAT " stands behind the head of the chain, %" G_GINT64_FORMAT,
                      ends->highest, ends->sequence);
    return walk_end(walk, ends);
}

/* *ret_moved: retention removed events under the walk, which then proves nothing. */
static bool verify_once(Store *store, StoreEventVerdict *ret, bool *ret_moved, GError **error)
{
    g_auto(Ends) ends = {0}, after = {0};
    *ret_moved = false;
    if (!ends_read(store, &ends, error))
        return false;
    g_auto(Walk) walk = {
        .verdict = ret, .sequence = ends.anchor_sequence, .hash = g_strdup(ends.anchor_hash)};
    ret->anchor_sequence = ends.anchor_sequence;
    ret->anchor_hash = g_strdup(ends.anchor_hash);
    bool whole = walk_all(store, &ends, &walk, error);
    if (!whole && !ret->problem)
        return false;
    ret->head_hash = g_strdup(walk.hash);
    if (whole)
        return true;
    if (!ends_read(store, &after, error))
        return false;
    *ret_moved = after.anchor_sequence != ends.anchor_sequence;
    return true;
}

bool store_event_verify(Store *store, StoreEventVerdict *ret, GError **error)
{
    for (int attempt = 0; attempt < TRIES; attempt++) {
        g_auto(StoreEventVerdict) verdict = {0};
        bool moved = false;
        if (!verify_once(store, &verdict, &moved, error))
            return false;
        if (moved)
            continue;
        *ret = verdict;
        verdict = (StoreEventVerdict){0};
        return true;
    }
    return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE,
                      "audit trail: old events are being removed just now; try again later");
}
