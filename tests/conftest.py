"""What all tests share: the Hypothesis profile, and a home for runs that is never the person's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("conductor", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("conductor")

BROWSER_TESTS = Path(__file__).parent / "browser"

# A key, a token or an address in the developer's environment must not make a test talk to a real provider.
_PROVIDER_VARIABLES = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_PROFILE")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in `tests/browser` is marked `browser`."""
    for item in items:
        if BROWSER_TESTS in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty `$CONDUCTOR_HOME` for each test, and no provider but what the test names."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("CONDUCTOR_HOME", str(home))
    for name in _PROVIDER_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return home
