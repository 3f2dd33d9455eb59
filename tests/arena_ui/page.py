"""The page's own connection, as a browser opens it: Streamlit's websocket, without a screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

__all__ = ["opened", "shown"]


@asynccontextmanager
async def opened(url: str, cookie: str = "", origin: str | None = None) -> AsyncIterator[ClientConnection]:
    """A connection to the arena at `url`, from its own page unless another `origin` is given."""
    async with connect(
        f"{url.replace('http', 'ws', 1)}/_stcore/stream",
        subprotocols=[Subprotocol("streamlit")],
        origin=Origin(origin or url),
        additional_headers={"Cookie": cookie} if cookie else None,
        compression="deflate",  # browsers offer it
        proxy=None,
    ) as connection:
        yield connection


async def shown(connection: ClientConnection) -> list[bytes]:
    """Run the page once; every message until it is drawn."""
    wanted = BackMsg()
    wanted.rerun_script.query_string = ""
    await connection.send(wanted.SerializeToString())
    messages = []
    while True:
        data = await connection.recv()
        assert isinstance(data, bytes)
        messages.append(data)
        if ForwardMsg.FromString(data).WhichOneof("type") == "script_finished":
            return messages
