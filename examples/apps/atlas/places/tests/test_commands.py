import io
import os
from unittest import mock

from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import TestCase


class EnsureAdminTest(TestCase):
    def run_command(self, **environment: str) -> str:
        output = io.StringIO()
        with mock.patch.dict(os.environ, environment):
            call_command("ensure_admin", stdout=output)
        return output.getvalue().strip()

    def test_creates_once(self) -> None:
        wanted = {"ADMIN_USERNAME": "ada", "ADMIN_PASSWORD": "difference"}
        self.assertEqual(self.run_command(**wanted), "ada created")
        self.assertEqual(self.run_command(**wanted | {"ADMIN_PASSWORD": "other"}), "ada exists")
        user = get_user_model().objects.get(username="ada")
        self.assertTrue(user.is_superuser and user.check_password("difference"))

    def test_needs_a_password(self) -> None:
        with self.assertRaisesMessage(CommandError, "ADMIN_PASSWORD"):
            self.run_command(ADMIN_USERNAME="ada")
