# SPDX-License-Identifier: GPL-2.0-or-later
"""What is shown of which packet, wrapped and stripped."""

import json
import os
import re
import subprocess
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

from harness import CAPTURES, CASES, FIELDS, Tests

LAB_D = CAPTURES / "lab-d" / "input.pcapng"
NESTED = CAPTURES / "nested-vxlan" / "input.pcapng"
GWLB = CAPTURES / "gwlb" / "input.pcapng"


class EveryCapture(Tests):
    """Each capture of testdata, against a file that a person has read."""

    def table(self, capture, *args):
        rows = [["frame", *FIELDS], *self.fields(capture, ["frame.number", *FIELDS], *args)]
        return "".join("|".join(row) + "\n" for row in rows)

    def test_wrapped(self):
        for case in CASES:
            with self.subTest(case.parent.name):
                self.expect(f"{case.parent.name}-wrapped", self.table(self.copy(case)))

    def test_wrapped_with_documents(self):
        sessions = self.sessions_file()
        for case in CASES:
            with self.subTest(case.parent.name):
                option = f"vpcmirror.session_file:{self.inside(sessions)}"
                shown = self.table(self.copy(case), "-o", option)
                self.expect(f"{case.parent.name}-named", shown)

    def test_stripped(self):
        for case in CASES:
            with self.subTest(case.parent.name):
                stripped = self.strip(case, "stripped.pcapng")
                self.expect(f"{case.parent.name}-stripped", self.table(stripped))
        # The last one stands for all: a second pass says the same.
        self.expect(f"{case.parent.name}-stripped", self.table(stripped, "-2"))

    def test_tshark_agrees(self):
        """Its own dissection is the second opinion, where there is no GENEVE around."""
        seen, unseen = 0, set()
        for case in CASES:
            with self.subTest(case.parent.name):
                command = ["-r", self.copy(case), "-Y", "vpcmirror && !geneve && !ipv6"]
                command += ["-T", "fields", "-E", "occurrence=f", "-E", "separator=|"]
                for name in ["vpcmirror.vni", "vxlan.vni", "vpcmirror.source.ip", "ip.src"]:
                    command += ["-e", name]
                for line in self.tshark(*command).lines:
                    vni, outer_vni, source, outer_source = line.split("|")
                    if not outer_vni:
                        unseen.add(case.parent.name)
                        continue
                    self.assertEqual((vni, source), (outer_vni, outer_source))
                    seen += 1
        self.assertGreater(seen, 200)
        # Address families of systems that tshark does not know.
        self.assertLessEqual(unseen, {"null"})

    def test_two_passes_say_the_same(self):
        for case in CASES:
            with self.subTest(case.parent.name):
                self.expect(f"{case.parent.name}-wrapped", self.table(self.copy(case), "-2"))


class TheSameFrames(Tests):
    """However the frames come, the same is said of them."""

    NAMES = [name for name in FIELDS if name != "endpoint"]

    def setUp(self):
        super().setUp()
        sessions = self.sessions_file()
        self.named = ["-o", f"vpcmirror.session_file:{self.inside(sessions)}"]
        self.wrapped = self.copy(LAB_D)
        self.want = self.fields(self.wrapped, self.NAMES, *self.named)
        self.assertEqual(len(self.want), 58)
        for row in self.want:
            shown = dict(zip(self.NAMES, row))
            self.assertEqual(shown["session.name"], "web 1")
            self.assertEqual(shown["source.ip"], "10.0.1.15")
            self.assertIn(shown["direction"], ("ingress", "egress"))

    def test_stripped_without_names_gets_them_from_the_sessions_file(self):
        stripped = self.strip(self.wrapped, "stripped.pcapng")
        self.assertEqual(self.fields(stripped, self.NAMES, *self.named), self.want)

    def test_stripped_with_names_needs_no_sessions_file(self):
        stripped = self.strip(self.wrapped, "stripped.pcapng", "--config", self.folder / "sessions.json")
        self.assertEqual(self.fields(stripped, self.NAMES), self.want)
        self.assertEqual(self.fields(stripped, self.NAMES, *self.named), self.want)

    def test_comments_are_not_needed_for_the_names(self):
        stripped = self.strip(
            self.wrapped, "none.pcapng", "--comment", "none", "--config", self.folder / "sessions.json"
        )
        self.assertEqual(self.fields(stripped, self.NAMES, *self.named), self.want)
        # Without the sessions file the packets before tell the direction.
        alone = self.fields(stripped, ["session.name", "direction"])
        self.assertEqual({name for name, _ in alone}, {"web 1"})
        self.assertEqual([row[1:] for row in alone], self.fields(self.wrapped, ["direction"]))

    def test_behind_a_gateway_load_balancer(self):
        plain = self.strip(self.wrapped, "plain.pcapng")
        endpoint = "vpce-0a1b2c3d4e5f60718"
        wrapped = self.folder / "geneve.pcapng"
        options = "--vni 308308 --source 10.0.1.15 --target 10.0.2.99 --geneve".split()
        self.mirror_pcap("wrap", "--quiet", "--force", *options, "--endpoint", endpoint, plain, wrapped)
        self.assertEqual(self.fields(wrapped, self.NAMES, *self.named), self.want)
        self.assertEqual({row[0] for row in self.fields(wrapped, ["endpoint"])}, {endpoint})
        stripped = self.strip(wrapped, "stripped.pcapng")
        self.assertEqual(self.fields(stripped, self.NAMES, *self.named), self.want)
        self.assertEqual({row[0] for row in self.fields(stripped, ["endpoint"])}, {endpoint})


class Directions(Tests):
    """As strip learns them: from the packets before, whoever looks at which packet, and when."""

    def of_strip(self, capture):
        """What strip says of each packet: its comment, which is another program's word."""
        comments = self.fields(self.strip(capture, "of-strip.pcapng"), ["frame.comment"])
        return [re.findall(r"direction=(\w+)", comment) or [""] for (comment,) in comments]

    def test_they_are_those_of_strip(self):
        told = 0
        for case in CASES:
            # In this one are packets that strip leaves wrapped.
            if case.parent.name == "mixed-traffic":
                continue
            with self.subTest(case.parent.name):
                found = self.fields(self.copy(case), ["direction"])
                self.assertEqual(found, self.of_strip(case))
                told += sum(bool(direction) for (direction,) in found)
        self.assertGreater(told, 240)

    def test_without_documents_two_packets_of_the_lab_have_none(self):
        """Of its sessions addresses tell 34 packets, and the MAC all but the first two of the rest."""
        for args in [], ["-2"]:
            found = self.fields(self.copy(LAB_D), ["direction"], *args)
            self.assertEqual((len(found), found.count([""])), (58, 2))

    def test_packets_that_a_viewer_leaves_out_teach_too(self):
        """Their numbers are given to the packets behind them."""
        names = ["frame.time_epoch", "direction"]
        capture = self.copy(LAB_D)
        want = self.fields(capture, names, "-Y", "ipv6")
        self.assertEqual(len(want), 24)
        self.assertIn("ingress", [direction for _, direction in want])
        self.assertEqual(self.fields(capture, names, "-2", "-R", "ipv6"), want)

    def test_a_comment_that_is_gone_is_not_missed(self):
        stripped = self.strip(LAB_D, "none.pcapng", "--comment", "none")
        for args in [], ["-2"]:
            self.assertEqual(self.fields(stripped, ["direction"], *args), self.of_strip(LAB_D))


class LinkTypes(Tests):
    """Every kind of capture that a mirror target may make."""

    def test_each_that_pcap_has_a_number_for(self):
        ran = self.tshark("-r", self.copy(LAB_D), "-c", "1", "-T", "json", "-x", "-j", "frame")
        (frame,) = json.loads(ran.out)[0]["_source"]["layers"]["frame_raw"][:1]
        frame = bytes.fromhex(frame)
        packet = frame[14:]
        sll = bytes.fromhex("0000 0001 0006 020000000001 0000 0800")
        sll2 = bytes.fromhex("0800 0000 00000002 0001 00 06 020000000001 0000")
        for code, header in [
            (0, (2).to_bytes(4, "little")),
            (0, (2).to_bytes(4, "big")),
            (1, frame[:14]),
            (1, frame[:12] + bytes.fromhex("8100 0007 0800")),
            (12, b""),
            (101, b""),
            (108, (2).to_bytes(4, "big")),
            (113, sll),
            (228, b""),
            (276, sll2),
        ]:
            with self.subTest(f"link type {code}, {header.hex()}"):
                data = header + packet
                words = [0xA1B2C3D4, 2 << 16 | 4, 0, 0, 262144, code, 0, 0, len(data), len(data)]
                pcap = b"".join(word.to_bytes(4, "big") for word in words) + data
                path = self.file("one.pcap", pcap)
                want = [["308308", "10.0.1.15"]]
                self.assertEqual(self.fields(path, ["vni", "source.ip"]), want)
        # One that is not looked into.
        path = self.file("one.pcap", pcap[:20] + (195).to_bytes(4, "big") + pcap[24:])
        self.assertEqual(self.fields(path, ["vni"]), [[""]])

    def test_ipv6_has_a_number_of_its_own(self):
        case = CAPTURES / "outer-ipv6" / "input.pcapng"
        ran = self.tshark("-r", self.copy(case), "-c", "1", "-T", "json", "-x", "-j", "frame")
        frame = bytes.fromhex(json.loads(ran.out)[0]["_source"]["layers"]["frame_raw"][0])
        want = self.fields(self.copy(case), ["vni", "source.ipv6"])[:1]
        self.assertTrue(want[0][1])
        for code, data in [(229, frame[14:]), (101, frame[14:])]:
            words = [0xA1B2C3D4, 2 << 16 | 4, 0, 0, 262144, code, 0, 0, len(data), len(data)]
            path = self.file("one.pcap", b"".join(word.to_bytes(4, "big") for word in words) + data)
            self.assertEqual(self.fields(path, ["vni", "source.ipv6"]), want)


class WhoseVni(Tests):
    """The mirror's, never the workload's."""

    def test_of_a_wrapped_packet_the_outer_one(self):
        rows = self.fields(self.copy(NESTED), ["vni", "frame.number"])
        nested = self.fields(self.copy(NESTED), ["vni"], "-Y", "vxlan.vni == 77")
        self.assertTrue(nested)
        self.assertEqual({row[0] for row in rows + nested}, {"308308"})

    def test_of_a_stripped_packet_the_interfaces(self):
        for comment in ["short", "none"]:
            stripped = self.strip(NESTED, "stripped.pcapng", "--comment", comment)
            # The workload's VXLAN is there to be mistaken for the mirror's.
            workload = self.fields(stripped, ["vni"], "-Y", "vxlan")
            self.assertTrue(workload)
            self.assertEqual({row[0] for row in workload}, {"308308"})

    def test_a_planted_comment_convinces_nobody(self):
        planted = (
            "vpcmirror: vni=1 source=10.9.9.9 session=tms-evil name=evil direction=egress cut_from=9"
        )
        wrapped, stripped = self.copy(LAB_D), self.strip(LAB_D, "stripped.pcapng")
        plain = self.file("plain.pcap", b"")
        self.mirror_pcap("strip", "--quiet", "--force", "--format", "pcap", LAB_D, plain)
        for capture in [wrapped, stripped, plain]:
            with self.subTest(capture.name):
                path = self.folder / "planted.pcapng"
                comments = [word for n in range(1, 59) for word in ("-a", f"{n}:{planted}")]
                editcap = ["/usr/bin/editcap", "-F", "pcapng", *comments, str(capture), str(path)]
                subprocess.run(editcap, check=True, capture_output=True)
                path.chmod(0o644)
                found = self.fields(path, ["frame.comment"])
                self.assertTrue(all(planted in row[0] for row in found))
                # One that editcap has put in the place of ours takes ours away, not more.
                without = self.strip(LAB_D, "none.pcapng", "--comment", "none")
                without = without if capture == stripped else capture
                rows = zip(self.fields(capture, FIELDS), self.fields(without, FIELDS), strict=True)
                ours = ["vni=308308" in row[0] for row in found]
                want = [with_ours if is_ours else alone for is_ours, (with_ours, alone) in zip(ours, rows)]
                self.assertEqual(self.fields(path, FIELDS), want)


class TheTree(Tests):
    """Where it stands, and what it covers."""

    def packets(self, capture, *args):
        """Of each packet the names of its layers, and our layer."""
        ran = self.tshark("-r", capture, "-T", "pdml", *args)
        for packet in xml.fromstring(ran.out.encode()):
            layers = [proto.get("name") for proto in packet if proto.get("name") != "fake-field-wrapper"]
            yield layers, packet.find("proto[@name='vpcmirror']")

    def above(self, layers):
        return layers[layers.index("vpcmirror") + 1]

    def below(self, layers):
        return layers[layers.index("vpcmirror") - 1]

    def test_above_the_vxlan_that_it_is_about(self):
        for capture in [LAB_D, NESTED]:
            for layers, _ in self.packets(self.copy(capture)):
                self.assertEqual((self.below(layers), self.above(layers)), ("udp", "vxlan"))
                self.assertNotIn("vxlan", layers[: layers.index("vpcmirror")])
        for layers, _ in self.packets(self.copy(GWLB), "-Y", "vpcmirror && geneve"):
            self.assertEqual((self.below(layers), self.above(layers)), ("udp", "vxlan"))
            self.assertLess(layers.index("geneve"), layers.index("vpcmirror"))

    def test_under_frame_if_there_is_no_such_vxlan(self):
        for capture, args in [
            (self.strip(LAB_D, "stripped.pcapng"), []),
            (self.strip(NESTED, "nested.pcapng"), []),
            (self.copy(LAB_D), ["--disable-protocol", "vxlan"]),
            (self.copy(LAB_D), ["-d", "udp.port==4789,data"]),
        ]:
            for layers, _ in self.packets(capture, *args):
                self.assertEqual((self.below(layers), self.above(layers)), ("frame", "eth"))

    def test_the_vni_covers_its_bytes(self):
        for layers, ours in self.packets(self.copy(LAB_D)):
            self.assertEqual((ours.get("pos"), ours.get("size")), ("42", "8"))
            vni = ours.find("field[@name='vpcmirror.vni']")
            self.assertEqual((vni.get("pos"), vni.get("size")), ("46", "3"))
            self.assertEqual(vni.get("value"), "04b454")
            source = ours.find("field[@name='vpcmirror.source.ip']")
            self.assertEqual(source.get("size"), "0")
        for layers, ours in self.packets(self.strip(LAB_D, "stripped.pcapng")):
            for item in ours.iter():
                self.assertEqual(item.get("size"), "0")

    def test_text(self):
        sessions = self.sessions_file()
        option = f"vpcmirror.session_file:{self.inside(sessions)}"
        shown = []
        for capture in [self.copy(LAB_D), self.strip(LAB_D, "stripped.pcapng")]:
            ran = self.tshark("-r", capture, "-c", "1", "-O", "vpcmirror", "-o", option)
            lines = ran.lines
            start = next(i for i, line in enumerate(lines) if "VPC Traffic Mirroring" in line)
            ours = [lines[start]]
            for line in lines[start + 1 :]:
                if not line.startswith("    "):
                    break
                ours.append(line)
            shown += [*ours, ""]
        self.expect("text", "\n".join(shown))

    def test_json(self):
        ran = self.tshark("-r", self.copy(LAB_D), "-c", "1", "-T", "json", "-j", "vpcmirror")
        ours = json.loads(ran.out)[0]["_source"]["layers"]["vpcmirror"]
        want = {
            "vpcmirror.vni": "308308",
            "vpcmirror.source.ip": "10.0.1.15",
            "vpcmirror.session": "vni-308308@10.0.1.15",
            "vpcmirror.direction": "egress",
        }
        self.assertEqual(ours, want)


class TheCaptureThatAwsMirrored(Tests):
    """A hundred packets of 2019, published by the Suricata project."""

    def test_each_packet_has_a_name_a_direction_and_an_eni(self):
        corpus = os.environ.get("MIRROR_PCAP_CORPUS")
        paths = sorted(Path(corpus).rglob("*vxlan-decoder-03*vxlan.pcap")) if corpus else []
        if not paths:
            raise unittest.SkipTest("no capture that AWS mirrored; MIRROR_PCAP_CORPUS names its folder")
        capture = self.copy(paths[0], "aws.pcap")
        (source,) = {row[0] for row in self.fields(capture, ["source.ip"])}
        # The MAC is what the frames that it sent have in common.
        ran = self.tshark(
            *["-r", capture, "-Y", 'vpcmirror.direction == "egress"', "-c", "20"],
            *["-T", "fields", "-e", "eth.src", "-E", "occurrence=l"],
        )
        (mac,) = set(ran.lines)
        document = {
            "schema": "mirror-pcap/sessions/1",
            "sessions": [
                {
                    "name": "sensor",
                    "id": "tms-0a",
                    "vni": 5569041,
                    "eni": {"id": "eni-0a", "mac": mac, "addresses": [source]},
                }
            ],
        }
        sessions = self.file("aws.json", json.dumps(document))
        option = f"vpcmirror.session_file:{self.inside(sessions)}"
        rows = self.fields(capture, ["vni", "session.name", "eni", "direction"], "-o", option)
        self.assertEqual(len(rows), 100)
        self.assertEqual({tuple(row[:3]) for row in rows}, {("5569041", "sensor", "eni-0a")})
        self.assertEqual({row[3] for row in rows}, {"ingress", "egress"})
        # tshark's own view of the inner MACs is the second opinion.
        ran = self.tshark("-r", capture, "-T", "fields", "-e", "eth.src", "-E", "occurrence=l")
        for row, inner_source in zip(rows, ran.lines):
            self.assertEqual(row[3] == "egress", inner_source == mac)
