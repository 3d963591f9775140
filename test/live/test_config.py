# SPDX-License-Identifier: Apache-2.0
"""mcosd's configuration: the file, the environment, the flags; what is wrong is named."""
import os
import subprocess

from world import MCOSD


def run(*args, env=None):
    return subprocess.run([MCOSD, *map(str, args)], capture_output=True, text=True, timeout=30,
                          env={**os.environ, **(env or {})})


def test_defaults_need_no_file():
    done = run("--check-config")
    assert done.returncode == 0, done.stderr


def test_an_unknown_key_is_refused_with_file_and_line(tmp_path):
    conf = tmp_path / "mcosd.conf"
    conf.write_text('cluster = "a"\n\ncolour = "blue"\n')
    done = run("--config", conf, "--check-config")
    assert done.returncode == 2
    assert f"{conf}:3" in done.stderr and "colour" in done.stderr


def test_a_bad_value_is_refused_with_file_and_line(tmp_path):
    conf = tmp_path / "mcosd.conf"
    conf.write_text('cluster = "a"\nannounce_interval = soon\n')
    done = run("--config", conf, "--check-config")
    assert done.returncode == 2
    assert f"{conf}:2" in done.stderr and "announce_interval" in done.stderr


def test_flags_win_over_environment_over_file(tmp_path):
    conf = tmp_path / "mcosd.conf"
    conf.write_text('cluster = "file"\nregion = "file"\nzone = "file"\n')
    done = run("--config", conf, "--print-config", "--cluster", "flag",
               env={"MCOSD_CLUSTER": "env", "MCOSD_REGION": "env"})
    lines = {line.split(" = ")[0]: line for line in done.stdout.splitlines()}
    assert '"flag"' in lines["cluster"] and "flag" in lines["cluster"].split("#")[1]
    assert '"env"' in lines["region"] and "MCOSD_REGION" in lines["region"]
    assert '"file"' in lines["zone"] and f"{conf}:3" in lines["zone"]


def test_bad_flags_are_named(tmp_path):
    for args, word in ((["--cluster", "Bad Name"], "cluster"), (["--colour"], "--colour"),
                       (["--announce", "loud"], "announce"), (["--bus", "amqp"], "bus"),
                       (["--announce-interval", "nan"], "announce_interval"),
                       (["--http", "0.0.0.0:80"], "0.0.0.0"), (["extra"], "extra")):
        done = run(*args, "--data", tmp_path / "d", "--bus", f"sqlite:{tmp_path}/bus.db") \
            if word == "0.0.0.0" else run(*args, "--check-config")
        assert done.returncode != 0 and word in done.stderr, (args, done.stderr)
