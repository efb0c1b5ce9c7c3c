/* What a locked screen says: a padlock, a title and a line, in the image's own fonts. Pure but for reading the fonts. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *title; /* UTF-8, as the next */
    const char *line;  /* broken into several where the screen is narrow */
    int screen_width;
    uint32_t background; /* 0xRRGGBB */
} LockerWords;

typedef struct {
    int width, height;
    uint32_t *pixels; /* 0xRRGGBB; owned */
} LockerPicture;

/* Without fonts only the padlock; letters that no font has are left out. False: there is no memory. */
bool locker_picture_draw(LockerPicture *picture, const LockerWords *words);
void locker_picture_clear(LockerPicture *picture);
