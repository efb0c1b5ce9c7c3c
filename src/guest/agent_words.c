#include "guest/agent_words.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guest/file.h"

#define LOCALE_FILE "/etc/default/locale"

typedef struct {
    const char *language;
    bool is_cjk;
    const char *words[WORDS_COUNT];
} Language;

static const Language LANGUAGES[] = {
    {"en", false, {"Locked", "Log in to the portal again to go on: in your browser, on the page of this desktop."}},
    {"de", false, {"Gesperrt", "Melden Sie sich erneut am Portal an, um weiterzuarbeiten: in Ihrem Browser, auf der Seite dieses Desktops."}},
    {"fr", false, {"Verrouillé", "Reconnectez-vous au portail pour continuer : dans votre navigateur, sur la page de ce bureau."}},
    {"es", false, {"Bloqueado", "Vuelva a iniciar sesión en el portal para continuar: en su navegador, en la página de este escritorio."}},
    {"ja", true, {"ロックされています", "続けるには、ブラウザーのこのデスクトップのページでポータルにもう一度ログインしてください。"}},
    {"zh", true, {"已锁定", "要继续，请在浏览器中此桌面的页面上重新登录门户。"}},
};

/* Debian's packages fonts-droid-fallback, fonts-wqy-microhei, fonts-noto-cjk: what oriel-locker looks for too. */
static const char *const CJK_FONTS[] = {"/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf", "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
                                        "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"};

static bool has_cjk(const char *root)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof CJK_FONTS / sizeof CJK_FONTS[0]; i++) {
        snprintf(path, sizeof path, "%s%s", root, CJK_FONTS[i]);
        if (access(path, R_OK) == 0)
            return true;
    }
    return false;
}

static const Language *find(const char *language)
{
    for (size_t i = 0; i < sizeof LANGUAGES / sizeof LANGUAGES[0]; i++)
        if (strncmp(language, LANGUAGES[i].language, 2) == 0)
            return &LANGUAGES[i];
    return &LANGUAGES[0];
}

const char *agent_words_language_of(const char *root, const char *locale)
{
    bool is_language = strlen(locale) == 2 || (strlen(locale) > 2 && strchr("_.@-", locale[2]));
    const Language *language = is_language ? find(locale) : &LANGUAGES[0];
    return language->is_cjk && !has_cjk(root) ? LANGUAGES[0].language : language->language;
}

const char *agent_words_language(void)
{
    char text[512], locale[64] = "";
    if (guest_file_read(LOCALE_FILE, text, sizeof text) < 0 || !guest_value(text, "LANG", locale, sizeof locale))
        return LANGUAGES[0].language;
    return agent_words_language_of("", locale);
}

const char *agent_words(const char *language, AgentWords which)
{
    return find(language)->words[which];
}
