/**
 * One attempt to be connected: token, credentials, connection, subscriptions.
 *
 * Owns everything asynchronous of that attempt and reports each step as a happening of machine.js.
 * Once abandoned it is silent for good, so what an old attempt still answers cannot disturb a new
 * one. Does not decide what comes next.
 */

import { fetchCredentials } from './credentials.js'
import { ConnectionLost, PushError, SubscribeRefused, Throttled, TokenRefused } from './errors.js'
import { MqttConnection } from './transport.js'

/**
 * @typedef {import('./machine.js').Happening} Happening
 * @typedef {import('./credentials.js').Credentials} Credentials
 * @typedef {{settings: Readonly<import('./options.js').Settings>, device: string,
 *   onCredentials: (credentials: Credentials) => void,
 *   onDelivery: (delivery: import('./transport.js').Delivery) => void,
 *   report: (happening: Happening, error?: PushError) => void}} AttemptOptions
 */

export class Attempt {
  #options
  #abort = new AbortController()
  /** @type {Credentials | null} */
  #credentials = null
  /** @type {MqttConnection | null} */
  #connection = null

  /** @param {AttemptOptions} options */
  constructor(options) {
    this.#options = options
  }

  /** Get a token and credentials for it; reports `credentials` or what went wrong. */
  async fetch() {
    const { settings, device } = this.#options
    try {
      const credentials = await fetchCredentials({
        credentialsUrl: settings.credentialsUrl,
        getToken: settings.getToken,
        device,
        signal: this.#abort.signal,
        fetch: settings.env.fetch
      })
      if (this.#abandoned) return
      this.#credentials = credentials
      this.#options.onCredentials(credentials)
      this.#report('credentials')
    } catch (error) {
      this.fail(/** @type {PushError} */ (error))
    }
  }

  /** Open the connection; reports `opened`. */
  open() {
    const { url, clientId } = /** @type {Credentials} */ (this.#credentials)
    this.#connection = new MqttConnection({
      url,
      clientId,
      env: this.#options.settings.env,
      onOpened: () => this.#report('opened'),
      onDelivery: this.#options.onDelivery,
      onClosed: (error) => this.fail(error)
    })
  }

  /** Subscribe to all the grant lists; reports `subscribed`. */
  async subscribe() {
    const { subscribe } = /** @type {Credentials} */ (this.#credentials)
    const refused = (await this.#connection?.subscribe(subscribe)) ?? []
    if (refused.length > 0) return this.fail(new SubscribeRefused(refused, 'not authorized'))
    this.#report('subscribed')
  }

  probe() {
    this.#connection?.probe()
  }

  /** @param {PushError} error */
  fail(error) {
    this.#report(happeningOf(error), error)
  }

  /** Stop and fall silent. */
  abandon() {
    this.#abort.abort()
    this.#connection?.close()
  }

  get #abandoned() {
    return this.#abort.signal.aborted
  }

  /** @param {Happening} happening @param {PushError} [error] */
  #report(happening, error) {
    if (!this.#abandoned) this.#options.report(happening, error)
  }
}

/** @param {PushError} error @returns {Happening} */
export function happeningOf(error) {
  if (error instanceof TokenRefused && error.reason === 'expired') return 'token_expired'
  if (error instanceof Throttled) return 'throttled'
  if (error instanceof ConnectionLost) return 'lost'
  return error.retry ? 'failed' : 'refused'
}
