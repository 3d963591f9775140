# SPDX-License-Identifier: Apache-2.0
"""The Python package as it lies in the tree, over the library that was built."""
import os
import sys

from world import BUILD, ROOT

FOLDER = ROOT / "bindings" / "python"
LIBRARY = BUILD / "src" / "lib" / "libmcos.so.0"
os.environ["MCOS_LIBRARY"] = str(LIBRARY)
sys.path.insert(0, str(FOLDER))
ENV = {**os.environ, "PYTHONPATH": str(FOLDER), "PYTHONDONTWRITEBYTECODE": "1"}
