"""The shelf: events held in memory, as long as there is room for their payloads.

Owns which events are held and how many payload bytes that takes.
Does not: read what is not held (`pages.py`), or know what is sent when.
Source: docs/decisions/0007-outbox.md, "Memory".
"""

from __future__ import annotations

from gateway.core.kept_event import KeptEvent


class Shelf:
    """Hold events that are not settled, by their order.

    Theory of operation: an event that is not here has nothing in memory that the file does not
    have. So one whose deliveries have begun stays until it is settled, if need be without its
    payload.

    Args:
        room_bytes: Most payload bytes of events whose turn is not yet there; what is on its way is
            held in any case.
    """

    def __init__(self, room_bytes: int) -> None:
        self._room_bytes = room_bytes
        self._held: dict[int, KeptEvent] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def payload_bytes(self) -> int:
        """Payload bytes that are held."""
        return self._bytes

    @property
    def full(self) -> bool:
        """Whether no event should be held but those whose turn it is."""
        return self._bytes >= self._room_bytes

    def get(self, seq: int) -> KeptEvent | None:
        """Return an event, or None if it is not held."""
        return self._held.get(seq)

    def offer(self, event: KeptEvent) -> None:
        """Hold an event that was just accepted, if there is room."""
        if not self.full:
            self.hold(event)

    def hold(self, event: KeptEvent) -> KeptEvent:
        """Hold an event that was read; return the one that counts, which may be held already."""
        known = self._held.setdefault(event.seq, event)
        if known is event:
            self._bytes += len(event.payload or b"")
        elif known.payload is None and event.payload is not None:
            known.payload = event.payload
            self._bytes += len(event.payload)
        return known

    def lighten(self, event: KeptEvent) -> None:
        """Let go of the payload of an event that has to wait, if room is short."""
        if self.full and not event.claimed and event.payload is not None:
            self._bytes -= len(event.payload)
            event.payload = None

    def release(self, event: KeptEvent) -> None:
        """Let go of an event that is settled."""
        if self._held.pop(event.seq, None) is not None:
            self._bytes -= len(event.payload or b"")

    def oldest_due_ms(self, now_ms: int) -> int:
        """Return since when the longest waiting event has been due; `now_ms` if none is."""
        oldest_ms = now_ms
        # In order of acceptance, or nearly: a few suffice, and the look-up stays cheap.
        for _, event in zip(range(1_000), self._held.values(), strict=False):
            oldest_ms = min(oldest_ms, event.due_ms)
        return oldest_ms
