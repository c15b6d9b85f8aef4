"""The tables of what people edit, and of what the agent remembers about it.

Times are integer nanoseconds since the epoch in UTC (``…_ns``). A change here needs a migration in
``migrations/versions``; a test compares the two.
"""

from typing import Any, Final

from sqlalchemy import JSON, BigInteger, CheckConstraint, Double, ForeignKey, MetaData, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["AuditEntry", "Base", "Deployment", "ExpectedStream", "LastKnownFreshness", "SignIn", "Token"]

NAMING: Final = {
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
}
"""Patterns for the names of constraints, so that a migration can name them on every database."""


class Base(DeclarativeBase):
    """Base class of the tables."""

    metadata = MetaData(naming_convention=NAMING)


class ExpectedStream(Base):
    """A stream that should have data: of which instrument, how often, when it is late, and where its points are.

    ``expected_rate`` is in Hz. ``measurement``, ``field`` and ``tags`` select its points in the store. ``rules``
    are the keys of the settings' section ``[availability]`` that this stream overrides.
    """

    __tablename__ = "expected_streams"
    __table_args__ = (
        UniqueConstraint("reference_designator", "method", "stream"),
        CheckConstraint("expected_rate > 0", name="rate_is_positive"),
        CheckConstraint("warn_interval_ns > 0 AND fail_interval_ns > 0", name="intervals_are_positive"),
        CheckConstraint("warn_interval_ns <= fail_interval_ns", name="warns_before_it_fails"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference_designator: Mapped[str]
    method: Mapped[str]
    stream: Mapped[str]
    expected_rate: Mapped[float | None] = mapped_column(Double)
    warn_interval_ns: Mapped[int | None] = mapped_column(BigInteger)
    fail_interval_ns: Mapped[int | None] = mapped_column(BigInteger)
    measurement: Mapped[str]
    field: Mapped[str]
    tags: Mapped[dict[str, str]] = mapped_column(JSON)
    rules: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    enabled: Mapped[bool] = mapped_column(default=True)


class Deployment(Base):
    """When an instrument should deliver data: ``start_ns <= time < end_ns``; without an end it still runs."""

    __tablename__ = "deployments"
    __table_args__ = (
        UniqueConstraint("reference_designator", "number"),
        CheckConstraint("start_ns <= end_ns", name="starts_before_it_ends"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference_designator: Mapped[str]
    number: Mapped[int]
    start_ns: Mapped[int] = mapped_column(BigInteger)
    end_ns: Mapped[int | None] = mapped_column(BigInteger)


class LastKnownFreshness(Base):
    """The status of a stream in the last round, so that a restart of the agent reports no false change.

    ``state`` is the name of a :class:`~tsmon_agent.streams.freshness.FreshnessStatus`; ``rate`` is the recent rate
    in Hz.
    """

    __tablename__ = "stream_states"

    stream_id: Mapped[int] = mapped_column(ForeignKey("expected_streams.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[str]
    since_ns: Mapped[int] = mapped_column(BigInteger)
    newest_ns: Mapped[int | None] = mapped_column(BigInteger)
    rate: Mapped[float | None] = mapped_column(Double)


class Token(Base):
    """A token: its holder, who knows the secret, has its roles (``see``, ``write``, ``operate``, ``administer``).

    Only a digest of the secret is stored.
    """

    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    roles: Mapped[list[str]] = mapped_column(JSON)
    digest: Mapped[str] = mapped_column(unique=True)
    created_ns: Mapped[int] = mapped_column(BigInteger)
    expires_ns: Mapped[int | None] = mapped_column(BigInteger)
    last_used_ns: Mapped[int | None] = mapped_column(BigInteger)


class SignIn(Base):
    """A browser that has signed in with a token; only a digest of its secret is stored."""

    __tablename__ = "sign_ins"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_id: Mapped[int] = mapped_column(ForeignKey("tokens.id", ondelete="CASCADE"))
    digest: Mapped[str] = mapped_column(unique=True)
    created_ns: Mapped[int] = mapped_column(BigInteger)
    expires_ns: Mapped[int] = mapped_column(BigInteger)


class AuditEntry(Base):
    """A change, or an attempt at one: who did what to what, from which address, and with which outcome."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    time_ns: Mapped[int] = mapped_column(BigInteger, index=True)
    who: Mapped[str]
    address: Mapped[str | None]
    action: Mapped[str]
    target: Mapped[str | None]
    outcome: Mapped[str]
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
