#include "guest/agent_account.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/file.h"

#define FILE_LARGEST 65536

typedef struct {
    char text[2 * FILE_LARGEST];
    size_t used;
    bool full;
} Text;

typedef struct {
    const char *name;
    size_t length;
    unsigned long uid; /* of passwd, group: the third field */
    bool has_uid;
} Line;

static void add(Text *text, const char *part, size_t length)
{
    if (length >= sizeof text->text - text->used) {
        text->full = true;
        return;
    }
    memcpy(text->text + text->used, part, length);
    text->used += length;
    text->text[text->used] = '\0';
}

static void add_string(Text *text, const char *part)
{
    add(text, part, strlen(part));
}

/* NAME:x:NUMBER:... */
static Line line_read(const char *line)
{
    Line read = {line, strcspn(line, ":"), 0, false};
    const char *second = line[read.length] ? strchr(line + read.length + 1, ':') : NULL;
    char number[16];
    size_t digits = second ? strcspn(second + 1, ":") : 0;
    if (!second || digits >= sizeof number)
        return read;
    memcpy(number, second + 1, digits);
    number[digits] = '\0';
    read.has_uid = guest_number(number, UINT32_MAX, &read.uid);
    return read;
}

static bool is_named(const Line *line, const char *name)
{
    return line->length == strlen(name) && memcmp(line->name, name, line->length) == 0;
}

/* Somebody whom an earlier log on added: of a person's number, or a second name of the image's user. */
static bool is_earlier(const Line *line, const AgentAccount *base)
{
    return line->has_uid && ((line->uid >= AGENT_UID_LEAST && line->uid <= AGENT_UID_MOST) ||
                             (line->uid == base->uid && !is_named(line, base->name)));
}

/* The names of those earlier ones, to be known in group and shadow too. */
static bool was_added(const char *passwd, const AgentAccount *base, const char *name, size_t length)
{
    for (const char *at = passwd; *at; at += strcspn(at, "\n") + (at[strcspn(at, "\n")] == '\n')) {
        Line line = line_read(at);
        if (line.length == length && memcmp(line.name, name, length) == 0)
            return is_earlier(&line, base);
    }
    return false;
}

static bool find_line(const char *text, const char *name, Line *ret)
{
    for (const char *at = text; *at; at += strcspn(at, "\n") + (at[strcspn(at, "\n")] == '\n')) {
        *ret = line_read(at);
        if (is_named(ret, name))
            return true;
    }
    return false;
}

static bool read_file(const char *root, const char *name, char *text, size_t size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/etc/%s", root, name);
    return guest_file_read(path, text, size) >= 0;
}

bool agent_account_find(const char *root, const char *name, AgentAccount *account)
{
    char passwd[FILE_LARGEST];
    Line line;
    *account = (AgentAccount){0};
    if (!*name || strlen(name) >= sizeof account->name || !read_file(root, "passwd", passwd, sizeof passwd) ||
        !find_line(passwd, name, &line) || !line.has_uid || line.uid == 0)
        return false;
    char copy[1024];
    snprintf(copy, sizeof copy, "%.*s", (int)strcspn(line.name, "\n"), line.name);
    char *rest = copy, *fields[7] = {0};
    for (size_t i = 0; i < 7 && rest; i++)
        fields[i] = strsep(&rest, ":");
    unsigned long gid;
    if (!fields[5] || !guest_number(fields[3], UINT32_MAX, &gid))
        return false;
    snprintf(account->name, sizeof account->name, "%s", name);
    snprintf(account->home, sizeof account->home, "%s", fields[5]);
    account->uid = (unsigned)line.uid;
    account->gid = (unsigned)gid;
    return true;
}

void agent_account_choose(const char *root, const AgentAccount *base, const AgentRequest *request, char *name,
                          size_t size)
{
    static char passwd[FILE_LARGEST], group[FILE_LARGEST];
    const char *wanted = request->account;
    Line line;
    if (!read_file(root, "passwd", passwd, sizeof passwd) || !read_file(root, "group", group, sizeof group))
        passwd[0] = group[0] = '\0';
    bool taken = (find_line(passwd, wanted, &line) || find_line(group, wanted, &line)) &&
                 !was_added(passwd, base, wanted, strlen(wanted));
    snprintf(name, size, taken ? "u-%.*s" : "%.*s", (int)size - 1 - (taken ? 2 : 0), wanted);
}

/* Copies the lines of `old` that stay. */
static void keep(Text *text, const char *old, const char *passwd, const AgentAccount *base)
{
    for (const char *at = old; *at;) {
        size_t length = strcspn(at, "\n");
        size_t name = strcspn(at, ":\n");
        if (length > 0 && !was_added(passwd, base, at, name)) {
            add(text, at, length);
            add_string(text, "\n");
        }
        at += length + (at[length] == '\n');
    }
}

typedef struct {
    const AgentAccount *each;
    size_t count;
} People;

/* Members of one group: without earlier people, and with the new ones where the image's user is one. */
static void members(Text *text, const char *list, const char *passwd, const AgentAccount *base, const People *people)
{
    bool with_base = false, first = true;
    while (*list && *list != '\n') {
        size_t length = strcspn(list, ",\n");
        with_base = with_base || (length == strlen(base->name) && memcmp(list, base->name, length) == 0);
        if (length > 0 && !was_added(passwd, base, list, length)) {
            add_string(text, first ? "" : ",");
            add(text, list, length);
            first = false;
        }
        list += length + (list[length] == ',');
    }
    for (size_t i = 0; with_base && i < people->count; i++) {
        add_string(text, ",");
        add_string(text, people->each[i].name);
    }
}

static void keep_groups(Text *text, const char *old, const char *passwd, const AgentAccount *base, const People *people)
{
    for (const char *at = old; *at;) {
        size_t length = strcspn(at, "\n");
        size_t name = strcspn(at, ":\n");
        const char *list = at;
        for (int colons = 0; list && colons < 3; colons++)
            list = memchr(list, ':', (size_t)(at + length - list)) ? (const char *)memchr(list, ':', (size_t)(at + length - list)) + 1 : NULL;
        if (list && !was_added(passwd, base, at, name)) {
            add(text, at, (size_t)(list - at));
            members(text, list, passwd, base, people);
            add_string(text, "\n");
        }
        at += length + (at[length] == '\n');
    }
}

static bool replace(const char *root, const char *name, const Text *text, mode_t mode, Failure *failure)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/etc/%s", root, name);
    if (text->full)
        return failure_set(failure, "%.180s is too large", path);
    return guest_file_replace_owned(path, text->text, mode, failure);
}

static bool write_shadow(const char *root, const char *passwd, const AgentAccount *base, const People *people,
                         Failure *failure)
{
    static char old[FILE_LARGEST];
    static Text text;
    text.used = 0;
    text.full = false;
    if (!read_file(root, "shadow", old, sizeof old))
        return true; /* accounts without it are as locked: their x in passwd fits no password */
    for (size_t i = 0; i < people->count; i++) {
        add_string(&text, people->each[i].name);
        add_string(&text, ":*:19700:0:99999:7:::\n"); /* no password fits */
    }
    keep(&text, old, passwd, base);
    return replace(root, "shadow", &text, 0640, failure);
}

bool agent_account_write(const char *root, const AgentAccount *base, const AgentAccount *person, Failure *failure)
{
    return agent_accounts_write(root, base, person, person ? 1 : 0, failure);
}

bool agent_accounts_write(const char *root, const AgentAccount *base, const AgentAccount *each, size_t count, Failure *failure)
{
    const People people = {each, count};
    static char passwd[FILE_LARGEST], group[FILE_LARGEST];
    static Text new_passwd, new_group;
    char line[512];
    new_passwd.used = new_group.used = 0;
    new_passwd.full = new_group.full = false;
    if (!read_file(root, "passwd", passwd, sizeof passwd) || !read_file(root, "group", group, sizeof group))
        return failure_set(failure, "cannot read the list of accounts");
    for (size_t i = 0; i < count; i++) {
        const AgentAccount *person = &each[i];
        snprintf(line, sizeof line, "%s:x:%u:%u:%s:%s:/bin/bash\n", person->name, person->uid, person->gid,
                 person->full_name, person->home);
        add_string(&new_passwd, line);
        snprintf(line, sizeof line, "%s:x:%u:\n", person->name, person->gid);
        add_string(&new_group, line);
    }
    keep(&new_passwd, passwd, passwd, base);
    keep_groups(&new_group, group, passwd, base, &people);
    return write_shadow(root, passwd, base, &people, failure) && replace(root, "group", &new_group, 0644, failure) &&
           replace(root, "passwd", &new_passwd, 0644, failure);
}
