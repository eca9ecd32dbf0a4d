/**
 * Events this page sent: when, and how many of its clients have shown each.
 *
 * The time from the press on Send to the arrival is measured on one clock, so it is exact; for
 * events of others only the gateway's time stamp is there. Bounded: the oldest is forgotten.
 */

/** Events remembered. */
export const MAX_FLIGHTS = 200

/** @typedef {{sentAt: number, shown: number, onShown: (shown: number) => void}} Flight */

export class Flights {
  /** @type {Map<string, Flight>} */
  #flights = new Map()

  /**
   * @param {string} id
   * @param {number} sentAt From performance.now().
   * @param {(shown: number) => void} onShown
   */
  start(id, sentAt, onShown) {
    this.#flights.set(id, { sentAt, shown: 0, onShown })
    for (const oldest of this.#flights.keys()) {
      if (this.#flights.size <= MAX_FLIGHTS) break
      this.#flights.delete(oldest)
    }
  }

  /**
   * One client shows the event.
   *
   * @param {string} id
   * @param {number} now From performance.now().
   * @returns {number | null} Milliseconds since it was sent, null if this page did not.
   */
  arrive(id, now) {
    const flight = this.#flights.get(id)
    if (flight === undefined) return null
    flight.shown += 1
    flight.onShown(flight.shown)
    return now - flight.sentAt
  }
}
