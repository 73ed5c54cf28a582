#![forbid(unsafe_code)]
//! What a mirror session is, what can be said of its packets, and what it is called.
//!
//! A mirror session copies the packets of one network interface (the *source ENI*) to a target. At
//! the target nothing names the session: there is a VXLAN header with a VNI and, right outside of
//! it, an IP header whose source is the primary address of the source ENI. So here a session *is*
//! the triple ([`SessionKey`])
//!
//! * **endpoint**: the Gateway Load Balancer endpoint that the packet came through, if any. Behind
//!   one Gateway Load Balancer stand many VPCs, and their address ranges may overlap;
//! * **source**: the source address of the IP header right outside VXLAN;
//! * **VNI**: not enough by itself. Where none is given AWS draws one at random, unique in one
//!   account only, so VNIs repeat across accounts; two sessions may be given the same; and other
//!   clouds, and many templates, give every interface the same one.
//!
//! Three questions about a packet are answered from the packets of its session alone, looking
//! forward only, so that a stream can be answered while it flows:
//!
//! * [`DirectionSense`]: did the source ENI send it or receive it?
//! * [`CutSense`]: did the session cut it short, and how long was it before?
//! * [`Sessions`]: which session is it of, as a small number?
//!
//! What the packets don't show, documents do: ids, names, a PacketLength, the ENI's MAC and all its
//! addresses. A [`Picture`] is what documents say, however they came by it:
//!
//! * [`Picture::find`]: which of the sessions that someone described is the one with this key?
//!   By source and VNI, or by the VNI alone, and never by guessing ([`Found`]);
//! * [`Eni::direction`]: did this ENI send the packet or receive it?
//! * [`KnownSession::cuts`]: at what lengths does it cut?
//! * [`mod@file`]: the picture as a file of its own, to keep, to hand on, and to write by hand.
//!
//! [`Annotation`] is how the answers travel in a capture: one line of text, as the description of
//! an interface and as the comment of a packet. It is written and read here, and nowhere else.
//!
//! This crate opens no file and prints nothing, and of the documents it knows only its own.

mod annotation;
mod cut;
mod direction;
mod eni;
pub mod file;
mod key;
mod known;
mod picture;
mod table;
mod text;

pub use annotation::{Annotation, AnnotationText, Detail, NotAnnotation};
pub use cut::{CutSense, Length};
pub use direction::{DirectionSense, Sensed};
pub use eni::{Eni, ParsePrefixError, Prefix};
pub use key::SessionKey;
pub use known::{FilterName, KnownSession, Target, TargetKind};
pub use mirror_wire::{Direction, UnknownDirection};
pub use picture::{By, Found, Picture};
pub use table::{MAX_SESSIONS, Session, SessionId, Sessions};
pub use text::{is_hidden, printable};
