"""F: a bare FastAPI application that reads the request and answers a dict; what the framework alone allows."""

from __future__ import annotations

from fastapi import FastAPI, Request

from bench.servers import serve

app = FastAPI()


@app.post("/v1/submissions")
async def submit(request: Request) -> dict[str, int]:
    """Read the document and say how long it is."""
    return {"bytes": len(await request.body())}


if __name__ == "__main__":
    serve(app)
