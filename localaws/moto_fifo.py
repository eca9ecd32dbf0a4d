"""moto's FIFO queues, made to keep the order that AWS's keep.

Owns putting the rules of `localaws.core.fifo` in the place of moto's own, for FIFO queues only.
Does not: touch standard queues, or anything of SQS's API.

moto 5.2.5 looks at the groups in flight once when a receive begins, so a receive that waits takes
the next message of a group while another one works on the one before; it forgets the id of a
message that was deleted; it takes receipts of receives whose time is over; two receives at the same
moment may both get a message; and a receive that waits behind a group in flight burns a core.
Source: `localaws/core/fifo.py`; docs/fidelity.md, "10 Other AWS APIs".
"""

from __future__ import annotations

from copy import copy
from typing import Any, Final

from moto.core.utils import unix_time_millis
from moto.sqs import models
from moto.sqs.exceptions import ReceiptHandleIsInvalid

from localaws.core.fifo import Deduplication, held_by, next_visible_ms, receivable

_receive_standard: Final = models.SQSBackend.receive_message
_change_standard: Final = models.SQSBackend.change_message_visibility


class _Queue(models.Queue):
    """A queue of moto's; a FIFO queue by AWS's rules. All is done under moto's own lock."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scope = str(self.deduplication_scope)  # type: ignore[attr-defined]
        self._deduplication = Deduplication(per_group=scope == "messageGroup")

    def add_message(self, message: models.Message) -> None:
        if not self.fifo_queue:
            super().add_message(message)
            return
        with self._messages_lock:
            name, now_ms = message.deduplication_id, unix_time_millis()
            if name is None or self._deduplication.is_new(message.group_id, name, now_ms):
                self._messages.append(message)
                self._messages_lock.notify_all()

    def delete_message(self, receipt_handle: str) -> None:
        if not self.fifo_queue:
            super().delete_message(receipt_handle)
            return
        with self._messages_lock:
            if receipt_handle in self.deleted_messages:
                return
            self._messages.remove(self._held_by(receipt_handle))
            self.deleted_messages.add(receipt_handle)
            self._messages_lock.notify_all()

    def change(self, receipt_handle: str, visibility_s: int) -> None:
        """Let a message be in flight for longer, or no more."""
        with self._messages_lock:
            self._held_by(receipt_handle).change_visibility(visibility_s)
            self._messages_lock.notify_all()

    def take(self, most: int, *, visibility_s: int, wait_s: int) -> list[models.Message]:
        """Receive messages, waiting for the first one."""
        end_ms = unix_time_millis() + wait_s * 1000
        with self._messages_lock:
            while not (taken := self._take(most, visibility_s)):
                now_ms = unix_time_millis()
                if now_ms >= end_ms:
                    break
                shows_ms = next_visible_ms(self._messages, now_ms) or end_ms
                self._messages_lock.wait((min(shows_ms, end_ms) - now_ms) / 1000)
        return taken

    def _take(self, most: int, visibility_s: int) -> list[models.Message]:
        now_ms = unix_time_millis()
        self._move_dead(now_ms)
        taken = receivable(self._messages, now_ms=now_ms, most=most)
        for message in taken:
            message.mark_received(visibility_timeout=visibility_s)
        # As they are now: the answer is written when others may have received them again.
        return [copy(message) for message in taken]

    def _move_dead(self, now_ms: float) -> None:
        policy, letters = self.redrive_policy, self.dead_letter_queue
        if not policy or letters is None:
            return
        for message in receivable(self._messages, now_ms=now_ms, most=len(self._messages)):
            if message.approximate_receive_count >= policy["maxReceiveCount"]:
                self._messages.remove(message)
                # Not as a new message: its id may be one that was seen there already.
                letters._messages.append(message)  # noqa: SLF001 - moto has no other way

    def _held_by(self, receipt_handle: str) -> models.Message:
        held = held_by(self._messages, receipt_handle, unix_time_millis())
        if held is None:
            raise ReceiptHandleIsInvalid
        return held


def install() -> None:
    """Let every queue that is made from now on in this process keep AWS's rules; idempotent."""
    of_moto: Any = models
    of_moto.Queue = _Queue
    of_moto.SQSBackend.receive_message = _receive
    of_moto.SQSBackend.change_message_visibility = _change


def _receive(
    backend: models.SQSBackend,
    queue_name: str,
    count: int,
    wait_s: int,
    visibility_s: int,
    *more: Any,
    **names: Any,
) -> list[models.Message]:
    queue = backend.get_queue(queue_name)
    if not isinstance(queue, _Queue) or not queue.fifo_queue:
        return _receive_standard(backend, queue_name, count, wait_s, visibility_s, *more, **names)
    taken = queue.take(count, visibility_s=visibility_s, wait_s=wait_s)
    wanted = more[0] if more else names.get("message_attribute_names")
    for message in taken:
        models._filter_message_attributes(message, wanted or [])  # noqa: SLF001 - as moto does
    return taken


def _change(
    backend: models.SQSBackend, queue_name: str, receipt_handle: str, visibility_timeout: int
) -> None:
    queue = backend.get_queue(queue_name)
    if isinstance(queue, _Queue) and queue.fifo_queue:
        queue.change(receipt_handle, visibility_timeout)
    else:
        _change_standard(backend, queue_name, receipt_handle, visibility_timeout)
