"""What is logged: ids, counts, kinds of errors and places in the code; never what a document or a person said.

The words of an exception often repeat the value it stumbled over (a validation error quotes its input, a database error
its parameters). So an exception is told by its class and by the lines of code it passed, and by nothing else.
"""

from __future__ import annotations

import errno
import logging
import sys
import traceback
from types import TracebackType
from typing import TextIO

from gateway.errors import GatewayError

FORM = "%(asctime)s %(levelname)s %(name)s %(message)s"
ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class WithoutContent(logging.Formatter):
    """The usual form of a log line; exceptions without their words."""

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - the library's name
        """An exception and what it arose from, innermost last, each by class and places."""
        told: list[str] = []
        seen: set[int] = set()
        error = ei[1]
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            told.append("".join(traceback.format_tb(error.__traceback__)) + kind_of(error))
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\narose from\n".join(told)


def kind_of(error: BaseException) -> str:
    """The class of an error, with what its kind of errors is numbered by.

    >>> kind_of(FileNotFoundError(2, "No such file or directory", "/secret"))
    'FileNotFoundError ENOENT'
    """
    name = type(error).__qualname__
    if isinstance(error, GatewayError):
        return f"{name} {error.code}"
    number = errno.errorcode.get(error.errno or 0) if isinstance(error, OSError) else None
    return f"{name} {number}" if number else name


def log_without_content(stream: TextIO | None = None) -> None:
    """Let every logger of this process, also those of libraries, write warnings and worse in this form."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(WithoutContent(FORM))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
