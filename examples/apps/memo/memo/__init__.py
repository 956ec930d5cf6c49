"""The application: `flask --app memo run`, or `memo:app` for a WSGI server."""

import os
from typing import Any

import click
import psycopg
from flask import Flask, redirect, render_template, session, url_for
from werkzeug.wrappers import Response

from memo import counter

app = Flask(__name__)
app.config.update(
    SECRET_KEY=os.environ.get("SECRET_KEY", "development"),
    SESSION_COOKIE_SAMESITE="Lax",
    RELEASE=os.environ.get("APP_RELEASE", "development"),
)


@app.get("/")
def page() -> str:
    return render_template(
        "index.html", value=counter.read(), own=session.get("own", 0), release=app.config["RELEASE"]
    )


@app.post("/")
def count() -> Response:
    counter.add(1)
    session["own"] = session.get("own", 0) + 1
    return redirect(url_for("page"), code=303)


@app.get("/api/counter/")
def read_counter() -> dict[str, int]:
    return {"value": counter.read()}


@app.post("/api/counter/")
def add_to_counter() -> dict[str, int]:
    return {"value": counter.add(1)}


@app.get("/health/")
def health() -> tuple[dict[str, Any], int]:
    """200 if the database answers, else 503."""
    try:
        counter.read()
    except psycopg.Error:
        app.logger.exception("the database does not answer")
        return {"status": "failing", "release": app.config["RELEASE"]}, 503
    return {"status": "ok", "release": app.config["RELEASE"]}, 200


@app.cli.command("init-db")
def init_db() -> None:
    """Create the table; does nothing if it exists."""
    counter.create()
    click.echo("The database is ready.")
