"""Who runs this, as the audit tells it. Pure."""

from collections.abc import Mapping

_SET_BY_CI = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILDKITE_BUILD_CREATOR")
_NAMES = ("ROOST_WHO", *_SET_BY_CI, "SUDO_USER", "USER", "LOGNAME")
_MAX_CHARACTERS = 100


def operator_name(environment: Mapping[str, str], hostname: str) -> str:
    """The operator and the machine, such as `anna@laptop`: ROOST_WHO, who started a pipeline, or the user."""
    name = next((value for key in _NAMES if (value := environment.get(key, "").strip())), "somebody")
    text = f"{name}@{hostname.partition('.')[0]}"
    return "".join(character for character in text if character.isprintable())[:_MAX_CHARACTERS]
