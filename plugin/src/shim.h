/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The border between the halves of the plugin.
 *
 * Wireshark's exceptions are longjmp: one that is thrown below a frame of Rust skips its
 * destructors, which is undefined. So C calls Rust and never the other way round while a packet is
 * dissected: C collects what Rust needs, Rust answers in a structure and is gone, and C shows it.
 * Only what registers is called from Rust, and none of that throws.
 *
 * No function of Rust unwinds. Texts are NUL-terminated and printable.
 */

#ifndef VPCMIRROR_SHIM_H
#define VPCMIRROR_SHIM_H

#include "wireshark.h"

/* --- registered by Rust, shown by C ------------------------------------------------------- */

/* Places in vpcmirror_hf. */
enum vpcmirror_field {
    VPCMIRROR_VNI,
    VPCMIRROR_SOURCE_IP,
    VPCMIRROR_SOURCE_IPV6,
    VPCMIRROR_SESSION,
    VPCMIRROR_SESSION_ID,
    VPCMIRROR_SESSION_NAME,
    VPCMIRROR_SESSION_NUMBER,
    VPCMIRROR_ENI,
    VPCMIRROR_TARGET,
    VPCMIRROR_FILTER,
    VPCMIRROR_ENDPOINT,
    VPCMIRROR_DIRECTION,
    VPCMIRROR_ORIGINAL_LENGTH,
    VPCMIRROR_FIELDS /* how many */
};

/* Places in vpcmirror_ei. */
enum vpcmirror_expert {
    VPCMIRROR_VNI_UNKNOWN,
    VPCMIRROR_CUT,
    VPCMIRROR_EXPERTS /* how many */
};

extern int vpcmirror_proto;
extern int vpcmirror_tap;
extern int vpcmirror_ett;
extern int vpcmirror_hf[VPCMIRROR_FIELDS];
extern expert_field vpcmirror_ei[VPCMIRROR_EXPERTS];

/* The dissector and the statistics tree, as Wireshark calls them. */
int vpcmirror_dissect(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data);
void vpcmirror_statistics_init(stats_tree *st);
tap_packet_status vpcmirror_statistics_packet(stats_tree *st, packet_info *pinfo,
                                              epan_dissect_t *edt, const void *data,
                                              tap_flags_t flags);

/* Hands the packet to those who tap it. */
struct vpcmirror_shown;
void vpcmirror_statistics_queue(packet_info *pinfo, const struct vpcmirror_shown *shown);

/* Another capture is opened, or the same one read anew. */
void vpcmirror_forget_interfaces(void);

/* Registers the preferences. */
void vpcmirror_preferences_register(void);

/* --- answered by Rust ----------------------------------------------------------------------- */

/* A packet to be judged. */
struct vpcmirror_packet {
    uint32_t number;             /* as Wireshark counts them */
    int is_in_turn;              /* the capture is being read, and not looked at again */
    const uint8_t *bytes;        /* NULL if len is 0 */
    uint32_t len;                /* captured */
    uint32_t original_len;       /* on the wire, as the capture tells it */
    uint32_t fcs_len;            /* bytes of frame check sequence on the wire */
    int32_t link_type;           /* as pcapng numbers them; -1 for one that we don't look into */
    uint32_t interface;          /* number of the capture interface */
    const char *description;     /* of that interface; NULL if there is none */
    int doubtful_description;    /* it may be that of another interface */
    const char *const *comments; /* of the packet; NULL if comments_len is 0 */
    uint32_t comments_len;
    int only_odd;                /* nobody looks at more than the expert infos */
};

/* What to show of it. Texts are valid until the next call into Rust; NULL if nothing is known. */
struct vpcmirror_shown {
    const char *title;       /* of the session, never NULL */
    const char *label;       /* the same with its key, for others may have that title; never NULL */
    const char *session_id;
    const char *session_name;
    const char *eni;
    const char *target;
    const char *filter;
    const char *endpoint;
    const char *direction;
    uint32_t vni;
    uint32_t source_ip;      /* in network byte order; of use if source_version is 4 */
    uint8_t source_ipv6[16]; /* if it is 6 */
    uint8_t source_version;
    int32_t session_number;  /* -1 if unknown */
    int32_t vxlan;           /* offset of the VXLAN header; -1 if it was stripped */
    uint32_t cut_from;       /* 0 if the frame wasn't cut */
    int32_t candidates;      /* sessions that it could be, none of them named; -1 if that isn't odd */
};

/* Answers of the functions below. */
enum vpcmirror_answer {
    VPCMIRROR_NO,
    VPCMIRROR_YES,
    VPCMIRROR_PANIC /* a bug of ours */
};

/* Whether the packet is a mirrored one, and odd if only that is asked; if so, *shown is filled. */
int vpcmirror_rs_show(const struct vpcmirror_packet *packet, struct vpcmirror_shown *shown);

/* A row of the table of sessions, as it was typed. */
struct vpcmirror_row {
    char *vni;
    char *source;
    char *name;
    char *session;
    char *number;
    char *eni;
    char *target;
    char *filter;
    char *endpoint;
    char *mac;
    char *packet_length;
};

/* What the user has set. */
struct vpcmirror_preferences {
    const char *session_file; /* NULL if there is none */
    int is_default_file;      /* nobody named it: it need not be there */
    const char *only_known;   /* TRUE or FALSE, as it was typed */
    const uint16_t *ports;    /* NULL if ports_len is 0 */
    uint32_t ports_len;
    const struct vpcmirror_row *rows; /* NULL if rows_len is 0 */
    uint32_t rows_len;
};

/*
 * A capture is opened, or packets are dissected anew: what they have shown is forgotten. Takes these
 * preferences and reads the sessions file, if anything about them is new: `changed` says so, or
 * else the file does. Answers NO if something was wrong, with the words for it in
 * `message`; all the rest is in force.
 */
int vpcmirror_rs_load(const struct vpcmirror_preferences *preferences, int changed, char *message,
                      uint32_t message_len);

/* Whether the row can be read; else says in `message` what is wrong with it. */
int vpcmirror_rs_check_row(const struct vpcmirror_row *row, char *message, uint32_t message_len);

#ifdef VPCMIRROR_TEST_HOOKS
/* Calls of Rust that have begun and not ended. */
int vpcmirror_rs_live(void);
/* Throws one of Wireshark's exceptions; for Rust, to show what comes of it. */
void vpcmirror_test_throw(void);
#endif

#endif
