/* oriel-locker TITLE LINE: covers an X screen while its session is locked. It asks for nothing and cannot be typed away: oriel-agent starts
 * it, keeps it running, and ends it when the host says so. Nothing in it wakes up while nothing happens. */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xcb/xcb.h>
#include <xcb/xtest.h>

#include "guest/locker_picture.h"

#define RETRY_MS 200 /* some menu or game has the keyboard or the mouse for itself */
#define STRIP_ROWS 32
#define ESCAPE 9 /* evdev's key code, and 8: what X keyboards of this century have */
#define BLANK 0x17324d

typedef struct {
    xcb_connection_t *link;
    xcb_screen_t *screen;
    xcb_window_t window;
    xcb_gcontext_t context;
    uint16_t width, height;
    bool has_keyboard, has_pointer;
    const char *title, *line;
} Cover;

static void show_window(Cover *cover)
{
    const uint32_t values[] = {BLANK, 1, XCB_EVENT_MASK_EXPOSURE | XCB_EVENT_MASK_VISIBILITY_CHANGE};
    const uint32_t root_events = XCB_EVENT_MASK_STRUCTURE_NOTIFY, above = XCB_STACK_MODE_ABOVE;
    cover->width = cover->screen->width_in_pixels;
    cover->height = cover->screen->height_in_pixels;
    cover->window = xcb_generate_id(cover->link);
    cover->context = xcb_generate_id(cover->link);
    xcb_change_window_attributes(cover->link, cover->screen->root, XCB_CW_EVENT_MASK, &root_events);
    xcb_create_window(cover->link, XCB_COPY_FROM_PARENT, cover->window, cover->screen->root, 0, 0, cover->width, cover->height, 0,
                      XCB_WINDOW_CLASS_INPUT_OUTPUT, XCB_COPY_FROM_PARENT,
                      XCB_CW_BACK_PIXEL | XCB_CW_OVERRIDE_REDIRECT | XCB_CW_EVENT_MASK, values);
    xcb_create_gc(cover->link, cover->context, cover->window, 0, NULL);
    xcb_map_window(cover->link, cover->window);
    xcb_configure_window(cover->link, cover->window, XCB_CONFIG_WINDOW_STACK_MODE, &above);
}

/* Pixels as the picture has them: 24 or 32 bits of BGRX. Another screen stays plain. */
static bool takes_picture(const Cover *cover)
{
    const xcb_setup_t *setup = xcb_get_setup(cover->link);
    bool fits = false;
    for (xcb_format_iterator_t format = xcb_setup_pixmap_formats_iterator(setup); format.rem; xcb_format_next(&format))
        fits |= format.data->depth == cover->screen->root_depth && format.data->bits_per_pixel == 32;
    return fits && cover->screen->root_depth >= 24 && setup->image_byte_order == XCB_IMAGE_ORDER_LSB_FIRST;
}

static void draw(const Cover *cover)
{
    LockerPicture picture;
    LockerWords words = {cover->title, cover->line, cover->width, BLANK};
    if (!takes_picture(cover) || !locker_picture_draw(&picture, &words))
        return;
    int left = (cover->width - picture.width) / 2, top = (cover->height - picture.height) / 2;
    for (int row = 0; row < picture.height; row += STRIP_ROWS) {
        int rows = picture.height - row < STRIP_ROWS ? picture.height - row : STRIP_ROWS;
        xcb_put_image(cover->link, XCB_IMAGE_FORMAT_Z_PIXMAP, cover->window, cover->context, (uint16_t)picture.width, (uint16_t)rows,
                      (int16_t)left, (int16_t)(top + row), 0, cover->screen->root_depth,
                      (uint32_t)(picture.width * rows * 4), (const uint8_t *)(picture.pixels + (size_t)row * (size_t)picture.width));
    }
    locker_picture_clear(&picture);
}

static bool grabbed(uint8_t status)
{
    return status == XCB_GRAB_STATUS_SUCCESS;
}

static void grab_keyboard(Cover *cover)
{
    xcb_grab_keyboard_cookie_t asked =
        xcb_grab_keyboard(cover->link, 0, cover->window, XCB_CURRENT_TIME, XCB_GRAB_MODE_ASYNC, XCB_GRAB_MODE_ASYNC);
    xcb_grab_keyboard_reply_t *answer = xcb_grab_keyboard_reply(cover->link, asked, NULL);
    cover->has_keyboard = answer && grabbed(answer->status);
    free(answer);
}

static void grab_pointer(Cover *cover)
{
    xcb_grab_pointer_cookie_t asked =
        xcb_grab_pointer(cover->link, 0, cover->window, XCB_EVENT_MASK_BUTTON_PRESS, XCB_GRAB_MODE_ASYNC, XCB_GRAB_MODE_ASYNC,
                         XCB_NONE, XCB_NONE, XCB_CURRENT_TIME);
    xcb_grab_pointer_reply_t *answer = xcb_grab_pointer_reply(cover->link, asked, NULL);
    cover->has_pointer = answer && grabbed(answer->status);
    free(answer);
}

/* A menu that is open has both, and nobody can close it any more: it is told Escape, which closes menus. */
static void grab(Cover *cover)
{
    if (!cover->has_keyboard)
        grab_keyboard(cover);
    if (!cover->has_pointer)
        grab_pointer(cover);
    if (cover->has_keyboard && cover->has_pointer)
        return;
    xcb_test_fake_input(cover->link, XCB_KEY_PRESS, ESCAPE, XCB_CURRENT_TIME, XCB_NONE, 0, 0, 0);
    xcb_test_fake_input(cover->link, XCB_KEY_RELEASE, ESCAPE, XCB_CURRENT_TIME, XCB_NONE, 0, 0, 0);
}

static void follow_size(Cover *cover, const xcb_configure_notify_event_t *event)
{
    if (event->window != cover->screen->root)
        return;
    const uint32_t size[] = {event->width, event->height};
    cover->width = event->width;
    cover->height = event->height;
    xcb_configure_window(cover->link, cover->window, XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT, size);
    xcb_clear_area(cover->link, 0, cover->window, 0, 0, 0, 0);
    draw(cover);
}

/* What came up above it goes below again. */
static void stay_on_top(Cover *cover, const xcb_visibility_notify_event_t *event)
{
    const uint32_t above = XCB_STACK_MODE_ABOVE;
    if (event->state != XCB_VISIBILITY_UNOBSCURED)
        xcb_configure_window(cover->link, cover->window, XCB_CONFIG_WINDOW_STACK_MODE, &above);
}

static void handle(Cover *cover, const xcb_generic_event_t *event)
{
    switch (event->response_type & 0x7f) {
    case XCB_EXPOSE:
        if (((const xcb_expose_event_t *)event)->count == 0)
            draw(cover);
        break;
    case XCB_CONFIGURE_NOTIFY:
        follow_size(cover, (const xcb_configure_notify_event_t *)event);
        break;
    case XCB_VISIBILITY_NOTIFY:
        stay_on_top(cover, (const xcb_visibility_notify_event_t *)event);
        break;
    default: /* keys and buttons are for nobody */
        break;
    }
}

static void run(Cover *cover)
{
    struct pollfd waiting = {xcb_get_file_descriptor(cover->link), POLLIN, 0};
    while (!xcb_connection_has_error(cover->link)) {
        bool has_all = cover->has_keyboard && cover->has_pointer;
        if (!has_all)
            grab(cover);
        for (xcb_generic_event_t *event; (event = xcb_poll_for_event(cover->link)); free(event))
            handle(cover, event);
        xcb_flush(cover->link);
        poll(&waiting, 1, has_all ? -1 : RETRY_MS);
    }
}

int main(int count, char **words)
{
    int number = 0;
    Cover cover = {.title = count > 1 ? words[1] : "", .line = count > 2 ? words[2] : ""};
    cover.link = xcb_connect(NULL, &number);
    if (xcb_connection_has_error(cover.link))
        return EXIT_FAILURE;
    xcb_screen_iterator_t screens = xcb_setup_roots_iterator(xcb_get_setup(cover.link));
    for (; screens.rem > 1 && number > 0; number--)
        xcb_screen_next(&screens);
    cover.screen = screens.data;
    show_window(&cover);
    draw(&cover);
    free(xcb_get_input_focus_reply(cover.link, xcb_get_input_focus(cover.link), NULL)); /* all of that has been done */
    puts("covered");
    fflush(stdout);
    run(&cover);
    return EXIT_FAILURE;
}
