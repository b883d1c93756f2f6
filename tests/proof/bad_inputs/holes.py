"""Parsers with a known hole each: a search that did not find it would prove nothing about those without."""

import base64
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from journal_keys.domain import canonical
from journal_keys.domain.audit_chain import AuditHead
from journal_keys.domain.envelope import EnvelopeError
from journal_keys.domain.errors import InvalidNameError, InvalidPathError
from tests.proof.bad_inputs import chains, encodings, envelopes, names, vaults
from tests.proof.bad_inputs.callers import CALLER, Caller
from tests.proof.bad_inputs.jwks import JWK
from tests.proof.bad_inputs.materials import LINE
from tests.proof.bad_inputs.search import REFUSED, Labelled, Tally, Target, generated, search
from tests.proof.bad_inputs.signing import believed, verifier
from tests.proof.bad_inputs.tokens import TOKEN
from tests.proof.bad_inputs.webhooks import FORGED, Sent
from tests.support.views import PROFILE

_INPUTS: Final = 4_000


@dataclass(frozen=True, slots=True)
class Hole:
    """What a parser forgives or forgets, and how that shows in a finding."""

    target: Target[Any]
    read: Callable[[Any], object]
    shows: str = "read"
    inputs: Callable[[], Iterable[Labelled[Any]]] | None = None

    def searched(self, seed: int) -> Tally:
        """Try the parser with the hole on the inputs of its target, until something is found."""
        holed, tally = replace(self.target, read=self.read), Tally(self.target.name)
        for given in self.inputs() if self.inputs else generated(holed, seed, _INPUTS):
            search(holed, (given,), tally)
            if tally.findings:
                break
        return tally


def _as_text(change: Callable[[str], str]) -> Callable[[object], object]:
    return lambda given: change(given) if isinstance(given, str) else given


def _after(change: Callable[[Any], object], target: Target[Any]) -> Callable[[Any], object]:
    """The target's parser behind a change of its input."""
    return lambda given: target.read(change(given))


def _with_repeated_members(text: str) -> object:
    try:
        return canonical.from_json(text)
    except ValueError as refusal:
        if "repeats" not in str(refusal):
            raise
    return json.loads(text)


def _without_a_bound_on_depth(text: str) -> object:
    json.loads(text, parse_constant=canonical.from_json)
    return canonical.from_json(text)


def _with_stray_bits(text: str) -> bytes:
    if not re.fullmatch("[A-Za-z0-9_-]*", text):
        raise ValueError("another alphabet")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _up_to_a_line_end(text: object) -> object:
    if not isinstance(text, str) or not re.match("[A-Za-z_][A-Za-z0-9_-]{0,63}$", text):
        raise InvalidNameError("no kid")
    return text


def _rebuilt_from_good_segments(text: object) -> object:
    segments = [part for part in str(text).split("/") if re.fullmatch("[A-Za-z_][A-Za-z0-9_-]{0,63}", part)]
    if not segments:
        raise InvalidPathError("no path")
    return "/" + "/".join(segments)


def _public_members_of(text: str) -> str:
    try:
        members = json.loads(text)
        return json.dumps({name: members[name] for name in members if name in ("kty", "crv", "x", "y", "n", "e")})
    except (ValueError, TypeError, RecursionError):
        return text


def _in_any_context(given: envelopes.Sealed) -> object:
    for context in envelopes.CONTEXTS:
        try:
            return envelopes.OPENED.read((given[0], context))
        except EnvelopeError:
            continue
    raise EnvelopeError("in no context")


def _with_their_reasons_back(entries: chains.Chain) -> chains.Chain:
    """What a hash that leaves the reason out would see."""
    known = {entry.hash: entry.fact.reason for entry in chains.GOOD}
    return tuple(
        replace(entry, fact=replace(entry.fact, reason=known.get(entry.hash, entry.fact.reason))) for entry in entries
    )


def _head_of_any_digits(text: str) -> object:
    sequence, _, digest = text.partition(":")
    if not sequence.isdigit() or not re.fullmatch("[0-9a-f]{64}", digest):
        raise InvalidNameError("no head")
    return str(AuditHead(sequence=int(sequence), hash=digest))


def _by_how_the_host_begins(given: Caller) -> object:
    peer, headers = given
    hosts = [value for name, value in headers if name == b"host"]
    is_ours = peer.startswith(("127.", "::1")) and all(
        host.startswith((b"localhost", b"127.", b"[::1]")) for host in hosts
    )
    return "admitted" if is_ours else REFUSED


def _with_capitals_in_hex(given: Sent) -> Sent:
    return tuple((name, value.lower()) for name, value in given[0]), given[1]


def _with_the_first_header_of_each_name(given: Sent) -> Sent:
    return tuple(dict(reversed(given[0])).items()), given[1]


def _with_the_time_of_the_body(given: Sent) -> Sent:
    """What is left where the header's time, which is not signed, need not agree with the body's."""
    found = re.search(rb'"timestamp":([0-9]+)', given[1])
    if not found:
        return given
    return tuple((name, re.sub(rb"\At=[0-9]+", b"t=" + found[1], value)) for name, value in given[0]), given[1]


HOLES: Final = {
    "white space around a token": Hole(TOKEN, _after(_as_text(str.strip), TOKEN)),
    "padding behind a token": Hole(TOKEN, _after(_as_text(lambda text: text.rstrip("=")), TOKEN)),
    "a signature that nobody checks": Hole(TOKEN, verifier(trust=believed).verify),
    "a token whose time is over": Hole(TOKEN, verifier(replace(PROFILE, leeway=timedelta(days=9))).verify),
    "repeated members": Hole(encodings.JSON, _with_repeated_members),
    "no bound on depth": Hole(encodings.JSON, _without_a_bound_on_depth, shows="uncaught RecursionError"),
    "padding": Hole(encodings.BASE64URL, _after(lambda text: text.rstrip("="), encodings.BASE64URL)),
    "stray bits": Hole(encodings.FAST_BASE64URL, _with_stray_bits),
    "a line end behind a kid": Hole(names.KID, _up_to_a_line_end),
    "a path rebuilt from what is good in it": Hole(names.PATH, _rebuilt_from_good_segments),
    "digits of other scripts": Hole(names.HEAD, _head_of_any_digits),
    "members beside a public key's": Hole(JWK, _after(_public_members_of, JWK)),
    "bytes behind a stored key": Hole(LINE, _after(bytes.strip, LINE)),
    "a context that binds nothing": Hole(envelopes.OPENED, _in_any_context),
    "a reason that the audit hash leaves out": Hole(
        chains.CHAIN, _after(_with_their_reasons_back, chains.CHAIN), "followed"
    ),
    "a vault header that is not authenticated": Hole(
        vaults.DAMAGED, _after(vaults.with_its_header_back, vaults.DAMAGED), inputs=vaults.damaged
    ),
    "capital digits in a signature": Hole(FORGED, _after(_with_capitals_in_hex, FORGED)),
    "a second signature header": Hole(FORGED, _after(_with_the_first_header_of_each_name, FORGED)),
    "a header's time that nobody compares": Hole(FORGED, _after(_with_the_time_of_the_body, FORGED)),
    "hosts by how they begin": Hole(CALLER, _by_how_the_host_begins),
}
