/**
 * Who is told about what arrived: the `event` and `message` listeners and those of an address.
 *
 * Owns the listeners per address and the memory of what was already seen. Does not subscribe at
 * the broker: the grant's topics are subscribed as a whole, an address listener only picks from
 * them.
 */

import { call } from './emitter.js'
import { readArrival } from './envelope.js'
import { Seen } from './seen.js'
import { covers, topicOf } from './topic.js'

/** Identities remembered to drop what comes twice. */
export const SEEN_EVENTS = 1_000

/**
 * @typedef {import('./envelope.js').PushEvent | import('./envelope.js').ForeignMessage} Delivered
 * @typedef {(arrived: Delivered) => void} AddressListener
 */

export class Deliveries {
  /** @type {Set<{address: string, listener: AddressListener}>} */
  #listeners = new Set()
  #perTopic = new Seen(SEEN_EVENTS)
  #overall = new Seen(SEEN_EVENTS)
  #emit

  /**
   * @param {{event: (event: import('./envelope.js').PushEvent) => void,
   *   message: (message: import('./envelope.js').ForeignMessage) => void}} emit
   */
  constructor(emit) {
    this.#emit = emit
  }

  /**
   * @param {string} address
   * @param {AddressListener} listener
   * @returns {() => void} Undo.
   */
  listen(address, listener) {
    topicOf(address, 'any') // throws on what is no address, before anything is kept
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
    const arrival = readArrival(topic, payload, namespace)
    if (arrival.kind === 'message') {
      this.#emit.message(arrival.message)
      this.#tellListeners(topic, arrival.message, namespace)
      return
    }
    const { event } = arrival
    const identity = `${event.source}\n${event.id}`
    if (!this.#perTopic.add(`${topic}\n${identity}`)) return
    if (this.#overall.add(identity)) this.#emit.event(event)
    this.#tellListeners(topic, event, namespace)
  }

  /**
   * @param {string} topic
   * @param {Delivered} delivered
   * @param {string} namespace
   */
  #tellListeners(topic, delivered, namespace) {
    for (const { address, listener } of [...this.#listeners]) {
      if (covers(filterOf(address, namespace), topic)) call(listener, delivered)
    }
  }
}

/**
 * @param {string} address
 * @param {readonly string[]} filters
 * @param {string} namespace
 */
export function isGranted(address, filters, namespace) {
  const wanted = filterOf(address, namespace)
  return filters.some((filter) => filter === wanted || covers(filter, wanted))
}

/** @param {string} address `group:orders/*` listens to the subtree. @param {string} namespace */
function filterOf(address, namespace) {
  return topicOf(address, namespace).replace(/\/\*$/, '/#')
}
