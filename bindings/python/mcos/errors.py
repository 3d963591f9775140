# SPDX-License-Identifier: Apache-2.0
"""What goes wrong, as exceptions."""
from __future__ import annotations

from . import _lib


class Error(Exception):
    """A call failed. `slug` is stable and what a program should look at: "not-found",
    "deleted", "secret-needed", "unreachable" … (mcos/err.h has them all)."""

    def __init__(self, code: int, text: str = "", field: str = "") -> None:
        self.code: int = code
        self.slug: str = _lib.err_slug(code).decode()
        #: What it is about, for a person; "" when there is no more to say.
        self.text: str = text
        #: The option or part it is about, or "".
        self.field: str = field
        #: Whether the same call may succeed later, with nothing changed here.
        self.retry: bool = _lib.err_classify(code) == 1
        meaning = _lib.err_text(code).decode()
        super().__init__(f"{meaning}: {text}" if text else meaning)


class Closed(ValueError):
    """A resolver was used after it was closed, or a view after it was released or its
    resolver closed."""


def check(code: int, diag: _lib.Diag | None = None) -> int:
    """The code, if it is no failure; raises Error if it is one."""
    if code >= 0:
        return code
    if diag is None:
        raise Error(code)
    raise Error(code, diag.text.decode(errors="replace"),
                diag.field.decode(errors="replace"))
