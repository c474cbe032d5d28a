"""Where in the sender's own document something stands."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Place(BaseModel):
    """A position in the source, in the terms of the source.

    Only what the format has is set: ``line`` and ``column`` are 1-based (a column is a field of a delimited
    line, or a character of a fixed-width line or of JSON text), ``cell`` is ``"C7"`` on ``sheet``, and
    ``pointer`` is a JSON Pointer (RFC 6901).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: int | None = None
    column: int | None = None
    sheet: str | None = None
    cell: str | None = None
    pointer: str | None = None

    def __str__(self) -> str:
        """Japanese first, since a clerk reads it beside the file: ``3行 5列``, ``シート「報告」C7``."""
        parts = [f"シート「{self.sheet}」" if self.sheet else "", self.cell or ""]
        parts += [f"{self.line}行" if self.line else "", f"{self.column}列" if self.column else ""]
        parts += [self.pointer or ""]
        return " ".join(part for part in parts if part) or "文書全体"
