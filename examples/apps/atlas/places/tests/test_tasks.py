from datetime import timedelta

from celery import current_app
from django.test import TestCase
from django.utils import timezone

from places import tasks
from places.models import Measurement


class TasksTest(TestCase):
    def setUp(self) -> None:
        # Run tasks at once, but keep their results in Redis where the API looks for them.
        current_app.conf.update(task_always_eager=True, task_store_eager_result=True)
        self.addCleanup(current_app.conf.update, task_always_eager=False, task_store_eager_result=False)

    def test_ping_writes_a_row_and_the_api_shows_its_result(self) -> None:
        started = self.client.post("/api/tasks/ping/", {}, content_type="application/json")
        self.assertEqual(started.status_code, 202)
        row = Measurement.objects.get()
        answer = self.client.get(f"/api/tasks/{started.json()['id']}/").json()
        self.assertEqual(answer["state"], "SUCCESS")
        self.assertEqual(answer["result"], {"measurement": row.pk, "places": 8, "worker": row.worker})
        listed = self.client.get("/api/measurements/").json()["measurements"]
        self.assertEqual([(m["id"], m["source"]) for m in listed], [(row.pk, "ping")])

    def test_ping_refuses_to_last_too_long(self) -> None:
        for seconds in (-1, 61, "1", None):
            with self.subTest(seconds):
                response = self.client.post(
                    "/api/tasks/ping/", {"seconds": seconds}, content_type="application/json"
                )
                self.assertEqual(response.status_code, 400)

    def test_heartbeat_forgets_what_is_older_than_a_day(self) -> None:
        old = Measurement.objects.create(source="heartbeat", places=1, worker="w")
        Measurement.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=2))
        result = tasks.heartbeat.delay().get()
        self.assertEqual(result["pruned"], 1)
        self.assertEqual([m.pk for m in Measurement.objects.all()], [result["measurement"]])
