#include "broker/schedule.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"

const char *const schedule_day_words[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};

enum { DAY_MINUTES = 24 * 60, ALL_DAYS = 0x7f };

void schedule_free(Schedule *schedule)
{
    if (!schedule)
        return;
    g_clear_pointer(&schedule->zone, g_time_zone_unref);
    g_clear_pointer(&schedule->windows, g_array_unref);
    g_clear_pointer(&schedule->holidays, g_array_unref);
    g_free(schedule);
}

/* ---- reading ---- */

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* "08:00"; -1: no time of a day. */
static int minutes_of(const char *text)
{
    if (!text || strlen(text) != 5 || text[2] != ':' || !is_digit(text[0]) || !is_digit(text[1]) ||
        !is_digit(text[3]) || !is_digit(text[4]))
        return -1;
    int hours = (text[0] - '0') * 10 + text[1] - '0', minutes = (text[3] - '0') * 10 + text[4] - '0';
    int all = hours * 60 + minutes;
    return minutes < 60 && all <= DAY_MINUTES ? all : -1;
}

static bool read_time(Json *window, const char *key, const char *what, int *ret, GError **error)
{
    Json *value = json_object_get(window, key);
    int most = strcmp(key, "to") == 0 ? DAY_MINUTES : DAY_MINUTES - 1;
    if (!value)
        return true;
    *ret = minutes_of(json_string_value(value));
    return (*ret >= 0 && *ret <= most) ||
           oriel_fail(error, ORIEL_ERROR_INVALID, "%s: \"%s\" must be a time such as \"08:30\", at most %s", what, key,
                      most == DAY_MINUTES ? "24:00" : "23:59");
}

static bool read_days(Json *window, const char *what, unsigned *ret, GError **error)
{
    Json *days = json_object_get(window, "days"), *day;
    size_t index;
    if (!days)
        return true;
    *ret = 0;
    json_array_foreach(days, index, day)
    {
        int bit = 0;
        while (schedule_day_words[bit] && g_strcmp0(schedule_day_words[bit], json_string_value(day)) != 0)
            bit++;
        if (!schedule_day_words[bit])
            return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: a day must be mon, tue, wed, thu, fri, sat or sun", what);
        *ret |= 1u << bit;
    }
    return *ret != 0 || oriel_fail(error, ORIEL_ERROR_INVALID, "%s: \"days\" must be a list of at least one day", what);
}

static bool read_window(Json *object, const char *what, Schedule *schedule, GError **error)
{
    WeekWindow window = {ALL_DAYS, 0, DAY_MINUTES};
    const char *key;
    Json *value;
    if (!json_is_object(object))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: a window must be an object with days, from and to", what);
    json_object_foreach(object, key, value)
        if (strcmp(key, "days") != 0 && strcmp(key, "from") != 0 && strcmp(key, "to") != 0)
            return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: a window has no \"%s\"; allowed: days, from, to", what, key);
    if (!read_days(object, what, &window.days, error) || !read_time(object, "from", what, &window.from, error) ||
        !read_time(object, "to", what, &window.to, error))
        return false;
    if (window.to == 0)
        window.to = DAY_MINUTES;
    g_array_append_val(schedule->windows, window);
    return true;
}

/* "2026-12-25" as 20261225; 0: no date. */
static guint32 date_of(const char *text)
{
    static const int places[] = {0, 1, 2, 3, 5, 6, 8, 9};
    guint32 number = 0;
    if (!text || strlen(text) != 10 || text[4] != '-' || text[7] != '-')
        return 0;
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        if (!is_digit(text[places[i]]))
            return 0;
        number = number * 10 + (guint32)(text[places[i]] - '0');
    }
    bool valid = g_date_valid_dmy((GDateDay)(number % 100), (GDateMonth)(number / 100 % 100), (GDateYear)(number / 10000));
    return valid ? number : 0;
}

static bool read_holidays(Json *holidays, const char *what, Schedule *schedule, GError **error)
{
    size_t index;
    Json *value;
    if (holidays && !json_is_array(holidays))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: \"holidays\" must be a list of dates", what);
    json_array_foreach(holidays, index, value)
    {
        guint32 date = date_of(json_string_value(value));
        if (!date)
            return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: a holiday must be a date such as \"2026-12-25\"", what);
        g_array_append_val(schedule->holidays, date);
    }
    return true;
}

static bool read_zone(Json *value, const char *what, Schedule *schedule, GError **error)
{
    const char *name = value ? json_string_value(value) : "UTC";
    if (name && *name && *name != '/' && !strstr(name, ".."))
        schedule->zone = g_time_zone_new_identifier(name);
    return schedule->zone != NULL ||
           oriel_fail(error, ORIEL_ERROR_INVALID, "%s: time zone \"%s\" is not known here; give one such as \"Europe/Berlin\"",
                      what, name ? name : "");
}

static bool read_windows(Json *windows, const char *what, Schedule *schedule, GError **error)
{
    size_t index;
    Json *window;
    if (windows && !json_is_array(windows))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: \"windows\" must be a list", what);
    if (json_array_size(windows) > LIMIT_SCHEDULE_WINDOWS)
        return oriel_fail(error, ORIEL_ERROR_TOO_LARGE, "%s: at most %d windows", what, LIMIT_SCHEDULE_WINDOWS);
    json_array_foreach(windows, index, window)
        if (!read_window(window, what, schedule, error))
            return false;
    return true;
}

Schedule *schedule_read(Json *object, const char *what, GError **error)
{
    g_autoptr(Schedule) schedule = g_new0(Schedule, 1);
    const char *key;
    Json *value;
    schedule->windows = g_array_new(FALSE, FALSE, sizeof(WeekWindow));
    schedule->holidays = g_array_new(FALSE, FALSE, sizeof(guint32));
    if (!json_is_object(object)) {
        oriel_fail(error, ORIEL_ERROR_INVALID, "%s: must be an object with time_zone, windows and holidays", what);
        return NULL;
    }
    json_object_foreach(object, key, value)
    {
        static const char *const keys[] = {"time_zone", "windows", "holidays", NULL};
        if (!g_strv_contains(keys, key)) {
            oriel_fail(error, ORIEL_ERROR_INVALID, "%s: \"%s\" is unknown; allowed: time_zone, windows, holidays", what, key);
            return NULL;
        }
    }
    if (!read_zone(json_object_get(object, "time_zone"), what, schedule, error) ||
        !read_windows(json_object_get(object, "windows"), what, schedule, error) ||
        !read_holidays(json_object_get(object, "holidays"), what, schedule, error))
        return NULL;
    return g_steal_pointer(&schedule);
}

/* ---- asking ---- */

typedef struct {
    int weekday; /* 0: Monday */
    guint32 date;
} Day;

static Day day_of(int year, int month, int day)
{
    GDate date;
    g_date_clear(&date, 1);
    g_date_set_dmy(&date, (GDateDay)day, (GDateMonth)month, (GDateYear)year);
    return (Day){(int)g_date_get_weekday(&date) - 1, (guint32)(year * 10000 + month * 100 + day)};
}

static Day day_before(int year, int month, int day)
{
    GDate date;
    g_date_clear(&date, 1);
    g_date_set_dmy(&date, (GDateDay)day, (GDateMonth)month, (GDateYear)year);
    g_date_subtract_days(&date, 1);
    return day_of(g_date_get_year(&date), (int)g_date_get_month(&date), g_date_get_day(&date));
}

static bool begins_on(const Schedule *schedule, const WeekWindow *window, Day day)
{
    for (guint i = 0; i < schedule->holidays->len; i++)
        if (g_array_index(schedule->holidays, guint32, i) == day.date)
            return false;
    return window->days & (1u << day.weekday);
}

bool schedule_contains(const Schedule *schedule, int64_t utc_ms)
{
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(utc_ms / 1000);
    g_autoptr(GDateTime) local = utc ? g_date_time_to_timezone(utc, schedule->zone) : NULL;
    int year, month, month_day;
    if (!local)
        return false;
    g_date_time_get_ymd(local, &year, &month, &month_day);
    int minute = g_date_time_get_hour(local) * 60 + g_date_time_get_minute(local);
    Day today = day_of(year, month, month_day), yesterday = day_before(year, month, month_day);
    for (guint i = 0; i < schedule->windows->len; i++) {
        const WeekWindow *window = &g_array_index(schedule->windows, WeekWindow, i);
        bool overnight = window->to <= window->from;
        if (begins_on(schedule, window, today) && minute >= window->from && (overnight || minute < window->to))
            return true;
        if (overnight && begins_on(schedule, window, yesterday) && minute < window->to)
            return true;
    }
    return false;
}

/* Minutes of the day that is so many days after the one of `local`, as the wall says there. */
static void add_edge(const Schedule *schedule, GDateTime *local, int day, int minutes, GArray *moments)
{
    g_autoptr(GDateTime) that_day = g_date_time_add_days(local, day + minutes / DAY_MINUTES);
    int year, month, month_day, minute = minutes % DAY_MINUTES;
    if (!that_day)
        return;
    g_date_time_get_ymd(that_day, &year, &month, &month_day);
    g_autoptr(GDateTime) edge = g_date_time_new(schedule->zone, year, month, month_day, minute / 60, minute % 60, 0);
    int64_t utc_ms = edge ? g_date_time_to_unix(edge) * 1000 : 0;
    if (edge)
        g_array_append_val(moments, utc_ms);
}

void schedule_edges(const Schedule *schedule, int64_t utc_ms, GArray *moments)
{
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(utc_ms / 1000);
    g_autoptr(GDateTime) local = utc ? g_date_time_to_timezone(utc, schedule->zone) : NULL;
    for (int day = 0; local && day <= 7; day++)
        for (guint i = 0; i < schedule->windows->len; i++) {
            const WeekWindow *window = &g_array_index(schedule->windows, WeekWindow, i);
            add_edge(schedule, local, day, window->from, moments);
            add_edge(schedule, local, day, window->to, moments);
        }
}
