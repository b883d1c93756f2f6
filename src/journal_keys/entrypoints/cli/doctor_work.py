"""What `doctor` does."""

import sys

from journal_keys.adapters.infisical_cli.doctor import Finding, Verdict
from journal_keys.entrypoints.cli.exit_codes import ExitCode
from journal_keys.entrypoints.cli.output import print_json
from journal_keys.entrypoints.cli.running import command_settings
from journal_keys.entrypoints.ending import run_to_end
from journal_keys.entrypoints.examination import examine
from journal_keys.entrypoints.settings import Settings, SettingsError


def doctor(*, json: bool) -> ExitCode:
    """Examine, tell each finding as soon as it is there, and give the exit code.

    Raises:
        SettingsError: the store is not in Infisical, or its settings are incomplete.
    """
    settings = command_settings()
    if not settings.journal_infisical_enabled:
        raise SettingsError(
            "doctor looks at Infisical: set JOURNAL_INFISICAL_ENABLED=true and what belongs to it;"
            " 'journal-keys doctor --checklist' looks at any installation"
        )
    findings = run_to_end(_examine(settings, aloud=not json))
    if json:
        print_json(findings)
    has_failed = any(finding.verdict is Verdict.FAILED for finding in findings)
    return ExitCode.UNHEALTHY if has_failed else ExitCode.DONE


async def _examine(settings: Settings, *, aloud: bool) -> list[Finding]:
    findings: list[Finding] = []
    async for finding in examine(settings):
        findings.append(finding)
        if aloud:
            _tell(finding)
    return findings


def _tell(finding: Finding) -> None:
    cure = f"\n{'':<20}cure: {finding.cure}" if finding.cure else ""
    sys.stdout.write(f"{finding.verdict:<8}{finding.check:<12}{finding.found}{cure}\n")
    sys.stdout.flush()
