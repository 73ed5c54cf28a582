# SPDX-License-Identifier: GPL-2.0-or-later
"""The company it keeps: what others show beside our fields is what they show without us."""

import re
import unittest
from collections import Counter

from harness import CAPTURES, CHROOT, PROJECT, VERSION, Tests
from pcapng import ENI, PEER, frame, tcp, udp, wrapped, written

LAB_D = CAPTURES / "lab-d" / "input.pcapng"
PROFILE = (PROJECT / "crates/mirror-pcap/src/plugin/profile.rs").read_text()
SOURCE, OTHER, OUTSIDE = "10.0.1.15", "10.0.1.16", "203.0.113.9"


class TheProtocolHierarchy(Tests):
    """`-z io,phs`, which reads trees that nobody sees: each protocol is under the one before it."""

    def paths(self, capture, *args):
        """How many packets have each way down the hierarchy."""
        ran = self.tshark("-q", "-r", capture, "-z", "io,phs", *args)
        path, counts = [], {}
        for spaces, name, count in re.findall(r"^( *)(\S+) +frames:(\d+)", ran.out, re.MULTILINE):
            path[len(spaces) // 2 :] = [name]
            counts[tuple(path)] = int(count)
        self.assertTrue(counts)
        return counts

    def check(self, capture, above, below, *args):
        """Ours stands between these two, and all else is where it is without us."""
        paths = self.paths(capture, *args)
        without, ours, others = Counter(), set(), Counter()
        for path, count in paths.items():
            if path[-1] == "vpcmirror":
                ours.add(path[-2] if len(path) > 1 else "")
                under = sum(n for p, n in paths.items() if p[:-1] == path)
                self.assertEqual(under, count, "a packet that ends with us")
            else:
                without[tuple(name for name in path if name != "vpcmirror")] += count
            if len(path) > 1 and path[-2] == "vpcmirror":
                others[path[-1]] += count
        self.assertEqual(ours, {above})
        self.assertEqual(set(others), {below})
        self.assertEqual(without, self.paths(capture, *args, "--disable-protocol", "vpcmirror"))

    def test_wrapped(self):
        for name in ["lab-d", "gwlb", "nested-vxlan", "mixed-traffic", "outer-ipv6"]:
            (path,) = (CAPTURES / name).glob("input.pcap*")
            with self.subTest(name):
                self.check(self.copy(path), "udp", "vxlan")

    def test_wrapped_where_there_is_no_vxlan(self):
        for args in [["-d", "udp.port==4789,data"], ["--disable-protocol", "vxlan"]]:
            self.check(self.copy(LAB_D), "", "eth", *args)

    def test_stripped(self):
        self.check(self.strip(LAB_D, "short.pcapng"), "pkt_comment", "eth")
        self.check(self.strip(LAB_D, "none.pcapng", "--comment", "none"), "", "eth")
        nested = CAPTURES / "nested-vxlan" / "input.pcapng"
        self.check(self.strip(nested, "nested.pcapng"), "pkt_comment", "eth")

    def test_where_frame_is_asked_for_it_is_above_us(self):
        stripped = self.strip(LAB_D, "none.pcapng", "--comment", "none")
        ran = self.tshark("-q", "-r", stripped, "-z", "io,phs,frame.number")
        self.assertRegex(ran.out, r"\nframe +\S+ \S+ *\n  vpcmirror +\S+ \S+ *\n    eth ")


class Colours(Tests):
    """The profile's colours, among Wireshark's own."""

    @unittest.skipIf(CHROOT, "the command asks the tshark that is installed here")
    def test_what_wireshark_warns_of_keeps_its_colour(self):
        self.mirror_pcap("plugin", "profile", env={"HOME": str(self.folder / "home")})
        (rules,) = (self.folder / "home").rglob("VPC mirroring/colorfilters")
        self.file("config/colorfilters", rules.read_text())
        ports, numbers = (51000, 4444), (1, 1)
        plain = frame(SOURCE, OUTSIDE, 6, tcp(ports, numbers, 0x10))
        unreachable = b"\3\1" + bytes(6) + plain[14:42]
        inner = [
            (plain, "VPC mirroring: egress"),
            (frame(OUTSIDE, SOURCE, 6, tcp(ports[::-1], numbers, 0x10)), "VPC mirroring: ingress"),
            (frame(SOURCE, OUTSIDE, 17, udp((5000, 5001), b"x")), "VPC mirroring: egress"),
            (frame(SOURCE, OUTSIDE, 6, tcp((1, 2), numbers, 0x04)), "TCP RST"),
            (frame(SOURCE, OUTSIDE, 6, tcp((3, 4), numbers, 0x02)), "TCP SYN/FIN"),
            (frame(SOURCE, OUTSIDE, 1, unreachable), "ICMP errors"),
            (frame(SOURCE, OUTSIDE, 2, b"\x11" + bytes(7)), "Routing"),
            # Neither address nor MAC tells, so it is as it was.
            (frame("10.0.9.9", OUTSIDE, 6, tcp((5, 6), numbers, 0x10), (PEER, PEER)), "TCP"),
        ]
        packets = [(0, wrapped(SOURCE, 7, data), []) for data, _ in inner]
        path = self.file("colours.pcapng", written([b"eth0"], packets))
        ran = self.tshark("-r", path, "--color", "-V")
        found = re.findall(r"Coloring Rule Name: (.*?)\]", ran.out)
        self.assertEqual(found, [rule for _, rule in inner])


class BothEndsMirrored(Tests):
    """Each packet comes twice, once of each session."""

    SESSIONS = [(SOURCE, 7), (OTHER, 8)]

    def setUp(self):
        super().setUp()
        packets = []
        seq = {SOURCE: 100, OTHER: 500}
        for sender, flags, data in [
            (SOURCE, 0x02, b""), (OTHER, 0x12, b""), (SOURCE, 0x10, b""), (SOURCE, 0x18, b"question"),
            (OTHER, 0x18, b"answer"), (SOURCE, 0x10, b""), (SOURCE, 0x18, b"more"), (OTHER, 0x10, b""),
        ]:  # fmt: skip
            receiver = OTHER if sender == SOURCE else SOURCE
            ports = (51000, 4444) if sender == SOURCE else (4444, 51000)
            ack = seq[receiver] if flags & 0x10 else 0
            data_of = tcp(ports, (seq[sender], ack), flags, data)
            packets.append(frame(sender, receiver, 6, data_of, (ENI, PEER)))
            seq[sender] += len(data) + (flags & 0x02 != 0)
        both = [
            (0, wrapped(source, vni, inner), []) for inner in packets for source, vni in self.SESSIONS
        ]
        self.stripped = self.strip(self.file("both.pcapng", written([b"eth0"], both)), "s.pcapng")

    def streams(self, capture, *args):
        """How many connections there are, and how many of their packets are marked."""
        names = ["-e", "tcp.stream", "-e", "tcp.analysis.flags"]
        ran = self.tshark("-r", capture, "-T", "fields", *names, *args)
        rows = [line.split("\t") for line in ran.lines]
        return len({stream for stream, _ in rows}), sum(bool(flags) for _, flags in rows)

    def test_as_one_connection_they_are_retransmissions(self):
        streams, flags = self.streams(self.stripped)
        self.assertEqual(streams, 1)
        self.assertGreaterEqual(flags, 5)

    def test_a_file_each_session_has_none(self):
        for _, vni in self.SESSIONS:
            one = f"{self.inside(self.folder)}/home/{vni}.pcapng"
            (self.folder / "home").chmod(0o777)
            self.tshark("-r", self.stripped, "-Y", f"vpcmirror.vni == {vni}", "-w", one)
            self.assertEqual(self.streams(one), (1, 0))

    @unittest.skipIf(VERSION.startswith(("4.0", "4.2")), f"Wireshark {VERSION} has no such preference")
    def test_with_the_key_of_the_profile_there_are_none(self):
        (key,) = re.findall(r'DEINTERLACING: &str = "(.*?)\\n"', PROFILE)
        self.file("config/preferences", key + "\n")
        self.assertEqual(self.streams(self.stripped), (2, 0))
