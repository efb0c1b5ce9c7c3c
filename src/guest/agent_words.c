#include "guest/agent_words.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/words_wire.h"
#include "guest/file.h"

#define LOCALE_FILE "/etc/default/locale"

typedef struct {
    const char *language;
    bool is_cjk;
    const char *words[WORDS_COUNT];
} Language;

static const Language LANGUAGES[] = {
    {"en", false,
     {
         [WORDS_LOCKED] = "Locked",
         [WORDS_LOCKED_HOW] = "Log in to the portal again to go on: in your browser, on the page of this desktop.",
         [WORDS_HELP_DESK] = SAY_HELP_DESK,
         [WORDS_SOMEBODY] = SAY_SOMEBODY,
         [WORDS_ALLOW] = SAY_ALLOW,
         [WORDS_REFUSE] = SAY_REFUSE,
         [WORDS_ASK_VIEW] = SAY_ASK_VIEW,
         [WORDS_ASK_CONTROL] = SAY_ASK_CONTROL,
         [WORDS_SEES] = SAY_SEES,
         [WORDS_WORKS] = SAY_WORKS,
         [WORDS_NO_HOME] = SAY_NO_HOME,
         [WORDS_NOT_NAMED] = SAY_NOT_NAMED,
         [WORDS_NOT_PUT_AWAY] = SAY_NOT_PUT_AWAY,
         [WORDS_NO_PLACE] = SAY_NO_PLACE,
     }},
    {"de", false,
     {
         [WORDS_LOCKED] = "Gesperrt",
         [WORDS_LOCKED_HOW] = "Melden Sie sich erneut am Portal an, um weiterzuarbeiten: in Ihrem Browser, auf der Seite dieses Desktops.",
         [WORDS_HELP_DESK] = "Helpdesk",
         [WORDS_SOMEBODY] = "Ein Administrator",
         [WORDS_ALLOW] = "Erlauben",
         [WORDS_REFUSE] = "Ablehnen",
         [WORDS_ASK_VIEW] = "%s vom Helpdesk bittet, Ihren Bildschirm ansehen zu dürfen.",
         [WORDS_ASK_CONTROL] = "%s vom Helpdesk bittet, Ihren Bildschirm ansehen und darin arbeiten zu dürfen.",
         [WORDS_SEES] = "%s vom Helpdesk sieht Ihren Bildschirm.",
         [WORDS_WORKS] = "%s vom Helpdesk sieht Ihren Bildschirm und arbeitet darin.",
         [WORDS_NO_HOME] = "Ihre eigenen Dateien sind nicht hier, und was Sie jetzt speichern, geht verloren: %s",
         [WORDS_NOT_NAMED] = "Das Konto konnte nicht nach Ihnen benannt werden: %s",
         [WORDS_NOT_PUT_AWAY] = "Die Dateien einer anderen Person konnten nicht weggeräumt werden: %s",
         [WORDS_NO_PLACE] = "Sprache, Tastatur oder Zeitzone konnten nicht eingestellt werden: %s",
     }},
    {"fr", false,
     {
         [WORDS_LOCKED] = "Verrouillé",
         [WORDS_LOCKED_HOW] = "Reconnectez-vous au portail pour continuer : dans votre navigateur, sur la page de ce bureau.",
         [WORDS_HELP_DESK] = "Assistance",
         [WORDS_SOMEBODY] = "Un administrateur",
         [WORDS_ALLOW] = "Autoriser",
         [WORDS_REFUSE] = "Refuser",
         [WORDS_ASK_VIEW] = "%s, de l’assistance, demande à voir votre écran.",
         [WORDS_ASK_CONTROL] = "%s, de l’assistance, demande à voir votre écran et à y travailler.",
         [WORDS_SEES] = "%s, de l’assistance, voit votre écran.",
         [WORDS_WORKS] = "%s, de l’assistance, voit votre écran et y travaille.",
         [WORDS_NO_HOME] = "Vos propres fichiers ne sont pas ici, et ce que vous enregistrez maintenant sera perdu : %s",
         [WORDS_NOT_NAMED] = "Le compte n’a pas pu recevoir votre nom : %s",
         [WORDS_NOT_PUT_AWAY] = "Les fichiers d’une autre personne n’ont pas pu être rangés : %s",
         [WORDS_NO_PLACE] = "La langue, le clavier ou le fuseau horaire n’ont pas pu être réglés : %s",
     }},
    {"es", false,
     {
         [WORDS_LOCKED] = "Bloqueado",
         [WORDS_LOCKED_HOW] = "Vuelva a iniciar sesión en el portal para continuar: en su navegador, en la página de este escritorio.",
         [WORDS_HELP_DESK] = "Asistencia",
         [WORDS_SOMEBODY] = "Un administrador",
         [WORDS_ALLOW] = "Permitir",
         [WORDS_REFUSE] = "Rechazar",
         [WORDS_ASK_VIEW] = "%s, del servicio de ayuda, pide ver su pantalla.",
         [WORDS_ASK_CONTROL] = "%s, del servicio de ayuda, pide ver su pantalla y trabajar en ella.",
         [WORDS_SEES] = "%s, del servicio de ayuda, ve su pantalla.",
         [WORDS_WORKS] = "%s, del servicio de ayuda, ve su pantalla y trabaja en ella.",
         [WORDS_NO_HOME] = "Sus propios archivos no están aquí, y lo que guarde ahora se perderá: %s",
         [WORDS_NOT_NAMED] = "No se pudo dar su nombre a la cuenta: %s",
         [WORDS_NOT_PUT_AWAY] = "No se pudieron retirar los archivos de otra persona: %s",
         [WORDS_NO_PLACE] = "No se pudo ajustar el idioma, el teclado o la zona horaria: %s",
     }},
    {"ja", true,
     {
         [WORDS_LOCKED] = "ロックされています",
         [WORDS_LOCKED_HOW] = "続けるには、ブラウザーのこのデスクトップのページでポータルにもう一度ログインしてください。",
         [WORDS_HELP_DESK] = "ヘルプデスク",
         [WORDS_SOMEBODY] = "管理者",
         [WORDS_ALLOW] = "許可",
         [WORDS_REFUSE] = "拒否",
         [WORDS_ASK_VIEW] = "ヘルプデスクの %s が画面を見る許可を求めています。",
         [WORDS_ASK_CONTROL] = "ヘルプデスクの %s が画面を見て操作する許可を求めています。",
         [WORDS_SEES] = "ヘルプデスクの %s が画面を見ています。",
         [WORDS_WORKS] = "ヘルプデスクの %s が画面を見て操作しています。",
         [WORDS_NO_HOME] = "ご自分のファイルがここにありません。今保存したものは失われます: %s",
         [WORDS_NOT_NAMED] = "アカウントにお名前を付けられませんでした: %s",
         [WORDS_NOT_PUT_AWAY] = "ほかの人のファイルを片付けられませんでした: %s",
         [WORDS_NO_PLACE] = "言語、キーボード、またはタイムゾーンを設定できませんでした: %s",
     }},
    {"zh", true,
     {
         [WORDS_LOCKED] = "已锁定",
         [WORDS_LOCKED_HOW] = "要继续，请在浏览器中此桌面的页面上重新登录门户。",
         [WORDS_HELP_DESK] = "技术支持",
         [WORDS_SOMEBODY] = "一位管理员",
         [WORDS_ALLOW] = "允许",
         [WORDS_REFUSE] = "拒绝",
         [WORDS_ASK_VIEW] = "服务台的 %s 请求查看您的屏幕。",
         [WORDS_ASK_CONTROL] = "服务台的 %s 请求查看并操作您的屏幕。",
         [WORDS_SEES] = "服务台的 %s 正在查看您的屏幕。",
         [WORDS_WORKS] = "服务台的 %s 正在查看并操作您的屏幕。",
         [WORDS_NO_HOME] = "您自己的文件不在这里，现在保存的内容将会丢失：%s",
         [WORDS_NOT_NAMED] = "无法以您的名字命名账户：%s",
         [WORDS_NOT_PUT_AWAY] = "无法收起其他人的文件：%s",
         [WORDS_NO_PLACE] = "无法设置语言、键盘或时区：%s",
     }},
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

/* Whether the text is this sentence with something in place of %s, and what. */
static bool is_sentence(const char *sentence, const char *text, const char **ret_at, size_t *ret_length)
{
    const char *gap = strstr(sentence, "%s");
    size_t before = gap ? (size_t)(gap - sentence) : strlen(sentence), length = strlen(text);
    size_t after = gap ? strlen(gap + 2) : 0;
    if (!gap)
        return strcmp(sentence, text) == 0;
    if (length < before + after || strncmp(sentence, text, before) != 0 || strcmp(gap + 2, text + length - after) != 0)
        return false;
    *ret_at = text + before;
    *ret_length = length - before - after;
    return true;
}

static const char *fill(const char *sentence, const char *name, size_t length, AgentSaid *said)
{
    const char *gap = strstr(sentence, "%s");
    int used = gap ? snprintf(said->text, sizeof said->text, "%.*s%.*s%s", (int)(gap - sentence), sentence, (int)length, name, gap + 2)
                   : snprintf(said->text, sizeof said->text, "%s", sentence);
    return used > 0 && (size_t)used < sizeof said->text ? said->text : NULL;
}

const char *agent_words_say(const char *language, const char *text, AgentSaid *said)
{
    const Language *own = find(language);
    for (int which = 0; which < WORDS_COUNT && own != &LANGUAGES[0]; which++) {
        const char *name = "";
        size_t length = 0;
        if (!is_sentence(LANGUAGES[0].words[which], text, &name, &length))
            continue;
        const char *somebody = strncmp(name, SAY_SOMEBODY, length) == 0 && length == strlen(SAY_SOMEBODY) ? own->words[WORDS_SOMEBODY] : NULL;
        const char *translated = fill(own->words[which], somebody ? somebody : name, somebody ? strlen(somebody) : length, said);
        return translated ? translated : text;
    }
    return text;
}
