# SPDX-License-Identifier: Apache-2.0
"""A process that links libmcos, asked line by line (test/tool/asker.c)."""
import subprocess

from world import BUILD, DEADLINE, until


class Asker:
    def __init__(self, *chain, poll_ms=50, **options):
        words = [f"{key}={value}" if value is not True else key
                 for key, value in {"poll_ms": poll_ms, **options}.items()]
        self.process = subprocess.Popen(
            [str(BUILD / "test" / "tool" / "asker"), ",".join(map(str, chain)), *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ready = self.line()

    def line(self):
        said = self.process.stdout.readline()
        assert said, f"the asker ended: {self.process.wait(DEADLINE)}"
        return said.rstrip("\n")

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.line()

    def wait(self, ring, ms=20000):
        return self.ask("wait", ring, ms)

    def look(self, ring, *name, how="look"):
        """(stamp, partition, names), or the line if it is something else."""
        words = self.ask(how, ring, *name).split(" ")
        if words[0] in ("error", "nothing"):
            return " ".join(words)
        return words[0], int(words[1]), [word.split(":")[0] for word in words[2:]]

    def states(self, ring, *name, how="look"):
        return [word.split(":")[1] for word in self.ask(how, ring, *name).split(" ")[2:]]

    def stamp(self, ring):
        return self.ask("info", ring).split(" ")[0]

    def stats(self, ring):
        text, trouble = self.ask("stats", ring).split(" trouble=", 1)
        pairs = dict(pair.split("=") for pair in text.split(" "))
        return {**{key: int(value) if value.lstrip("-").isdigit() else value
                   for key, value in pairs.items()}, "trouble": trouble}

    def until_stamp(self, ring, stamp, *clusters):
        until(lambda: self.stamp(ring) == stamp, f"the resolver has {stamp}", *clusters)

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            assert self.process.wait(DEADLINE) == 0
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.process.kill()
            self.process.wait(DEADLINE)
        self.end()
