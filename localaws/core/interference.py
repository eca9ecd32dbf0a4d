"""What may be made to go wrong on purpose: the broker asks here before it does its duty.

Owns the questions, and by itself lets everything pass. Faults on request override it
(`localaws.faults`), so that the broker knows nothing of rates and seeds.
"""

from collections.abc import Iterable

from localaws.core.message import Message


class Interference:
    """Interfere with nothing; override what is to go wrong."""

    def loses_puback_to(self, client_id: str) -> bool:
        """Tell whether the PUBACK for a message that a client published is not sent."""
        del client_id
        return False

    def loses_puback_from(self, client_id: str) -> bool:
        """Tell whether a client's PUBACK is treated as if it had never arrived."""
        del client_id
        return False

    def lifecycle(self, event: Message, now: float) -> Iterable[Message]:
        """Return the lifecycle events to publish now in place of one, perhaps none or several."""
        del now
        return (event,)
