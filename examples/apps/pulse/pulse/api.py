"""The JSON API."""

import asyncio
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from pulse.database import DatabaseSession
from pulse.models import Reading

router = APIRouter()


class NewReading(BaseModel):
    sensor: str = Field(min_length=1, max_length=60)
    value: float = Field(allow_inf_nan=False)


class StoredReading(NewReading):
    model_config = ConfigDict(from_attributes=True)

    id: int
    created_at: datetime


@router.get("/api/readings/")
def list_readings(
    database: DatabaseSession, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> list[StoredReading]:
    """The newest readings, the last one first."""
    newest = select(Reading).order_by(Reading.id.desc()).limit(limit)
    return [StoredReading.model_validate(reading) for reading in database.scalars(newest)]


@router.post("/api/readings/", status_code=201)
def add_reading(reading: NewReading, database: DatabaseSession) -> StoredReading:
    stored = Reading(sensor=reading.sensor, value=reading.value)
    database.add(stored)
    database.commit()
    return StoredReading.model_validate(stored)


@router.get("/slow/")
async def answer_slowly(seconds: Annotated[float, Query(ge=0, le=20)] = 5) -> dict[str, float]:
    """Stands for a report that takes its time."""
    await asyncio.sleep(seconds)
    return {"slept": seconds}
