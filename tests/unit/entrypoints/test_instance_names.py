"""What a process is called among those that share a ledger, and each of its containers."""

import os
from contextlib import ExitStack
from pathlib import Path

from journal_keys.domain.fleet import check_instance_name
from journal_keys.entrypoints.instance_names import own_name
from tests.support.embedded import settings_in


def test_each_container_has_a_name_of_its_own_until_it_is_closed() -> None:
    with own_name("web-a") as first:
        with own_name("web-a") as second, own_name("web-a") as third, own_name("web-b") as other:
            assert (first, second, third, other) == ("web-a", "web-a.2", "web-a.3", "web-b")
        with own_name("web-a") as again:
            assert again == "web-a.2"
    with own_name("web-a") as at_last:
        assert at_last == "web-a"


def test_the_longest_name_can_be_had_by_many() -> None:
    with ExitStack() as stack:
        names = {check_instance_name(stack.enter_context(own_name("x" * 128))) for _ in range(12)}
    assert len(names) == 12


def test_a_name_that_several_processes_are_given_is_told_apart_by_their_ids(tmp_path: Path) -> None:
    alone = settings_in(tmp_path, journal_instance_name="web")
    one_of_many = settings_in(tmp_path, journal_instance_name="web", prometheus_multiproc_dir=tmp_path)
    assert alone.instance_name == "web"
    assert one_of_many.instance_name == f"web-{os.getpid()}"


def test_a_name_of_any_length_has_room_for_the_process_s_id(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, journal_instance_name="x" * 128, prometheus_multiproc_dir=tmp_path)
    assert check_instance_name(settings.instance_name).endswith(f"-{os.getpid()}")


def test_without_a_name_a_process_is_called_by_host_and_id(tmp_path: Path) -> None:
    assert check_instance_name(settings_in(tmp_path).instance_name).endswith(f"-{os.getpid()}")
