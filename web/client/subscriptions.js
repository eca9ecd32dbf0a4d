/**
 * What to ask the broker for, what it has, and what it will not give.
 *
 * Pure memory of one client over all its connections. A persistent session keeps its subscriptions,
 * so what was acknowledged in it is not asked for again (a SUBSCRIBE would bring every retained
 * message a second time).
 *
 * Finding out what is forbidden: MQTT 5 names the filter in SUBACK. MQTT 3.1.1 closes without a
 * word; from then on the filters go out one at a time, and one that was in flight at two such
 * closes is taken for forbidden (aws-iot-device-sdk-js#125).
 */

/** Topic filters in one SUBSCRIBE. AWS IoT Core quota, not adjustable. */
export const MAX_FILTERS_PER_SUBSCRIBE = 8

/** Silent closes with one filter in flight until it is taken for forbidden. */
const MAX_SUSPICION = 2

export class Subscriptions {
  /** @type {Set<string>} In the session the broker keeps for us. */
  #held = new Set()
  /** @type {Map<string, number>} How often each was suspected; from MAX_SUSPICION on, forbidden. */
  #suspicion = new Map()
  /** @type {readonly string[]} */
  #asked = []
  #careful = false

  /** @param {boolean} isResumed Whether the broker still has our session. */
  begin(isResumed) {
    if (!isResumed) this.#held.clear()
    this.#asked = []
  }

  /** Forget everything: the grant is another, or the page wants a new start. */
  reset() {
    this.#held.clear()
    this.#suspicion.clear()
    this.#careful = false
  }

  /**
   * @param {readonly string[]} granted
   * @returns {readonly string[]} What to put into the next SUBSCRIBE; none when all is asked for.
   */
  next(granted) {
    const most = this.#careful ? 1 : MAX_FILTERS_PER_SUBSCRIBE
    const lacking = granted.filter((it) => !this.#held.has(it) && !this.#isForbidden(it))
    this.#asked = lacking.slice(0, most)
    return this.#asked
  }

  /** @param {readonly string[]} granted @returns {string[]} In the session, but no longer granted. */
  surplus(granted) {
    const gone = [...this.#held].filter((it) => !granted.includes(it))
    for (const it of gone) this.#held.delete(it)
    return gone
  }

  /**
   * @param {readonly boolean[]} isGiven For each filter of the last SUBSCRIBE.
   * @returns {string[]} Those refused.
   */
  answered(isGiven) {
    const asked = this.#asked
    this.#asked = []
    return asked.filter((filter, index) => {
      if (isGiven[index]) this.#held.add(filter)
      else this.#suspicion.set(filter, MAX_SUSPICION)
      return !isGiven[index]
    })
  }

  /**
   * The connection ended without a word. Ask more carefully from now on.
   *
   * @returns {string | null} A filter that is now taken for forbidden.
   */
  lost() {
    const [suspect, ...others] = this.#asked
    this.#asked = []
    if (suspect === undefined) return null
    this.#careful = true
    if (others.length > 0) return null
    this.#suspicion.set(suspect, (this.#suspicion.get(suspect) ?? 0) + 1)
    return this.#isForbidden(suspect) ? suspect : null
  }

  /** @param {readonly string[]} granted @returns {boolean} Whether the broker refused all. */
  isHopeless(granted) {
    return granted.every((it) => this.#isForbidden(it))
  }

  /** @param {string} filter */
  #isForbidden(filter) {
    return (this.#suspicion.get(filter) ?? 0) >= MAX_SUSPICION
  }
}
