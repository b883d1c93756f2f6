"""What is deployed beside the service: alert rules that fire and clear, with a runbook each, and a dashboard."""

import itertools
import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]

from journal_keys.domain.paths import KNOWN_SECRETS
from tests.support.documents import ALERTS
from tests.support.operator import Operator
from tests.support.prometheus_programs import NOT_CHECKED, PROMTOOL
from tests.support.service import serving

HOME: Final = Path(__file__).parents[2]
RULES: Final = HOME / "deploy" / "prometheus" / "journal_keys.rules.yml"
RULE_TESTS: Final = HOME / "deploy" / "prometheus" / "journal_keys.test.yml"
DASHBOARD: Final = HOME / "deploy" / "grafana" / "journal_keys.json"
LONGEST_S: Final = 120.0
FIGURE: Final = re.compile(r"\b(?:infisical|journal_keys|jwt_key|aes_key)_[a-z_]+\b")

needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason=NOT_CHECKED)


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(RULES.read_text("utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def told_apart(rule: Mapping[str, Any]) -> str:
    return f"{rule['alert']} {rule['labels'].get('because', '')}".strip()


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    return found


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def shown() -> list[str]:
    """Every expression of the dashboard."""
    return [target["expr"] for panel in panels() for target in panel["targets"]]


def promtool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    assert PROMTOOL is not None
    return subprocess.run([PROMTOOL, *words], capture_output=True, text=True, check=False)


@needs_promtool
def test_the_rules_are_of_the_right_form_and_none_stands_there_twice() -> None:
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_every_alert_fires_and_clears_and_an_ordinary_day_is_silent() -> None:
    done = promtool("test", "rules", RULE_TESTS)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
@pytest.mark.parametrize("expression", ["vector(0) > 1", "vector(1)"], ids=["never fires", "always fires"])
@pytest.mark.parametrize("number", range(len(rules())), ids=map(told_apart, rules()))
def test_a_rule_is_found_that(number: int, expression: str, tmp_path: Path) -> None:
    document, tests = (yaml.safe_load(file.read_text("utf-8")) for file in (RULES, RULE_TESTS))
    rule = document["groups"][0]["rules"][number]
    rule["expr"] = expression
    (tmp_path / RULES.name).write_text(yaml.safe_dump(document), "utf-8")
    tests["tests"] = [test for test in tests["tests"] if rule["alert"] in str(test.get("alert_rule_test"))]
    (tmp_path / RULE_TESTS.name).write_text(yaml.safe_dump(tests), "utf-8")
    assert promtool("test", "rules", tmp_path / RULE_TESTS.name).returncode == 1


def test_every_alert_is_seen_silent_then_firing_then_silent_in_one_test() -> None:
    document = yaml.safe_load(RULE_TESTS.read_text("utf-8"))
    seen = set[str]()
    for test in document["tests"]:
        looks = test.get("alert_rule_test", [])
        fired = [bool(look.get("exp_alerts")) for look in looks]
        minutes = [int(look["eval_time"].removesuffix("m")) for look in looks]
        if looks:
            assert fired == [False, True, False], test["name"]
            assert minutes == sorted(minutes), test["name"]
            labels = looks[1]["exp_alerts"][0]["exp_labels"]
            reason = labels.get("because", "") if looks[1]["alertname"] == "JournalKeysAuditBroken" else ""
            seen.add(f"{looks[1]['alertname']} {reason}".strip())
    assert seen == {told_apart(rule) for rule in rules()}


def test_every_alert_names_its_runbook_and_how_bad_it_is() -> None:
    assert {rule["alert"] for rule in rules()} == ALERTS.keys()
    for rule in rules():
        runbook = rule["annotations"]["runbook_url"]
        assert runbook == f"docs/how-to/{ALERTS[rule['alert']]}"
        assert rule["alert"] in (HOME / runbook).read_text("utf-8")
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in {"warning", "critical"}


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The name of every figure that a service exposes, as its samples have it, with its kind."""
    operator = Operator(tmp_path_factory.mktemp("figures"))
    operator.json("init")
    ends_s, text = time.monotonic() + LONGEST_S, ""
    with serving(operator) as served:
        command = ["curl", "--silent", "--fail", f"{served.address}/metrics"]
        while "\njournal_keys_audit_head_sequence " not in text:  # it has looked at the ledger
            assert time.monotonic() < ends_s
            text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    parts = [name for name, kind in found.items() if kind == "histogram"]
    return found | {f"{name}_{part}": "part" for name in parts for part in ("bucket", "sum", "count")}


@pytest.mark.processes
def test_every_figure_in_rules_and_dashboard_is_one_that_a_service_exposes(exposed: Mapping[str, str]) -> None:
    named = {name for text in (*(rule["expr"] for rule in rules()), *shown()) for name in FIGURE.findall(text)}
    assert len(named) > 20
    assert named <= exposed.keys()


@pytest.mark.processes
def test_every_figure_that_a_service_exposes_is_in_the_dashboard(exposed: Mapping[str, str]) -> None:
    ours = {
        name for name, kind in exposed.items() if FIGURE.fullmatch(name) and kind in {"counter", "gauge", "histogram"}
    }
    named = {name.removesuffix("_bucket") for text in shown() for name in FIGURE.findall(text)}
    assert {name for name in ours if not name.endswith("_created")} == named


def test_the_dashboard_can_be_imported_and_asks_where_its_figures_are() -> None:
    found = dashboard()
    assert (found["id"], found["uid"], found["title"], found["schemaVersion"]) == (
        None,
        "journal-keys",
        "journal_keys",
        39,
    )
    variables = {one["name"]: one for one in found["templating"]["list"]}
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    assert variables["job"]["definition"] == "label_values(journal_keys_ring_generation, job)"
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    asked = [target["datasource"] for panel in panels() for target in panel["targets"]]
    for where in (*asked, *(panel["datasource"] for panel in panels()), variables["job"]["datasource"]):
        assert where == chosen


def test_panels_have_ids_and_places_of_their_own() -> None:
    found = dashboard()["panels"]
    assert len({panel["id"] for panel in found}) == len(found)
    for one, other in itertools.combinations([panel["gridPos"] for panel in found], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in found)


def test_every_target_of_a_panel_is_of_the_chosen_job() -> None:
    for expression in shown():
        assert len(FIGURE.findall(expression)) == expression.count('{job=~"$job"}')


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression that somebody is told to use, with Grafana's variables filled in."""
    for number, expression in enumerate(shown()):
        yield f"dashboard:{number}", expression.replace("$job", ".*").replace("$__rate_interval", "5m")
    document = (HOME / "docs" / "metrics.md").read_text("utf-8")
    for number, expression in enumerate(re.findall(r"^\| [^|`]+ \| `([^`]+)` \|$", document, re.MULTILINE)):
        yield f"document:{number}", expression


@needs_promtool
def test_every_expression_of_the_dashboard_and_of_the_document_is_well_formed(tmp_path: Path) -> None:
    records = [{"record": name, "expr": expression} for name, expression in expressions()]
    assert sum(one["record"].startswith("document:") for one in records) == 6
    file = tmp_path / "expressions.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": records}]}), "utf-8")
    done = promtool("check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_bound_of_misses_is_several_times_what_two_processes_of_the_profile_standard_have_at_most() -> None:
    (rule,) = (rule for rule in rules() if rule["alert"] == "JournalKeysCacheHitRatioLow")
    bound = float(rule["expr"].rpartition(">")[2])
    assert bound > 4 * 2 * len(KNOWN_SECRETS) / 300
