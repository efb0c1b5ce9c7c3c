#include "store/driver.h"

#include <string.h>

Rows *rows_new(size_t columns)
{
    Rows *rows = g_new0(Rows, 1);
    rows->columns = columns;
    rows->cells = g_ptr_array_new();
    rows->chunk = g_string_chunk_new(1024);
    return rows;
}

void rows_add_cell(Rows *rows, const char *text)
{
    g_ptr_array_add(rows->cells, text ? g_string_chunk_insert(rows->chunk, text) : NULL);
}

void rows_end_row(Rows *rows)
{
    rows->count++;
}

void rows_free(Rows *rows)
{
    if (!rows)
        return;
    g_ptr_array_unref(rows->cells);
    g_string_chunk_free(rows->chunk);
    g_free(rows);
}

const char *rows_text(const Rows *rows, size_t row, size_t column)
{
    g_return_val_if_fail(row < rows->count && column < rows->columns, NULL);
    return rows->cells->pdata[row * rows->columns + column];
}

int64_t rows_number(const Rows *rows, size_t row, size_t column)
{
    const char *text = rows_text(rows, row, column);
    return text ? g_ascii_strtoll(text, NULL, 10) : 0;
}

char *read_text(Reader *reader)
{
    return g_strdup(rows_text(reader->rows, reader->row, reader->column++));
}

char *read_string(Reader *reader)
{
    const char *text = rows_text(reader->rows, reader->row, reader->column++);
    return g_strdup(text ? text : "");
}

int64_t read_number(Reader *reader)
{
    return rows_number(reader->rows, reader->row, reader->column++);
}

bool read_bool(Reader *reader)
{
    return read_number(reader) != 0;
}

int read_word(Reader *reader, const char *const *words)
{
    const char *text = rows_text(reader->rows, reader->row, reader->column++);
    for (int i = 0; text && words[i]; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    return 0;
}

char *search_text(const char *text)
{
    return text && *text ? g_utf8_strdown(text, -1) : NULL;
}
