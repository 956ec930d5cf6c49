"""The reason of a crash is found in what was logged."""

import json

from ansible.module_utils.roost_app.telling import build_lines, telling_lines


def test_reason_of_a_crash_is_not_buried_under_its_repetitions() -> None:
    crash = (
        "[2026-11-22 03:58:36 +0000] [176] [INFO] Starting gunicorn\n"
        "Traceback (most recent call last):\n"
        "ModuleNotFoundError: No module named 'x'\n"
        "[2026-11-22 03:58:36 +0000] [176] [ERROR] Worker (pid:178) exited with code 3.\n"
        "[2026-11-22 03:58:36 +0000] [176] [ERROR] Reason: Worker failed to boot.\n"
    )
    assert telling_lines(crash * 3) == [
        "Traceback (most recent call last):",
        "ModuleNotFoundError: No module named 'x'",
    ]


def test_workers_that_end_without_a_word_are_told_of() -> None:
    crash = (
        "[2026-11-22 03:58:36 +0000] [176] [ERROR] Worker (pid:178) exited with code 1.\n"
        "[2026-11-22 03:58:37 +0000] [176] [ERROR] Worker (pid:179) exited with code 1.\n"
    )
    assert telling_lines(crash) == ["a worker exited with code 1."]
    assert telling_lines(f"{crash}out of luck\n") == ["out of luck"]


def test_reason_of_a_crash_is_not_buried_under_gunicorns_own_frames() -> None:
    crash = """Traceback (most recent call last):
  File "/srv/a/releases/1/venv/lib/python3.13/site-packages/gunicorn/arbiter.py", line 608, in spawn_worker
    worker.init_process()
    ~~~~~~~~~~~~~~~~~~~^^
  File "/srv/a/releases/1/src/site_app.py", line 1, in <module>
    import a_module_that_is_missing
ModuleNotFoundError: No module named 'a_module_that_is_missing'
Traceback (most recent call last):
  File "/srv/a/releases/1/venv/bin/gunicorn", line 10, in <module>
    sys.exit(run())
  File "/srv/a/releases/1/venv/lib/python3.13/site-packages/gunicorn/arbiter.py", line 405, in halt
    self.stop()
    ~~~~~~~~~^^
gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>
"""
    assert telling_lines(crash) == [
        "Traceback (most recent call last):",
        '  File "/srv/a/releases/1/src/site_app.py", line 1, in <module>',
        "    import a_module_that_is_missing",
        "ModuleNotFoundError: No module named 'a_module_that_is_missing'",
        "gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>",
    ]


def test_reason_of_a_crash_is_not_buried_under_what_uvicorn_says() -> None:
    crash = """INFO:     Started server process [176]
INFO:     Waiting for application startup.
Traceback (most recent call last):
  File "/srv/a/releases/1/venv/lib/python3.13/site-packages/uvicorn/lifespan/on.py", line 92, in main
    await app(scope, self.receive, self.send)
  File "/srv/a/releases/1/src/feed_app.py", line 3, in lifespan
    raise RuntimeError("no settings")
RuntimeError: no settings
"""
    assert telling_lines(crash) == [
        "Traceback (most recent call last):",
        '  File "/srv/a/releases/1/src/feed_app.py", line 3, in lifespan',
        '    raise RuntimeError("no settings")',
        "RuntimeError: no settings",
    ]


def test_json_records_are_read_as_their_message_and_traceback() -> None:
    crash = [
        {"level": "info", "message": "Booting worker with pid: 539"},
        {
            "level": "error",
            "message": "Exception in worker process",
            "exception": 'Traceback (most recent call last):\n  File "wsgi.py", line 1\nRuntimeError: bad release',
        },
        {"level": "error", "message": "Worker (pid:536) exited with code 3."},
    ]
    journal = "".join(json.dumps(record) + "\n" for record in crash)
    assert telling_lines(journal + "{ not JSON\n") == [
        "Traceback (most recent call last):",
        '  File "wsgi.py", line 1',
        "RuntimeError: bad release",
        "{ not JSON",
    ]


def test_a_failed_build_is_told_from_where_it_went_wrong() -> None:
    output = (
        "> vite build\n\n✓ 15 modules transformed.\n\x1b[31m✗\x1b[39m Build failed in 358ms\n"
        "\x1b[31merror during build:\nBuild failed with 1 error:\n   │\n"
        "\x1b[0mExpected `}` but found `EOF`\n   ╭─[ src/App.jsx:1:32 ]\n"
        "    at unwrapBindingResult (file:///node_modules/rolldown/dist/shared/error-CLo6EJKG.mjs:20:128)\n"
    )
    assert build_lines(output) == [
        "Expected `}` but found `EOF`",
        "   ╭─[ src/App.jsx:1:32 ]",
    ]
