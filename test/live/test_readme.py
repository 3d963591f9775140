# SPDX-License-Identifier: Apache-2.0
"""
The README's commands work when they are pasted as they stand: agents and commands
in one go, in a shell that stops at the first failure. Only the places below /tmp
and the ports are other ones, so that nobody's files are touched.
"""
import os
import re
import signal
import socket
import subprocess

from world import BUILD, ROOT


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_the_block_of_the_readme_can_be_pasted(tmp_path):
    text = (ROOT / "README.md").read_text()
    block = re.search(r"^## Then\n+```\n(.*?)^```", text, re.M | re.S).group(1)
    assert block.count("mcosd ") == 2 and "lookup" in block
    ports = [free_port(), free_port()]
    block = block.replace("/tmp/", f"{tmp_path}/").replace("build/src/app", f"{BUILD}/src/app")
    block = block.replace("8471", str(ports[0])).replace("8472", str(ports[1]))
    env = {**os.environ, "MCOS_SERVER": f"http://127.0.0.1:{ports[0]}", "NO_COLOR": "1"}
    shell = subprocess.Popen(["bash", "-e"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, cwd=ROOT, env=env,
                             start_new_session=True)
    try:
        out, err = shell.communicate("trap 'kill $(jobs -p)' EXIT\n" + block, timeout=120)
    finally:
        if shell.poll() is None:
            os.killpg(shell.pid, signal.SIGKILL)
    assert shell.returncode == 0, (out, err)
    looked = [line for line in out.splitlines() if line.startswith("partition ")]
    assert len(looked) == 2 and looked[0] == looked[1], (out, err)
