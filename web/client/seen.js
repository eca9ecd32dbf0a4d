/**
 * The last n keys, to notice one that comes again.
 *
 * Pure. QoS 1 may deliver an event twice, and an event addressed to both a user and a group the
 * user is in arrives once per topic; CloudEvents makes source + id the identity of an event.
 * Bounded: beyond `limit` the oldest key is forgotten.
 */
export class Seen {
  /** @type {Set<string>} */
  #keys = new Set()
  #limit

  /** @param {number} limit */
  constructor(limit) {
    this.#limit = limit
  }

  /**
   * @param {string} key
   * @returns {boolean} True if it is new, and from now on known.
   */
  add(key) {
    if (this.#keys.has(key)) return false
    this.#keys.add(key)
    if (this.#keys.size > this.#limit) {
      for (const oldest of this.#keys) {
        this.#keys.delete(oldest)
        break
      }
    }
    return true
  }
}
