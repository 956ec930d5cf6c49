"""ask.py TASK QUEUE: run a task and print its result as JSON."""

import json
import sys

from jobs import app

task, queue = sys.argv[1:]
json.dump(app.send_task(f"jobs.{task}", queue=queue).get(timeout=20), sys.stdout)
