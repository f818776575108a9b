"""Whom to believe about which logs (C2SP tlog-policy), and checkpoints that meet that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from .notes import (
    OpenNote,
    TlogError,
    VerifiedSignature,
    VerifierKey,
    malformed,
    open_note,
    parse_vkey,
    quoted,
    read_decimal,
    read_hash,
    read_text,
)

MAX_LINES = 1000


@dataclass(frozen=True)
class PolicyLog:
    """A log, by its key, whose name is its origin."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True)
class PolicyWitness:
    """A witness. The name means nothing outside of the policy."""

    name: str
    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True)
class PolicyGroup:
    """So many of the members must have cosigned."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Whom to believe: one of the logs must have signed, and the quorum must have cosigned."""

    logs: tuple[PolicyLog, ...] = ()
    witnesses: tuple[PolicyWitness, ...] = ()
    groups: tuple[PolicyGroup, ...] = ()
    """In an order in which each comes after its members."""
    quorum: str | None = None
    """Name of the witness or group that must have cosigned; None where none must."""

    @classmethod
    def of(cls, vkey: str | VerifierKey, witnesses: Sequence[str | VerifierKey] = ()) -> Policy:
        """The log of a key must have signed, and all of the witnesses."""
        keys = [parse_vkey(key) if isinstance(key, str) else key for key in (vkey, *witnesses)]
        if any(key.type != "cosignature/v1" for key in keys[1:]):
            raise malformed("The keys of witnesses are of type cosignature/v1")
        named = tuple(PolicyWitness(key.name, key) for key in keys[1:])
        members = tuple(witness.name for witness in named)
        groups = (PolicyGroup("all witnesses", len(members), members),) if members else ()
        return cls((PolicyLog(keys[0]),), named, groups, "all witnesses" if members else None)

    def meets_quorum(self, has_signed: Callable[[VerifierKey], bool]) -> bool:
        """Whether those who have signed are enough."""
        cosigners = {witness.name for witness in self.witnesses if has_signed(witness.key)}
        for group in self.groups:
            if sum(member in cosigners for member in group.members) >= group.threshold:
                cosigners.add(group.name)
        return self.quorum is None or self.quorum in cosigners


def parse_policy(source: str | bytes) -> Policy:
    """Reads a policy file.

    Raises:
        TlogError: MALFORMED; UNSUPPORTED_KEY for keys of other types than Ed25519 and cosignature/v1
    """
    untabbed = source.replace("\t", " ") if isinstance(source, str) else source.replace(b"\t", b" ")
    text = read_text(untabbed)
    if "\x7f" in text:
        raise malformed("Control characters are not allowed")
    *lines, last = text.split("\n")
    if last != "":
        raise malformed("The last line does not end in a newline")
    if len(lines) > MAX_LINES:
        raise malformed(f"There are more than {MAX_LINES} lines")
    reading = _Reading()
    for number, line in enumerate(lines, start=1):
        items = [item for item in line.split(" ") if item]
        if not items or items[0].startswith("#"):
            continue
        try:
            reading.read(items[0], items[1:])
        except TlogError as error:
            raise TlogError(error.code, f"Line {number}: {error}") from error
    if not reading.has_quorum:
        raise malformed("There is no quorum line: «quorum none» demands no witness")
    return Policy(tuple(reading.logs), tuple(reading.witnesses), tuple(reading.groups), reading.quorum)


@dataclass
class _Reading:
    logs: list[PolicyLog] = field(default_factory=list[PolicyLog])
    witnesses: list[PolicyWitness] = field(default_factory=list[PolicyWitness])
    groups: list[PolicyGroup] = field(default_factory=list[PolicyGroup])
    quorum: str | None = None
    has_quorum: bool = False

    def read(self, keyword: str, items: list[str]) -> None:
        readers = {"log": self._log, "witness": self._witness, "group": self._group, "quorum": self._quorum}
        if keyword not in readers:
            raise malformed(f"{quoted(keyword)} is none of log, witness, group and quorum")
        readers[keyword](items)

    def _log(self, items: list[str]) -> None:
        if len(items) not in (1, 2):
            raise malformed("A log has a key and perhaps a URL")
        key = parse_vkey(items[0])
        self._check_new(key, [log.key for log in self.logs])
        self.logs.append(PolicyLog(key, *items[1:]))

    def _witness(self, items: list[str]) -> None:
        if len(items) not in (2, 3):
            raise malformed("A witness has a name, a key and perhaps a URL")
        self._check_free(items[0])
        key = parse_vkey(items[1])
        if key.type != "cosignature/v1":
            raise malformed(f"{quoted(items[1])} is not a key for cosignatures")
        self._check_new(key, [witness.key for witness in self.witnesses])
        self.witnesses.append(PolicyWitness(items[0], key, *items[2:]))

    def _group(self, items: list[str]) -> None:
        name, count, members = items[0] if items else "", items[1] if len(items) > 1 else "", items[2:]
        self._check_free(name)
        for index, member in enumerate(members):
            self._check_defined(member)
            if member in members[:index] or any(member in group.members for group in self.groups):
                raise malformed(f"{quoted(member)} is in a group already")
        if not members:
            raise malformed("A group has a name, a threshold and at least one member")
        words = {"all": len(members), "any": 1}
        threshold = words[count] if count in words else read_decimal(count)
        if not 1 <= threshold <= len(members):
            raise malformed(f"{count} of {len(members)} members can't be demanded")
        self.groups.append(PolicyGroup(name, threshold, tuple(members)))

    def _quorum(self, items: list[str]) -> None:
        if len(items) > 1:
            raise malformed("A quorum is one name")
        if self.has_quorum:
            raise malformed("There is a quorum already")
        name = items[0] if items else ""
        if name != "none":
            self._check_defined(name)
        self.quorum, self.has_quorum = None if name == "none" else name, True

    def _names(self) -> list[str]:
        return [witness.name for witness in self.witnesses] + [group.name for group in self.groups]

    def _check_new(self, key: VerifierKey, others: list[VerifierKey]) -> None:
        if any(other.public_key == key.public_key for other in others):
            raise malformed("The same key is there already")

    def _check_free(self, name: str) -> None:
        if name in ("", "none"):
            raise malformed(f"{quoted(name)} can't be a name")
        if name in self._names():
            raise malformed(f"The name {quoted(name)} is taken")

    def _check_defined(self, name: str) -> None:
        if name not in self._names():
            raise malformed(f"No line before this one defines {quoted(name)}")


@dataclass(frozen=True)
class Checkpoint:
    """What a log states about its tree (C2SP tlog-checkpoint)."""

    origin: str
    size: int
    """Number of leaves."""
    root: bytes
    """Root of the tree, 32 bytes."""
    extensions: tuple[str, ...] = ()
    signatures: tuple[VerifiedSignature, ...] = ()
    """Those that were verified."""
    note: str = ""
    """The signed note, where it is of one: what is worth keeping."""


def parse_checkpoint(text: str) -> Checkpoint:
    """Reads the text of a checkpoint, without signatures. Whoever has a signed one opens it.

    Raises:
        TlogError: MALFORMED
    """
    *lines, last = read_text(text).split("\n")
    if last != "":
        raise malformed("The last line does not end in a newline")
    if "" in lines or len(lines) < 3:
        raise malformed("A checkpoint has an origin, a size and a root, and no empty line")
    return Checkpoint(lines[0], read_decimal(lines[1]), read_hash(lines[2]), tuple(lines[3:]))


def open_checkpoint(source: str | bytes, policy: Policy) -> Checkpoint:
    """Reads a signed checkpoint and holds it to a policy.

    Raises:
        TlogError: MALFORMED, BAD_SIGNATURE, UNSIGNED, WRONG_ORIGIN, TOO_FEW_COSIGNATURES
    """
    keys = [log.key for log in policy.logs] + [witness.key for witness in policy.witnesses]
    note = open_note(source, keys)
    checkpoint = parse_checkpoint(note.text)
    named = [log.key for log in policy.logs if log.key.name == checkpoint.origin]
    if not named:
        origins = " or ".join(quoted(log.key.name) for log in policy.logs)
        raise TlogError("WRONG_ORIGIN", f"The origin is {quoted(checkpoint.origin)}, not {origins}")
    if not any(note.is_signed_by(key) for key in named):
        raise TlogError("UNSIGNED", f"{' or '.join(key.name for key in named)} has not signed")
    _demand_quorum(note, policy)
    text = source if isinstance(source, str) else source.decode()
    return replace(checkpoint, signatures=tuple(note.signatures), note=text)


def _demand_quorum(note: OpenNote, policy: Policy) -> None:
    if policy.meets_quorum(note.is_signed_by):
        return
    names = [witness.name for witness in policy.witnesses if note.is_signed_by(witness.key)]
    who = f"Only {', '.join(names)}" if names else "No witness"
    raise TlogError("TOO_FEW_COSIGNATURES", f"{who} signed, which is not the quorum {policy.quorum}")
