# SPDX-License-Identifier: Apache-2.0
"""libmcos as who links it meets it: installed, found by pkg-config, compiled by
somebody else's compiler, and asked beside a real agent."""
import os
import pathlib
import re
import shlex
import subprocess

import pytest

from world import BUILD, DEADLINE, ROOT, mcos, new_world, spec, until


def run(*command, **more):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          timeout=300, check=False, **more)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


class Installed:
    """What `meson install` makes, below a folder of the test's own."""

    def __init__(self, folder):
        self.root = folder / "root"
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet",
            env={**os.environ, "DESTDIR": str(self.root)})
        [self.pc] = self.root.rglob("mcos.pc")
        self.lib = self.pc.parent.parent
        self.env = {**os.environ, "PKG_CONFIG_PATH": str(self.pc.parent),
                    "PKG_CONFIG_SYSROOT_DIR": str(self.root),
                    "LD_LIBRARY_PATH": str(self.lib)}

    def flags(self, *asked):
        return shlex.split(run("pkg-config", *asked, "mcos", env=self.env))

    def compile(self, source, program, compiler="cc", *more):
        run(compiler, "-Wall", "-Wextra", "-Wpedantic", "-Werror", *more, source, "-o",
            program, *self.flags("--cflags", "--libs"))
        return program


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    return Installed(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def eu():
    with new_world() as world:
        cluster = world.start("eu")
        assert cluster.create("photos", spec()).status == 201
        yield cluster


def promised():
    """The names of the map."""
    text = (ROOT / "src" / "lib" / "libmcos.map").read_text()
    return set(re.findall(r"^    (mcos_\w+);", text, re.M))


def test_exactly_the_promised_symbols_are_shown(installed):
    library = installed.lib / "libmcos.so.0"
    lines = run("nm", "-D", "--defined-only", library).splitlines()
    shown = {line.split()[-1] for line in lines if " T " in line}
    others = [line for line in lines if " T " not in line and not line.endswith(" A MCOS_0")]
    assert shown == {f"{name}@@MCOS_0" for name in promised()}
    assert others == []


def test_each_promise_is_declared_in_an_installed_header(installed):
    [headers] = {path.parent for path in installed.root.rglob("resolver.h")}
    assert sorted(path.name for path in headers.iterdir()) == ["err.h", "resolver.h"]
    text = "".join(path.read_text() for path in headers.iterdir())
    declared = set(re.findall(r"\b(mcos_\w+)\(", text)) - {"mcos_key"}  # inline
    assert declared - {"mcos_err_x"} == promised()


def test_its_name_carries_the_version_of_its_promises(installed):
    dynamic = run("readelf", "-d", installed.lib / "libmcos.so")
    assert "Library soname: [libmcos.so.0]" in dynamic


@pytest.mark.parametrize("compiler, more", [
    ("cc", ["-std=c99"]), ("clang", ["-std=c11"]),
    ("g++", ["-x", "c++", "-std=c++11"]),
    ("clang++", ["-x", "c++", "-std=c++20"])])
def test_the_headers_compile_alone(installed, tmp_path, compiler, more):
    source = tmp_path / "alone.c"
    source.write_text("#include <mcos/resolver.h>\n"
                      "struct mcos_resolver_options options = MCOS_RESOLVER_OPTIONS;\n")
    run(compiler, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", *more, source,
        *installed.flags("--cflags"))


@pytest.mark.parametrize("compiler, more", [("cc", []), ("g++", ["-x", "c++"])])
def test_the_example_says_where_a_name_lives(installed, eu, tmp_path, compiler, more):
    program = installed.compile(ROOT / "examples" / "where.c", tmp_path / "where", compiler,
                                *more)
    said = run(program, f"file:{eu.data}", "photos", "AUTH_me", "cats", "1.jpg",
               env=installed.env)
    assert re.findall(r"^  (\S+) in cluster", said, re.M) == \
        eu.lookup("photos", "AUTH_me", "cats", "1.jpg")
    assert said.startswith(f"photos {eu.stamp('photos')}, partition ")


def test_the_example_says_what_is_wrong(installed, eu, tmp_path):
    program = installed.compile(ROOT / "examples" / "where.c", tmp_path / "where")

    def fails(chain, ring):
        done = subprocess.run([program, chain, ring, "a"], capture_output=True, text=True,
                              timeout=DEADLINE, check=False, env=installed.env)
        assert done.returncode == 1
        return done.stderr
    assert '"ftp://x" is no place' in fails(f"file:{eu.data},ftp://x", "photos")
    assert "not a name" in fails(f"file:{eu.data}", "Photos")
