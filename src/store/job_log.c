#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "store/job.h"
#include "store/transaction.h"

enum { PIECES_AN_ANSWER = 64, PIECE_MOST = 16 * 1024 };

/* The oldest pieces go, until what is left fits. Their positions are not used again: a reader's place stays
 * good. */
static bool trim(Transaction *transaction, const char *id, int64_t bytes, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(transaction,
                                             "DELETE FROM job_logs WHERE job_id = $1 AND position <= (SELECT "
                                             "MIN(o.position) FROM (SELECT l.position,"
                                             " SUM(l.bytes) OVER (ORDER BY l.position) AS gone FROM job_logs "
                                             "l WHERE l.job_id = $1) o WHERE o.gone >= $2)"
                                             " RETURNING bytes",
                                             PARAMS(TEXT(id), NUMBER(bytes - LIMIT_JOB_LOG)), error);
    int64_t gone = 0;
    for (size_t row = 0; rows && row < rows->count; row++)
        gone += rows_number(rows, row, 0);
    return rows && transaction_run(transaction, "UPDATE jobs SET log_bytes = log_bytes - $2 WHERE id = $1",
                                   PARAMS(TEXT(id), NUMBER(gone)), error);
}

static bool append_piece(Transaction *transaction, const char *id, const char *piece, GError **error)
{
    int64_t length = (int64_t)strlen(piece);
    g_autoptr(Rows) rows =
        transaction_query(transaction,
                          "UPDATE jobs SET log_next = log_next + 1, log_bytes = log_bytes + $2"
                          " WHERE id = $1 RETURNING log_next - 1, log_bytes",
                          PARAMS(TEXT(id), NUMBER(length)), error);
    if (!rows)
        return false;
    if (rows->count == 0)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "job \"%s\": there is none", id);
    int64_t bytes = rows_number(rows, 0, 1);
    return transaction_run(
               transaction, "INSERT INTO job_logs (job_id, position, bytes, piece) VALUES ($1, $2, $3, $4)",
               PARAMS(TEXT(id), NUMBER(rows_number(rows, 0, 0)), NUMBER(length), TEXT(piece)), error) &&
           (bytes <= LIMIT_JOB_LOG || trim(transaction, id, bytes, error));
}

/* Where to cut so that no character is cut in two. */
static size_t piece_length(const char *text)
{
    size_t length = strnlen(text, PIECE_MOST);
    if (text[length] == '\0')
        return length;
    const char *end = g_utf8_find_prev_char(text, text + length + 1);
    return end && end > text ? (size_t)(end - text) : length;
}

bool store_job_log_append(Store *store, const char *id, const char *text, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error))
        return false;
    for (size_t length; *text; text += length) {
        length = piece_length(text);
        g_autofree char *piece = g_strndup(text, length);
        if (!append_piece(&transaction, id, piece, error))
            return false;
    }
    return transaction_commit(&transaction, error);
}

char *store_job_log_read(Store *store, const char *id, int64_t *position, GError **error)
{
    g_autoptr(Rows) rows =
        store_read(store,
                   "SELECT l.position, l.piece FROM jobs j LEFT JOIN job_logs l ON l.job_id = j.id"
                   " AND l.position > $2 WHERE j.id = $1 ORDER BY l.position LIMIT $3",
                   PARAMS(TEXT(id), NUMBER(*position), NUMBER(PIECES_AN_ANSWER)), error);
    if (!rows)
        return NULL;
    if (rows->count == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "job \"%s\": there is none", id);
        return NULL;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t row = 0; row < rows->count; row++) {
        if (!rows_text(rows, row, 1))
            continue;
        g_string_append(text, rows_text(rows, row, 1));
        *position = rows_number(rows, row, 0);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}
