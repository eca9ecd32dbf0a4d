/**
 * Publishes on their way to the broker, over as many connections as it takes.
 *
 * Owns what is not acknowledged yet. What was under way when a connection ended is sent again on
 * the next one, with the same id, so receivers drop the second. Bounded: beyond MAX_UNDER_WAY a
 * publish fails at once. Grants are checked by client.js before.
 */

import { PublishFailed, TimedOut } from './errors.js'
import { FAILURE } from './transport.js'

/** IoT Core takes 100 unacknowledged messages per connection. */
export const MAX_UNDER_WAY = 100

/** Bytes of one message. AWS IoT Core quota. */
export const MAX_PAYLOAD_BYTES = 128 * 1024

/** Connections that may end on the same publish: on 3.1.1 a forbidden one closes without a word. */
const MAX_TRIES = 3

/**
 * @typedef {{topic: string, payload: Uint8Array, tries: number, settle: (error?: Error) => void}}
 *   Publish
 * @typedef {{publish(topic: string, payload: Uint8Array): Promise<number>}} Connection
 */

export class Publishing {
  /** @type {Set<Publish>} */
  #underWay = new Set()
  /** @type {Connection | null} */
  #connection = null
  #env
  #timeoutMs

  /**
   * @param {Pick<import('./environment.js').Environment, 'setTimeout'|'clearTimeout'>} env
   * @param {number} timeoutMs
   */
  constructor(env, timeoutMs) {
    this.#env = env
    this.#timeoutMs = timeoutMs
  }

  /**
   * @param {string} topic
   * @param {Uint8Array} payload
   * @returns {Promise<void>} Resolves once the broker has it.
   */
  async publish(topic, payload) {
    if (payload.length > MAX_PAYLOAD_BYTES) throw new PublishFailed('too_large')
    if (this.#underWay.size >= MAX_UNDER_WAY) throw new PublishFailed('full')
    /** @type {Publish} */
    const one = { topic, payload, tries: 0, settle: () => {} }
    const timer = this.#env.setTimeout(
      () => one.settle(new TimedOut('publishing', this.#timeoutMs)),
      this.#timeoutMs
    )
    this.#underWay.add(one)
    const error = await new Promise((settle) => {
      one.settle = settle
      if (this.#connection !== null) void this.#send(one, this.#connection)
    })
    this.#env.clearTimeout(timer)
    this.#underWay.delete(one)
    if (error) throw error
  }

  /** @param {Connection | null} connection Where they go from now on; null while there is none. */
  over(connection) {
    this.#connection = connection
    if (connection === null) return
    for (const one of this.#underWay) void this.#send(one, connection)
  }

  /** The client is closed: nothing more goes out. */
  end() {
    this.#connection = null
    for (const one of this.#underWay) one.settle(new PublishFailed('closed'))
  }

  /** @param {Publish} one @param {Connection} connection */
  async #send(one, connection) {
    one.tries += 1
    if (one.tries > MAX_TRIES) return one.settle(new PublishFailed('refused'))
    const code = await connection.publish(one.topic, one.payload)
    one.settle(code < FAILURE ? undefined : new PublishFailed('refused', code))
  }
}
