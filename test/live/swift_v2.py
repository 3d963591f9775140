# SPDX-License-Identifier: Apache-2.0
"""Version 2 of Swift's ring files, read and written from its description alone.

Debian 12's Swift knows version 1 only, so this is the judge of version 2: it goes by
the compressed places, as Swift does, and shares no line with our C code or with Swift.
"""
import hashlib
import json
import struct
import zlib


def read(data):
    """{section: bytes} of a whole file; every checksum and every place is checked."""
    plain = zlib.decompressobj(31)
    stream = plain.decompress(data) + plain.flush()
    assert plain.eof and plain.unused_data == b""
    assert stream[:6] == b"R1NG\0\2"

    def raw(start, end=None):
        return zlib.decompressobj(-15).decompress(data[start:end])

    # 13 bytes end the stream and the gzip file, 18 are one length in a stored block
    # with its flush; the one before tells the place of the index in the plain stream.
    index_at, = struct.unpack("!Q", raw(len(data) - 31)[:8])
    assert struct.unpack("!Q", stream[-8:])[0] == index_at
    text = raw(index_at)
    size, = struct.unpack("!Q", text[:8])
    assert stream[struct.unpack("!Q", stream[-16:-8])[0]:-16] == text[:8 + size]
    sections = {}
    for name, entry in json.loads(text[8:8 + size]).items():
        packed, start, packed_end, end, method, digest = entry
        blob = raw(packed, packed_end)
        assert blob == stream[start:end], name
        assert hashlib.new(method, blob).hexdigest() == digest, name
        assert struct.unpack("!Q", blob[:8])[0] == len(blob) - 8, name
        # Nothing before it is needed, so a flush stands right before it.
        assert data[packed - 4:packed] == b"\0\0\xff\xff", name
        sections[name] = blob[8:]
    return sections


def rows(sections):
    """The table of a file that was read, row by row."""
    metadata = json.loads(sections["swift/ring/metadata"])
    width = {2: "H", 4: "I", 8: "Q"}[metadata["dev_id_bytes"]]
    table = sections["swift/ring/assignments"]
    ids = struct.unpack("!%d%s" % (len(table) // metadata["dev_id_bytes"], width), table)
    parts = 1 << (32 - metadata["part_shift"])
    return [list(ids[i:i + parts]) for i in range(0, len(ids), parts)]


def write(metadata, devices, table, method="sha256", more=()):
    """The file; `more` are sections of somebody else's."""
    width = {2: "H", 4: "I", 8: "Q"}[metadata["dev_id_bytes"]]
    flat = [device for row in table for device in row]
    pieces = [("swift/ring/metadata", json.dumps(metadata, sort_keys=True).encode()),
              *more,
              ("swift/ring/devices", json.dumps(devices, sort_keys=True).encode()),
              ("swift/ring/assignments", struct.pack("!%d%s" % (len(flat), width), *flat))]
    out = bytearray(b"\x1f\x8b\x08\0\xf4\x2a\x84\x4d\x02\xff")
    plain = bytearray()

    def put(text, level):
        packer = zlib.compressobj(level, zlib.DEFLATED, -15)
        out.extend(packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH))
        plain.extend(text)

    put(b"R1NG\0\2", 0)
    index = {}
    for name, text in pieces:
        place = [len(out), len(plain)]
        blob = struct.pack("!Q", len(text)) + text
        put(blob, 9)
        index[name] = place + [len(out), len(plain), method,
                               hashlib.new(method, blob).hexdigest()]
    place = (len(out), len(plain))
    text = json.dumps(index, sort_keys=True).encode()
    put(struct.pack("!Q", len(text)) + text, 9)
    put(struct.pack("!Q", place[1]), 0)
    put(struct.pack("!Q", place[0]), 0)
    out.extend(b"\x01\0\0\xff\xff")
    out.extend(struct.pack("<II", zlib.crc32(plain), len(plain) & 0xffffffff))
    return bytes(out)
