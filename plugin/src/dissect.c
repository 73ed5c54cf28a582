/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The post-dissector: asks Rust about the packet, and shows the answer.
 *
 * A post-dissector sees every packet, with the bytes as they were captured, whatever other
 * dissectors made of them: so it depends neither on Decode As nor on the VXLAN dissector being
 * enabled, changes nothing for other protocols, and needs none of their fields. It answers without
 * a tree too, for expert infos and statistics are made then, and directions are learnt; but if
 * there are neither tree nor statistics, it only asks whether there is an expert info to give.
 */

#include "shim.h"

#include <epan/epan.h>
#include <epan/exceptions.h>
#include <wiretap/wtap.h>
#include <wiretap/wtap_opttypes.h>
#include <wsutil/wslog.h>

int vpcmirror_proto = -1;
int vpcmirror_tap = -1;
int vpcmirror_ett = -1;
int vpcmirror_hf[VPCMIRROR_FIELDS];
expert_field vpcmirror_ei[VPCMIRROR_EXPERTS];

/*
 * epan_get_interface_description has got a section number as third argument between 4.0 and 4.4.
 * The compiler knows which one it is, so nobody has to know the version. Without it the interfaces
 * of all sections are looked for in the first one.
 */
typedef void (*any_function)(void);
typedef const char *(*by_two)(const epan_t *, uint32_t);
typedef const char *(*by_three)(const epan_t *, uint32_t, uint32_t);

static const char *
describe_by_two(any_function describe, const epan_t *session, uint32_t interface, uint32_t section _U_)
{
    return ((by_two) describe)(session, interface);
}

static const char *
describe_by_three(any_function describe, const epan_t *session, uint32_t interface, uint32_t section)
{
    return ((by_three) describe)(session, interface, section);
}

#define BY_VERSION(two, three) _Generic(&epan_get_interface_description, by_two: two, by_three: three)

/*
 * Descriptions that were asked for lately. To ask takes Wireshark as long as we take for all the rest.
 * They are copies: the capture's own may go when it is saved, and nobody is told.
 */
static struct {
    const epan_t *session;
    uint32_t interface;
    uint32_t section;
    char *description;
} described[16];

void
vpcmirror_forget_interfaces(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(described); i++)
        g_free(described[i].description);
    memset(described, 0, sizeof described);
}

/* What the packet says of its capture interface. */
static void
describe_interface(const packet_info *pinfo, struct vpcmirror_packet *packet)
{
    const wtap_rec *rec = pinfo->rec;
    uint32_t section = rec->presence_flags & WTAP_HAS_SECTION_NUMBER ? rec->section_number : 0;
    uint32_t interface = rec->rec_header.packet_header.interface_id;
    size_t i = (interface ^ section) % G_N_ELEMENTS(described);

    if (!(rec->presence_flags & WTAP_HAS_INTERFACE_ID))
        return;
    if (described[i].session != pinfo->epan || described[i].interface != interface ||
        described[i].section != section) {
        g_free(described[i].description);
        described[i].description = g_strdup(BY_VERSION(describe_by_two, describe_by_three)(
            (any_function) epan_get_interface_description, pinfo->epan, interface, section));
        described[i].session = pinfo->epan;
        described[i].interface = interface;
        described[i].section = section;
    }
    packet->interface = interface;
    packet->description = described[i].description;
    packet->doubtful_description = BY_VERSION(section != 0, 0);
}

/* The link type as pcapng numbers it, of those that mirrored packets are looked for in. */
static int32_t
link_type(int encapsulation)
{
    switch (encapsulation) {
    case WTAP_ENCAP_NULL:
        return 0;
    case WTAP_ENCAP_ETHERNET:
        return 1;
    case WTAP_ENCAP_RAW_IP:
        return 101;
    case WTAP_ENCAP_LOOP:
        return 108;
    case WTAP_ENCAP_SLL:
        return 113;
    case WTAP_ENCAP_RAW_IP4:
        return 228;
    case WTAP_ENCAP_RAW_IP6:
        return 229;
    case WTAP_ENCAP_SLL2:
        return 276;
    default:
        return -1;
    }
}

/* Comments, as many as have been found. */
struct found {
    const char **texts;
    uint32_t len;
};

/* The answer of such a function is an int in 4.0 and a bool since; this is what the headers say. */
static __typeof__(((wtap_block_foreach_func) 0)(0, 0, WTAP_OPTTYPE_STRING, 0, 0))
take_comment(wtap_block_t block _U_, unsigned id, wtap_opttype_e type, wtap_optval_t *value, void *data)
{
    struct found *found = data;

    if (id == OPT_COMMENT && type == WTAP_OPTTYPE_STRING && value->stringval)
        found->texts[found->len++] = value->stringval;
    return TRUE;
}

/*
 * The packet's comments, in the memory of the packet. To ask for them by number is cheapest, but each
 * such question goes through all options from the first one on, and a packet may have millions.
 */
#define FEW 8

static uint32_t
comments(packet_info *pinfo, const char *const **list)
{
    wtap_block_t block = pinfo->fd->has_modified_block
                             ? epan_get_modified_block(pinfo->epan, pinfo->fd)
                             : pinfo->rec->block;
    unsigned count = block ? wtap_block_count_option(block, OPT_COMMENT) : 0;
    struct found found = {NULL, 0};
    char *text;

    *list = NULL;
    if (count == 0)
        return 0;
    found.texts = wmem_alloc_array(pinfo->pool, const char *, count);
    if (count <= FEW) {
        for (unsigned i = 0; i < count; i++) {
            if (wtap_block_get_nth_string_option_value(block, OPT_COMMENT, i, &text) == WTAP_OPTTYPE_SUCCESS)
                found.texts[found.len++] = text;
        }
    } else {
        wtap_block_foreach_option(block, take_comment, &found);
    }
    *list = found.texts;
    return found.len;
}

static void
add_string(proto_tree *tree, enum vpcmirror_field field, tvbuff_t *tvb, const char *value)
{
    if (value)
        proto_item_set_generated(proto_tree_add_string(tree, vpcmirror_hf[field], tvb, 0, 0, value));
}

/*
 * Moves the last item of the tree behind another one, or to the front if that is NULL.
 *
 * proto_tree_move_item leaves a tree as it is that nobody sees, and knows no front. But the protocol
 * hierarchy is read off trees that nobody sees: there each protocol stands under the one before it.
 */
static void
move_behind(proto_tree *tree, proto_node *place, proto_node *item)
{
    proto_node *last = tree->first_child;

    if (tree->last_child != item || place == item || last == item)
        return;
    while (last->next != item)
        last = last->next;
    if (last == place)
        return;
    last->next = NULL;
    tree->last_child = last;
    if (place) {
        item->next = place->next;
        place->next = item;
    } else {
        item->next = tree->first_child;
        tree->first_child = item;
    }
}

/*
 * Puts the item above the layer that it is about: the VXLAN whose header is at that offset of the
 * frame, or else right under "Frame". A tree that nobody sees may have no "Frame": then it comes
 * first, but behind the comments, which have the place before "Frame".
 */
static void
move_into_place(proto_tree *tree, proto_item *item, tvbuff_t *tvb, int32_t vxlan)
{
    /* They are asked for once: protocols come before packets, and these three stay. */
    static int vxlan_id = -1, frame_id = -1, comments_id = -1;
    proto_node *previous = NULL, *above = NULL;

    if (frame_id == -1) {
        vxlan_id = proto_get_id_by_filter_name("vxlan");
        frame_id = proto_get_id_by_filter_name("frame");
        /* A protocol in name only, which that function does not know. */
        comments_id = proto_registrar_get_id_byname("pkt_comment");
    }
    for (proto_node *node = tree->first_child; node; previous = node, node = node->next) {
        const field_info *field = PNODE_FINFO(node);

        if (!field || node == item)
            continue;
        if (field->hfinfo->id == frame_id || field->hfinfo->id == comments_id)
            above = node;
        if (vxlan >= 0 && field->hfinfo->id == vxlan_id && field->ds_tvb == tvb &&
            field->start == vxlan && previous) {
            move_behind(tree, previous, item);
            return;
        }
    }
    move_behind(tree, above, item);
}

static proto_item *
show(tvbuff_t *tvb, proto_tree *tree, const struct vpcmirror_shown *shown)
{
    int stripped = shown->vxlan < 0;
    int start = stripped ? 0 : shown->vxlan;
    proto_item *top, *item;
    proto_tree *sub;

    top = proto_tree_add_item(tree, vpcmirror_proto, tvb, start, stripped ? 0 : 8, ENC_NA);
    proto_item_append_text(top, ", Session: %s", shown->title);
    if (shown->direction)
        proto_item_append_text(top, ", %s", shown->direction);
    if (stripped)
        proto_item_set_generated(top);
    sub = proto_item_add_subtree(top, vpcmirror_ett);

    /* Of a wrapped packet these bytes are the VNI; all the rest is from elsewhere. */
    item = proto_tree_add_uint(sub, vpcmirror_hf[VPCMIRROR_VNI], tvb, stripped ? 0 : start + 4,
                               stripped ? 0 : 3, shown->vni);
    if (stripped)
        proto_item_set_generated(item);
    if (shown->source_version == 4)
        item = proto_tree_add_ipv4(sub, vpcmirror_hf[VPCMIRROR_SOURCE_IP], tvb, 0, 0, shown->source_ip);
    else
        item = proto_tree_add_ipv6(sub, vpcmirror_hf[VPCMIRROR_SOURCE_IPV6], tvb, 0, 0,
                                   (const ws_in6_addr *) shown->source_ipv6);
    proto_item_set_generated(item);
    add_string(sub, VPCMIRROR_SESSION, tvb, shown->title);
    add_string(sub, VPCMIRROR_SESSION_ID, tvb, shown->session_id);
    add_string(sub, VPCMIRROR_SESSION_NAME, tvb, shown->session_name);
    if (shown->session_number >= 0)
        proto_item_set_generated(proto_tree_add_uint(sub, vpcmirror_hf[VPCMIRROR_SESSION_NUMBER], tvb, 0, 0,
                                                     (uint32_t) shown->session_number));
    add_string(sub, VPCMIRROR_ENI, tvb, shown->eni);
    add_string(sub, VPCMIRROR_TARGET, tvb, shown->target);
    add_string(sub, VPCMIRROR_FILTER, tvb, shown->filter);
    add_string(sub, VPCMIRROR_ENDPOINT, tvb, shown->endpoint);
    add_string(sub, VPCMIRROR_DIRECTION, tvb, shown->direction);
    if (shown->cut_from)
        proto_item_set_generated(proto_tree_add_uint(sub, vpcmirror_hf[VPCMIRROR_ORIGINAL_LENGTH], tvb, 0, 0,
                                                     shown->cut_from));
    move_into_place(tree, top, tvb, shown->vxlan);
    return top;
}

static void
add_expert_infos(packet_info *pinfo, proto_item *item, const struct vpcmirror_shown *shown)
{
    if (shown->candidates == 0)
        expert_add_info(pinfo, item, &vpcmirror_ei[VPCMIRROR_VNI_UNKNOWN]);
    else if (shown->candidates > 0)
        expert_add_info_format(pinfo, item, &vpcmirror_ei[VPCMIRROR_VNI_UNKNOWN],
                               "%d known sessions could have this VNI and source; none is named",
                               shown->candidates);
    if (shown->cut_from)
        expert_add_info_format(pinfo, item, &vpcmirror_ei[VPCMIRROR_CUT],
                               "The mirror session cut this frame; it had %u bytes", shown->cut_from);
}

int
vpcmirror_dissect(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data _U_)
{
    const wtap_rec *rec = pinfo->rec;
    struct vpcmirror_packet packet = {0};
    struct vpcmirror_shown shown;
    proto_item *item = NULL;

#ifdef VPCMIRROR_TEST_HOOKS
    /* An exception has passed through a frame of Rust, which this plugin is built to rule out. */
    if (vpcmirror_rs_live() != 0)
        ws_error("vpcmirror: %d calls of Rust have not ended", vpcmirror_rs_live());
#endif
    if (!rec || rec->rec_type != REC_TYPE_PACKET)
        return 0;
    packet.number = pinfo->num;
    packet.is_in_turn = !PINFO_FD_VISITED(pinfo);
    packet.len = tvb_captured_length(tvb);
    packet.bytes = packet.len ? tvb_get_ptr(tvb, 0, (int) packet.len) : NULL;
    packet.original_len = pinfo->fd->pkt_len;
    packet.link_type = link_type(rec->rec_header.packet_header.pkt_encap);
    if (packet.link_type == 1 && pinfo->pseudo_header && pinfo->pseudo_header->eth.fcs_len > 0)
        packet.fcs_len = (uint32_t) pinfo->pseudo_header->eth.fcs_len;
    describe_interface(pinfo, &packet);
    /* Comments count only on the interface of a session, and that one is described. */
    if (packet.description || packet.doubtful_description)
        packet.comments_len = comments(pinfo, &packet.comments);
    packet.only_odd = !tree && !have_tap_listener(vpcmirror_tap);

    switch (vpcmirror_rs_show(&packet, &shown)) {
    case VPCMIRROR_NO:
        return 0;
    case VPCMIRROR_YES:
        break;
    default:
        /* As any dissector with a bug: Wireshark shows it on this packet and goes on. */
        REPORT_DISSECTOR_BUG("vpcmirror: panic; what it says is on standard error");
    }
#ifdef VPCMIRROR_TEST_HOOKS
    if (g_getenv("VPCMIRROR_TEST_THROW"))
        THROW(ReportedBoundsError);
#endif
    if (tree)
        item = show(tvb, tree, &shown);
    add_expert_infos(pinfo, item, &shown);
    vpcmirror_statistics_queue(pinfo, &shown);
    return (int) packet.len;
}

#ifdef VPCMIRROR_TEST_HOOKS
void
vpcmirror_test_throw(void)
{
    THROW(ReportedBoundsError);
}
#endif
