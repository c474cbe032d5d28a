"""What an operator does with the keys of what is stored, while all goes on: wrap anew, or destroy a recipient's."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import BusyError, ConfigurationError, NotFound
from gateway.ports import Clock, Kms
from gateway.security.merkle import leaf_hash
from gateway.security.owner_keys import FRESH_S
from gateway.store import erasure, storage_keys
from gateway.store.engine import ROWS_PER_TRANSACTION, Database
from gateway.store.feed import Blocks

KEYS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Storage:
    """Where things are stored, and what closes them."""

    database: Database
    blocks: Blocks
    kms: Kms
    clock: Clock
    raw_folder: Path

    def check(self) -> None:
        """Make sure that nothing stored is locked away for want of a key-encryption key.

        Raises:
            ConfigurationError: one is missing.
        """
        with self.database.read() as session:
            missing = storage_keys.used(session) - set(self.kms.names())
        if missing:
            raise ConfigurationError(f"key-encryption keys are missing: {', '.join(sorted(missing))}")

    def rotate(self) -> int:
        """Make a new key-encryption key, wrap every key anew with it, and drop the old ones; how many were wrapped.

        A key is wrapped anew in the transaction that says by what; old key-encryption keys go when none needs them, so
        that whoever is stopped on the way loses nothing and begins again.
        """
        self.kms.renew()
        count = 0
        while True:
            with self.database.write() as session:
                wrapped = storage_keys.rewrap(self.database, session, self.kms, KEYS_AT_ONCE)
                if not wrapped:
                    self.kms.drop()
                    return count
            count += wrapped

    def destroy(self, recipient: str) -> int:
        """Destroy every key of a recipient: lines become stubs, findings and raw bytes are gone, all proofs hold.

        Keys are retired first; when every process has noticed, the hashes of what they closed are kept, and then they
        go. Who is stopped on the way begins again. How many lines were erased.

        Raises:
            NotFound: it has no keys.
            BusyError: a large document for it is just being loaded.
        """
        before = self.clock.now()
        with self.database.write() as session:
            keys = storage_keys.retire(self.database, session, recipient)
        if not keys:
            raise NotFound("this recipient has no keys", ja="この協会の鍵はありません。")
        time.sleep(2 * FRESH_S)
        count = self._keep_hashes(recipient, keys)
        with self.database.write() as session:
            files = erasure.forget(session, recipient, keys, before)
            storage_keys.destroy(session, keys)
        for name in files:
            (self.raw_folder / name).unlink(missing_ok=True)
        self.database.forget()
        return count

    def _keep_hashes(self, recipient: str, keys: Sequence[bytes]) -> int:
        place: erasure.Place | None = (-1, -1)
        count = 0
        with self.database.read() as session:
            if erasure.is_loading(session, recipient, keys):
                raise BusyError(
                    "a large document for it is being loaded; repeat when it is done",
                    ja="大きな文書を処理中です。完了後にもう一度実行してください。",
                )
        while place is not None:
            with self.database.read() as session:
                lines, place = erasure.lines_under(session, self.blocks, recipient, keys, place)
            leaves = [(position, leaf_hash(body)) for position, body in lines]
            for start in range(0, len(leaves), ROWS_PER_TRANSACTION):
                with self.database.write() as session:
                    erasure.withhold(session, recipient, leaves[start : start + ROWS_PER_TRANSACTION])
            count += len(leaves)
        return count
