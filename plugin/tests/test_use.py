# SPDX-License-Identifier: GPL-2.0-or-later
"""The ways in which people ask: filters, statistics, columns, colours, the list of fields."""

import re
import shlex
import subprocess

from harness import CAPTURES, FIELDS, PLUGIN, PROJECT, Tests

LAB_D = CAPTURES / "lab-d" / "input.pcapng"
CUT = CAPTURES / "packet-length-cut" / "input.pcapng"
TWO = CAPTURES / "same-flow-two-vnis" / "input.pcapng"


class Filters(Tests):
    def count(self, capture, wanted, *args):
        return len(self.tshark("-r", capture, "-Y", wanted, *args).lines)

    def test_each_field_can_be_asked_for(self):
        sessions = self.sessions_file()
        named = ["-o", f"vpcmirror.session_file:{self.inside(sessions)}"]
        wanted = [
            ("vpcmirror", 58),
            ("not vpcmirror", 0),
            ("vpcmirror.vni == 308308", 58),
            ("vpcmirror.vni == 308309", 0),
            ("vpcmirror.source.ip == 10.0.1.0/24", 58),
            ("vpcmirror.source.ipv6", 0),
            ('vpcmirror.session == "web 1"', 58),
            ('vpcmirror.session.name == "web 1"', 58),
            ('vpcmirror.session.name contains "web"', 58),
            ('vpcmirror.session.id == "tms-0d000000000000015"', 58),
            ("vpcmirror.session.number == 1", 58),
            ('vpcmirror.eni == "eni-0d000000000000015"', 58),
            ('vpcmirror.target == "tmt-0d000000000000099"', 58),
            ('vpcmirror.filter == "tmf-0d000000000000001"', 58),
            ('vpcmirror.direction == "ingress"', 26),
            ('vpcmirror.direction == "egress"', 32),
            ("vpcmirror.direction == egress", 32),
            ('vpcmirror.direction contains "gress"', 58),
            ('vpcmirror.direction matches "^E"', 32),
            ("vpcmirror.vni.unknown", 0),
            ("vpcmirror.cut", 0),
            ("vpcmirror.original_length", 0),
            ("vpcmirror.endpoint", 0),
        ]
        # One run counts for all of them.
        statistics = "io,stat,0," + ",".join(wanted for wanted, _ in wanted)
        for capture in [self.copy(LAB_D), self.strip(LAB_D, "stripped.pcapng")]:
            ran = self.tshark("-q", "-r", capture, "-z", statistics, *named)
            (row,) = re.findall(r"^\|.*<>.*\|$", ran.out, re.MULTILINE)
            frames = [int(cell.split()[0]) for cell in row.split("|")[2:-1][::2]]
            for (wanted_by, count), found in zip(wanted, frames, strict=True):
                with self.subTest(f"{capture.name}: {wanted_by}"):
                    self.assertEqual(found, count)

    def test_in_two_passes(self):
        ran = self.tshark(
            "-r", self.copy(LAB_D), "-2", "-R", 'vpcmirror.direction == "egress"', "-Y", "tcp"
        )
        one = self.tshark("-r", self.copy(LAB_D), "-Y", 'vpcmirror.direction == "egress" && tcp')
        self.assertTrue(ran.lines)
        self.assertEqual(len(ran.lines), len(one.lines))

    def test_sessions_are_told_apart(self):
        capture = self.copy(TWO)
        ours = self.count(capture, "vpcmirror.vni == 308308"), self.count(capture, "vpcmirror.vni == 308309")
        # VXLAN's own field, where no frame has a VXLAN of its own, is the second opinion.
        theirs = self.count(capture, "vxlan.vni == 308308"), self.count(capture, "vxlan.vni == 308309")
        self.assertEqual(ours, theirs)
        self.assertTrue(all(ours))


class ExpertInfos(Tests):
    def infos(self, capture, *args):
        ran = self.tshark("-q", "-r", capture, "-z", "expert", *args)
        return re.findall(r"^\s+(\d+)\s+(\w+)\s+VPC Mirroring\s+(.*?)\s*$", ran.out, re.MULTILINE)

    def test_nothing_is_odd_about_an_unknown_session_if_none_is_known(self):
        self.assertEqual(self.infos(self.copy(LAB_D)), [])

    def test_an_unknown_session_is_told_if_some_are_known(self):
        row = 'uat:vpcmirror_sessions:"1","","other","","","","","","","",""'
        want = [("58", "Undecoded", "No known session has this VNI and source")]
        for capture in [self.copy(LAB_D), self.strip(LAB_D, "stripped.pcapng")]:
            self.assertEqual(self.infos(capture, "-o", row), want)
            shown = self.tshark("-r", capture, "-Y", "vpcmirror.vni.unknown", "-o", row)
            self.assertEqual(len(shown.lines), 58)

    def test_two_that_it_could_be_are_told(self):
        row = 'uat:vpcmirror_sessions:"308308","10.0.1.15","{}","","","","","","","",""'
        infos = self.infos(self.copy(LAB_D), "-o", row.format("a"), "-o", row.format("b"))
        text = "2 known sessions could have this VNI and source; none is named"
        self.assertEqual(infos, [("58", "Undecoded", text)])

    def test_a_cut_is_told_where_strip_told_it(self):
        stripped = self.strip(CUT, "stripped.pcapng")
        lengths = [row[0] for row in self.fields(stripped, ["original_length"])]
        comments = [row[0] for row in self.fields(stripped, ["frame.comment"])]
        want = [(re.findall(r"cut_from=(\d+)", comment) or [""])[0] for comment in comments]
        self.assertTrue(any(want))
        self.assertEqual(lengths, want)
        infos = self.infos(stripped)
        self.assertEqual(sum(int(count) for count, _, _ in infos), len([w for w in want if w]))
        for _, group, text in infos:
            self.assertEqual(group, "Protocol")
            self.assertRegex(text, r"^The mirror session cut this frame; it had \d+ bytes$")

    def test_a_cut_of_a_wrapped_packet_is_told_if_someone_names_the_length(self):
        wrapped = self.copy(CUT)
        self.assertEqual(self.infos(wrapped), [])
        stripped = self.strip(CUT, "stripped.pcapng")
        cut = [row for row in self.fields(stripped, ["original_length", "frame.cap_len"]) if row[0]]
        length = max(int(captured) for _, captured in cut)
        row = f'uat:vpcmirror_sessions:"308308","","a","","","","","","","","{length}"'
        shown = self.fields(wrapped, ["original_length"], "-o", row)
        want = [row[0] for row in cut if int(row[1]) == length]
        self.assertEqual([row[0] for row in shown if row[0]], want)


class Statistics(Tests):
    """`-z vpcmirror,tree`."""

    def tree(self, capture, *args):
        ran = self.tshark("-q", "-r", capture, "-z", "vpcmirror,tree", *args)
        rows = []
        for line in ran.lines:
            found = re.match(r"^( *)(\S.*?)  +(\d+) ", line)
            if found and "Topic" not in line:
                rows.append((len(found[1]), found[2], int(found[3])))
        return rows

    def test_sessions_and_directions_are_counted(self):
        sessions = self.sessions_file()
        named = ["-o", f"vpcmirror.session_file:{self.inside(sessions)}"]
        want = [
            (0, "Mirrored packets", 58),
            (1, "web 1 (vni-308308@10.0.1.15)", 58),
            (2, "egress", 32),
            (2, "ingress", 26),
        ]
        for capture in [self.copy(LAB_D), self.strip(LAB_D, "stripped.pcapng")]:
            self.assertEqual(self.tree(capture, *named), want)

    def test_sessions_of_one_name_are_counted_apart(self):
        """As those of one template have it; they were one line, with the packets of both."""
        option = 'uat:vpcmirror_sessions:"{}","","web","","","","","","","",""'
        named = [word for vni in (308308, 308309) for word in ("-o", option.format(vni))]
        tree = self.tree(self.copy(TWO), *named)
        for vni, source in [(308308, "10.0.1.15"), (308309, "10.0.1.16")]:
            count = len(self.tshark("-r", self.copy(TWO), "-Y", f"vxlan.vni == {vni}").lines)
            self.assertIn((1, f"web (vni-{vni}@{source})", count), tree)

    def test_without_names_the_address_and_vni_stand_for_them(self):
        tree = self.tree(self.copy(LAB_D))
        self.assertEqual(tree[1], (1, "vni-308308@10.0.1.15", 58))
        self.assertEqual(sum(count for depth, _, count in tree if depth == 2), 58)

    def test_cuts_are_counted(self):
        stripped = self.strip(CUT, "stripped.pcapng")
        cut = len(self.tshark("-r", stripped, "-Y", "vpcmirror.cut").lines)
        self.assertIn((2, "cut by the session", cut), self.tree(stripped))

    def test_a_filter_limits_it(self):
        tree = self.tree(self.copy(LAB_D), "-Y", "tcp")
        self.assertTrue(tree)
        ran = self.tshark("-q", "-r", self.copy(LAB_D), "-z", "vpcmirror,tree,tcp")
        tcp = len(self.tshark("-r", self.copy(LAB_D), "-Y", "tcp").lines)
        self.assertRegex(ran.out, rf"Mirrored packets +{tcp} ")

    def test_other_statistics_go_on(self):
        for what in ["conv,tcp", "follow,tcp,ascii,0", "endpoints,ip"]:
            self.assertTrue(self.tshark("-q", "-r", self.copy(LAB_D), "-z", what).out)


class Looks(Tests):
    def test_columns(self):
        sessions = self.sessions_file()
        columns = (
            'gui.column.format:"No.","%m","Session","%Cus:vpcmirror.session:0:R",'
            '"Direction","%Cus:vpcmirror.direction:0:R","VNI","%Cus:vpcmirror.vni:0:R"'
        )
        option = f"vpcmirror.session_file:{self.inside(sessions)}"
        for capture in [self.copy(LAB_D), self.strip(LAB_D, "stripped.pcapng")]:
            ran = self.tshark("-r", capture, "-c", "1", "-o", option, "-o", columns)
            self.assertEqual(ran.out.split(), ["1", "web", "1", "egress", "308308"])

    def test_colouring(self):
        self.file("config/colorfilters", '@from web@vpcmirror.direction == "egress"@[0,0,0][65535,65535,0]\n')
        ran = self.tshark("-r", self.copy(LAB_D), "--color", "-V")
        self.assertEqual(ran.out.count("Coloring Rule Name: from web"), 30)


class TheReadme(Tests):
    """What the project's README and the plugin's show works as it stands there."""

    def test_the_projects_example(self):
        readme = (PROJECT / "README.md").read_text()
        section = readme.split("## In Wireshark", 1)[1].split("\n## ", 1)[0]
        blocks = re.findall(r"^```text\n(\$ tshark .*?)^```", section, re.MULTILINE | re.DOTALL)
        self.assertTrue(blocks)
        sessions = self.sessions_file()
        for block in blocks:
            command, *want = block.splitlines()
            words = [
                word.replace(":known.json", f":{self.inside(sessions)}")
                for word in shlex.split(command)[2:]
            ]
            capture = words.index("-r") + 1
            words[capture] = self.copy(PROJECT / words[capture])
            self.assertEqual(self.tshark(*words).lines, want)

    def test_the_row_and_the_colours(self):
        readme = (PROJECT / "plugin" / "README.md").read_text()
        row, = re.findall(r'^"308308",.*$', readme, re.MULTILINE)
        self.file("config/vpcmirror_sessions", "# a comment\n" + row + "\n")
        rules = re.findall(r"^@.*$", readme, re.MULTILINE)
        self.file("config/colorfilters", "\n".join(rules) + "\n")
        ran = self.tshark("-r", self.copy(LAB_D), "--color", "-V")
        self.assertEqual(ran.out.count("[Session name: web 1]"), 58)
        self.assertEqual(ran.out.count("Coloring Rule Name: mirror ingress"), 26)
        (option,) = re.findall(r"-o '(uat:[^']*)'", readme)
        (self.config / "vpcmirror_sessions").unlink()
        names = self.fields(self.copy(LAB_D), ["session.name"], "-o", option)
        self.assertEqual({name for (name,) in names}, {"web 1"})


class TheListOfFields(Tests):
    def shown(self):
        ran = self.tshark("-G", "fields")
        rows = [line.split("\t") for line in ran.lines]
        return [row for row in rows if len(row) > 2 and row[2].split(".")[0] == "vpcmirror"]

    def test_protocol_and_fields_are_the_same_in_every_version(self):
        lines = []
        for kind, name, abbrev, *more in self.shown():
            # What kind of number it is; other columns have changed their form.
            lines.append("|".join([kind, name, abbrev, *more[:1], *more[4:5]]))
        self.expect("fields", "\n".join(lines) + "\n")

    def test_no_title_is_that_of_another_column(self):
        """"Apply as Column" takes the field's name; there was a second "Source"."""
        titles = [row[1] for row in self.shown() if row[0] == "F"]
        own = {"No.", "Time", "Source", "Destination", "Protocol", "Length", "Info"}
        general = {"Session", "Target", "Filter", "Endpoint", "Direction"}
        self.assertFalse(set(titles) & (own | general))
        twice = {title for title in titles if titles.count(title) > 1}
        self.assertEqual(twice, {"Mirror source"}, "of IPv4 and of IPv6")

    def test_the_readme_has_each_field_and_no_other(self):
        readme = (PROJECT / "plugin" / "README.md").read_text()
        told = re.findall(r"^\| `(vpcmirror\.[a-z0-9_.]+)` \| ([A-Z]\w*)", readme, re.MULTILINE)
        shown = [(row[2], row[3]) for row in self.shown() if row[0] == "F"]
        names = {
            "FT_UINT16": "Number", "FT_UINT24": "Number", "FT_UINT32": "Number", "FT_IPv4": "IPv4",
            "FT_IPv6": "IPv6", "FT_STRING": "Text", "FT_NONE": "Expert",
        }
        self.assertEqual(told, [(name, names[kind]) for name, kind in shown])
        self.assertEqual([f"vpcmirror.{name}" for name in FIELDS], [name for name, _ in told[:13]])

    def test_the_readme_has_each_preference_and_no_other(self):
        readme = (PROJECT / "plugin" / "README.md").read_text()
        told = re.findall(r"^\| `(vpcmirror\.\w+)` \| [^A-Z]", readme, re.MULTILINE)
        preferences = self.tshark("-G", "defaultprefs").out
        shown = re.findall(r"^#?(vpcmirror\.\w+):", preferences, re.MULTILINE)
        self.assertEqual(sorted(told), sorted(shown))

    def test_what_wireshark_looks_for_is_exported(self):
        ran = subprocess.run(["nm", "-D", "--defined-only", PLUGIN], capture_output=True, text=True)
        names = {line.split()[-1] for line in ran.stdout.splitlines()}
        wanted = "version want_major want_minor describe register".split()
        self.assertLessEqual({f"plugin_{name}" for name in wanted}, names)
        # The rest is for ourselves, and ours by name.
        self.assertFalse({name for name in names if not name.startswith(("plugin_", "vpcmirror_"))})
