"""`roost drill`: can the last backup be restored?"""

from roost.cli.environments import EnvironmentOption
from roost.cli.running import JsonOption, Operation
from roost.cli.telling import tell
from roost.drilled import DrillCollector


def drill(environment: EnvironmentOption = "", as_json: JsonOption = False) -> None:
    """Restore the last backup beside the databases that serve, check it, and measure the time and what is lost.

    Nothing that serves is touched, and what was restored is removed again.
    """
    operation = Operation("drill", "playbooks/drill.yml", environment, as_json)
    # Without the environment's lock, for the same reasons as a backup.
    drills = DrillCollector()
    tell(operation, operation.run(drills), "drills", drills)
