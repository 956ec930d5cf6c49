import json
import logging

from django.test import SimpleTestCase, TestCase

from atlas import logs


class JsonFormatterTest(SimpleTestCase):
    def format(self, **attributes: object) -> dict[str, object]:
        record = logging.makeLogRecord({"msg": "hello %s", "args": ("you",), **attributes})
        return json.loads(logs.JsonFormatter().format(record))

    def test_one_object_with_message_and_extras(self) -> None:
        line = self.format(status=200)
        self.assertEqual((line["message"], line["status"]), ("hello you", 200))
        self.assertNotIn("request_id", line)

    def test_carries_the_request_id(self) -> None:
        token = logs.request_id.set("abc")
        self.addCleanup(logs.request_id.reset, token)
        self.assertEqual(self.format()["request_id"], "abc")


class RequestIdTest(TestCase):
    def answered_id(self, sent: str) -> str:
        return self.client.get("/api/places/", headers={"X-Request-ID": sent})["X-Request-ID"]

    def test_keeps_the_id_of_the_proxy(self) -> None:
        self.assertEqual(self.answered_id("0123456789abcdef"), "0123456789abcdef")

    def test_replaces_an_unsafe_id(self) -> None:
        self.assertRegex(self.answered_id('x", "forged": "'), r"^[0-9a-f]{32}$")

    def test_logs_one_line_per_request(self) -> None:
        with self.assertLogs("atlas.request", "INFO") as captured:
            self.client.get("/api/places/")
        self.assertEqual([record.status for record in captured.records], [200])
