# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures and packets, written byte by byte."""

import struct

ENI = bytes.fromhex("02150a00010f")
PEER = bytes.fromhex("02010a000101")


def padded(text):
    return text + bytes(-len(text) % 4)


def block(kind, body):
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def option(code, text):
    return struct.pack("<HH", code, len(text)) + padded(text)


def written(descriptions, packets):
    """A capture: interfaces with these descriptions, and packets, each with its interface, its bytes
    and its comments."""
    blocks = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    for text in descriptions:
        blocks.append(block(1, struct.pack("<HHI", 1, 0, 262144) + option(3, text) + bytes(4)))
    for interface, data, comments in packets:
        head = struct.pack("<IIIII", interface, 0, 0, len(data), len(data))
        options = b"".join(option(1, comment) for comment in comments)
        blocks.append(block(6, head + padded(data) + options + bytes(4)))
    return b"".join(blocks)


def address(text):
    return bytes(map(int, text.split(".")))


def frame(source, destination, protocol, payload, macs=(ENI, PEER)):
    """An Ethernet frame with an IPv4 packet."""
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0)
    sender, receiver = macs
    return receiver + sender + b"\x08\0" + head + address(source) + address(destination) + payload


def tcp(ports, numbers, flags, data=b""):
    return struct.pack("!HHIIBBHHH", *ports, *numbers, 0x50, flags, 64240, 0, 0) + data


def udp(ports, data):
    return struct.pack("!HHHH", *ports, 8 + len(data), 0) + data


def wrapped(source, vni, inner):
    """The frame as a mirror sends it."""
    vxlan = struct.pack("!II", 0x08000000, vni << 8)
    return frame(source, "10.0.2.99", 17, udp((65496, 4789), vxlan + inner))
