#include "broker/locale.h"

#include <glib.h>
#include <string.h>

#define ZONE_LONGEST 63
#define KEYBOARD_LONGEST 31

/* The country that a language alone means, for locales need one (glibc, SUPPORTED). */
static const char *const homes[][2] = {
    {"ar", "EG"}, {"bg", "BG"}, {"ca", "ES"}, {"cs", "CZ"}, {"da", "DK"}, {"de", "DE"}, {"el", "GR"}, {"en", "US"},
    {"es", "ES"}, {"et", "EE"}, {"fi", "FI"}, {"fr", "FR"}, {"he", "IL"}, {"hr", "HR"}, {"hu", "HU"}, {"it", "IT"},
    {"ja", "JP"}, {"ko", "KR"}, {"lt", "LT"}, {"lv", "LV"}, {"nb", "NO"}, {"nl", "NL"}, {"pl", "PL"}, {"pt", "PT"},
    {"ro", "RO"}, {"ru", "RU"}, {"sk", "SK"}, {"sl", "SI"}, {"sv", "SE"}, {"tr", "TR"}, {"uk", "UA"}, {"zh", "CN"},
};

/* By language and country first, then by either alone. */
static const char *const keyboards[][2] = {
    {"fr_CA", "ca"}, {"en_GB", "gb"}, {"en_IE", "ie"}, {"pt_BR", "br"}, {"es_ES", "es"}, {"_CH", "ch"}, {"_AT", "at"},
    {"_BE", "be"},   {"da_", "dk"},   {"de_", "de"},   {"en_", "us"},   {"es_", "latam"}, {"fi_", "fi"}, {"fr_", "fr"},
    {"hu_", "hu"},   {"it_", "it"},   {"ja_", "jp"},   {"nb_", "no"},   {"nl_", "us"},   {"pl_", "pl"}, {"pt_", "pt"},
    {"cs_", "cz"},   {"sk_", "sk"},   {"sl_", "si"},   {"sv_", "se"},   {"tr_", "tr"},   {"ro_", "ro"}, {"hr_", "hr"},
    {"ru_", "us,ru"}, {"uk_", "us,ua"}, {"el_", "us,gr"}, {"bg_", "us,bg"}, {"he_", "us,il"}, {"ar_", "us,ara"},
    {"ko_", "kr"},   {"zh_", "us"},   {"et_", "ee"},   {"lt_", "lt"},   {"lv_", "lv"},   {"ca_", "es"},
};

static const char *home_of(const char *language)
{
    for (size_t i = 0; i < G_N_ELEMENTS(homes); i++)
        if (strcmp(homes[i][0], language) == 0)
            return homes[i][1];
    return NULL;
}

/* One language range: "de", "de-DE", "zh-Hans-CN". NULL: of no such form. */
static char *locale_of(const char *range)
{
    g_auto(GStrv) parts = g_strsplit(range, "-", 4);
    const char *country = NULL;
    g_autofree char *language = parts[0] ? g_ascii_strdown(parts[0], -1) : g_strdup("");
    if (strlen(language) != 2 || strspn(language, "abcdefghijklmnopqrstuvwxyz") != 2)
        return NULL;
    for (char **part = parts + 1; *part && !country; part++)
        if (strlen(*part) == 2 && g_ascii_isalpha((*part)[0]) && g_ascii_isalpha((*part)[1]))
            country = *part;
    if (strcmp(language, "zh") == 0 && !country && parts[1] && g_ascii_strcasecmp(parts[1], "Hant") == 0)
        country = "TW";
    country = country ? country : home_of(language);
    g_autofree char *upper = country ? g_ascii_strup(country, -1) : NULL;
    return upper ? g_strdup_printf("%s_%s.UTF-8", language, upper) : NULL;
}

char *locale_of_languages(const char *languages)
{
    g_auto(GStrv) ranges = g_strsplit(languages ? languages : "", ",", 16);
    for (char **range = ranges; *range; range++) {
        (*range)[strcspn(*range, ";")] = '\0';
        char *locale = locale_of(g_strstrip(*range));
        if (locale)
            return locale;
    }
    return NULL;
}

const char *keyboard_of_locale(const char *locale)
{
    for (size_t i = 0; locale && i < G_N_ELEMENTS(keyboards); i++) {
        const char *key = keyboards[i][0];
        const char *at = *key == '_' ? strchr(locale, '_') : locale;
        if (at && strncmp(at, key, strlen(key)) == 0)
            return keyboards[i][1];
    }
    return NULL;
}

static bool is_word(const char *text, size_t longest, const char *others)
{
    if (!g_ascii_isalpha(*text) || strlen(text) > longest || strstr(text, ".."))
        return false;
    for (; *text; text++)
        if (!g_ascii_isalnum(*text) && !strchr(others, *text))
            return false;
    return true;
}

bool time_zone_is_valid(const char *zone)
{
    return is_word(zone, ZONE_LONGEST, "/_+-");
}

bool keyboard_is_valid(const char *keyboard)
{
    return is_word(keyboard, KEYBOARD_LONGEST, ",_-");
}
