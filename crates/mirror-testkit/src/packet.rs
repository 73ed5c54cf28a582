//! Frames, built from the inside out.
//!
//! Each layer is a value that carries the one above it and knows that one's number:
//! a [`Tcp`] carried by an [`Ipv4`] becomes a [`Datagram`], which knows its
//! EtherType and so can go into Ethernet, SLL, SLL2 or, for IP, nothing at all.
//! Checksums and lengths are right unless a test asks for others.
//!
//! ```
//! use mirror_testkit::packet::{Ipv4, Mirror, Udp, ethernet};
//!
//! let dns = Ipv4::new([10, 0, 1, 15], [10, 0, 0, 2]).carry(Udp::new(51000, 53, b"query"));
//! let frame = ethernet([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2], &dns);
//! let mirrored = Mirror::new([10, 0, 1, 15], [10, 0, 2, 99], 308_308).frame(&frame);
//! assert_eq!(mirrored.len(), frame.len() + 50);
//! ```

mod conversation;
mod ip;
mod link;
mod message;
mod transport;
mod tunnel;

pub use conversation::{Conversation, Opener};
pub use ip::{Datagram, Ipv4, Ipv6, arp, ip, ones_complement_sum};
pub use link::{
    LINK_ETHERNET, LINK_NULL, LINK_RAW, LINK_SLL, LINK_SLL2, Mac, ethernet, null, padded, sll,
    sll2, with_fcs,
};
pub use message::{
    dns_answer, dns_query, http_get, http_ok, tls_application_data, tls_client_hello,
    tls_server_hello,
};
pub use transport::{Icmp, Tcp, Transport, Udp};
pub use tunnel::{Geneve, Mirror, Vxlan, entropy_port};
