# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults of our own, on demand: none of them takes Wireshark with it."""

import re
import unittest
from pathlib import Path

from harness import CAPTURES, HOOKS_PLUGIN, PROJECT, Tests

LAB_D = CAPTURES / "lab-d" / "input.pcapng"
# They ask for what must not happen otherwise.
LENIENT = {"WIRESHARK_ABORT_ON_DISSECTOR_BUG": None}


@unittest.skipUnless(HOOKS_PLUGIN, "no plugin with test hooks; see scripts/plugin-test --help")
class Faults(Tests):
    plugin = Path(HOOKS_PLUGIN or ".")

    def panicking(self, entry, *args):
        env = {"VPCMIRROR_TEST_PANIC": entry, **LENIENT}
        return self.run_tool("tshark", "-n", "-r", self.copy(LAB_D), *args, env=env)

    def test_a_panic_in_each_entry_leaves_tshark_alive(self):
        want = self.run_tool("tshark", "-n", "-r", self.copy(LAB_D)).lines
        self.assertEqual(len(want), 58)
        for entry in ["PluginRegister", "Register", "Handoff", "Load", "Show"]:
            with self.subTest(entry):
                ran = self.panicking(entry)
                self.assertEqual(ran.status, 0, ran.err)
                self.assertIn(f"asked for in {entry}", ran.err)
                self.assertEqual(len(ran.lines), 58)
                if entry != "Show":
                    self.assertEqual(ran.lines, want)
                    # What was not registered once was shown all the same: a bug on every packet.
                    self.assertNotIn("Dissector bug", self.panicking(entry, "-V").out)

    def test_these_are_all_the_entries(self):
        source = (PROJECT / "plugin" / "src" / "guard.rs").read_text()
        (entries,) = re.findall(r"enum Entry \{(.*?)\}", source, re.DOTALL)
        tested = ["PluginRegister", "Register", "Handoff", "Show", "Load", "CheckRow"]
        self.assertEqual(re.findall(r"\w+", entries), tested)
        # And every function that C can call is one of them.
        functions = set()
        for path in (PROJECT / "plugin" / "src").glob("*.rs"):
            text = path.read_text()
            if path.name != "test_hooks.rs":
                functions.update(re.findall(r'extern "C" fn (\w+)\(.*?\{\s*(\w+)', text, re.DOTALL))
        self.assertEqual(len(functions), 7)
        for name, first in functions:
            self.assertTrue(first == "guard" or name == "plugin_describe", name)

    def test_a_panic_on_a_packet_is_shown_on_that_packet(self):
        ran = self.panicking("Show", "-V", "-c", "1")
        self.assertEqual(ran.status, 0, ran.err)
        self.assertIn("Dissector bug", ran.out)
        self.assertIn("Virtual eXtensible Local Area Network", ran.out)

    def test_a_panic_in_the_check_of_a_row_refuses_the_row(self):
        row = 'uat:vpcmirror_sessions:"1","","","","","","","","","",""'
        ran = self.panicking("CheckRow", "-o", row)
        self.assertGreater(ran.status, 0)
        self.assertIn("a bug: the row could not be checked", ran.err)

    def throwing(self, where):
        env = {"VPCMIRROR_TEST_THROW": where, **LENIENT}
        return self.run_tool("tshark", "-n", "-r", self.copy(LAB_D), env=env)

    def test_an_exception_of_wireshark_skips_no_destructor(self):
        ran = self.throwing("C")
        self.assertEqual((ran.status, len(ran.lines)), (0, 58), ran.err)
        self.assertNotIn("have not ended", ran.err)

    def test_and_that_would_be_noticed(self):
        ran = self.throwing("Rust")
        self.assertNotEqual(ran.status, 0)
        self.assertIn("calls of Rust have not ended", ran.err)

    def test_broken_packets_skip_no_destructor(self):
        for path in sorted((CAPTURES.parent / "damaged").rglob("input.pcap*")):
            with self.subTest(path.parent.name):
                ran = self.run_tool("tshark", "-n", "-V", "-r", self.copy(path))
                # A file that can't be read to its end is a 2, and from 4.6 on a 14.
                self.assertIn(ran.status, (0, 2, 14), ran.err)
                self.assertNotIn("have not ended", ran.err)
