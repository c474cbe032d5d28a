from __future__ import annotations

import pytest

from gateway.errors import ConfigurationError
from gateway.settings import Settings

HTTPS = "https://hayame.example"


def test_tls_is_off_or_whole() -> None:
    whole = {"HAYAME_BASE_URL": HTTPS, "HAYAME_TLS_CERTIFICATE": "a.pem", "HAYAME_TLS_KEY": "k.pem"}
    assert Settings.from_environment({}).tls_certificate is None
    assert Settings.from_environment({"HAYAME_BASE_URL": HTTPS}).tls_certificate is None
    assert str(Settings.from_environment(whole | {"HAYAME_CLIENT_CA": "c.pem"}).client_ca) == "c.pem"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"HAYAME_TLS_KEY": "k.pem"}, "HAYAME_TLS_KEY and HAYAME_CLIENT_CA need a HAYAME_TLS_CERTIFICATE"),
        ({"HAYAME_CLIENT_CA": "c.pem"}, "HAYAME_TLS_KEY and HAYAME_CLIENT_CA need a HAYAME_TLS_CERTIFICATE"),
        ({"HAYAME_TLS_CERTIFICATE": "a.pem"}, "with HAYAME_TLS_CERTIFICATE, HAYAME_BASE_URL begins with https://"),
        ({"HAYAME_PROCESSES": "none"}, "HAYAME_PROCESSES: "),
        ({"HAYAME_NONE": "1"}, "HAYAME_NONE: "),
    ],
)
def test_settings_that_do_not_fit_are_named(given: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_environment(given)
    assert caught.value.message.startswith(said)
