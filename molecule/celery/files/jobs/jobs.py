"""A Celery application whose settings say nothing about restarts: that is the role's business.

How long the broker waits for a worker that has gone can't be told to a worker from outside.
"""

import os
import time

import redis
from celery import Celery

app = Celery("jobs")
app.conf.beat_schedule = {"tick": {"task": "jobs.tick", "schedule": 2.0}}
app.conf.broker_transport_options = {
    "visibility_timeout": int(os.environ["CELERY_VISIBILITY_TIMEOUT"]),
    # A worker looks for them every 10 seconds, not every 100, so that the tests needn't wait.
    "unacked_restore_throttle": 1,
}
notes = redis.Redis.from_url(os.environ["NOTES_URL"])


@app.task
def nap(number, seconds):
    notes.rpush("started", number)
    end = time.monotonic() + seconds
    while time.monotonic() < end and not notes.lpop("wake"):
        time.sleep(0.1)
    notes.rpush("naps", number)


@app.task
def tick():
    notes.incr("ticks")


@app.task(bind=True)
def describe(self):
    return {
        "release": os.environ["APP_RELEASE"],
        "greeting": os.environ["GREETING"],
        "worker": self.request.hostname.split("@")[0],
    }


@app.task
def settings():
    names = ("task_acks_late", "task_reject_on_worker_lost", "worker_prefetch_multiplier", "task_time_limit")
    return {name: app.conf[name] for name in names} | {"acks_late": nap.acks_late}
