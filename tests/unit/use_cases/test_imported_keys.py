"""Imported keys in a ring: what they made is read, they make nothing more, and no pass forgets or revives them."""

import hmac
import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.fernet import Fernet, MultiFernet

from journal_keys.adapters.crypto.token_cipher import TokenCipher, UnknownCiphertextKidError
from journal_keys.adapters.crypto.token_codec import JwtSigner, JwtVerifier
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain import base64url, material, rotation
from journal_keys.domain.envelope import EnvelopeError
from journal_keys.domain.errors import KeyUnavailableError, RingInvariantError, ViewStaleError
from journal_keys.domain.exposure import as_text, expose
from journal_keys.domain.keys import Family, KeyState, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.outcomes import Recovered
from journal_keys.domain.paths import MARKER_NAME, MARKER_VALUE, family_folder, owned_folders, versions_folder
from journal_keys.domain.rotation import Cause
from journal_keys.domain.token import TokenRefusedError
from journal_keys.entrypoints.http.jwks import JwksRenderer
from journal_keys.ports.foreign_keys import Work, WorkForm
from journal_keys.ports.key_crypto import NewKey
from tests.support.imported import (
    ED25519,
    P256,
    SHARED,
    admitted,
    aes_json,
    foreign_keys,
    pem,
    stored,
    text_key,
    work_reader,
)
from tests.support.process import Process
from tests.support.views import MAX_STALE, PROFILE
from tests.support.world import POLICIES, START, W1, W2, WINDOWS, World

J, A = Family.JWT, Family.AES


def all_keys(world: World) -> list[NewKey]:
    """One of each kind that a migration may bring."""
    foreign, at = foreign_keys(world), world.clock.read().wall
    return [
        foreign.signing_key(pem(ED25519), None, kid=Kid("dev-key"), created_at=at),
        foreign.signing_key(pem(P256), None, kid=None, created_at=at),
        foreign.shared_secret(SHARED, created_at=at),
        *foreign.aes_keys(aes_json("old_1", "old-2"), created_at=at),
        *foreign.fernet_keys(KeyMaterial(f"{text_key(60)},{text_key(61)}".encode()), created_at=at),
    ]


async def moved_in() -> tuple[World, list[Work]]:
    """A world whose rings took in one key of each kind, and what each of these made before."""
    world = await World().initialised()
    keys = all_keys(world)
    for family in Family:
        await admitted(world, family, *(key for key in keys if key.record.family is family))
    return world, [foreign_keys(world).work(key, said=f"by {key.record.kid}") for key in keys]


def text(work: Work) -> str:
    return as_text(expose(work.text)) or ""


async def test_what_each_imported_key_made_before_is_read() -> None:
    world, works = await moved_in()
    reader = work_reader(await Process(world).refresh())
    assert Counter(work.form for work in works) == {WorkForm.TOKEN: 3, WorkForm.ENVELOPE_V1: 2, WorkForm.FERNET: 2}
    assert [work.kid for work in works if not reader.reads(work)] == []
    assert not reader.reads(replace(works[0], said="something else"))
    assert not reader.reads(replace(works[-1], text=KeyMaterial(b"gAAAAA" + b"A" * 94)))


async def test_before_the_import_none_of_it_is_read() -> None:
    _, works = await moved_in()
    reader = work_reader(await Process(await World().initialised()).refresh())
    assert [work.kid for work in works if reader.reads(work)] == []


async def test_it_is_read_after_rotations_and_signing_keys_go_with_their_last_token() -> None:
    world, works = await moved_in()
    for number in range(3):
        for family in Family:
            await world.rotated(family, f"{family}-{number}")
        world.clock.pass_time(W1)
    reader = work_reader(await Process(world).refresh())
    assert all(reader.reads(work) for work in works)
    world.clock.pass_time(W2)
    for family in Family:
        await world.reconciled(family)
    states = {version.kid: version.state for version in (await world.ring(J)).versions}
    assert {states[work.kid] for work in works if work.form is WorkForm.TOKEN} == {KeyState.DESTROYED}
    later = work_reader(await Process(world).refresh())
    assert [work.form for work in works if later.reads(work)] == [work.form for work in works[3:]]


async def test_each_read_of_an_old_format_is_counted_and_no_other_is() -> None:
    world, works = await moved_in()
    process, counted = await Process(world).refresh(), Counter[str]()
    verifier = JwtVerifier(process.board, world.clock, PROFILE, WINDOWS, MAX_STALE, counted)
    cipher = TokenCipher(process.board, world.clock, SystemEntropy(), process.budget, WINDOWS, MAX_STALE, counted)
    for work in works:
        _ = verifier.verify(text(work)) if work.form is WorkForm.TOKEN else cipher.decrypt(text(work))
    assert counted == {"token": 3, "envelope_v1": 2, "fernet": 2}
    verifier.verify(process.signer.sign({}))
    assert cipher.decrypt(cipher.encrypt("new")) == "new"
    for work in works:
        changed = text(work)[:-6] + "AAAAAA"
        with pytest.raises((TokenRefusedError, EnvelopeError)):
            _ = verifier.verify(changed) if work.form is WorkForm.TOKEN else cipher.decrypt(changed)
    assert counted == {"token": 3, "envelope_v1": 2, "fernet": 2}


async def test_old_ciphertexts_want_a_rewrap_and_are_ours_afterwards() -> None:
    world, works = await moved_in()
    process = await Process(world).refresh()
    for work in works[3:]:
        assert process.cipher.needs_rewrap(text(work))
        again = process.cipher.rewrap(text(work))
        assert again.startswith("jk2.")
        assert not process.cipher.needs_rewrap(again)
        assert process.cipher.decrypt(again) == work.said


async def test_what_multifernet_rotates_is_read() -> None:
    world, _ = await moved_in()
    both = MultiFernet([Fernet(text_key(61)), Fernet(text_key(60))])
    token = both.rotate(Fernet(text_key(60)).encrypt(b"said")).decode()
    assert (await Process(world).refresh()).cipher.decrypt(token) == "said"


async def test_a_fernet_token_of_a_foreign_key_is_unknown_and_on_an_old_view_nobody_can_tell() -> None:
    world, _ = await moved_in()
    process = await Process(world).refresh()
    stranger = Fernet(text_key(99)).encrypt(b"x").decode()
    with pytest.raises(UnknownCiphertextKidError, match="no imported key"):
        process.cipher.decrypt(stranger)
    world.clock.pass_time(WINDOWS.oldest_verifier_view + timedelta(seconds=1))
    with pytest.raises(ViewStaleError, match="gained"):
        process.cipher.decrypt(stranger)


async def test_a_fernet_key_whose_material_is_gone_is_missing_not_unknown() -> None:
    world, works = await moved_in()
    await world.store.delete(versions_folder("aes").child(works[-1].kid))
    process = await Process(world).refresh()
    with pytest.raises(KeyUnavailableError, match=works[-1].kid):
        process.cipher.decrypt(text(works[-1]))
    assert process.cipher.decrypt(text(works[-2])) == works[-2].said
    assert str((await world.health()).rings[A].reason).startswith("material is missing")


def token(key: object, algorithm: str, **headers: object) -> str:
    now_s = int(START.timestamp() + W1.total_seconds())
    claims = {"iss": PROFILE.issuer, "aud": PROFILE.audience, "iat": now_s, "exp": now_s + 60, "sub": "x"}
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)  # type: ignore[arg-type]


SECRET = expose(SHARED)
HEADERS = {
    "no kid": (token(SECRET, "HS256"), None),
    "no kid and no typ": (token(SECRET, "HS256", typ=None), None),
    "its kid, typ JWT": (token(ED25519, "EdDSA", kid="dev-key"), None),
    "its kid, no typ": (token(ED25519, "EdDSA", kid="dev-key", typ=None), None),
    "its kid, our typ": (token(ED25519, "EdDSA", kid="dev-key", typ="at+jwt"), None),
    "another secret": (token(b"x" * 32, "HS256"), "does not verify"),
    "a named key, but no kid": (token(ED25519, "EdDSA"), "not in the ring"),
    "another algorithm than the kid's": (token(SECRET, "HS256", kid="dev-key"), "alg of the token"),
    "the kid of a key that was made here": (token(SECRET, "HS256", kid="jwt_strange"), "typ of a token"),
    "another typ": (token(ED25519, "EdDSA", kid="dev-key", typ="id+jwt"), "typ of a token is at"),
    "a member more": (token(SECRET, "HS256", jku="https://example.org"), "exactly the members"),
}


@pytest.mark.parametrize(("old", "refused"), HEADERS.values(), ids=HEADERS.keys())
async def test_headers_of_before_are_read_for_imported_keys_only(old: str, refused: str | None) -> None:
    world, _ = await moved_in()
    verifier = (await Process(world).refresh()).verifier
    if refused is None:
        assert verifier.verify(old)["sub"] == "x"
        return
    with pytest.raises(TokenRefusedError, match=refused):
        verifier.verify(old)


async def test_a_key_that_was_made_here_reads_no_token_with_a_header_of_before() -> None:
    world, _ = await moved_in()
    process = await Process(world).refresh()
    key = process.signer.current_key()
    old = token(key.key, "EdDSA", kid=key.kid)  # type: ignore[attr-defined]
    with pytest.raises(TokenRefusedError, match="typ of a token"):
        process.verifier.verify(old)
    with pytest.raises(TokenRefusedError):
        process.verifier.verify(token(key.key, "EdDSA"))  # type: ignore[attr-defined]


@pytest.mark.parametrize("kid", [[], {}, None, 5, True, 1.5], ids=repr)
async def test_a_kid_that_is_no_text_is_refused_as_everywhere(kid: object) -> None:
    world, _ = await moved_in()
    verifier = (await Process(world).refresh()).verifier
    for header in ({"alg": "HS256", "kid": kid}, {"alg": "HS256", "kid": kid, "typ": "JWT"}, {"alg": kid}):
        with pytest.raises(TokenRefusedError):
            verifier.verify(forged(SECRET, header))


async def test_our_own_tokens_are_good_where_their_typ_is_that_of_before() -> None:
    world, works = await moved_in()
    process = await Process(world).refresh()
    profile = replace(PROFILE, token_type="JWT")
    signer = JwtSigner(process.board, world.clock, profile, WINDOWS)
    verifier = JwtVerifier(process.board, world.clock, profile, WINDOWS, MAX_STALE)
    assert verifier.verify(signer.sign({"sub": "x"}))["sub"] == "x"
    assert [verifier.verify(text(work))["sub"] for work in works[:3]] == [work.said for work in works[:3]]


async def test_a_public_key_is_no_shared_secret() -> None:
    """RFC 8725 §2.1: the verifier's key for an algorithm is never chosen by the token."""
    world, _ = await moved_in()
    process = await Process(world).refresh()
    view = process.board.signing
    assert view is not None
    public = next(v.public_jwk for v in view.ring.versions if v.kid == "dev-key")
    assert public is not None
    for secret in (public.to_json().encode(), expose(pem(ED25519))):
        with pytest.raises(TokenRefusedError):
            process.verifier.verify(forged(secret, {"alg": "HS256", "kid": "dev-key"}))
        with pytest.raises(TokenRefusedError):
            process.verifier.verify(forged(secret, {"alg": "HS256"}))


def forged(secret: bytes, header: dict[str, Any]) -> str:
    """What PyJWT itself refuses to make."""
    parts = [header, jwt.decode(token(SECRET, "HS256"), options={"verify_signature": False})]
    message = ".".join(base64url.encode(json.dumps(part).encode()) for part in parts)
    return f"{message}.{base64url.encode(hmac.digest(secret, message.encode(), 'sha256'))}"


async def test_shared_secrets_are_in_no_key_set_and_foreign_keys_in_no_projection() -> None:
    world, works = await moved_in()
    for family in Family:
        await world.reconciled(family)
    body = JwksRenderer(timedelta(seconds=600), timedelta(days=1)).render(await world.ring(J)).body.decode()
    assert works[0].kid in body
    assert works[1].kid in body
    assert works[2].kid not in body
    assert "HS256" not in body
    keys_map = as_text(expose((await world.store.read_folder(family_folder("aes"))).secrets["keys_map"])) or ""
    assert [work.kid in keys_map for work in works[3:]] == [True, True, False, False]


async def test_a_ring_never_uses_or_stages_a_key_that_only_reads() -> None:
    world, works = await moved_in()
    ring = await world.ring(J)
    shared = ring.get(works[2].kid)
    for state in (KeyState.ACTIVE, KeyState.PRE_ACTIVATION):
        others = [v for v in ring.versions if v.state is not state and v.kid != shared.kid]
        with pytest.raises(RingInvariantError, match="read only"):
            replace(ring, versions=(*others, replace(shared, state=state)))


async def test_a_ring_is_founded_on_keys_from_elsewhere_which_go_on_being_used() -> None:
    world = World()
    for family in Family:
        for folder in owned_folders(family):
            await world.store.put_new(folder.child(MARKER_NAME), KeyMaterial(MARKER_VALUE))
    keys = [key for key in all_keys(world) if key.record.family is A]
    active, *others = await stored(world, keys)
    cause = Cause(at=START, actor="test", reason="moved in")
    staged = await world.make_key(POLICIES[A], cause)
    late = 1_700_000_000
    await world.ledger.commit(lambda at: rotation.found_on(active, staged, others, cause.when(at), generation=late))
    ring = await world.ring(A)
    assert (ring.active.kid, ring.generation) == ("old_1", late)
    assert {version.state for version in ring.versions if version.kid != "old_1"} == {
        KeyState.DEACTIVATED,
        KeyState.PRE_ACTIVATION,
    }
    facts = [entry.fact.action for entry in await world.trail.entries()]
    assert facts == ["key_published", "key_promoted", "key_published", *["key_imported"] * 3]
    cause = replace(cause, at=world.clock.read().wall)
    process = Process(world)
    await world.init(POLICIES[J], actor="test", reason="first keys")
    await process.refresh()
    assert process.cipher.encrypt("x").startswith("jk2.old_1.")


async def test_material_of_an_interrupted_import_is_not_swept_and_can_be_taken_in_later() -> None:
    world = await World().initialised()
    keys = all_keys(world)
    await stored(world, keys)
    world.clock.pass_time(10 * W1)
    for family in Family:
        await world.reconciled(family)
        content = await world.store.read_folder(versions_folder(family))
        mine = {key.record.kid for key in keys if key.record.family is family}
        assert mine <= content.secrets.keys()
        ring = await world.ring(family)
        assert not [kid for kid in mine if ring.find(kid)]
    health = await world.health()
    assert all("run 'journal-keys migration migrate' again" in health.rings[family].reason for family in Family)


async def test_a_rebuilt_ledger_takes_imported_keys_in_and_uses_none_that_only_reads() -> None:
    world, works = await moved_in()
    world.clock.pass_time(W1)
    rebuilt = World(clock=world.clock, store=world.store, seed=9)
    for family in Family:
        outcome = await rebuilt.recover(family, actor="test", reason="disk died")
        assert isinstance(outcome, Recovered)
        assert outcome.unusable == ()
    reader = work_reader(await Process(rebuilt).refresh())
    assert [work.kid for work in works if not reader.reads(work)] == []


async def test_a_compromised_imported_key_reads_nothing_more() -> None:
    world, works = await moved_in()
    for work in works:
        family = J if work.form is WorkForm.TOKEN else A
        await world.compromise(family, work.kid, actor="test", reason="leaked")
    reader = work_reader(await Process(world).refresh())
    assert [work.kid for work in works if reader.reads(work)] == []


async def test_a_changed_line_of_an_imported_key_is_found_out() -> None:
    world, works = await moved_in()
    at = world.clock.read().wall
    other = foreign_keys(world).aes_keys(aes_json("old_1", seed=90), created_at=at)[0]
    await world.store.overwrite({versions_folder("aes").child("old_1"): material.encode(other.record)})
    assert "old_1" in str((await world.health()).rings[A].reason)
    assert works[3].kid == "old_1"
