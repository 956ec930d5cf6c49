from unittest import mock

from django.core.cache import cache
from django.db import OperationalError
from django.test import TestCase

from atlas import health


class HealthTest(TestCase):
    def test_answers_200_when_everything_works(self) -> None:
        response = self.client.get("/health/")
        self.assertEqual(response.status_code, 200, response.json())
        self.assertEqual(response.json()["status"], "ok")
        self.assertEqual(set(response.json()["checks"]), {"database", "redis", "disk", "memory"})

    def test_answers_503_without_database_and_tells_nothing_secret(self) -> None:
        with mock.patch.object(health, "connection") as connection:
            connection.cursor.side_effect = OperationalError("password for user atlas")
            response = self.client.get("/health/")
        self.assertEqual(response.status_code, 503)
        self.assertFalse(response.json()["checks"]["database"]["ok"])
        self.assertNotIn("password", response.content.decode())

    def test_answers_503_without_redis(self) -> None:
        with mock.patch.object(cache, "set", side_effect=ConnectionError):
            response = self.client.get("/health/")
        self.assertEqual(response.status_code, 503)
        self.assertTrue(response.json()["checks"]["database"]["ok"])
        self.assertFalse(response.json()["checks"]["redis"]["ok"])

    def test_answers_503_when_disk_or_memory_runs_low(self) -> None:
        for name in ("disk", "memory"):
            with self.subTest(name), self.settings(**{f"HEALTH_MIN_FREE_{name.upper()}_PERCENT": 100}):
                response = self.client.get("/health/")
                self.assertEqual(response.status_code, 503)
                self.assertFalse(response.json()["checks"][name]["ok"])
