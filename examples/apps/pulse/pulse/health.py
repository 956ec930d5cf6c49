"""What a load balancer or a deployment asks before it sends traffic here."""

import logging

from fastapi import APIRouter, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from pulse.database import open_session
from pulse.settings import settings

router = APIRouter()
logger = logging.getLogger(__name__)


@router.get("/health/")
def health(response: Response) -> dict[str, str]:
    """200 if the database answers, else 503."""
    response.headers["Cache-Control"] = "no-store"
    try:
        with open_session() as database:
            database.execute(text("SELECT 1"))
    except SQLAlchemyError:
        logger.exception("the database does not answer")
        response.status_code = 503
        return {"status": "failing", "database": "no answer", "release": settings.release}
    return {"status": "ok", "database": "ok", "release": settings.release}
