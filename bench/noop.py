"""F: a bare FastAPI application that reads the request and answers a dict; what the framework alone allows."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request

from bench.servers import serve

app = FastAPI()


@app.post("/v1/submissions", response_model=None)
async def submit(request: Request) -> dict[str, Any]:
    """Read the document and say how long it is."""
    return {"bytes": len(await request.body())}


if __name__ == "__main__":
    serve(app)
