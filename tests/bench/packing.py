# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What it costs to compress a tree once, as the controller does it before it sends."""
import ctypes
import pathlib
import time
from dataclasses import dataclass

LEVEL = 3  # proto/zstd_stream.cpp


@dataclass
class Packing:
    cpu_ms: float
    tree_mb: float
    packed_mb: float


def pack(tree: pathlib.Path) -> Packing:
    zstd = ctypes.CDLL("libzstd.so.1")
    for name in ("ZSTD_compress", "ZSTD_compressBound"):
        getattr(zstd, name).restype = ctypes.c_size_t
    contents = b"".join(file.read_bytes() for file in sorted(tree.rglob("*.lua")))
    room = zstd.ZSTD_compressBound(ctypes.c_size_t(len(contents)))
    packed = ctypes.create_string_buffer(room)
    ctypes.memset(packed, 1, room)  # its pages are there before the clock runs
    begin = time.thread_time()
    size = zstd.ZSTD_compress(packed, ctypes.c_size_t(room), contents, ctypes.c_size_t(len(contents)), LEVEL)
    return Packing((time.thread_time() - begin) * 1000, len(contents) / 1e6, size / 1e6)
