"""A Celery application whose settings say nothing about restarts: that is the role's business."""

import os
import time

import redis
from celery import Celery

app = Celery("jobs")
app.conf.beat_schedule = {"tick": {"task": "jobs.tick", "schedule": 2.0}}
notes = redis.Redis.from_url(os.environ["NOTES_URL"])


@app.task
def nap(number, seconds):
    time.sleep(seconds)
    notes.rpush("naps", number)


@app.task
def tick():
    notes.incr("ticks")


@app.task
def describe(_=None):
    return {"release": os.environ["APP_RELEASE"], "greeting": os.environ["GREETING"]}


@app.task
def settings(_=None):
    return {"acks_late": nap.acks_late, "prefetch": app.conf.worker_prefetch_multiplier}
