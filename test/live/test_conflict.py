# SPDX-License-Identifier: Apache-2.0
"""
Two people change one ring at the same time on two clusters. One of them must be
told that the change lost, and can look at it: both were once told "done".
"""
import json
import subprocess

from world import MCOS, mcos, spec


def test_of_two_updates_at_once_one_is_told_that_it_lost(world):
    eu, us = world.start("eu", "us")
    made = eu.create("photos", spec())
    assert made.status == 201, made.body
    world.agree("photos", made.json["stamp"])
    etag = eu.get("/v1/rings/photos").headers["ETag"].strip('"')
    for turn in range(20):
        both = []
        for cluster, weight in ((eu, 120 + turn), (us, 150 + turn)):
            path = world.folder / f"{cluster.name}.json"
            path.write_text(json.dumps(spec(weights=(weight, 100, 100, 200, 50))))
            both.append(subprocess.Popen(
                [MCOS, "--server", f"unix:{cluster.socket}", "--json", "ring", "update", "photos",
                 "-f", path, "--if-match", etag], stdout=subprocess.PIPE))
        answers = [(json.loads(p.communicate(timeout=60)[0]), p.returncode) for p in both]
        etag = eu.get("/v1/rings/photos").headers["ETag"].strip('"')
        if all("stamp" in a for a, _ in answers):
            break
    else:
        raise AssertionError("never at once")
    held = eu.stamp("photos")
    for answer, status in answers:
        if answer["stamp"] == held:
            assert (status, answer["fate"]) == (0, "in-force"), answer
        else:
            lost = answer
            assert (status, answer["fate"], answer["error"]["code"]) == \
                (4, "lost", "conflict"), answer
    assert lost["error"]["stamp"] == held
    for cluster in (eu, us):
        shown = mcos("ring", "show", "photos", server=f"unix:{cluster.socket}")
        assert shown.returncode == 0
        assert lost["stamp"] in shown.stdout and "mcos ring update" in shown.stderr, shown
