/**
 * Who is told about what arrived: the `event` and `message` listeners and those of an address.
 *
 * Owns the listeners per address and the memory of what was already seen: QoS 1 may deliver an
 * event twice, and an event addressed to both a user and a group of hers arrives once per topic.
 * Does not subscribe at the broker: the grant's topics are subscribed as a whole, an address
 * listener only picks from them. What comes on a topic is told whether or not a subscription
 * matched it: the gateway may send to this client by name.
 */

import { call } from './emitter.js'
import { readArrival } from './envelope.js'
import { Seen } from './seen.js'
import { covers, topicOf } from './topic.js'

/** Arrivals within which one that comes twice is dropped. */
export const SEEN_ARRIVALS = 1_000

/**
 * @typedef {import('./envelope.js').PushEvent | import('./envelope.js').ForeignMessage} Delivered
 * @typedef {(arrived: Delivered) => void} AddressListener
 */

export class Deliveries {
  /** @type {Set<{address: string, listener: AddressListener}>} */
  #listeners = new Set()
  // Two keys for each arrival: the event, and the event on its topic.
  #seen = new Seen(2 * SEEN_ARRIVALS)
  #emit

  /** @param {(name: 'event'|'message', value: any) => void} emit */
  constructor(emit) {
    this.#emit = emit
  }

  /**
   * @param {string} address
   * @param {AddressListener} listener
   * @returns {() => void} Undo.
   */
  listen(address, listener) {
    topicOf(address, '') // throws on what is no address, before anything is kept
    const entry = { address, listener }
    this.#listeners.add(entry)
    return () => void this.#listeners.delete(entry)
  }

  /** @returns {string[]} Every address listened to, once. */
  addresses() {
    return [...new Set([...this.#listeners].map((entry) => entry.address))]
  }

  /**
   * Hand an arrival to everybody it concerns, once.
   *
   * @param {{topic: string, payload: Uint8Array}} delivery
   * @param {string} namespace
   */
  take({ topic, payload }, namespace) {
    const { name, value, identity } = readArrival(topic, payload, namespace)
    if (identity !== null && !this.#seen.add(`${topic}\n${identity}`)) return
    if (identity === null || this.#seen.add(identity)) this.#emit(name, value)
    for (const { address, listener } of [...this.#listeners])
      if (covers(topicOf(address, namespace), topic)) call(listener, value)
  }
}

/**
 * @param {string} address
 * @param {readonly string[]} filters
 * @param {string} namespace
 */
export function isGranted(address, filters, namespace) {
  return filters.some((filter) => covers(filter, topicOf(address, namespace)))
}
