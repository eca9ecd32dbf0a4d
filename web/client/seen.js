/**
 * The last n keys, to notice one that comes again.
 *
 * Pure. Bounded: beyond `limit` the oldest key is forgotten.
 */
export class Seen {
  /** @type {Set<string>} In the order they came. */
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
    const [oldest = ''] = this.#keys
    if (this.#keys.size >= this.#limit) this.#keys.delete(oldest)
    this.#keys.add(key)
    return true
  }
}
