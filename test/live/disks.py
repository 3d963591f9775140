# SPDX-License-Identifier: Apache-2.0
"""File systems that are really full."""
import contextlib
import subprocess

import pytest


@contextlib.contextmanager
def mounted(world, size):
    """A file system of that size in the world's folder; skips where none can be had."""
    folder = world.folder / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
                          capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"cannot mount a small file system: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        world.end()
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder):
    """No byte is left in it until the file returned is gone."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as f, contextlib.suppress(OSError):
        while f.write(bytes(4096)) == 4096:
            pass
    return filler
