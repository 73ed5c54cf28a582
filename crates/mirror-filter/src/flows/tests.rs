use super::*;

#[track_caller]
fn table(header: &str) -> Table {
    Table::new(header.as_bytes()).unwrap()
}

#[track_caller]
fn row(header: &str, line: &str) -> Row {
    match table(header).line(line.as_bytes()) {
        Ok(Line::Row(row)) => *row,
        other => panic!("{other:?}"),
    }
}

fn error(header: &str, line: &str) -> String {
    table(header).line(line.as_bytes()).unwrap_err().to_string()
}

const TSHARK: &str =
    "frame.len\tip.src\tip.dst\tip.proto\ttcp.srcport\ttcp.dstport\tudp.srcport\tudp.dstport";

fn flow(source: &str, destination: &str, protocol: u8, ports: Ports) -> Flow {
    let [source, destination] = [source, destination].map(|text| text.parse().unwrap());
    Flow { source, destination, protocol: Some(protocol), ports }
}

#[test]
fn a_row_of_tshark_is_a_packet() {
    let tcp = row(TSHARK, "66\t10.0.1.15\t203.0.113.9\t6\t51000\t443\t\t");
    let https = Ports::Known { source: 51_000, destination: 443 };
    assert_eq!(tcp.seen.unwrap().unwrap().flow, flow("10.0.1.15", "203.0.113.9", 6, https));
    assert_eq!((tcp.packets, tcp.bytes, tcp.time), (1, 66, None));
    let udp = row(TSHARK, "66\t10.0.1.15\t203.0.113.9\t17\t\t\t51000\t443");
    assert_eq!(udp.seen.unwrap().unwrap().flow.ports, https);
}

/// tshark prints the ports of the packet that an ICMP error quotes.
#[test]
fn ports_are_those_of_the_protocol_and_no_others() {
    let icmp = row(TSHARK, "94\t203.0.113.9\t10.0.1.15\t1\t\t\t40000\t33434");
    assert_eq!(icmp.seen.unwrap().unwrap().flow.ports, Ports::Absent);
    let tcp = row(TSHARK, "94\t203.0.113.9\t10.0.1.15\t6\t\t\t40000\t33434");
    assert_eq!(tcp.seen.unwrap().unwrap().flow.ports, Ports::Missing(Missing::Cut));
}

#[test]
fn a_later_fragment_lacks_its_ports() {
    let header = "ip.src,ip.dst,ip.proto,ip.frag_offset,udp.srcport,udp.dstport";
    let later = row(header, "10.0.1.15,203.0.113.9,17,1480,,").seen.unwrap().unwrap();
    assert_eq!((later.flow.ports, later.fragment), (Ports::Missing(Missing::Fragment), true));
    let first = row(header, "10.0.1.15,203.0.113.9,17,0,1,2").seen.unwrap().unwrap();
    assert_eq!(first.flow.ports, Ports::Known { source: 1, destination: 2 });
}

#[test]
fn behind_extension_headers_the_protocol_is_that_of_the_ports() {
    let header = "ipv6.src,ipv6.dst,ipv6.nxt,tcp.srcport,tcp.dstport,icmpv6.type";
    let ends = "2001:db8::1,2001:db8::2";
    let seen = |rest: &str| row(header, &format!("{ends},{rest}")).seen.unwrap().unwrap();
    assert_eq!(seen("0,1,2,").flow.protocol, Some(6));
    assert!(seen("0,1,2,").extensions && !seen("6,1,2,").extensions);
    assert_eq!(seen("60,,,135").flow.protocol, Some(58));
    assert_eq!(seen("60,,,135").icmp_type, Some(135));
    let none = seen("44,,,").flow;
    assert_eq!((none.protocol, none.ports), (None, Ports::Missing(Missing::Cut)));
}

/// tshark reassembles by default, and prints the ports of the whole with its last fragment.
#[test]
fn a_later_fragment_of_ipv6_lacks_its_ports_too() {
    let header = "ipv6.src,ipv6.dst,ipv6.nxt,ipv6.fraghdr.offset,tcp.srcport,tcp.dstport";
    let seen =
        |rest: &str| row(header, &format!("2001:db8::1,2001:db8::2,{rest}")).seen.unwrap().unwrap();
    let later = seen("44,3,5000,443");
    assert_eq!((later.flow.ports, later.fragment), (Ports::Missing(Missing::Fragment), true));
    let first = Ports::Known { source: 5_000, destination: 443 };
    assert_eq!(seen("44,0,5000,443").flow.ports, first);
}

/// Such packets were judged by their IPv4 header, be it the inner one.
#[test]
fn of_a_packet_in_one_of_the_other_version_the_outer_is_read() {
    let header = "ip.src,ip.dst,ip.proto,ipv6.src,ipv6.dst,ipv6.nxt,tcp.srcport,tcp.dstport,\
                  udp.srcport,udp.dstport,eth.type";
    let seen = |protocol: &str, next: &str, ports: &str, ether_type: &str| {
        let line = format!(
            "203.0.113.9,10.0.1.15,{protocol},2001:db8::1,2001:db8::2,{next},{ports},{ether_type}"
        );
        row(header, &line).seen.map(|seen| seen.unwrap().flow)
    };
    let v4 = |protocol, ports| Some(flow("203.0.113.9", "10.0.1.15", protocol, ports));
    let v6 = |protocol, ports| Some(flow("2001:db8::1", "2001:db8::2", protocol, ports));
    let (tcp, udp) = ("5000,443,,", ",,5000,4789");
    let vxlan = Ports::Known { source: 5_000, destination: 4_789 };
    assert_eq!(seen("6", "4", tcp, ""), v6(4, Ports::Absent));
    assert_eq!(seen("41", "6", tcp, ""), v4(41, Ports::Absent));
    // In UDP either may be the outer one.
    assert_eq!(seen("17", "17", udp, ""), None);
    assert_eq!(seen("41", "4", tcp, ""), None, "one in the other in a third");
    assert_eq!(seen("17", "17", udp, "0x0800"), v4(17, vxlan));
    assert_eq!(seen("17", "17", udp, "0x86dd"), v6(17, vxlan));
    // Behind an extension header the ports may be those of the inner packet.
    let behind = seen("6", "60", tcp, "0x86dd").unwrap();
    assert_eq!((behind.protocol, behind.ports), (None, Ports::Missing(Missing::Cut)));
}

#[test]
fn behind_extension_headers_udp_is_told_by_its_ports_too() {
    let header = "ipv6.src,ipv6.dst,ipv6.nxt,udp.srcport,udp.dstport";
    let seen = row(header, "2001:db8::1,2001:db8::2,43,5000,53").seen.unwrap().unwrap();
    assert_eq!(seen.flow.protocol, Some(17));
    assert_eq!(seen.flow.ports, Ports::Known { source: 5_000, destination: 53 });
}

/// MPLS, say: both versions are there, and the EtherType is of neither.
#[test]
fn an_ether_type_of_neither_version_tells_no_outer_one() {
    let header = "ip.src,ip.dst,ip.proto,ipv6.src,ipv6.dst,ipv6.nxt,eth.type";
    let line = "203.0.113.9,10.0.1.15,17,2001:db8::1,2001:db8::2,17,0x8847";
    assert_eq!(row(header, line).seen, None);
}

const FLOW_LOG: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol \
                        packets bytes start end action log-status";

#[test]
fn a_row_of_a_flow_log_is_many_packets() {
    let line = "2 123456789010 eni-0d000000000000015 10.0.1.15 203.0.113.9 51000 443 6 20 4249 \
                1767225600 1767225660 ACCEPT OK";
    let row = row(FLOW_LOG, line);
    let https = Ports::Known { source: 51_000, destination: 443 };
    assert_eq!(row.seen.unwrap().unwrap().flow, flow("10.0.1.15", "203.0.113.9", 6, https));
    assert_eq!((row.packets, row.bytes, row.dropped), (20, 4_249, false));
    assert_eq!(row.interface.as_deref(), Some("eni-0d000000000000015"));
    let seconds = |seconds: i128| seconds * 1_000_000_000;
    assert_eq!(row.time, Some((seconds(1_767_225_600), seconds(1_767_225_660))));
    assert_eq!(table(FLOW_LOG).ignored(), ["version", "account-id"]);
    assert!(table(FLOW_LOG).has_times() && table(FLOW_LOG).has_counts());
    assert!(!table(TSHARK).has_times() && !table(TSHARK).has_counts());
    assert!(table("ip.src,ip.dst,frame.time_epoch").has_times());
}

#[test]
fn a_row_without_traffic_says_so() {
    let line =
        |end: &str| format!("2 123456789010 eni-1 - - - - - - - 1767225600 1767225660 {end}");
    let table = table(FLOW_LOG);
    assert_eq!(table.line(line("- NODATA").as_bytes()), Ok(Line::NoData));
    assert_eq!(table.line(line("- SKIPDATA").as_bytes()), Ok(Line::SkipData));
    assert_eq!(table.line(b"\r\n"), Ok(Line::Empty));
    assert_eq!(
        error(FLOW_LOG, &line("- MAYBE")),
        "column log-status: found \"MAYBE\", expected OK, NODATA or SKIPDATA"
    );
}

#[test]
fn the_packets_own_addresses_come_before_the_interfaces() {
    let header = "srcaddr dstaddr pkt_srcaddr pkt_dstaddr srcport dstport protocol flow_direction";
    let row = row(header, "10.0.1.15 203.0.113.9 10.0.9.1 203.0.113.9 1 2 6 egress");
    let ports = Ports::Known { source: 1, destination: 2 };
    assert_eq!(row.seen.unwrap().unwrap().flow, flow("10.0.9.1", "203.0.113.9", 6, ports));
    assert_eq!((row.direction, row.captured), (Some(Direction::Egress), false));
}

#[test]
fn a_cell_with_several_values_names_its_column_and_the_remedy() {
    assert_eq!(
        error(TSHARK, "94\t203.0.113.9,10.0.1.15\t10.0.1.15,203.0.113.9\t1,17\t\t\t1\t2"),
        "column ip.src: found several values, \"203.0.113.9,10.0.1.15\", expected one; tshark \
         prints the first with -E occurrence=f"
    );
}

#[test]
fn what_is_no_flow_says_what_was_expected() {
    for (line, text) in [
        ("66\t10.0.1.15\t\t6\t1\t2\t\t", "expected two addresses of one family, or none"),
        ("66\t10.0.1.15\t::1\t6\t1\t2\t\t", "expected two addresses of one family, or none"),
        ("66\t10.0.1.15\t10.0.1.16\t6\t1\t2\t", "found 7 cells, expected 8 as in the first line"),
        (
            "66\t10.0.1\t10.0.1.16\t6\t1\t2\t\t",
            "column ip.src: found \"10.0.1\", expected an address",
        ),
        (
            "66\t10.0.1.15\t10.0.1.16\t256\t1\t2\t\t",
            "column ip.proto: found \"256\", expected a protocol number, 0 to 255",
        ),
        (
            "66\t10.0.1.15\t10.0.1.16\t6\t+1\t2\t\t",
            "column tcp.srcport: found \"+1\", expected a port, 0 to 65535",
        ),
        (
            "\u{1b}[31m\t10.0.1.15\t10.0.1.16\t6\t1\t2\t\t",
            "column frame.len: found \"\\u{1b}[31m\", expected a number",
        ),
    ] {
        assert_eq!(error(TSHARK, line), text, "{line:?}");
    }
    assert_eq!(table(TSHARK).line(&[0xff]), Err(TableError::NotText));
    assert_eq!(table(TSHARK).line(&vec![b' '; MAX_LINE]), Ok(Line::Empty));
    assert_eq!(table(TSHARK).line(&vec![b' '; MAX_LINE + 1]), Err(TableError::TooLong));
}

#[test]
fn a_first_line_names_addresses_and_no_column_twice() {
    assert_eq!(Table::new(b"frame.len,ip.proto").unwrap_err(), TableError::NoAddresses);
    assert_eq!(Table::new(b"66 10.0.1.15 10.0.1.16").unwrap_err(), TableError::NoAddresses);
    assert_eq!(
        Table::new(b"ip.src ip.dst ip.src").unwrap_err(),
        TableError::Twice("ip.src".to_owned())
    );
}

#[test]
fn a_frame_without_addresses_is_what_its_ether_type_says() {
    let header = "ip.src,ip.dst,eth.type";
    assert_eq!(row(header, ",,0x0806").seen, Some(Err(NoFlow::ARP)));
    assert_eq!(row(header, ",,0x88cc").seen, Some(Err(NoFlow::NotIp { ether_type: Some(0x88cc) })));
    assert_eq!(row(header, ",,").seen, None);
    assert_eq!(row(TSHARK, "\t\t\t\t\t\t\t").seen, None);
    assert_eq!(row(header, ",,0x0800").seen, Some(Err(NoFlow::Cut)));
}

#[test]
fn direction_and_time_are_read_as_their_programs_write_them() {
    let header =
        "ip.src,ip.dst,direction,frame.packet_flags_direction,frame.time_epoch,eth.src,eth.dst";
    let ends = "10.0.1.15,203.0.113.9";
    let one = |rest: &str| row(header, &format!("{ends},{rest}"));
    assert_eq!(one("EGRESS,,,,").direction, Some(Direction::Egress));
    let flags = one(",0x00000001,1767225600.137911000,,");
    assert_eq!((flags.direction, flags.captured), (Some(Direction::Ingress), true));
    let time = 1_767_225_600_137_911_000;
    assert_eq!(flags.time, Some((time, time)));
    let out = one(",2,,,");
    assert_eq!((out.direction, out.captured), (Some(Direction::Egress), true));
    let told = one("ingress,2,,,");
    assert_eq!((told.direction, told.captured), (Some(Direction::Ingress), false));
    let neither = one(",3,,,");
    assert_eq!((neither.direction, neither.captured), (None, false));
    let macs = one(",0,1.5,02:15:0a:00:01:0f,02:01:0a:00:01:01");
    assert_eq!(macs.time, Some((1_500_000_000, 1_500_000_000)));
    assert_eq!(macs.macs.unwrap().0.to_string(), "02:15:0a:00:01:0f");
    for time in ["1.0000000001", "1.+5", "-1", "1.5.5"] {
        assert_eq!(
            error(header, &format!("{ends},,,{time},,")),
            format!("column frame.time_epoch: found \"{time}\", expected seconds since 1970")
        );
    }
    assert_eq!(
        error(header, &format!("{ends},,0x+1,,,")),
        "column frame.packet_flags_direction: found \"0x+1\", expected a number"
    );
    assert_eq!(
        error(header, &format!("{ends},in,,,,")),
        "column direction: found \"in\", expected ingress or egress"
    );
}

#[test]
fn a_flow_log_has_an_end_and_bytes_of_all_its_packets() {
    let header = "srcaddr dstaddr packets bytes start end action";
    let one = |rest: &str| row(header, &format!("10.0.1.15 203.0.113.9 {rest}"));
    let seconds = |from: i128, to: i128| Some((from * 1_000_000_000, to * 1_000_000_000));
    assert_eq!(one("3 300 10 20 ACCEPT").time, seconds(10, 20));
    assert_eq!(one("3 300 10 - ACCEPT").time, seconds(10, 10));
    assert_eq!(one("3 300 20 10 ACCEPT").time, seconds(20, 20), "no flow ends before it begins");
    assert_eq!(one("3 300 - 20 ACCEPT").time, None);
    assert_eq!((one("3 300 10 20 ACCEPT").bytes, one("3 - 10 20 ACCEPT").bytes), (300, 0));
    assert!(one("3 300 10 20 REJECT").dropped && !one("3 300 10 20 -").dropped);
    assert_eq!(
        error(header, "10.0.1.15 203.0.113.9 1 1 1 1 DROP"),
        "column action: found \"DROP\", expected ACCEPT or REJECT"
    );
    // The length of one packet, and how many there were.
    let lengths = row("ip.src,ip.dst,frame.len,packets", "10.0.1.15,203.0.113.9,60,4");
    assert_eq!((lengths.packets, lengths.bytes), (4, 240));
}

#[test]
fn what_is_quoted_of_a_table_is_cut_where_it_helps_no_more() {
    let header = "ip.src,ip.dst";
    let of = |len: usize| error(header, &format!("{},10.0.0.1", "x".repeat(len)));
    let quoted = "x".repeat(60);
    assert_eq!(of(60), format!("column ip.src: found \"{quoted}\", expected an address"));
    assert_eq!(of(61), format!("column ip.src: found \"{quoted}...\", expected an address"));
}

#[test]
fn every_name_is_a_column_of_its_own() {
    let names: Vec<&str> = column_names().collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    let header = names.iter().filter(|name| **name != "flow-direction").copied();
    let header: Vec<&str> = header.collect();
    assert_eq!(table(&header.join(" ")).ignored(), [""; 0]);
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What tshark would print of a flow is that flow.
        #[test]
        fn a_flow_written_is_read_again(
            ends in prop_oneof![
                any::<(std::net::Ipv4Addr, std::net::Ipv4Addr)>().prop_map(|(a, b)| (a.into(), b.into())),
                any::<(std::net::Ipv6Addr, std::net::Ipv6Addr)>()
                    .prop_map(|(a, b)| (IpAddr::V6(a), IpAddr::V6(b))),
            ],
            protocol in prop_oneof![Just(6_u8), Just(17), Just(1)],
            (from, to) in any::<(u16, u16)>(),
            separator in prop_oneof![Just("\t"), Just(","), Just(" ")],
        ) {
            let (source, destination): (IpAddr, IpAddr) = ends;
            let header = ["srcaddr", "dstaddr", "protocol", "srcport", "dstport"].join(separator);
            let cells = [
                source.to_string(), destination.to_string(), protocol.to_string(), from.to_string(),
                to.to_string(),
            ];
            let ports = if protocol == 1 { Ports::Absent } else {
                Ports::Known { source: from, destination: to }
            };
            let found = row(&header, &cells.join(separator)).seen.unwrap().unwrap().flow;
            prop_assert_eq!(found, Flow { source, destination, protocol: Some(protocol), ports });
        }

        #[test]
        fn any_lines_are_survived(header in ".{0,80}", line in ".{0,80}", bytes: Vec<u8>) {
            let names: Vec<&str> = column_names().collect();
            for header in [header, names.join("\t"), TSHARK.to_owned()] {
                if let Ok(table) = Table::new(header.as_bytes()) {
                    for line in [line.as_bytes(), &bytes] {
                        if let Err(error) = table.line(line) {
                            prop_assert!(!error.to_string().contains(char::is_control));
                        }
                    }
                }
            }
        }
    }
}
