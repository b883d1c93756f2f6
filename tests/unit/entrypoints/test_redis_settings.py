"""The settings of Redis: what is refused, and that neither is ever shown."""

import pytest

from journal_keys.domain.exposure import expose
from journal_keys.entrypoints.effective import MASK, effective
from journal_keys.entrypoints.settings import Settings, SettingsError

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


def test_without_them_there_is_no_redis(given: pytest.MonkeyPatch) -> None:
    assert given
    settings = Settings.from_environment()
    assert settings.redis_url() is None
    assert settings.redis_cache_key() is None


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://localhost:6380/2",
        "redis://:p%40ss@[::1]:6379?db=1",
        "rediss://user:s3cret@redis.example.org:6380/0?ssl_ca_certs=/etc/ca.pem",
        "unix:///run/redis/redis.sock?db=3",
        "unix:///run/redis/redis.sock",
    ],
)
def test_a_url_of_redis_is_taken_as_it_is(given: pytest.MonkeyPatch, url: str) -> None:
    given.setenv("JOURNAL_REDIS_URL", url)
    assert Settings.from_environment().redis_url() == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        "http://:s3cret@localhost",
        "redis://",
        "redis://:s3cret@/0",
        "redis://:s3cret@localhost:port/0",
        "redis://:s3cret@localhost/name",
        "redis://:s3cret@localhost?db=name",
        "redis://:s3cret@localhost?socket_timeout=60",
        "redis://:s3cret@localhost?protocol=3",
        "redis://:s3cret@localhost?db",
        "redis://:s3cret@localhost/0#fragment",
        "redis://:s3cret@[::1/0",
        "unix://?db=0&password=s3cret",
    ],
)
def test_another_url_is_refused_by_the_name_of_its_variable_and_not_repeated(
    given: pytest.MonkeyPatch, url: str
) -> None:
    given.setenv("JOURNAL_REDIS_URL", url)
    with pytest.raises(SettingsError, match="JOURNAL_REDIS_URL") as refusal:
        Settings.from_environment()
    assert "s3cret" not in str(refusal.value)


def test_the_key_of_the_cache_is_32_bytes(given: pytest.MonkeyPatch) -> None:
    given.setenv("JOURNAL_REDIS_CACHE_KEY", KEY)
    key = Settings.from_environment().redis_cache_key()
    assert key is not None
    assert expose(key) == bytes(range(32))


@pytest.mark.parametrize("text", ["", "s3cret", KEY + "=", KEY[:-1], KEY[:-2] + "A", KEY + "AAAA"])
def test_another_key_is_refused_by_the_name_of_its_variable_and_not_repeated(
    given: pytest.MonkeyPatch, text: str
) -> None:
    given.setenv("JOURNAL_REDIS_CACHE_KEY", text)
    with pytest.raises(SettingsError, match="JOURNAL_REDIS_CACHE_KEY") as refusal:
        Settings.from_environment()
    assert not text or text not in str(refusal.value)


def test_neither_is_shown(given: pytest.MonkeyPatch) -> None:
    given.setenv("JOURNAL_REDIS_URL", "redis://:s3cret@localhost")
    given.setenv("JOURNAL_REDIS_CACHE_KEY", KEY)
    settings = Settings.from_environment()
    rows = {row.name: row.value for row in effective(settings)}
    assert (rows["JOURNAL_REDIS_URL"], rows["JOURNAL_REDIS_CACHE_KEY"]) == (MASK, MASK)
    for shown in (repr(rows), repr(settings), settings.model_dump_json()):
        assert "s3cret" not in shown
        assert KEY not in shown


def test_vaults_in_different_folders_are_different_environments(given: pytest.MonkeyPatch) -> None:
    names = set()
    for home in ("/one", "/two"):
        given.setenv("JOURNAL_KEYS_HOME", home)
        names.add(Settings.from_environment().environment)
    assert len(names) == 2


def test_projects_and_environments_in_infisical_are_different_environments(given: pytest.MonkeyPatch) -> None:
    given.setenv("JOURNAL_INFISICAL_ENABLED", "true")
    given.setenv("INFISICAL_TOKEN", "the-token")
    given.setenv("JOURNAL_INFISICAL_SERVER_URL", "https://ours.example.org")
    names = set()
    for project, slug in (("ours", "dev"), ("theirs", "dev"), ("ours", "prod")):
        given.setenv("JOURNAL_INFISICAL_PROJECT_ID", project)
        given.setenv("JOURNAL_INFISICAL_ENVIRONMENT", slug)
        names.add(Settings.from_environment().environment)
    assert len(names) == 3


@pytest.mark.parametrize("slug", ["", "a:b", "{a}", "a b", "a*"])
def test_an_environment_without_a_slug_has_no_place(given: pytest.MonkeyPatch, slug: str) -> None:
    given.setenv("JOURNAL_INFISICAL_ENVIRONMENT", slug)
    with pytest.raises(SettingsError, match="JOURNAL_INFISICAL_ENVIRONMENT"):
        _ = Settings.from_environment().environment
