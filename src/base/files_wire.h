/* Files between a person's browser and their desktop: what host and guest say to each other in tunnel TUNNEL_FILES
 * (docs/architecture.md, contract 2). The host asks, the guest answers, one at a time. A request is its head and so many bytes, and
 * so is an answer. Numbers are little-endian. Constants and packing only, no GLib: the agent in the guest includes this too. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FILES_BLOCK (1024 * 1024) /* bytes behind a head, at most: LIMIT_REQUEST_BODY */
#define FILES_NAME 255            /* bytes of a name: NAME_MAX of Linux */
#define FILES_OPEN 8              /* transfers under way in one desktop */
#define FILES_LISTED 1000         /* files in one list */
#define FILES_FOLDER "Downloads"  /* in the person's home: where files arrive, and what may be fetched */

typedef enum {
    FILES_LIST = 1, /* value: bytes free there; behind it uint32 files left out, then for each file uint64 bytes, uint64 UTC milliseconds, uint8 length of its name, name */
    FILES_PUT,      /* size; behind it a name. value: the transfer's number */
    FILES_WRITE,    /* transfer, offset; behind it bytes. value: so many are there now, which is where to go on */
    FILES_FINISH,   /* transfer: all has come, it gets its name. Behind the answer the name that it got */
    FILES_GET,      /* behind it a name. value: the transfer's number; behind the answer uint64 bytes of the file */
    FILES_READ,     /* transfer, offset, size: at most so many bytes. They are behind the answer */
    FILES_DROP,     /* transfer: what has come of it is gone */
} FilesAct;

typedef enum {
    FILES_OK,
    FILES_BAD,       /* the request is none, or not of this transfer */
    FILES_NAME_BAD,  /* not a plain name */
    FILES_NONE,      /* there is no such file */
    FILES_NOT_PLAIN, /* a folder, a link, a device */
    FILES_DENIED,    /* the person may not */
    FILES_FULL,      /* no room on the disk */
    FILES_MANY,      /* FILES_OPEN are under way, or a thousand of that name are there */
    FILES_CHANGED,   /* the file has become shorter meanwhile */
    FILES_UNFIT,     /* this file system cannot do it */
    FILES_BROKEN,    /* anything else */
    FILES_RESULTS,
} FilesResult;

#define FILES_REQUEST_HEAD 32
typedef struct {
    uint32_t length; /* of what is behind it */
    uint8_t act;     /* FilesAct */
    uint32_t transfer;
    uint64_t offset, size;
} FilesRequest;

#define FILES_ANSWER_HEAD 16
typedef struct {
    uint32_t length;
    uint8_t result; /* FilesResult */
    uint64_t value;
} FilesAnswer;

static inline void files_put(uint8_t *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t files_take(const uint8_t *from, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)from[i] << (8 * i);
    return value;
}

static inline void files_request_put(uint8_t to[FILES_REQUEST_HEAD], const FilesRequest *request)
{
    files_put(to, request->length, 4);
    files_put(to + 4, request->act, 4);
    files_put(to + 8, request->transfer, 8);
    files_put(to + 16, request->offset, 8);
    files_put(to + 24, request->size, 8);
}

static inline FilesRequest files_request_take(const uint8_t from[FILES_REQUEST_HEAD])
{
    return (FilesRequest){(uint32_t)files_take(from, 4), from[4], (uint32_t)files_take(from + 8, 4), files_take(from + 16, 8),
                          files_take(from + 24, 8)};
}

static inline void files_answer_put(uint8_t to[FILES_ANSWER_HEAD], const FilesAnswer *answer)
{
    files_put(to, answer->length, 4);
    files_put(to + 4, answer->result, 4);
    files_put(to + 8, answer->value, 8);
}

static inline FilesAnswer files_answer_take(const uint8_t from[FILES_ANSWER_HEAD])
{
    return (FilesAnswer){(uint32_t)files_take(from, 4), from[4], files_take(from + 8, 8)};
}
