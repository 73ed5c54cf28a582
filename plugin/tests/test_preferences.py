# SPDX-License-Identifier: GPL-2.0-or-later
"""The preferences: what they do, and what is said when they are wrong."""

import json
import os

from harness import CAPTURES, DOCUMENTS, Tests

LAB_D = CAPTURES / "lab-d" / "input.pcapng"
TWO = CAPTURES / "same-flow-two-vnis" / "input.pcapng"


def row(*columns):
    """A row of the table on the command line; what isn't given is empty."""
    columns = [*columns, *[""] * (11 - len(columns))]
    return "uat:vpcmirror_sessions:" + ",".join(f'"{column}"' for column in columns)


def sessions(*list_of):
    return json.dumps({"schema": "mirror-pcap/sessions/1", "sessions": list(list_of)})


WEB = {"name": "web 1", "vni": 308308, "eni": {"addresses": ["10.0.1.15"]}}


class TheSessionsFile(Tests):
    def names(self, *args, **more):
        rows = self.fields(self.copy(LAB_D), ["session.name"], *args, **more)
        self.assertEqual(len(rows), 58)
        return {row[0] for row in rows}

    def option(self, path):
        return ["-o", f"vpcmirror.session_file:{self.inside(path)}"]

    def test_on_the_command_line(self):
        path = self.file("s.json", sessions(WEB))
        self.assertEqual(self.names(*self.option(path)), {"web 1"})

    def test_in_the_preferences(self):
        path = self.file("s.json", sessions(WEB))
        self.file("config/preferences", f"vpcmirror.session_file: {self.inside(path)}\n")
        self.assertEqual(self.names(), {"web 1"})

    def test_in_the_configuration_folder_if_nobody_names_one(self):
        self.assertEqual(self.names(), {""})
        self.file("config/vpcmirror_sessions.json", sessions(WEB))
        self.assertEqual(self.names(), {"web 1"})
        other = self.file("s.json", sessions({**WEB, "name": "other"}))
        self.assertEqual(self.names(*self.option(other)), {"other"})

    def test_a_file_that_is_not_there_is_told_and_dissection_goes_on(self):
        says = "tshark: vpcmirror: cannot read /no/such: No such file or directory (os error 2)\n"
        self.assertEqual(self.names(*self.option("/no/such"), says=says), {""})

    def test_what_is_no_file_is_told_and_nobody_waits_for_it(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe, 0o666)
        for path in [pipe, self.folder]:
            says = f"tshark: vpcmirror: cannot read {self.inside(path)}: not a regular file\n"
            self.assertEqual(self.names(*self.option(path), says=says), {""})

    def test_what_is_wrong_in_it_is_told_with_its_place(self):
        bad = {"name": 7, "vni": 16777216, "eni": {"mac": "x", "addresses": ["10.0.1"]}}
        path = self.file("s.json", sessions(bad))
        ran = self.run_tool("tshark", "-n", *self.option(path), "-r", self.copy(LAB_D))
        self.assertEqual((ran.status, len(ran.lines)), (0, 58))
        first, *more = ran.err.splitlines()
        self.assertTrue(first.startswith(f"tshark: vpcmirror: {self.inside(path)}: /sessions/0/"))
        for place in ["/name", "/vni", "/eni/mac", "/eni/addresses/0"]:
            self.assertIn(f"/sessions/0{place}: found ", ran.err)
        self.assertIn("expected a whole number from 0 to 16777215", ran.err)
        self.assertEqual(ran.err.count("/sessions/0/"), len(more) + 1, ran.err)

    def test_what_is_no_json_is_told_with_line_and_column(self):
        path = self.file("s.json", '{\n  "schema": }')
        ran = self.run_tool("tshark", "-n", *self.option(path), "-r", self.copy(LAB_D))
        self.assertEqual((ran.status, len(ran.lines)), (0, 58))
        self.assertIn(f"{self.inside(path)}: line 2, column ", ran.err)

    def test_a_document_of_aws_is_told_to_go_through_the_command(self):
        for name, content in [
            ("sessions.json", (DOCUMENTS / "sessions.json").read_bytes()),
            ("template.yaml", "AWSTemplateFormatVersion: 2010-09-09\nResources: {}\n"),
        ]:
            path = self.file(name, content)
            ran = self.run_tool("tshark", "-n", *self.option(path), "-r", self.copy(LAB_D))
            self.assertEqual((ran.status, len(ran.lines)), (0, 58))
            (line,) = ran.err.splitlines()
            self.assertIn("expected a sessions file, which `mirror-pcap config show --json` makes", line)

    def test_a_file_of_problems_is_not_a_wall_of_text(self):
        path = self.file("s.json", sessions(*[{"vni": "x"}] * 5000))
        ran = self.run_tool("tshark", "-n", *self.option(path), "-r", self.copy(LAB_D))
        self.assertEqual((ran.status, len(ran.lines)), (0, 58))
        self.assertEqual(len(ran.err.splitlines()), 11)
        self.assertIn("and 4990 more", ran.err)

    def test_nothing_in_it_reaches_a_terminal_unescaped(self):
        path = self.file("s\u001b[2J.json", sessions({"\u001b[2J\u202e": 1}))
        ran = self.run_tool("tshark", "-n", *self.option(path), "-r", self.copy(LAB_D))
        self.assertEqual(ran.status, 0)
        self.assertTrue(ran.err)
        self.assertNotIn("\u001b", ran.err + ran.out)
        self.assertNotIn("\u202e", ran.err + ran.out)
        path = self.file("s.json", sessions({**WEB, "name": "a\u0000b\u001b[2J\u202ec"}))
        name = r"a\u{0}b\u{1b}[2J\u{202e}c"
        rows = self.fields(self.copy(LAB_D), ["session.name"], *self.option(path))
        self.assertEqual({row[0].replace("\\\\", "\\") for row in rows}, {name})

    def test_it_may_be_large(self):
        many = [{**WEB, "vni": vni, "name": f"n{vni}"} for vni in range(300_000, 310_000)]
        path = self.file("s.json", sessions(*many))
        self.assertEqual(self.names(*self.option(path)), {"n308308"})


class TheTable(Tests):
    def first(self, *args, **more):
        names = ["session.id", "session.name", "session.number", "eni", "target", "filter", "direction"]
        rows = self.fields(self.copy(LAB_D), names, *args, **more)
        self.assertEqual(len(rows), 58)
        return rows

    def test_on_the_command_line(self):
        full = row(
            "308308", "10.0.1.15", "web, 1", "tms-1", "3", "eni-1", "tmt-1", "tmf-1", "", "02:15:0a:00:01:0f"
        )
        shown = self.first("-o", row("1", "", "other"), "-o", full)
        self.assertEqual({tuple(row[:6]) for row in shown}, {("tms-1", "web, 1", "3", "eni-1", "tmt-1", "tmf-1")})
        self.assertEqual({row[6] for row in shown}, {"ingress", "egress"}, "the MAC tells all")

    def test_as_a_file_and_of_a_profile(self):
        line = ",".join(f'"{column}"' for column in ["308308", "", "{}", *[""] * 8]) + "\n"
        self.file("config/vpcmirror_sessions", line.format("default"))
        self.file("config/profiles/lab/vpcmirror_sessions", line.format("lab"))
        for path in [self.config / "profiles", self.config / "profiles" / "lab"]:
            path.chmod(0o755)
        self.assertEqual({row[1] for row in self.first()}, {"default"})
        self.assertEqual({row[1] for row in self.first("-C", "lab")}, {"lab"})

    def test_a_row_puts_the_sessions_file_right(self):
        path = self.file("s.json", sessions(WEB))
        option = ["-o", f"vpcmirror.session_file:{self.inside(path)}"]
        self.assertEqual({row[1] for row in self.first(*option)}, {"web 1"})
        self.assertEqual(
            {row[1] for row in self.first(*option, "-o", row("308308", "10.0.1.15", "mine"))}, {"mine"}
        )

    def test_a_wrong_row_is_told_with_its_column(self):
        for columns, says in [
            (["16777216"], 'vni: found "16777216", expected a number from 0 to 16777215'),
            ([""], 'vni: found "", expected a number from 0 to 16777215'),
            (["1", "10.0.1"], 'source: found "10.0.1", expected addresses, and prefixes such as'),
            (["1", "", "", "", "0"], 'number: found "0", expected a number from 1 to 32766'),
            (["1", *[""] * 8, "zz"], 'mac: found "zz", expected six pairs of hexadecimal digits'),
        ]:
            ran = self.run_tool("tshark", "-o", row(*columns), "-r", self.copy(LAB_D))
            self.assertNotEqual(ran.status, 0)
            self.assertIn(says, ran.err)

    def test_a_wrong_row_of_a_file_is_told_with_its_table(self):
        good = ",".join(f'"{column}"' for column in ["308308", "", "web", *[""] * 8]) + "\n"
        self.file("config/vpcmirror_sessions", good + good.replace("308308", "x"))
        ran = self.run_tool("tshark", "-n", "-r", self.copy(LAB_D))
        self.assertEqual((ran.status, len(ran.lines)), (0, 58))
        self.assertIn("VPC mirror sessions", ran.err)
        self.assertIn('vni: found "x", expected a number from 0 to 16777215', ran.err)


class TheOthers(Tests):
    def test_only_known_sessions(self):
        capture = self.copy(TWO)
        only = ["-o", "vpcmirror.only_known:TRUE"]

        def vnis(capture, *args):
            shown = self.fields(capture, ["vni"], "-Y", "vpcmirror", *args)
            return {vni for (vni,) in shown}

        self.assertEqual(vnis(capture), {"308308", "308309"})
        self.assertEqual(vnis(capture, *only), set())
        self.assertEqual(vnis(capture, *only, "-o", row("308309")), {"308309"})
        # What was stripped is somebody's session without doubt.
        stripped = self.strip(TWO, "stripped.pcapng")
        self.assertEqual(vnis(stripped, *only), {"308308", "308309"})

    def test_what_is_neither_on_nor_off_is_refused(self):
        """Wireshark would have taken it for off."""
        capture = self.copy(TWO)

        def option(value):
            return ["-o", f"vpcmirror.only_known:{value}"]

        for value in ["maybe", "1", "", "TRUE x"]:
            says = f'tshark: vpcmirror: only_known: found "{value}", expected TRUE or FALSE\n'
            shown = self.tshark("-r", capture, "-Y", "vpcmirror", *option(value), says=says)
            self.assertTrue(shown.lines)
        for value, is_on in [("TRUE", True), ("true", True), ("FALSE", False), ("false", False)]:
            shown = self.tshark("-r", capture, "-Y", "vpcmirror", *option(value))
            self.assertEqual(not shown.lines, is_on)
        # As Wireshark's preferences dialog has kept it.
        self.file("config/preferences", "vpcmirror.only_known: TRUE\n")
        self.assertFalse(self.tshark("-r", capture, "-Y", "vpcmirror").lines)

    def test_other_ports(self):
        plain = self.strip(LAB_D, "plain.pcapng")
        capture = self.copy(LAB_D)
        moved = capture.read_bytes().replace((4789).to_bytes(2, "big"), (8472).to_bytes(2, "big"))
        moved = self.file("moved.pcapng", moved)

        def count(path, *args):
            return len(self.tshark("-r", path, "-Y", "vpcmirror", *args).lines)

        def ports(text):
            return ["-o", f"vpcmirror.ports:{text}"]

        self.assertEqual(count(moved), 0)
        self.assertEqual(count(moved, *ports("4789,8472")), 58)
        self.assertEqual(count(moved, *ports("8000-9000")), 58)
        self.assertEqual(count(capture, *ports("4789,8472")), 58)
        self.assertEqual(count(capture, *ports("8472")), 0)
        self.assertEqual(count(capture, *ports("1-65535")), 58)
        self.assertEqual(count(plain, *ports("8472")), 58, "stripped is stripped")

    def test_a_wrong_port_is_told(self):
        for text in ["x", "70000-80000"]:
            ran = self.run_tool("tshark", "-o", f"vpcmirror.ports:{text}", "-r", self.copy(LAB_D))
            self.assertNotEqual(ran.status, 0)
            self.assertIn("vpcmirror.ports", ran.err)

    def test_a_disabled_protocol_is_quiet_and_leaves_others_alone(self):
        capture = self.copy(LAB_D)
        off = ["--disable-protocol", "vpcmirror"]
        self.assertEqual({row[0] for row in self.fields(capture, ["vni"], *off)}, {""})
        with_us, without = self.tshark("-r", capture), self.tshark("-r", capture, *off)
        self.assertEqual(with_us.out, without.out)
        with_us, without = (self.tshark("-r", capture, "-T", "pdml", *args) for args in ([], off))
        ours = '<proto name="vpcmirror"'
        self.assertEqual((with_us.out.count(ours), without.out.count(ours)), (58, 0))
        layers = "<proto name="
        self.assertEqual(with_us.out.count(layers), without.out.count(layers) + 58)
