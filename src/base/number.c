#include "base/number.h"

#include <string.h>

#include "base/error.h"

bool number_parse(const char *text, uint64_t lowest, uint64_t highest, const char *what, uint64_t *ret, GError **error)
{
    guint64 value = 0;
    if (!text || !g_ascii_string_to_unsigned(text, 10, lowest, highest, &value, NULL))
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "%s: \"%.40s\" is not a whole number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, what,
                          text ? text : "", lowest, highest);
    *ret = value;
    return true;
}

static const struct {
    const char *name;
    unsigned shift;
} units[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};

bool number_parse_size(const char *text, const char *what, uint64_t *ret_bytes, GError **error)
{
    size_t digits = text ? strspn(text, "0123456789") : 0;
    unsigned shift = 0;
    bool known = digits > 0 && digits < 20;
    if (known && text[digits]) {
        const char *unit = text + digits + (text[digits] == ' ');
        known = false;
        for (size_t i = 0; i < G_N_ELEMENTS(units) && !known; i++) {
            known = strcmp(unit, units[i].name) == 0;
            shift = units[i].shift;
        }
    }
    g_autofree char *number = g_strndup(text ? text : "", digits);
    guint64 value = 0;
    if (!known || !g_ascii_string_to_unsigned(number, 10, 0, G_MAXINT64 >> shift, &value, NULL))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: \"%.40s\" is not a size like 512MiB or 20GiB", what,
                          text ? text : "");
    *ret_bytes = value << shift;
    return true;
}

char *number_format_size(uint64_t bytes)
{
    if (bytes < 1024)
        return g_strdup_printf("%u B", (unsigned)bytes);
    size_t unit = 0;
    while (unit + 1 < G_N_ELEMENTS(units) && bytes >= 1ULL << units[unit + 1].shift)
        unit++;
    double value = (double)bytes / (double)(1ULL << units[unit].shift);
    int decimals = value == (double)(uint64_t)value ? 0 : 1;
    return g_strdup_printf("%.*f %s", decimals, value, units[unit].name);
}
