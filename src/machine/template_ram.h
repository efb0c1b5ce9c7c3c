/* The RAM of a template: a memfd, sealed against writing, shrinking and growing once the template's QEMU is
 * gone, and its saved copy on disk (sparse, checksummed). For files of this room only. Any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TEMPLATE_RAM_NAME "oriel-ram" /* of the memfd: /proc/PID/fd/N is then "/memfd:oriel-ram (deleted)"   \
                                       */

/* An empty, unsealed memfd of this size, close-on-exec; -1 on failure. */
int template_ram_create(uint64_t bytes, GError **error);

/* Nobody can write to it any more, not even a guest's balloon through QEMU. Fails while anybody has it mapped
 * to write. */
bool template_ram_seal(int ram, GError **error);
bool template_ram_is_sealed(int ram);

/* Writes the saved copy (temporary file, fsync, rename). *ret_checksum is of all pages but those of zeroes.
 */
bool template_ram_save(int ram, const char *path, uint32_t *ret_checksum, GError **error);

/* A sealed memfd filled from the saved copy; -1 with CORRUPT where size or checksum differ. */
int template_ram_load(const char *path, uint64_t bytes, uint32_t checksum, GError **error);

/* The memfd that a running machine has open: sealed or not as asked, of this size. -1: none (no error is
 * set). */
int template_ram_of_process(pid_t pid, uint64_t bytes, bool sealed);
