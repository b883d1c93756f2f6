"""The composition root: declarations only. What has a lifetime comes in as a `Dependency`.

What instances share is in memory here; where there is a Redis, `resources` hands in its own instead.
"""

from collections import Counter
from datetime import timedelta

from dependency_injector import containers, providers

from journal_keys.adapters.crypto.foreign_keys import CryptographyForeignKeys, ViewWorkReader
from journal_keys.adapters.crypto.key_crypto import (
    CryptographyKeyGenerator,
    CryptographyKeyOpener,
    CryptographyPemRenderer,
)
from journal_keys.adapters.crypto.token_cipher import TokenCipher
from journal_keys.adapters.crypto.token_codec import JwtSigner, JwtVerifier
from journal_keys.adapters.memory.counted_secret_store import CountedSecretStore
from journal_keys.adapters.memory.grants import MemoryGrants
from journal_keys.adapters.memory.hint_bus import MemoryHintBus
from journal_keys.adapters.memory.lease import MemoryLease
from journal_keys.adapters.memory.meter import MemoryMeter
from journal_keys.adapters.memory.rate_limiter import MemoryRateLimiter
from journal_keys.adapters.memory.secret_cache import MemorySecretCache
from journal_keys.adapters.memory.shared_secret_cache import NotShared
from journal_keys.adapters.memory.snapshot_store import NoSnapshotStore
from journal_keys.adapters.memory.tracer import MemoryTracer
from journal_keys.adapters.memory.view_board import MemoryViewBoard
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.encryption_budget import EncryptionBudget
from journal_keys.domain.keys import Family
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.rates import Rates
from journal_keys.domain.snapshot import SnapshotPace
from journal_keys.domain.token import TokenProfile
from journal_keys.domain.windows import Windows
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.backup_shelf import BackupShelf
from journal_keys.ports.clock import Clock
from journal_keys.ports.clock_keeper import ClockKeeper
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.fleet import Fleet
from journal_keys.ports.foreign_keys import ForeignKeys, WorkReader
from journal_keys.ports.grants import Grants
from journal_keys.ports.hint_bus import HintBus
from journal_keys.ports.key_crypto import KeyGenerator, KeyOpener, PemRenderer
from journal_keys.ports.key_usage import KeyUsage
from journal_keys.ports.lease import Lease
from journal_keys.ports.ledger import Ledger
from journal_keys.ports.ledger_archive import LedgerArchive
from journal_keys.ports.meter import Meter
from journal_keys.ports.rate_limiter import RateLimiter
from journal_keys.ports.replies import Replies
from journal_keys.ports.secret_cache import SecretCache
from journal_keys.ports.secret_store import SecretStore
from journal_keys.ports.shared_secret_cache import SharedSecretCache
from journal_keys.ports.snapshot_store import SnapshotStore
from journal_keys.ports.store_condition import StoreCondition
from journal_keys.ports.tracer import Tracer
from journal_keys.ports.view_board import ViewBoard
from journal_keys.ports.webhook_inbox import WebhookInbox
from journal_keys.ports.webhook_secrets import WebhookSecrets
from journal_keys.use_cases.audit_call import AuditCall
from journal_keys.use_cases.back_up import BackUp
from journal_keys.use_cases.check_backup import CheckBackup
from journal_keys.use_cases.check_health import CheckHealth
from journal_keys.use_cases.check_readiness import CheckReadiness
from journal_keys.use_cases.check_signature import CheckSignature
from journal_keys.use_cases.compromise_key import CompromiseKey, EntombKey
from journal_keys.use_cases.describe_status import DescribeStatus
from journal_keys.use_cases.destroy_key import DestroyKey
from journal_keys.use_cases.explain_key import ExplainKey
from journal_keys.use_cases.fetch_secret import FetchSecret
from journal_keys.use_cases.find_losses import FindLosses
from journal_keys.use_cases.handle_webhook import HandleWebhook, WebhookRules
from journal_keys.use_cases.init_rings import InitRings
from journal_keys.use_cases.invalidate_cache import InvalidateCache
from journal_keys.use_cases.keep_pre_image import KeepPreImage
from journal_keys.use_cases.keep_snapshot import KeepSnapshot
from journal_keys.use_cases.limit_calls import LimitCalls
from journal_keys.use_cases.limit_key_set import LimitKeySet
from journal_keys.use_cases.load_views import LoadViews
from journal_keys.use_cases.make_key import MakeKey
from journal_keys.use_cases.migrate_secrets import MigrateSecrets
from journal_keys.use_cases.migration_status import MigrationStatus
from journal_keys.use_cases.plan_migration import PlanMigration
from journal_keys.use_cases.project_ring import ProjectRing
from journal_keys.use_cases.prove_migration import ProveMigration
from journal_keys.use_cases.put_values import PutValues
from journal_keys.use_cases.read_material import ReadMaterial
from journal_keys.use_cases.read_variables import ReadVariables
from journal_keys.use_cases.recent_deliveries import RecentDeliveries
from journal_keys.use_cases.reconcile import Reconcile
from journal_keys.use_cases.recover_ledger import RecoverLedger
from journal_keys.use_cases.refresh_views import RefreshViews
from journal_keys.use_cases.refuse_restore import RefuseRestore
from journal_keys.use_cases.report_instance import ReportInstance
from journal_keys.use_cases.report_usage import ReportUsage
from journal_keys.use_cases.restore_backup import RestoreBackup
from journal_keys.use_cases.restore_snapshot import RestoreSnapshot
from journal_keys.use_cases.retire_keys import RetireKeys
from journal_keys.use_cases.roll_back_migration import RollBackMigration
from journal_keys.use_cases.rotate_keys import RotateKeys
from journal_keys.use_cases.rotate_on_webhook import RotateOnWebhook
from journal_keys.use_cases.rotate_webhook_secret import RotateWebhookSecret
from journal_keys.use_cases.rotate_when_due import RotateWhenDue
from journal_keys.use_cases.show_figures import ShowFigures
from journal_keys.use_cases.stage_successor import StageSuccessor
from journal_keys.use_cases.store_secret import DeleteSecret, ListSecrets, StoreSecret
from journal_keys.use_cases.take_keys_in import TakeKeysIn
from journal_keys.use_cases.verify_audit import VerifyAudit
from journal_keys.use_cases.watch_audit import WatchAudit
from journal_keys.use_cases.watch_ledger import WatchLedger


class Container(containers.DeclarativeContainer):
    """Every port with its adapter, every use case with its ports."""

    windows: providers.Provider[Windows] = providers.Dependency(instance_of=Windows)
    policies: providers.Provider[dict[Family, RotationPolicy]] = providers.Dependency(instance_of=dict)
    profile: providers.Provider[TokenProfile] = providers.Dependency(instance_of=TokenProfile)
    verify_max_stale: providers.Provider[timedelta] = providers.Dependency(instance_of=timedelta)

    clock: providers.Provider[Clock] = providers.Dependency(instance_of=Clock, default=SystemClock())  # type: ignore[type-abstract]
    entropy: providers.Provider[Entropy] = providers.Dependency(instance_of=Entropy, default=SystemEntropy())  # type: ignore[type-abstract]
    store: providers.Provider[SecretStore] = providers.Dependency(instance_of=SecretStore)  # type: ignore[type-abstract]
    probe: providers.Provider[SecretStore] = providers.Dependency(instance_of=SecretStore)  # type: ignore[type-abstract]
    condition: providers.Provider[StoreCondition] = providers.Dependency(instance_of=StoreCondition)  # type: ignore[type-abstract]
    ledger: providers.Provider[Ledger] = providers.Dependency(instance_of=Ledger)  # type: ignore[type-abstract]
    trail: providers.Provider[AuditTrail] = providers.Dependency(instance_of=AuditTrail)  # type: ignore[type-abstract]
    clock_keeper: providers.Provider[ClockKeeper] = providers.Dependency(instance_of=ClockKeeper)  # type: ignore[type-abstract]
    fleet: providers.Provider[Fleet] = providers.Dependency(instance_of=Fleet)  # type: ignore[type-abstract]
    inbox: providers.Provider[WebhookInbox] = providers.Dependency(instance_of=WebhookInbox)  # type: ignore[type-abstract]
    webhook_rules: providers.Provider[WebhookRules] = providers.Dependency(instance_of=WebhookRules)
    webhook_secrets: providers.Provider[WebhookSecrets] = providers.Dependency(instance_of=WebhookSecrets)  # type: ignore[type-abstract]
    configured_webhook_secrets: providers.Provider[tuple[KeyMaterial, ...]] = providers.Dependency(instance_of=tuple)
    archive: providers.Provider[LedgerArchive] = providers.Dependency(instance_of=LedgerArchive)  # type: ignore[type-abstract]
    shelf: providers.Provider[BackupShelf] = providers.Dependency(instance_of=BackupShelf)  # type: ignore[type-abstract]
    environment_name: providers.Provider[str] = providers.Dependency(instance_of=str)
    replies: providers.Provider[Replies] = providers.Dependency(instance_of=Replies)  # type: ignore[type-abstract]
    rates: providers.Provider[Rates] = providers.Dependency(instance_of=Rates)
    instance_name: providers.Provider[str] = providers.Dependency(instance_of=str)
    instance_expiry: providers.Provider[timedelta] = providers.Dependency(instance_of=timedelta)
    usage: providers.Provider[KeyUsage] = providers.Dependency(instance_of=KeyUsage)  # type: ignore[type-abstract]
    grants: providers.Provider[Grants] = providers.Dependency(instance_of=Grants, default=MemoryGrants())  # type: ignore[type-abstract]
    snapshots: providers.Provider[SnapshotStore] = providers.Dependency(
        instance_of=SnapshotStore,  # type: ignore[type-abstract]
        default=NoSnapshotStore(),
    )
    snapshot_secrets: providers.Provider[frozenset[SecretPath]] = providers.Dependency(
        instance_of=frozenset, default=frozenset[SecretPath]()
    )

    generator: providers.Provider[KeyGenerator] = providers.Singleton(CryptographyKeyGenerator, entropy=entropy)
    opener: providers.Provider[KeyOpener] = providers.Singleton(CryptographyKeyOpener)
    pem: providers.Provider[PemRenderer] = providers.Singleton(CryptographyPemRenderer)
    board: providers.Provider[ViewBoard] = providers.ThreadSafeSingleton(MemoryViewBoard)
    hints: providers.Provider[HintBus] = providers.ThreadSafeSingleton(MemoryHintBus)
    lease: providers.Provider[Lease] = providers.ThreadSafeSingleton(MemoryLease, holder=instance_name, clock=clock)
    budget: providers.Provider[EncryptionBudget] = providers.ThreadSafeSingleton(EncryptionBudget)
    shared_cache: providers.Provider[SharedSecretCache] = providers.ThreadSafeSingleton(NotShared)
    limiter: providers.Provider[RateLimiter] = providers.ThreadSafeSingleton(MemoryRateLimiter, clock=clock)
    own_limiter: providers.Provider[RateLimiter] = providers.ThreadSafeSingleton(MemoryRateLimiter, clock=clock)
    meter: providers.Provider[Meter] = providers.ThreadSafeSingleton(MemoryMeter)
    tracer: providers.Provider[Tracer] = providers.ThreadSafeSingleton(MemoryTracer)
    old_formats: providers.Provider[Counter[str]] = providers.Callable(lambda meter: meter.old_formats(), meter)
    cache: providers.Provider[SecretCache] = providers.ThreadSafeSingleton(
        MemorySecretCache,
        clock=clock,
        ttl=windows.provided.view_ttl,
        stale_bound=verify_max_stale,
        shared=shared_cache,
        meter=meter,
        tracer=tracer,
    )
    counted: providers.Provider[SecretStore] = providers.Factory(
        CountedSecretStore, store=store, clock=clock, meter=meter, tracer=tracer
    )
    counted_probe: providers.Provider[SecretStore] = providers.Factory(
        CountedSecretStore, store=probe, clock=clock, meter=meter, tracer=tracer
    )

    read_material: providers.Provider[ReadMaterial] = providers.Factory(ReadMaterial, store=counted)
    probe_material: providers.Provider[ReadMaterial] = providers.Factory(ReadMaterial, store=counted_probe)
    make_key: providers.Provider[MakeKey] = providers.Factory(
        MakeKey, store=counted, generator=generator, opener=opener
    )
    stage: providers.Provider[StageSuccessor] = providers.Factory(
        StageSuccessor, ledger=ledger, store=counted, make_key=make_key
    )
    project: providers.Provider[ProjectRing] = providers.Factory(
        ProjectRing, ledger=ledger, store=counted, read_material=read_material, opener=opener, pem=pem
    )
    entomb: providers.Provider[EntombKey] = providers.Factory(EntombKey, store=counted)

    init_rings: providers.Provider[InitRings] = providers.Factory(
        InitRings, ledger=ledger, store=counted, make_key=make_key, read_material=read_material, project=project
    )
    rotate_keys: providers.Provider[RotateKeys] = providers.Factory(
        RotateKeys,
        ledger=ledger,
        read_material=read_material,
        stage=stage,
        project=project,
        hints=hints,
        meter=meter,
        tracer=tracer,
        policies=policies,
        windows=windows,
    )
    rotate_when_due: providers.Provider[RotateWhenDue] = providers.Factory(RotateWhenDue, rotate=rotate_keys)
    rotate_on_webhook: providers.Provider[RotateOnWebhook] = providers.Factory(RotateOnWebhook, rotate=rotate_keys)
    retire_keys: providers.Provider[RetireKeys] = providers.Factory(
        RetireKeys, ledger=ledger, store=counted, hints=hints, windows=windows
    )
    compromise_key: providers.Provider[CompromiseKey] = providers.Factory(
        CompromiseKey,
        ledger=ledger,
        entomb=entomb,
        stage=stage,
        project=project,
        hints=hints,
        meter=meter,
        policies=policies,
        windows=windows,
    )
    reconcile: providers.Provider[Reconcile] = providers.Factory(
        Reconcile, rotate=rotate_keys, retire=retire_keys, entomb=entomb, opener=opener, clock=clock_keeper
    )
    recover_ledger: providers.Provider[RecoverLedger] = providers.Factory(
        RecoverLedger,
        ledger=ledger,
        store=counted,
        read_material=read_material,
        opener=opener,
        project=project,
        windows=windows,
    )
    refresh_views: providers.Provider[RefreshViews] = providers.Factory(
        RefreshViews, ledger=ledger, read_material=read_material, opener=opener, board=board, clock=clock
    )
    report_usage: providers.Provider[ReportUsage] = providers.Factory(
        ReportUsage, usage=usage, board=board, budget=budget
    )
    report_instance: providers.Provider[ReportInstance] = providers.ThreadSafeSingleton(
        ReportInstance, fleet=fleet, board=board, clock=clock, name=instance_name, expires_in=instance_expiry
    )
    restore_snapshot: providers.Provider[RestoreSnapshot] = providers.Factory(
        RestoreSnapshot,
        snapshots=snapshots,
        opener=opener,
        board=board,
        cache=cache,
        clock=clock,
        budget=budget,
        verify_max_stale=verify_max_stale,
    )
    load_views: providers.Provider[LoadViews] = providers.Factory(
        LoadViews, refresh=refresh_views, restore=restore_snapshot
    )
    snapshot_pace: providers.Provider[SnapshotPace] = providers.ThreadSafeSingleton(SnapshotPace)
    keep_snapshot: providers.Provider[KeepSnapshot] = providers.Factory(
        KeepSnapshot,
        snapshots=snapshots,
        store=counted,
        board=board,
        cache=cache,
        clock=clock,
        budget=budget,
        pace=snapshot_pace,
        windows=windows,
        verify_max_stale=verify_max_stale,
        wanted=snapshot_secrets,
    )
    show_figures: providers.Provider[ShowFigures] = providers.Factory(
        ShowFigures,
        board=board,
        budget=budget,
        condition=condition,
        policies=policies,
        windows=windows,
        meter=meter,
    )
    check_health: providers.Provider[CheckHealth] = providers.Factory(
        CheckHealth,
        ledger=ledger,
        read_material=probe_material,
        condition=condition,
        usage=usage,
        policies=policies,
        windows=windows,
        board=board,
        clock=clock,
        verify_max_stale=verify_max_stale,
    )
    check_readiness: providers.Provider[CheckReadiness] = providers.ThreadSafeSingleton(
        CheckReadiness, board=board, clock=clock, windows=windows
    )
    limit_calls: providers.Provider[LimitCalls] = providers.Factory(LimitCalls, limiter=limiter, rates=rates)
    limit_key_set: providers.Provider[LimitKeySet] = providers.ThreadSafeSingleton(
        LimitKeySet, limiter=own_limiter, rates=rates
    )
    audit_call: providers.Provider[AuditCall] = providers.Factory(AuditCall, trail=trail, clock=clock)
    verify_audit: providers.Provider[VerifyAudit] = providers.Factory(VerifyAudit, trail=trail)
    watch_audit: providers.Provider[WatchAudit] = providers.ThreadSafeSingleton(WatchAudit, trail=trail, clock=clock)
    describe_status: providers.Provider[DescribeStatus] = providers.Factory(
        DescribeStatus,
        ledger=ledger,
        fleet=fleet,
        trail=trail,
        usage=usage,
        watch=watch_audit,
        policies=policies,
        windows=windows,
    )
    watch_ledger: providers.Provider[WatchLedger] = providers.Factory(
        WatchLedger, audit=watch_audit, describe=describe_status, clock=clock, meter=meter
    )
    explain_key: providers.Provider[ExplainKey] = providers.Factory(
        ExplainKey, ledger=ledger, trail=trail, policies=policies, windows=windows
    )
    fetch_secret: providers.Provider[FetchSecret] = providers.Factory(FetchSecret, store=store, cache=cache)
    invalidate_cache: providers.Provider[InvalidateCache] = providers.Factory(InvalidateCache, cache=cache, hints=hints)
    check_signature: providers.Provider[CheckSignature] = providers.ThreadSafeSingleton(
        CheckSignature,
        store=counted,
        secrets=webhook_secrets,
        clock=clock,
        ttl=windows.provided.view_ttl,
        configured=configured_webhook_secrets,
    )
    rotate_webhook_secret: providers.Provider[RotateWebhookSecret] = providers.Factory(
        RotateWebhookSecret, store=counted, secrets=webhook_secrets, entropy=entropy
    )
    recent_deliveries: providers.Provider[RecentDeliveries] = providers.ThreadSafeSingleton(RecentDeliveries)
    handle_webhook: providers.Provider[HandleWebhook] = providers.Factory(
        HandleWebhook,
        check=check_signature,
        inbox=inbox,
        recent=recent_deliveries,
        invalidate=invalidate_cache,
        limit=limit_calls,
        clock=clock,
        meter=meter,
        tracer=tracer,
        rules=webhook_rules,
    )
    store_secret: providers.Provider[StoreSecret] = providers.Factory(StoreSecret, store=counted, cache=cache)
    delete_secret: providers.Provider[DeleteSecret] = providers.Factory(DeleteSecret, store=counted, cache=cache)
    list_secrets: providers.Provider[ListSecrets] = providers.Factory(ListSecrets, store=counted)

    signer: providers.Provider[JwtSigner] = providers.Singleton(
        JwtSigner, board=board, clock=clock, profile=profile, windows=windows
    )
    verifier: providers.Provider[JwtVerifier] = providers.Singleton(
        JwtVerifier,
        board=board,
        clock=clock,
        profile=profile,
        windows=windows,
        verify_max_stale=verify_max_stale,
        old=old_formats,
    )
    cipher: providers.Provider[TokenCipher] = providers.Singleton(
        TokenCipher,
        board=board,
        clock=clock,
        entropy=entropy,
        budget=budget,
        windows=windows,
        verify_max_stale=verify_max_stale,
        old=old_formats,
    )

    foreign_keys: providers.Provider[ForeignKeys] = providers.Factory(
        CryptographyForeignKeys, opener=opener, profile=profile, clock=clock, entropy=entropy
    )
    work_reader: providers.Provider[WorkReader] = providers.Factory(ViewWorkReader, verifier=verifier, cipher=cipher)
    put_values: providers.Provider[PutValues] = providers.Factory(PutValues, store=counted)
    read_variables: providers.Provider[ReadVariables] = providers.Factory(ReadVariables, foreign=foreign_keys)
    plan_migration: providers.Provider[PlanMigration] = providers.Factory(
        PlanMigration,
        ledger=ledger,
        store=counted,
        read=read_variables,
        foreign=foreign_keys,
        entropy=entropy,
        windows=windows,
    )
    keep_pre_image: providers.Provider[KeepPreImage] = providers.Factory(
        KeepPreImage, archive=archive, trail=trail, store=counted, shelf=shelf, entropy=entropy
    )
    take_keys_in: providers.Provider[TakeKeysIn] = providers.Factory(
        TakeKeysIn,
        ledger=ledger,
        store=counted,
        put=put_values,
        make_key=make_key,
        opener=opener,
        project=project,
        hints=hints,
        policies=policies,
    )
    prove_migration: providers.Provider[ProveMigration] = providers.Factory(
        ProveMigration, put=put_values, refresh=refresh_views, foreign=foreign_keys, reader=work_reader
    )
    migrate_secrets: providers.Provider[MigrateSecrets] = providers.Factory(
        MigrateSecrets,
        plan=plan_migration,
        keep=keep_pre_image,
        put=put_values,
        take_in=take_keys_in,
        prove=prove_migration,
        store=counted,
        cache=cache,
        ledger=ledger,
        trail=trail,
    )
    migration_status: providers.Provider[MigrationStatus] = providers.Factory(
        MigrationStatus, plan=plan_migration, refresh=refresh_views, reader=work_reader, trail=trail
    )
    roll_back_migration: providers.Provider[RollBackMigration] = providers.Factory(
        RollBackMigration,
        ledger=ledger,
        archive=archive,
        trail=trail,
        store=counted,
        cache=cache,
        put=put_values,
        hints=hints,
        shelf=shelf,
    )
    back_up: providers.Provider[BackUp] = providers.Factory(
        BackUp,
        ledger=ledger,
        archive=archive,
        trail=trail,
        store=counted,
        read_material=read_material,
        opener=opener,
        entropy=entropy,
        shelf=shelf,
        environment=environment_name,
    )
    check_backup: providers.Provider[CheckBackup] = providers.Factory(CheckBackup, shelf=shelf, opener=opener)
    refuse_restore: providers.Provider[RefuseRestore] = providers.Factory(
        RefuseRestore, ledger=ledger, trail=trail, store=counted, project=project
    )
    find_losses: providers.Provider[FindLosses] = providers.Factory(
        FindLosses, store=counted, read_material=read_material
    )
    restore_backup: providers.Provider[RestoreBackup] = providers.Factory(
        RestoreBackup,
        check=check_backup,
        refuse=refuse_restore,
        find_losses=find_losses,
        ledger=ledger,
        archive=archive,
        trail=trail,
        store=counted,
        cache=cache,
        put=put_values,
        make_key=make_key,
        project=project,
        hints=hints,
        shelf=shelf,
        policies=policies,
    )
    destroy_key: providers.Provider[DestroyKey] = providers.Factory(
        DestroyKey,
        ledger=ledger,
        store=counted,
        project=project,
        usage=usage,
        trail=trail,
        hints=hints,
        windows=windows,
    )
