"""The application: `uvicorn pulse.main:app`."""

from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from sqlalchemy import select

from pulse import api, health, live, logs
from pulse.database import DatabaseSession
from pulse.models import Reading
from pulse.settings import settings

HERE = Path(__file__).parent
READINGS_ON_PAGE = 20

logs.configure(settings.log_level)
app = FastAPI(title="Pulse", version=settings.release)
app.add_middleware(logs.RequestLog)
for module in (api, health, live):
    app.include_router(module.router)
app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
templates = Jinja2Templates(directory=HERE / "templates")


@app.get("/", include_in_schema=False)
def page(request: Request, database: DatabaseSession) -> Response:
    newest = select(Reading).order_by(Reading.id.desc()).limit(READINGS_ON_PAGE)
    readings = list(database.scalars(newest))
    return templates.TemplateResponse(
        request, "index.html", {"readings": readings, "release": settings.release}
    )
