"""The application: `flask --app guestbook run`, or `guestbook:app` for a WSGI server."""

import os
from typing import Any

import click
import psycopg
from flask import Flask, abort, request

from guestbook import entries

NAME_CHARACTERS = 60
TEXT_CHARACTERS = 500

app = Flask(__name__)
app.config.update(RELEASE=os.environ.get("APP_RELEASE", "development"))


@app.get("/api/entries/")
def list_entries() -> list[dict[str, Any]]:
    return entries.newest()


@app.post("/api/entries/")
def add_entry() -> tuple[dict[str, Any], int]:
    said = request.get_json()
    name, text = (str(said.get(key, "")).strip() for key in ("name", "text"))
    if not (0 < len(name) <= NAME_CHARACTERS and 0 < len(text) <= TEXT_CHARACTERS):
        abort(400, f"a name of 1 to {NAME_CHARACTERS} characters and a text of 1 to {TEXT_CHARACTERS} are needed")
    return entries.add(name, text), 201


@app.get("/api/entries/<int:number>/")
def read_entry(number: int) -> dict[str, Any]:
    return entries.read(number) or abort(404)


@app.get("/health/")
def health() -> tuple[dict[str, Any], int]:
    """200 if the database answers, else 503."""
    try:
        entries.newest(1)
    except psycopg.Error:
        app.logger.exception("the database does not answer")
        return {"status": "failing", "release": app.config["RELEASE"]}, 503
    return {"status": "ok", "release": app.config["RELEASE"]}, 200


@app.cli.command("init-db")
def init_db() -> None:
    """Create the table; does nothing if it exists."""
    entries.create()
    click.echo("The database is ready.")
