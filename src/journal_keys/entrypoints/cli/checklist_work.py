"""What `doctor --checklist` does."""

import sys
from collections import Counter

from journal_keys.entrypoints.checklist.answers import Answer, Line, Status
from journal_keys.entrypoints.checklist.asking import facts_of
from journal_keys.entrypoints.checklist.lines import answered
from journal_keys.entrypoints.cli.exit_codes import ExitCode
from journal_keys.entrypoints.cli.output import as_fields, print_json
from journal_keys.entrypoints.cli.running import command_settings
from journal_keys.entrypoints.ending import run_to_end
from journal_keys.entrypoints.settings import Settings


def checklist(*, json: bool) -> ExitCode:
    """Answer every line of the guide's checklists, each as soon as that is possible, and give the exit code.

    Raises:
        SettingsError: a setting is malformed; that those of Infisical are incomplete is an answer.
    """
    settings = command_settings(checks_infisical=False)
    answers = run_to_end(_answer(settings, aloud=not json))
    if json:
        print_json([{"checklist": line.checklist, "line": line.text, **as_fields(one)} for line, one in answers])
    else:
        counts = Counter(answer.status for _, answer in answers)
        sys.stdout.write("\n" + ", ".join(f"{counts[status]} {status}" for status in Status) + "\n")
    has_failed = any(answer.status is Status.FAILED for _, answer in answers)
    return ExitCode.UNHEALTHY if has_failed else ExitCode.DONE


async def _answer(settings: Settings, *, aloud: bool) -> list[tuple[Line, Answer]]:
    answers: list[tuple[Line, Answer]] = []
    async with facts_of(settings) as facts:
        async for line, answer in answered(facts):
            if aloud:
                _tell(line, answer, is_first=not answers or answers[-1][0].checklist is not line.checklist)
            answers.append((line, answer))
    return answers


def _tell(line: Line, answer: Answer, *, is_first: bool) -> None:
    heading = f"\n{line.checklist} checklist\n" if is_first else ""
    cure = f"\n{'':<11}cure: {answer.cure}" if answer.cure else ""
    sys.stdout.write(f"{heading}{answer.status:<11}{line.text}\n{'':<11}{answer.found}{cure}\n")
    sys.stdout.flush()
