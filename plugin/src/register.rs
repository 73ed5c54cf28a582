// SPDX-License-Identifier: GPL-2.0-or-later
//! What Wireshark shall know of us: the protocol, its fields, its expert infos, its statistics.
//!
//! Names and texts are the same for every version of Wireshark: filters, columns and scripts that
//! people write rest on them. What they mean is in the plugin's README, and a test compares.

use std::ffi::{CStr, c_int};
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::guard::{Entry, guard};
use crate::wireshark::*;

/// A field: its place, its name, its filter name, what type it is of, and how that is shown.
type Field = (u32, &'static CStr, &'static CStr, ftenum, field_display_e, &'static CStr);

/// In the order in which they are shown. Their names become titles of columns, so none is called as
/// a column of Wireshark's own is. The direction is a text: of a number with names, `contains` and
/// `matches` would be refused, and `tshark -T fields` would print the number.
const FIELDS: [Field; VPCMIRROR_FIELDS as usize] = [
    (
        VPCMIRROR_VNI,
        c"VNI",
        c"vpcmirror.vni",
        FT_UINT24,
        BASE_DEC,
        c"VXLAN network identifier of the mirror session",
    ),
    (
        VPCMIRROR_SOURCE_IP,
        c"Mirror source",
        c"vpcmirror.source.ip",
        FT_IPv4,
        BASE_NONE,
        c"Source address of the IP header right outside VXLAN",
    ),
    (
        VPCMIRROR_SOURCE_IPV6,
        c"Mirror source",
        c"vpcmirror.source.ipv6",
        FT_IPv6,
        BASE_NONE,
        c"Source address of the IPv6 header right outside VXLAN",
    ),
    (
        VPCMIRROR_SESSION,
        c"Mirror session",
        c"vpcmirror.session",
        FT_STRING,
        BASE_NONE,
        c"Name of the mirror session, or else its id, or else its VNI and source",
    ),
    (
        VPCMIRROR_SESSION_ID,
        c"Session ID",
        c"vpcmirror.session.id",
        FT_STRING,
        BASE_NONE,
        c"Id of the mirror session",
    ),
    (
        VPCMIRROR_SESSION_NAME,
        c"Session name",
        c"vpcmirror.session.name",
        FT_STRING,
        BASE_NONE,
        c"Tag Name of the mirror session, or its place in a template",
    ),
    (
        VPCMIRROR_SESSION_NUMBER,
        c"Session number",
        c"vpcmirror.session.number",
        FT_UINT16,
        BASE_DEC,
        c"By which the sessions of an ENI are ordered",
    ),
    (
        VPCMIRROR_ENI,
        c"ENI",
        c"vpcmirror.eni",
        FT_STRING,
        BASE_NONE,
        c"Id of the source network interface",
    ),
    (
        VPCMIRROR_TARGET,
        c"Mirror target",
        c"vpcmirror.target",
        FT_STRING,
        BASE_NONE,
        c"Id of the mirror target",
    ),
    (
        VPCMIRROR_FILTER,
        c"Mirror filter",
        c"vpcmirror.filter",
        FT_STRING,
        BASE_NONE,
        c"Id of the mirror filter",
    ),
    (
        VPCMIRROR_ENDPOINT,
        c"GWLB endpoint",
        c"vpcmirror.endpoint",
        FT_STRING,
        BASE_NONE,
        c"Gateway Load Balancer endpoint that the packet came through",
    ),
    (
        VPCMIRROR_DIRECTION,
        c"Mirror direction",
        c"vpcmirror.direction",
        FT_STRING,
        BASE_NONE,
        c"As the source network interface saw it: ingress or egress",
    ),
    (
        VPCMIRROR_ORIGINAL_LENGTH,
        c"Original length",
        c"vpcmirror.original_length",
        FT_UINT32,
        BASE_DEC,
        c"Bytes that the frame had before the mirror session cut it",
    ),
];

/// An expert info: its place, its filter name, its group, its severity, its text.
type Expert = (u32, &'static CStr, u32, u32, &'static CStr);

const EXPERTS: [Expert; VPCMIRROR_EXPERTS as usize] = [
    (
        VPCMIRROR_VNI_UNKNOWN,
        c"vpcmirror.vni.unknown",
        PI_UNDECODED,
        PI_NOTE,
        c"No known session has this VNI and source",
    ),
    (VPCMIRROR_CUT, c"vpcmirror.cut", PI_PROTOCOL, PI_NOTE, c"The mirror session cut this frame"),
];

/// The structure that Wireshark keeps a pointer to.
static PLUGIN: proto_plugin = proto_plugin {
    register_protoinfo: Some(register_protoinfo),
    register_handoff: Some(register_handoff),
};

/// Whether all is registered that the dissector shows. If a panic has ended that halfway, it must
/// see no packet: it would show what Wireshark does not know, and be a bug on each of them.
static IS_REGISTERED: AtomicBool = AtomicBool::new(false);

/// Tell Wireshark which functions register.
pub(crate) fn plugin() {
    // SAFETY: the structure is static, and Wireshark never writes to it.
    unsafe { proto_register_plugin(&raw const PLUGIN) }
}

extern "C" fn register_protoinfo() {
    guard(Entry::Register, (), || {
        // SAFETY: Wireshark calls this once, in the thread that registers all protocols; the names
        // are static.
        unsafe {
            vpcmirror_proto = proto_register_protocol(
                c"VPC Traffic Mirroring".as_ptr(),
                c"VPC Mirroring".as_ptr(),
                c"vpcmirror".as_ptr(),
            );
        }
        fields();
        experts();
        // SAFETY: as above; the functions are of the C half and there as long as the plugin is.
        unsafe {
            vpcmirror_tap = register_tap(c"vpcmirror".as_ptr());
            vpcmirror_preferences_register();
        }
        IS_REGISTERED.store(true, Ordering::Relaxed);
    });
}

extern "C" fn register_handoff() {
    guard(Entry::Handoff, (), || {
        if !IS_REGISTERED.load(Ordering::Relaxed) {
            return;
        }
        // SAFETY: Wireshark calls this once, after all protocols and taps are registered; the names
        // are static and the functions are of the C half.
        unsafe {
            register_postdissector(create_dissector_handle(
                Some(vpcmirror_dissect),
                vpcmirror_proto,
            ));
            stats_tree_register_plugin(
                c"vpcmirror".as_ptr(),
                c"vpcmirror".as_ptr(),
                c"VPC Traffic Mirroring".as_ptr(),
                0,
                Some(vpcmirror_statistics_packet),
                Some(vpcmirror_statistics_init),
                None,
            );
        }
    });
}

fn fields() {
    let list: Vec<hf_register_info> = FIELDS
        .iter()
        .map(|&(place, name, abbrev, type_, display, blurb)| {
            // SAFETY: the structure is of integers and pointers, for which zeros are a value; it is
            // what the macro HFILL and a missing initializer would make.
            let mut info: hf_register_info = unsafe { mem::zeroed() };
            info.p_id = place_in((&raw mut vpcmirror_hf).cast::<c_int>(), place);
            info.hfinfo.name = name.as_ptr();
            info.hfinfo.abbrev = abbrev.as_ptr();
            info.hfinfo.type_ = type_;
            info.hfinfo.display = display.cast_signed();
            info.hfinfo.blurb = blurb.as_ptr();
            info.hfinfo.id = -1;
            info.hfinfo.same_name_prev_id = -1;
            info
        })
        .collect();
    // Wireshark keeps the pointers until it ends.
    let list = list.leak();
    let trees: &'static [*mut c_int] = Box::leak(Box::new([&raw mut vpcmirror_ett]));
    // SAFETY: both lists are leaked, so static; as long as they say; and the protocol is registered.
    unsafe {
        proto_register_field_array(
            vpcmirror_proto,
            list.as_mut_ptr(),
            VPCMIRROR_FIELDS.cast_signed(),
        );
        proto_register_subtree_array(trees.as_ptr().cast(), 1);
    }
}

fn experts() {
    let list: Vec<ei_register_info> = EXPERTS
        .iter()
        .map(|&(place, name, group, severity, summary)| {
            // SAFETY: as for the fields; the macro is EXPFILL.
            let mut info: ei_register_info = unsafe { mem::zeroed() };
            info.ids = place_in((&raw mut vpcmirror_ei).cast::<expert_field>(), place);
            info.eiinfo.name = name.as_ptr();
            info.eiinfo.group = group.cast_signed();
            info.eiinfo.severity = severity.cast_signed();
            info.eiinfo.summary = summary.as_ptr();
            info.eiinfo.hf_info.p_id = ptr::null_mut();
            info.eiinfo.hf_info.hfinfo.id = -1;
            info.eiinfo.hf_info.hfinfo.same_name_prev_id = -1;
            info
        })
        .collect();
    let list = list.leak();
    // SAFETY: the list is leaked, so static; as long as it says; and the protocol is registered.
    unsafe {
        let module = expert_register_protocol(vpcmirror_proto);
        expert_register_field_array(module, list.as_mut_ptr(), VPCMIRROR_EXPERTS.cast_signed());
    }
}

/// The place of that number in an array of the C half.
fn place_in<T>(array: *mut T, place: u32) -> *mut T {
    // SAFETY: both arrays have as many places as their tables here have lines (the types say so),
    // and each line's place is one of the enumeration that the length is the last of.
    unsafe { array.add(place as usize) }
}
