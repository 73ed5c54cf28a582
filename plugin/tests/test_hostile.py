# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures that nobody has made by accident."""

from harness import Tests
from pcapng import written

FRAME = bytes.fromhex(
    "02150a00010f 02010a000101 0800"
    "4500 0028 0000 0000 40 06 0000 0a00010f cb007109" + "00" * 20
)
SESSION = b"vpcmirror: vni=7 source=10.0.1.15 session=tms-1"
COMMENT = b"vpcmirror: vni=7 source=10.0.1.15 direction=ingress"


def capture(descriptions, packets):
    """Interfaces with these descriptions, and packets, each with its interface and its comments."""
    return written(descriptions, [(interface, FRAME, comments) for interface, comments in packets])


class Hostile(Tests):
    def test_a_packet_of_a_million_comments_is_shown_at_once(self):
        """Each was looked for from the first one on: a packet took minutes, and hours with more."""
        path = self.file("many.pcapng", capture([SESSION], [(0, [COMMENT] + [b""] * 1_000_000)]))
        # Without a tree: in one, Wireshark itself would show a million comments.
        ran = self.tshark("-q", "-z", "vpcmirror,tree", "-r", path, timeout=60)
        self.assertRegex(ran.out, r"Mirrored packets +1 ")
        self.assertRegex(ran.out, r"ingress +1 ")

    def test_of_few_and_of_many_comments_the_last_counts(self):
        """Many are read in another way than few."""
        egress = COMMENT.replace(b"ingress", b"egress")
        packets = [(0, [text for _ in range(n) for text in (egress, COMMENT, b"x")]) for n in range(1, 9)]
        path = self.file("several.pcapng", capture([SESSION], packets))
        self.assertEqual(self.fields(path, ["direction"]), [["ingress"]] * 8)
        packets = [(0, [*comments, egress]) for _, comments in packets]
        path = self.file("several.pcapng", capture([SESSION], packets))
        self.assertEqual(self.fields(path, ["direction"]), [["egress"]] * 8)

    def test_twenty_thousand_interfaces(self):
        count = 20_000
        descriptions = [b"vpcmirror: vni=%d source=10.0.1.15" % vni for vni in range(count)]
        packets = [(interface, [COMMENT]) for interface in range(count)]
        path = self.file("interfaces.pcapng", capture(descriptions, packets))
        vnis = self.fields(path, ["vni", "direction"])
        self.assertEqual([vni for vni, _ in vnis], [str(vni) for vni in range(count)])
        # The comment speaks of session 7 alone; the addresses say otherwise.
        self.assertEqual([d for _, d in vnis if d != "egress"], ["ingress"])

    def test_long_texts_and_such_as_are_none(self):
        long = SESSION + b" x=" + b"a" * (65_000 - len(SESSION))
        comments = [
            b"\xff\xfe",
            COMMENT + b"\0 direction=egress",
            COMMENT + b' name="\xff"',
            b"vpcmirror: " + b"a" * 65_000,
            b"vpcmirror: vni=7 source=10.0.1.15 name=\"" + b"\\" * 60_000,
        ]
        path = self.file("texts.pcapng", capture([SESSION, long, b"\xff\0"], [(i, comments) for i in range(3)]))
        shown = self.fields(path, ["vni", "direction"])
        self.assertEqual(shown[0], ["7", "ingress"], "up to its NUL a comment is one")
        self.assertEqual(shown[2], ["", ""])

    def test_what_a_name_hides_is_shown(self):
        """Names come from captures: neither a terminal nor an eye is to be deceived by one."""
        name = "a\\u001b[2J\\u202eb\\u061cc\\u00ad\\u0000\\nd".encode()
        path = self.file("names.pcapng", capture([SESSION + b' name="' + name + b'"'], [(0, [])]))
        columns = 'gui.column.format:"Session","%Cus:vpcmirror.session.name:0:R"'
        for args in [["-T", "fields", "-e", "vpcmirror.session.name"], ["-o", columns], ["-V"]]:
            out = self.tshark("-r", path, *args).out
            self.assertIn("u{61c}", out)
            self.assertFalse(set(out) & set("\u001b\u202e\u061c\u00ad\0"), args)
