/* Tables and cards of JSON objects on the terminal. Text that came from elsewhere never reaches the terminal
 * raw. */
#pragma once

#include <stdbool.h>

#include "cli/cli.h"

typedef enum {
    SHOW_TEXT,
    SHOW_NUMBER,  /* right-aligned */
    SHOW_SIZE,    /* bytes as "1.5 GiB" */
    SHOW_TIME,    /* milliseconds as local date and time */
    SHOW_AGE,     /* milliseconds as "3 min" ago */
    SHOW_YES,     /* "yes" or "no" */
    SHOW_LIST,    /* names of an array of references, or strings, joined by commas */
    SHOW_DETAILS, /* an object as "key value, key value" */
    SHOW_COUNT,   /* length of an array */
    SHOW_STATE,   /* text, coloured by its meaning */
} ShowForm;

typedef struct {
    const char *title; /* NULL ends a list */
    const char *path;  /* keys and indexes: "pool.name", "versions.0.disk_bytes" */
    ShowForm form;
} Column;

/* One line for each of answer.items. */
void print_table(const Json *list, const Column *columns);

/* From now on print_table writes CSV: --csv. Before the first table, by the main thread. */
void print_tables_as_csv(void);

/* What a cell is in CSV, quoted where it must be. A text that a spreadsheet would take for a formula gets an apostrophe before
 * it (OWASP, "CSV Injection"). Caller frees. */
char *print_csv_value(const Json *object, const Column *column);

/* "Title: value" lines; fields that are null or empty are left out. */
void print_card(const Json *object, const Column *columns);

/* Indented JSON and a line's end on standard output. */
void print_json(const Json *value);

/* A copy that a terminal can be given: control characters become "?". Caller frees. */
char *print_safe(const char *text);

/* "3 min" since then; now_ms for tests. Caller frees. */
char *print_age(int64_t then_ms, int64_t now_ms);

/* What a cell shows. Caller frees. */
char *print_value(const Json *object, const Column *column);
