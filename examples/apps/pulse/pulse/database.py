"""The connections to the database."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Depends
from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.orm import Session, sessionmaker

from pulse.settings import settings

CONNECT_SECONDS = 3


def driver_url(text: str) -> URL:
    """Name the driver in a URL that says just postgresql://, as most hosts hand it out."""
    url = make_url(text)
    plain = url.drivername in {"postgres", "postgresql"}
    return url.set(drivername="postgresql+psycopg") if plain else url


def make_engine(text: str) -> Engine:
    url = driver_url(text)
    options: dict[str, Any] = {}
    if url.get_backend_name() == "postgresql":
        options = {
            "pool_size": settings.pool_size,
            "max_overflow": 0,
            "pool_timeout": CONNECT_SECONDS,
            "connect_args": {"connect_timeout": CONNECT_SECONDS},
        }
    # A connection that a restart of the database broke is replaced before it is used.
    return create_engine(url, pool_pre_ping=True, **options)


engine = make_engine(settings.database_url)
open_session = sessionmaker(engine)


def session() -> Iterator[Session]:
    with open_session() as opened:
        yield opened


DatabaseSession = Annotated[Session, Depends(session)]
