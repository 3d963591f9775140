#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Where does this name live?

    python3 where.py file:/tmp/eu,http://127.0.0.1:8471 photos AUTH_me holidays beach.jpg
"""
import sys

import mcos


def main(chain, ring, *name):
    with mcos.Resolver(chain) as resolver:
        photos = resolver.ring(ring)
        photos.wait(5)  # a program that goes on would not
        with photos.hold() as view:
            answer = view.lookup(*name, active_first=True)
            print(f"{ring} {view.info.stamp}, partition {answer.partition}")
            for device in answer.devices:
                print(f"  {device.name} in cluster {device.cluster} ({device.state.name}), "
                      f"host {device.host}")


if __name__ == "__main__":
    if not 4 <= len(sys.argv) <= 6:
        sys.exit("usage: where.py CHAIN RING ACCOUNT [CONTAINER [OBJECT]]")
    try:
        main(*sys.argv[1:])
    except mcos.Error as error:
        sys.exit(f"where: {error}")
