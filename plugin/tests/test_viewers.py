# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that show packets in another order than a file has them, or before it ends.

sharkd serves the packet list and the tree of web interfaces, from the same code as Wireshark's
window: packets are read once in order, and each again when someone looks at it.
"""

import json
import random
import unittest
from pathlib import Path

from harness import CAPTURES, CHROOT, DOCUMENTS, FIELDS, Tests

LAB_D = CAPTURES / "lab-d" / "input.pcapng"
GWLB = CAPTURES / "gwlb" / "input.pcapng"
NAMES = ["vni", "session.name", "direction", "source.ip", "eni"]


def has(tool):
    return ((CHROOT or Path("/")) / "usr" / "bin" / tool).exists()


def of_tree(nodes, found):
    """Our fields among the nodes of a tree, as the filters by which they would be asked for."""
    for node in nodes:
        wanted = node.get("f", "")
        if wanted.startswith("vpcmirror."):
            found.append(wanted)
        of_tree(node.get("n", []), found)
    return found


class Viewers(Tests):
    def setUp(self):
        super().setUp()
        documents = [word for path in sorted(DOCUMENTS.glob("*.json")) for word in ("--config", path)]
        self.stripped = self.strip(LAB_D, "stripped.pcapng", *documents)

    @unittest.skipUnless(has("sharkd"), "no sharkd")
    def test_in_any_order_the_same_is_shown(self):
        dice = random.Random(1)
        for capture in [self.stripped, self.copy(LAB_D), self.copy(GWLB)]:
            want = self.fields(capture, NAMES)
            order = [dice.randrange(len(want)) for _ in range(200)]
            columns = {f"column{at}": f"vpcmirror.{name}:1" for at, name in enumerate(NAMES)}
            asked = [("load", {"file": self.inside(capture)}), ("frames", columns)]
            asked += [("frame", {"frame": at + 1, "proto": True}) for at in order]
            asked += [("frames", columns)]
            requests = [
                {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
                for number, (method, params) in enumerate(asked, 1)
            ]
            text = "".join(json.dumps(request) + "\n" for request in requests)
            ran = self.run_tool("sharkd", "-", stdin=text)
            answers = [json.loads(line) for line in ran.lines if line.startswith("{")]
            answers = {answer["id"]: answer["result"] for answer in answers}
            for rows in (answers[2], answers[len(requests)]):
                self.assertEqual([row["c"] for row in rows], want)
            for number, at in enumerate(order, 3):
                shown = of_tree(answers[number]["tree"], [])
                values = dict(zip(NAMES, want[at]))
                for name, value in values.items():
                    value = value if name in ("vni", "source.ip") else f'"{value}"'
                    of_field = [f for f in shown if f.startswith(f"vpcmirror.{name} ")]
                    expected = [f"vpcmirror.{name} == {value}"] if values[name] else []
                    self.assertEqual(of_field, expected)

    @unittest.skipUnless(has("sharkd"), "no sharkd")
    def test_a_capture_that_is_opened_anew_is_read_anew(self):
        """What packets of another one have shown is forgotten, or the first packets would be told
        what only the last ones taught."""
        captures = [self.copy(LAB_D), self.copy(GWLB), self.copy(LAB_D), self.copy(LAB_D)]
        asked = []
        for capture in captures:
            asked.append(("load", {"file": self.inside(capture)}))
            asked.append(("frames", {"column0": "vpcmirror.direction:1"}))
        requests = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(asked, 1)
        ]
        text = "".join(json.dumps(request) + "\n" for request in requests)
        ran = self.run_tool("sharkd", "-", stdin=text)
        answers = [json.loads(line) for line in ran.lines if line.startswith("{")]
        answers = {answer["id"]: answer["result"] for answer in answers}
        for number, capture in enumerate(captures, 1):
            rows = [row["c"] for row in answers[2 * number]]
            self.assertEqual(rows, self.fields(capture, ["direction"]))

    @unittest.skipUnless(has("dumpcap"), "no dumpcap")
    def test_a_capture_that_comes_through_a_pipe(self):
        """As in `mirror-pcap strip - - | wireshark -k -i -`."""
        for capture in [self.stripped, self.copy(LAB_D)]:
            want = self.fields(capture, FIELDS)
            command = ["-i", "-", "-T", "fields", "-E", "separator=|"]
            for name in FIELDS:
                command += ["-e", f"vpcmirror.{name}"]
            ran = self.run_tool("tshark", "-n", *command, stdin=capture.read_bytes())
            self.assertEqual(ran.status, 0, ran.err)
            self.assertEqual([line.split("|") for line in ran.lines], want)
