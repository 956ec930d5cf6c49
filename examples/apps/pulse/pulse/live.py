"""What stays open: the WebSocket and the stream of events."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import func, select
from starlette.concurrency import run_in_threadpool

from pulse.database import open_session
from pulse.models import Reading
from pulse.settings import settings

router = APIRouter()


@router.websocket("/ws/")
async def echo(websocket: WebSocket) -> None:
    """Sends back each text with a number, and a heartbeat when nothing came for a while."""
    await websocket.accept()
    await websocket.send_json({"type": "hello", "release": settings.release})
    try:
        for sequence in itertools.count(1):
            try:
                text = await asyncio.wait_for(websocket.receive_text(), settings.heartbeat_seconds)
            except TimeoutError:
                await websocket.send_json({"type": "heartbeat", "sequence": sequence})
            else:
                await websocket.send_json({"type": "echo", "sequence": sequence, "text": text})
    except WebSocketDisconnect:
        return


@router.get("/events/", response_class=EventSourceResponse)
async def events(every: Annotated[float, Query(ge=0.2, le=60)] = 1) -> AsyncIterator[ServerSentEvent]:
    """Tells again and again how many readings there are."""
    for number in itertools.count(1):
        summary = {"readings": await run_in_threadpool(count_readings), "release": settings.release}
        yield ServerSentEvent(event="summary", id=str(number), data=summary)
        await asyncio.sleep(every)


def count_readings() -> int:
    with open_session() as database:
        return database.scalar(select(func.count()).select_from(Reading)) or 0
