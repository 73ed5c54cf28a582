/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The statistics tree: packets by session, and of each by direction. `-z vpcmirror,tree`. */

#include "shim.h"

/* What a packet hands to those who tap it. */
struct tapped {
    const char *session;
    const char *direction;
    int cut;
};

static const char *const TOP = "Mirrored packets";
static const char *const CUT = "cut by the session";
static int top_node = -1;

void
vpcmirror_statistics_queue(packet_info *pinfo, const struct vpcmirror_shown *shown)
{
    struct tapped *tapped;

    if (!have_tap_listener(vpcmirror_tap))
        return;
    /* The taps run when the texts of `shown` may be gone. */
    tapped = wmem_new(pinfo->pool, struct tapped);
    tapped->session = wmem_strdup(pinfo->pool, shown->label);
    tapped->direction = shown->direction ? wmem_strdup(pinfo->pool, shown->direction) : "unknown";
    tapped->cut = shown->cut_from != 0;
    tap_queue_packet(vpcmirror_tap, pinfo, tapped);
}

void
vpcmirror_statistics_init(stats_tree *st)
{
    top_node = stats_tree_create_node(st, TOP, 0, STAT_DT_INT, TRUE);
}

tap_packet_status
vpcmirror_statistics_packet(stats_tree *st, packet_info *pinfo _U_, epan_dissect_t *edt _U_,
                            const void *data, tap_flags_t flags _U_)
{
    const struct tapped *tapped = data;
    int session;

    tick_stat_node(st, TOP, 0, TRUE);
    session = tick_stat_node(st, tapped->session, top_node, TRUE);
    tick_stat_node(st, tapped->direction, session, FALSE);
    if (tapped->cut)
        tick_stat_node(st, CUT, session, FALSE);
    return TAP_PACKET_REDRAW;
}
