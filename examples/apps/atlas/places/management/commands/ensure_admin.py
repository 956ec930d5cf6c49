import os
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Creates the administrator named in ADMIN_USERNAME unless it exists (password: ADMIN_PASSWORD)."

    def handle(self, *args: Any, **options: Any) -> None:
        username = os.environ.get("ADMIN_USERNAME", "admin")
        users = get_user_model().objects
        if users.filter(username=username).exists():
            self.stdout.write(f"{username} exists")
            return
        password = os.environ.get("ADMIN_PASSWORD")
        if not password:
            raise CommandError("Set ADMIN_PASSWORD.")
        users.create_superuser(username, os.environ.get("ADMIN_EMAIL", ""), password)
        self.stdout.write(f"{username} created")
