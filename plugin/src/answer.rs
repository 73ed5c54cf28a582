// SPDX-License-Identifier: GPL-2.0-or-later
//! What C asks.
//!
//! Every pointer that comes in is of the C half and valid for the call, as `shim.h` says. What goes
//! out points into the dissector, and stays as it is until the next call: there is one thread that
//! dissects, and it is the one that asks.

use std::ffi::{CStr, c_char, c_int};
use std::net::IpAddr;
use std::ptr;
use std::slice;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mirror_dissect::{Direction, Dissector, Doubt, LinkType, Packet, Row, Shown, Text};

use crate::guard::{Entry, guard};
use crate::load::{self, Loader};
use crate::wireshark::{
    VPCMIRROR_NO, VPCMIRROR_PANIC, VPCMIRROR_YES, vpcmirror_packet, vpcmirror_preferences,
    vpcmirror_row, vpcmirror_shown,
};

/// What there is between two calls.
#[derive(Default)]
struct State {
    dissector: Dissector,
    loader: Loader,
}

static STATE: Mutex<Option<State>> = Mutex::new(None);

fn state() -> MutexGuard<'static, Option<State>> {
    // A panic while it was locked was one of ours, and told; see `guard`.
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

const NO: c_int = VPCMIRROR_NO.cast_signed();
const YES: c_int = VPCMIRROR_YES.cast_signed();
const PANIC: c_int = VPCMIRROR_PANIC.cast_signed();

/// See `shim.h`.
///
/// # Safety
///
/// The pointers of `packet` are as `shim.h` says, and `shown` can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vpcmirror_rs_show(
    packet: *const vpcmirror_packet,
    shown: *mut vpcmirror_shown,
) -> c_int {
    guard(Entry::Show, PANIC, || {
        // SAFETY: the caller's promise.
        let packet = unsafe { &*packet };
        // SAFETY: the caller's promise; the C half keeps the comments in the packet's memory.
        let comments = unsafe { list(packet.comments, packet.comments_len) };
        let asked = Packet {
            number: packet.number,
            is_in_turn: packet.is_in_turn != 0,
            link: u16::try_from(packet.link_type).ok().and_then(LinkType::from_code),
            // SAFETY: the caller's promise; the bytes are the packet's buffer.
            bytes: unsafe { list(packet.bytes, packet.len) },
            original_len: packet.original_len,
            fcs_len: u8::try_from(packet.fcs_len).unwrap_or(0),
            interface: packet.interface,
            // SAFETY: the caller's promise.
            description: unsafe { bytes(packet.description) },
            doubtful_description: packet.doubtful_description != 0,
            only_odd: packet.only_odd != 0,
        };
        // SAFETY: the caller's promise, for each of them.
        let comments = comments.iter().map(|comment| unsafe { bytes(*comment) });
        let mut state = state();
        let State { dissector, .. } = state.get_or_insert_default();
        match dissector.show(&asked, comments) {
            None => NO,
            Some(answer) => {
                // SAFETY: the caller's promise.
                unsafe { shown.write(out(&answer)) };
                YES
            }
        }
    })
}

fn out(answer: &Shown<'_>) -> vpcmirror_shown {
    let Shown { session, doubt, direction, cut_from, vxlan } = *answer;
    let (source_version, source_ip, source_ipv6) = match session.source {
        IpAddr::V4(source) => (4, u32::from_ne_bytes(source.octets()), [0; 16]),
        IpAddr::V6(source) => (6, 0, source.octets()),
    };
    vpcmirror_shown {
        title: session.title.as_c_str().as_ptr(),
        label: session.label.as_c_str().as_ptr(),
        session_id: text(session.id.as_ref()),
        session_name: text(session.name.as_ref()),
        eni: text(session.eni.as_ref()),
        target: text(session.target.as_ref()),
        filter: text(session.filter.as_ref()),
        endpoint: text(session.endpoint.as_ref()),
        direction: match direction {
            None => ptr::null(),
            Some(Direction::Ingress) => c"ingress".as_ptr(),
            Some(Direction::Egress) => c"egress".as_ptr(),
        },
        vni: session.vni.get(),
        source_ip,
        source_ipv6,
        source_version,
        session_number: session.number.map_or(-1, i32::from),
        vxlan: vxlan.and_then(|offset| i32::try_from(offset).ok()).unwrap_or(-1),
        cut_from: cut_from.unwrap_or(0),
        candidates: match doubt {
            None => -1,
            Some(Doubt::Unknown) => 0,
            Some(Doubt::Ambiguous(count)) => i32::try_from(count).unwrap_or(i32::MAX),
        },
    }
}

fn text(text: Option<&Text>) -> *const c_char {
    text.map_or(ptr::null(), |text| text.as_c_str().as_ptr())
}

/// See `shim.h`.
///
/// # Safety
///
/// The pointers of `preferences` are as `shim.h` says, and `message` has room for `message_len`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vpcmirror_rs_load(
    preferences: *const vpcmirror_preferences,
    changed: c_int,
    message: *mut c_char,
    message_len: u32,
) -> c_int {
    guard(Entry::Load, PANIC, || {
        // SAFETY: the caller's promise.
        let preferences = unsafe { &*preferences };
        // SAFETY: the caller's promise.
        let rows = unsafe { list(preferences.rows, preferences.rows_len) };
        let asked = load::Preferences {
            // SAFETY: the caller's promise.
            file: unsafe { bytes(preferences.session_file) },
            is_default_file: preferences.is_default_file != 0,
            // SAFETY: the caller's promise.
            only_known: unsafe { bytes(preferences.only_known) },
            // SAFETY: the caller's promise.
            ports: unsafe { list(preferences.ports, preferences.ports_len) },
            // SAFETY: the caller's promise, for each of them.
            rows: rows.iter().map(|columns| unsafe { row(columns) }).collect(),
        };
        let mut state = state();
        let State { dissector, loader } = state.get_or_insert_default();
        dissector.begin();
        let Some(settings) = loader.load(&asked, changed != 0) else { return YES };
        *dissector = Dissector::new(settings.settings);
        match settings.problem {
            None => YES,
            Some(problem) => {
                // SAFETY: the caller's promise.
                unsafe { say(&problem, message, message_len) };
                NO
            }
        }
    })
}

/// See `shim.h`.
///
/// # Safety
///
/// The texts of `columns` end with NUL or are missing, and `message` has room for `message_len`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vpcmirror_rs_check_row(
    columns: *const vpcmirror_row,
    message: *mut c_char,
    message_len: u32,
) -> c_int {
    guard(Entry::CheckRow, PANIC, || {
        // SAFETY: the caller's promise.
        let row = unsafe { row(&*columns) };
        match load::columns(&row).and_then(|row: Row<'_>| row.session().map_err(|e| e.to_string()))
        {
            Ok(_) => YES,
            Err(problem) => {
                // SAFETY: the caller's promise.
                unsafe { say(&problem, message, message_len) };
                NO
            }
        }
    })
}

/// The columns of a row, in the order in which the table has them.
///
/// # Safety
///
/// Each ends with NUL or is missing, and stays as it is for `'a`.
unsafe fn row<'a>(row: &vpcmirror_row) -> [&'a [u8]; load::COLUMNS] {
    let vpcmirror_row {
        vni,
        source,
        name,
        session,
        number,
        eni,
        target,
        filter,
        endpoint,
        mac,
        packet_length,
    } = *row;
    [vni, source, name, session, number, eni, target, filter, endpoint, mac, packet_length]
        // SAFETY: the caller's promise.
        .map(|column| unsafe { bytes(column) })
}

/// The items of a list of C.
///
/// # Safety
///
/// There are `len` at `items`, and they stay as they are for `'a`.
unsafe fn list<'a, T>(items: *const T, len: u32) -> &'a [T] {
    if items.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: the caller's promise; a u32 fits, as there is memory for so many.
    unsafe { slice::from_raw_parts(items, len as usize) }
}

/// The bytes of a text of C; none if it is missing.
///
/// # Safety
///
/// It ends with NUL, and stays as it is for `'a`.
unsafe fn bytes<'a>(text: *const c_char) -> &'a [u8] {
    if text.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

/// Write a message, as much of it as there is room for, cut between two characters.
///
/// # Safety
///
/// There is room for `len` bytes at `to`.
unsafe fn say(message: &str, to: *mut c_char, len: u32) {
    let Some(room) = (len as usize).checked_sub(1) else { return };
    let end = room.min(message.len());
    let end = (0..=end).rev().find(|at| message.is_char_boundary(*at)).unwrap_or(0);
    let message = message.get(..end).unwrap_or_default();
    // SAFETY: the message and the NUL fit into `len`, by the line above.
    unsafe {
        ptr::copy_nonoverlapping(message.as_ptr().cast(), to, message.len());
        to.add(message.len()).write(0);
    }
}
