#include "guest/locker_picture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/file.h"

#define STBTT_STATIC
#define STB_TRUETYPE_IMPLEMENTATION
#include <stb/stb_truetype.h>

/* Debian's: of each line the first that is there. Letters are looked for in both. */
static const char *const LATIN[] = {"/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
                                    "/usr/share/fonts/truetype/liberation2/LiberationSans-Regular.ttf",
                                    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf", NULL};
static const char *const CJK[] = {"/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
                                  "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
                                  "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", NULL};

enum { MARGIN = 40, WIDEST = 760, TITLE_PIXELS = 30, LINE_PIXELS = 18, LINES_MOST = 6, PADLOCK = 56, GAP = 18 };
static const uint32_t ink = 0xf4f7f9, gold = 0xf2c879;

enum { FONTS = 2 };

typedef struct {
    stbtt_fontinfo info;
    bool is_there;
} Font;

typedef struct {
    LockerPicture *picture;
    const Font *fonts; /* FONTS of them */
} Board;

/* Mapped for good: they are needed again with every change of the screen's size. */
static Font font_open(const char *const *paths)
{
    Font font = {.is_there = false};
    for (; *paths && !font.is_there; paths++) {
        struct stat info;
        autofd int fd = open(*paths, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &info) < 0 || info.st_size < 1024)
            continue;
        unsigned char *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        font.is_there = bytes != MAP_FAILED && stbtt_InitFont(&font.info, bytes, stbtt_GetFontOffsetForIndex(bytes, 0));
    }
    return font;
}

static const Font *fonts_open(void)
{
    static Font fonts[FONTS];
    static bool opened;
    if (!opened) {
        fonts[0] = font_open(LATIN);
        fonts[1] = font_open(CJK);
        opened = true;
    }
    return fonts;
}

/* ---- text ---- */

/* The next letter of UTF-8 that is well formed enough; what is not is skipped. */
static int next_letter(const char **text)
{
    const unsigned char *at = (const unsigned char *)*text;
    int follow = at[0] < 0x80 ? 0 : (at[0] & 0xe0) == 0xc0 ? 1 : (at[0] & 0xf0) == 0xe0 ? 2 : (at[0] & 0xf8) == 0xf0 ? 3 : 0;
    int letter = follow == 0 ? at[0] : at[0] & (0x3f >> follow);
    int taken = 1;
    for (; taken <= follow && (at[taken] & 0xc0) == 0x80; taken++)
        letter = letter << 6 | (at[taken] & 0x3f);
    *text += taken;
    return letter;
}

static const Font *font_of(const Board *board, int letter)
{
    for (int i = 0; i < FONTS; i++)
        if (board->fonts[i].is_there && stbtt_FindGlyphIndex(&board->fonts[i].info, letter))
            return &board->fonts[i];
    return NULL;
}

static float advance_of(const Board *board, int letter, float pixels)
{
    int advance = 0, bearing = 0;
    const Font *font = font_of(board, letter);
    if (font)
        stbtt_GetCodepointHMetrics(&font->info, letter, &advance, &bearing);
    return font ? (float)advance * stbtt_ScaleForPixelHeight(&font->info, pixels) : 0;
}

static void blend(const Board *board, int x, int y, uint32_t color, unsigned cover)
{
    LockerPicture *picture = board->picture;
    if (x < 0 || y < 0 || x >= picture->width || y >= picture->height)
        return;
    uint32_t *pixel = &picture->pixels[(size_t)y * (size_t)picture->width + (size_t)x], mixed = 0;
    for (unsigned shift = 0; shift <= 16; shift += 8) {
        unsigned below = *pixel >> shift & 0xff, above = color >> shift & 0xff;
        mixed |= (below * (255 - cover) + above * cover) / 255 << shift;
    }
    *pixel = mixed;
}

static void put_letter(const Board *board, int letter, float pixels, int x, int baseline)
{
    const Font *font = font_of(board, letter);
    int width, height, left, top;
    if (!font)
        return;
    float scale = stbtt_ScaleForPixelHeight(&font->info, pixels);
    unsigned char *cover = stbtt_GetCodepointBitmap(&font->info, scale, scale, letter, &width, &height, &left, &top);
    for (int row = 0; cover && row < height; row++)
        for (int column = 0; column < width; column++)
            blend(board, x + left + column, baseline + top + row, ink, cover[row * width + column]);
    stbtt_FreeBitmap(cover, NULL);
}

static float width_of(const Board *board, const char *text, size_t length, float pixels)
{
    float width = 0;
    for (const char *at = text; at < text + length && *at;)
        width += advance_of(board, next_letter(&at), pixels);
    return width;
}

static void put_centred(const Board *board, const char *text, size_t length, float pixels, int baseline)
{
    float x = ((float)board->picture->width - width_of(board, text, length, pixels)) / 2;
    for (const char *at = text; at < text + length && *at;) {
        int letter = next_letter(&at);
        put_letter(board, letter, pixels, (int)x, baseline);
        x += advance_of(board, letter, pixels);
    }
}

/* How much of it fits: up to a space, or between two letters of a script without spaces. */
static size_t fitting(const Board *board, const char *text, float pixels)
{
    float width = 0;
    size_t fits = 0;
    for (const char *at = text; *at;) {
        const char *from = at;
        int letter = next_letter(&at);
        width += advance_of(board, letter, pixels);
        if (width > (float)board->picture->width && fits > 0)
            return fits;
        if (letter == ' ')
            fits = (size_t)(from - text);
        else if (letter >= 0x3000)
            fits = (size_t)(at - text);
    }
    return strlen(text);
}

/* ---- the padlock: a ring that goes into a body with a keyhole ---- */

enum { FINE = 4 }; /* so many samples each way soften its edge */

static bool in_padlock(int x, int y)
{
    enum {
        BODY_TOP = 24 * FINE, BODY_LEFT = 6 * FINE, BODY_RIGHT = 50 * FINE, MIDDLE = 28 * FINE, OUTER = 17 * FINE, INNER = 11 * FINE,
        HOLE_Y = 37 * FINE, HOLE = 4 * FINE, SLOT = 2 * FINE, SLOT_END = 48 * FINE
    };
    int dx = x - MIDDLE, dy = y - BODY_TOP, hole = y - HOLE_Y, far = dx * dx + dy * dy;
    bool ring = y < BODY_TOP && far <= OUTER * OUTER && far >= INNER * INNER;
    bool keyhole = dx * dx + hole * hole <= HOLE * HOLE || (dx >= -SLOT && dx < SLOT && hole >= 0 && y < SLOT_END);
    return ring || (y >= BODY_TOP && x >= BODY_LEFT && x < BODY_RIGHT && !keyhole);
}

static void put_padlock(const Board *board)
{
    int left = (board->picture->width - PADLOCK) / 2;
    for (int y = 0; y < PADLOCK; y++)
        for (int x = 0; x < PADLOCK; x++) {
            unsigned samples = 0;
            for (int i = 0; i < FINE * FINE; i++)
                samples += in_padlock(x * FINE + i % FINE, y * FINE + i / FINE);
            blend(board, left + x, y, gold, samples * 255 / (FINE * FINE));
        }
}

bool locker_picture_draw(LockerPicture *picture, const LockerWords *words)
{
    int widest = words->screen_width - 2 * MARGIN < WIDEST ? words->screen_width - 2 * MARGIN : WIDEST;
    *picture = (LockerPicture){.width = widest > PADLOCK ? widest : PADLOCK,
                               .height = PADLOCK + 2 * GAP + TITLE_PIXELS + LINES_MOST * (LINE_PIXELS + GAP / 2)};
    size_t count = (size_t)picture->width * (size_t)picture->height;
    picture->pixels = calloc(count, sizeof *picture->pixels);
    if (!picture->pixels)
        return false;
    for (size_t i = 0; i < count; i++)
        picture->pixels[i] = words->background;
    Board board = {picture, fonts_open()};
    put_padlock(&board);
    int baseline = PADLOCK + GAP + TITLE_PIXELS;
    put_centred(&board, words->title, strlen(words->title), TITLE_PIXELS, baseline);
    const char *rest = words->line;
    for (int line = 0; line < LINES_MOST && *rest; line++) {
        size_t length = fitting(&board, rest, LINE_PIXELS);
        baseline += LINE_PIXELS + GAP / 2;
        put_centred(&board, rest, length, LINE_PIXELS, baseline + GAP / 2);
        rest += length;
        rest += *rest == ' ';
    }
    return true;
}

void locker_picture_clear(LockerPicture *picture)
{
    free(picture->pixels);
    *picture = (LockerPicture){0};
}
