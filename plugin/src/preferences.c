/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The preferences, and the table of sessions.
 *
 * Wireshark sets these variables by itself and then calls us; Rust gets all of them together. That
 * happens when preferences are applied, and whenever a capture is opened or read anew: the sessions
 * file may have changed by then.
 */

#include "shim.h"

#include <epan/range.h>
#include <epan/uat.h>
#include <wsutil/filesystem.h>
#include <wsutil/report_message.h>

/* The table, as a file in the profile and as a preference. */
#define TABLE "vpcmirror_sessions"
/* Where the sessions file is if nobody names one: in the personal configuration folder. */
#define DEFAULT_FILE "vpcmirror_sessions.json"

#define MAX_PORT 65535

/* Room for what is wrong with a sessions file or a row; the rest is cut off. */
#define MESSAGE_LEN 4096

static const char *session_file = "";
static range_t *ports;
/*
 * A text, though it is on or off: of a preference of that kind Wireshark takes everything that is
 * not "TRUE" for off, without a word.
 */
static const char *only_known = "FALSE";
static struct vpcmirror_row *rows;
static unsigned rows_len;
/* Whether any of these has changed since Rust got them. */
static int changed = TRUE;

static void
load(void)
{
    struct vpcmirror_preferences preferences = {0};
    char message[MESSAGE_LEN];
    GArray *list = g_array_new(FALSE, FALSE, sizeof(uint16_t));
    char *path = NULL;

    preferences.is_default_file = !session_file || !*session_file;
    if (preferences.is_default_file)
        path = get_persconffile_path(DEFAULT_FILE, FALSE);
    preferences.session_file = path ? path : session_file;
    preferences.only_known = only_known;
    for (unsigned i = 0; ports && i < ports->nranges; i++) {
        for (uint32_t port = ports->ranges[i].low; port <= ports->ranges[i].high && port <= MAX_PORT; port++) {
            uint16_t narrow = (uint16_t) port;
            g_array_append_val(list, narrow);
        }
    }
    preferences.ports = (const uint16_t *) (void *) list->data;
    preferences.ports_len = list->len;
    preferences.rows = rows;
    preferences.rows_len = rows_len;

    switch (vpcmirror_rs_load(&preferences, changed, message, sizeof message)) {
    case VPCMIRROR_YES:
        break;
    case VPCMIRROR_NO:
        report_failure("%s", message);
        break;
    default:
        report_failure("vpcmirror: a bug: the preferences could not be taken");
    }
    changed = FALSE;
    g_array_free(list, TRUE);
    g_free(path);
}

static void
opened(void)
{
    vpcmirror_forget_interfaces();
    load();
}

static void
applied(void)
{
    changed = TRUE;
    load();
}

/* --- the table ------------------------------------------------------------------------------ */

/* Each column: its name, its title, and what it is. The order is that of the files that people have
 * by now, so it stays, and none is added. */
#define COLUMNS(COLUMN)                                                                              \
    COLUMN(vni, "VNI", "VXLAN network identifier, 0 to 16777215")                                    \
    COLUMN(source, "Source", "Addresses of the source ENI, the primary ones first; prefixes; or empty") \
    COLUMN(name, "Name", "Name of the session")                                                      \
    COLUMN(session, "Session", "Id of the session, tms-...")                                         \
    COLUMN(number, "Number", "Session number, 1 to 32766")                                           \
    COLUMN(eni, "ENI", "Id of the source ENI, eni-...")                                              \
    COLUMN(target, "Target", "Id of the mirror target, tmt-...")                                     \
    COLUMN(filter, "Filter", "Id of the mirror filter, tmf-...")                                     \
    COLUMN(endpoint, "Endpoint", "Gateway Load Balancer endpoint that is the target, vpce-...")      \
    COLUMN(mac, "MAC", "MAC address of the source ENI; it tells directions")                         \
    COLUMN(packet_length, "Packet length", "PacketLength of the session, in bytes")

#define CALLBACKS(column, title, description) UAT_CSTRING_CB_DEF(rows, column, struct vpcmirror_row)
COLUMNS(CALLBACKS)

#define FIELD(column, title, description) UAT_FLD_CSTRING(rows, column, title, description),
static uat_field_t fields[] = {COLUMNS(FIELD) UAT_END_FIELDS};

static void *
row_copy(void *to, const void *from, size_t len _U_)
{
    struct vpcmirror_row *copy = to;
    const struct vpcmirror_row *row = from;

#define COPY(column, title, description) copy->column = g_strdup(row->column);
    COLUMNS(COPY)
    return to;
}

static void
row_free(void *record)
{
    struct vpcmirror_row *row = record;

#define FREE(column, title, description) g_free(row->column);
    COLUMNS(FREE)
}

/* The answer of a row check is an int in 4.0 and a bool since; this is what the headers say. */
static __typeof__(((uat_update_cb_t) 0)(0, 0))
row_check(void *record, char **error)
{
    char message[MESSAGE_LEN];

    *error = NULL;
    switch (vpcmirror_rs_check_row(record, message, sizeof message)) {
    case VPCMIRROR_YES:
        return TRUE;
    case VPCMIRROR_NO:
        *error = g_strdup(message);
        return FALSE;
    default:
        *error = g_strdup("vpcmirror: a bug: the row could not be checked");
        return FALSE;
    }
}

/* Rows come one by one, so they are taken when a capture is opened, or read anew for them. */
static void
rows_changed(void)
{
    changed = TRUE;
}

/* --- registration --------------------------------------------------------------------------- */

void
vpcmirror_preferences_register(void)
{
    module_t *module = prefs_register_protocol(vpcmirror_proto, applied);
    uat_t *table;

    prefs_register_filename_preference(
        module, "session_file", "Sessions file",
        "What is known of mirror sessions, as `mirror-pcap config show --json` prints it. If this is"
        " empty, " DEFAULT_FILE " in the personal configuration folder is read if it is there.",
        &session_file, FALSE);
    table = uat_new("VPC mirror sessions", sizeof(struct vpcmirror_row), TABLE, TRUE, &rows, &rows_len,
                    UAT_AFFECTS_DISSECTION, NULL, row_copy, row_check, row_free, rows_changed, NULL, fields);
    prefs_register_uat_preference(
        module, "sessions", "Sessions",
        "Mirror sessions that no sessions file describes, or describes wrongly.", table);
    range_convert_str(wmem_epan_scope(), &ports, "4789", MAX_PORT);
    prefs_register_range_preference(module, "ports", "UDP ports",
                                    "UDP destination ports that mirrored packets are looked for at.",
                                    &ports, MAX_PORT);
    prefs_register_string_preference(
        module, "only_known", "Only known sessions (TRUE or FALSE)",
        "TRUE: show nothing of wrapped packets whose session is neither in the sessions file nor in"
        " the table. For networks that have VXLAN of their own.",
        &only_known);
    register_init_routine(opened);
    register_cleanup_routine(vpcmirror_forget_interfaces);
}
