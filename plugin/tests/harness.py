# SPDX-License-Identifier: GPL-2.0-or-later
"""tshark with our plugin and nothing else of the user's.

Each test has a folder of its own for the configuration, so that it sets all that it depends on.
What tshark says must be the same in every version; where one differs, `expected` has a file of that
version's own.
"""

import difflib
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
CAPTURES = PROJECT / "testdata" / "captures"
DOCUMENTS = PROJECT / "testdata" / "documents"
EXPECTED = Path(__file__).resolve().parent / "expected"
CASES = sorted(
    next(folder.glob("input.pcap*")) for folder in CAPTURES.iterdir() if folder.is_dir()
)

PLUGIN = Path(os.environ["VPCMIRROR_PLUGIN"])
HOOKS_PLUGIN = os.environ.get("VPCMIRROR_HOOKS_PLUGIN")
VERSION = PLUGIN.parent.parent.name
CHROOT = Path(os.environ["VPCMIRROR_ROOT"]) if os.environ.get("VPCMIRROR_ROOT") else None

# Someone who is not root, and owns nothing.
NOBODY = 65534

FIELDS = [
    "vni",
    "source.ip",
    "source.ipv6",
    "session",
    "session.id",
    "session.name",
    "session.number",
    "eni",
    "target",
    "filter",
    "endpoint",
    "direction",
    "original_length",
]


class Ran:
    """What a tshark said, and how it ended."""

    def __init__(self, process):
        self.status = process.returncode
        self.out = process.stdout
        # The remark about root is not about us, nor is that of 4.6 about options of macOS.
        others = ("Running as user", "file_packet_provider.c:")
        lines = process.stderr.splitlines(keepends=True)
        self.err = "".join(line for line in lines if not any(other in line for other in others))

    @property
    def lines(self):
        return self.out.splitlines()


class Workbench:
    """A folder for a plugin, a configuration and captures, and tools that use them."""

    plugin = PLUGIN

    def open(self):
        """Set it up."""
        # Where the tshark can read, be it another user or in a chroot.
        self.folder = Path(tempfile.mkdtemp(prefix="vpcmirror-", dir=(CHROOT or Path("/")) / "tmp"))
        self.folder.chmod(0o755)
        self.config = self.folder / "config"
        self.config.mkdir()
        (self.folder / "home").mkdir()
        place = self.folder / "plugins" / VERSION / "epan"
        place.mkdir(parents=True)
        shutil.copy(self.plugin, place / "vpcmirror.so")
        for path in [self.folder, *self.folder.rglob("*")]:
            path.chmod(0o755)

    def close(self):
        """Take it away."""
        shutil.rmtree(self.folder)

    def inside(self, path):
        """The path as the tshark sees it."""
        path = Path(path)
        return "/" + str(path.relative_to(CHROOT)) if CHROOT and path.is_relative_to(CHROOT) else str(path)

    def file(self, name, content):
        """A file in the folder; its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(0o644)
        return path

    def copy(self, path, name=None):
        """A copy of a capture that the tshark can read."""
        return self.file(name or f"{path.parent.name}-{path.name}", path.read_bytes())

    def mirror_pcap(self, *args, env=None):
        """Run our command; it has to succeed, or to say that the input was damaged."""
        command = [os.environ["MIRROR_PCAP"], *map(str, args)]
        env = {**os.environ, **(env or {})}
        ran = subprocess.run(command, capture_output=True, text=True, env=env)
        if ran.returncode not in (0, 4):
            raise RuntimeError(f"{command}: {ran.stderr}")
        return ran.stdout

    def strip(self, capture, name, *options):
        """A capture stripped; its path."""
        path = self.folder / name
        self.mirror_pcap("strip", "--quiet", "--force", *options, capture, path)
        path.chmod(0o644)
        return path

    def sessions_file(self):
        """What the documents of the test data say, as a sessions file."""
        documents = sorted(DOCUMENTS.glob("*.json"))
        return self.file("sessions.json", self.mirror_pcap("config", "show", "--json", *documents))

    def run_tool(self, *args, env=None, stdin=b"", timeout=120):
        """tshark or a tool of its kind, as somebody who is not root."""
        settings = {
            "PATH": "/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "HOME": self.inside(self.folder / "home"),
            "WIRESHARK_PLUGIN_DIR": self.inside(self.folder / "plugins"),
            "WIRESHARK_CONFIG_DIR": self.inside(self.config),
            "WIRESHARK_ABORT_ON_DISSECTOR_BUG": "1",
            "WIRESHARK_DEBUG_WMEM_OVERRIDE": "strict",
            **(env or {}),
        }
        settings = {name: value for name, value in settings.items() if value is not None}
        command = []
        if CHROOT:
            command += ["chroot", str(CHROOT)]
        if os.geteuid() == 0:
            command += ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        command += ["env", "-i", *(f"{name}={value}" for name, value in settings.items())]
        command += [self.inside(arg) if isinstance(arg, Path) else arg for arg in args]
        stdin = stdin.encode() if isinstance(stdin, str) else stdin
        process = subprocess.run(command, input=stdin, capture_output=True, timeout=timeout, cwd="/")
        process.stdout, process.stderr = (
            text.decode(errors="backslashreplace") for text in (process.stdout, process.stderr)
        )
        return Ran(process)


class Tests(Workbench, unittest.TestCase):
    """What all tests have."""

    maxDiff = None

    def setUp(self):
        self.open()
        self.addCleanup(self.close)

    def tshark(self, *args, says="", **more):
        """tshark, which has to succeed; on standard error it says this."""
        # A list that is asked for with -G has to be the first to be asked for.
        names = [] if args[0] == "-G" else ["-n"]
        ran = self.run_tool("tshark", *names, *args, **more)
        self.assertEqual(ran.err, says)
        self.assertEqual(ran.status, 0)
        return ran

    def fields(self, capture, names, *args, **more):
        """These fields of each packet (ours, without the prefix), one list each."""
        command = ["-r", capture, "-T", "fields", "-E", "separator=|", "-E", "occurrence=a"]
        for name in names:
            command += ["-e", name if name.startswith("frame.") else f"vpcmirror.{name}"]
        ran = self.tshark(*command, *args, **more)
        return [line.split("|") for line in ran.lines]

    def expect(self, name, text):
        """Compare with the file of that name; --bless writes it."""
        path = EXPECTED / f"{name}.txt"
        own = EXPECTED / f"{name}.{VERSION}.txt"
        if os.environ.get("VPCMIRROR_BLESS"):
            EXPECTED.mkdir(exist_ok=True)
            (own if own.exists() else path).write_text(text)
            return
        want = (own if own.exists() else path).read_text()
        if text != want:
            lines = difflib.unified_diff(
                want.splitlines(), text.splitlines(), "expected", "found", lineterm=""
            )
            self.fail(f"{name}:\n" + "\n".join(lines))
