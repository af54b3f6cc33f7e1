"""A provider of tokens, and the clock that it shares with who asks it."""

from collections.abc import Iterator

import pytest

from fakes.manual_clock import ManualClock
from fakes.oidc_provider import OidcProvider


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def provider(clock: ManualClock) -> Iterator[OidcProvider]:
    with OidcProvider(now=clock.now) as provider:
        yield provider
