"""Who a miner is, from one start to the next."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

from ..verify import Signer

KEY_FILE = "miner-key.pem"
ID_LENGTH = 64


@dataclass(frozen=True)
class Identity:
    """A miner's id, and the key that signs its results."""

    miner_id: str
    signer: Signer


def default_state_folder() -> Path:
    """Where a program keeps what it must find again, by the custom of the platform."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Application Support"
    else:
        base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
    return base / "aitbc" / "python"


def load_identity(state: str | os.PathLike[str] | None, miner_id: str | None, name: str) -> Identity:
    """Reads the Ed25519 key from a PKCS #8 PEM file in the folder ``state``, made with mode 0600 when missing.

    Args:
        miner_id: made of the host's name, ``name`` and the key where it is None

    Raises:
        ValueError: with the path of the file, when it holds something else, or others can read it
    """
    path = Path(state or default_state_folder()) / KEY_FILE
    if not path.exists():
        _make_key(path)
    try:
        signer = Signer.from_pem(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} holds no Ed25519 key") from error
    if sys.platform != "win32" and path.stat().st_mode & 0o077:
        raise ValueError(f"{path} can be read by others, and holds a secret: `chmod 600 {path}` keeps them out")
    return Identity(miner_id or _default_id(signer.key_id, name), signer)


def _make_key(path: Path) -> None:
    """Written aside and linked: whoever reads the file finds it whole, and of two that make one, both use the same."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(Signer.generate().to_pem())
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def _default_id(key_id: str, name: str) -> str:
    """``gaming-pc-shout-1a2b3c4d``: told apart by people by its first parts, unique by its last."""
    suffix = hashlib.sha256(key_id.encode()).hexdigest()[:8]
    host = re.sub(r"\..*$", "", socket.gethostname().lower())
    words = re.sub(r"[^a-z0-9]+", "-", f"{host}-{name.lower()}").strip("-")[: ID_LENGTH - len(suffix) - 1].strip("-")
    return f"{words or 'miner'}-{suffix}"
