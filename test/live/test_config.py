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
                       (["--keep-versions", "1001"], "a whole number from 0 to 1000"),
                       (["--bus", "amqp://us/er:pw@h/v"], "written %2F"),
                       (["--bus", "amqp://h/v?max_message_size=1"], "64KiB at least"),
                       (["--http", "0.0.0.0:80"], "0.0.0.0"), (["extra"], "extra")):
        done = run(*args, "--data", tmp_path / "d", "--bus", f"sqlite:{tmp_path}/bus.db") \
            if word == "0.0.0.0" else run(*args, "--check-config")
        assert done.returncode != 0 and word in done.stderr, (args, done.stderr)


def test_what_the_start_would_refuse_is_found_by_the_check(tmp_path):
    folder = tmp_path / "swift.conf"
    folder.mkdir()
    for args, word in ((["--http", "0.0.0.0:80"], "0.0.0.0"), (["--http", "unix:x"], "unix:x"),
                       (["--http", "127.0.0.1"], "127.0.0.1"),
                       (["--http", "unix:/" + "x" * 200], "absolute path below"),
                       (["--swift-conf", tmp_path / "none"], f"{tmp_path}/none"),
                       (["--swift-conf", folder], str(folder))):
        done = run("--check-config", *args)
        assert done.returncode != 0 and word in done.stderr, (args, done.stderr)
        assert "good" not in done.stdout
    assert list(tmp_path.iterdir()) == [folder]
    good = run("--check-config", "--http", f"unix:{tmp_path}/s", "--http", "[::1]:0")
    assert good.returncode == 0, good.stderr


def test_a_short_patience_is_a_warning(tmp_path):
    for after, warned in (("29.9", True), ("30", False)):
        done = run("--check-config", "--announce-interval", "10", "--inactive-after", after)
        assert done.returncode == 0 and ("warning" in done.stdout) == warned, done.stdout


def test_the_help_shows_where_things_go():
    lines = {line.split()[0]: line for line in run("--help", env={"HOME": "/h"}).stdout.splitlines()
             if line.startswith("  --")}
    assert lines["--data"].endswith("/CLUSTER]") and lines["--bus"].endswith("/bus.db]")
    assert "[the host's name, " in lines["--cluster"]
