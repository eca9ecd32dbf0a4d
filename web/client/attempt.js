/**
 * One attempt to be connected: token, credentials, connection, subscriptions.
 *
 * Owns everything asynchronous of that attempt and reports each step as a happening of machine.js.
 * Once abandoned it is silent for good, so what an old attempt still answers cannot disturb a new
 * one. Does not decide what comes next.
 */

import { fetchCredentials } from './credentials.js'
import {
  ConnectionLost,
  ConnectionRefused,
  CredentialsUnavailable,
  ForbiddenTopic,
  NetworkUnavailable,
  NotAuthorized,
  PushError,
  SubscribeRefused,
  TakenOver,
  Throttled,
  TokenRefused
} from './errors.js'
import { signedUrl } from './sigv4.js'
import { MqttConnection } from './transport.js'

/**
 * @typedef {import('./machine.js').Happening} Happening
 * @typedef {import('./credentials.js').Credentials} Credentials
 * @typedef {{settings: Readonly<import('./options.js').Settings>, device: string,
 *   held: Credentials | null, subscriptions: import('./subscriptions.js').Subscriptions,
 *   cleanStart: boolean, onCredentials: (credentials: Credentials) => Happening,
 *   onOpened: (isResumed: boolean) => void, onForbidden: (error: ForbiddenTopic) => void,
 *   onDelivery: (delivery: import('./transport.js').Delivery) => void,
 *   report: (happening: Happening, error?: PushError) => void}} AttemptOptions
 *   held: to fall back on while the credential API cannot be reached; null not to;
 *   onCredentials: answers what to report.
 */

/** Life that held credentials must have left to be worth a connection. */
const MIN_LIFE_MS = 10_000

export class Attempt {
  #options
  #abort = new AbortController()
  /** @type {MqttConnection | null} */
  #connection = null
  #subscribing = false

  /** @type {Credentials | null} Once they came. */
  credentials = null

  /** @param {AttemptOptions} options */
  constructor(options) {
    this.#options = options
  }

  /** @returns {MqttConnection | null} */
  get connection() {
    return this.#connection
  }

  /** Get a token and credentials for it; reports `credentials` or what went wrong. */
  async fetch() {
    try {
      const credentials = await this.#fetchOrHeld()
      if (this.#abandoned) return
      this.credentials = credentials
      this.#report(this.#options.onCredentials(credentials))
    } catch (error) {
      this.fail(/** @type {PushError} */ (error))
    }
  }

  /** Open the connection; reports `opened`. */
  async open() {
    const { settings, onDelivery, cleanStart, subscriptions, onOpened } = this.#options
    const { env, mqttVersion: version, sessionExpiryS } = settings
    const { clientId } = this.#granted
    try {
      const url = await this.#url()
      if (this.#abandoned) return
      this.#connection = new MqttConnection({
        ...{ url, clientId, env, version, sessionExpiryS, cleanStart, onDelivery },
        onOpened: (isResumed) => {
          subscriptions.begin(isResumed)
          onOpened(isResumed)
          this.#report('opened')
        },
        onClosed: (error) => this.#closed(error)
      })
    } catch (error) {
      // WebCrypto or WebSocket would not, by policy; the URL may stand in the message, so no detail.
      this.fail(new ConnectionRefused(`the page may not open it (${Object(error).name})`))
    }
  }

  /** Subscribe to all the grant lists and the session lacks; reports `subscribed`. */
  subscribe() {
    const surplus = this.#options.subscriptions.surplus(this.#granted.subscribe)
    if (surplus.length > 0) this.#connection?.unsubscribe(surplus)
    this.#subscribing = true
    this.#subscribeNext()
  }

  #subscribeNext() {
    const { subscriptions, onForbidden } = this.#options
    const { subscribe } = this.#granted
    const filters = subscriptions.next(subscribe)
    if (filters.length > 0) {
      return this.#connection?.subscribe(filters, (isGiven) => {
        for (const it of subscriptions.answered(isGiven)) onForbidden(new ForbiddenTopic(it))
        this.#subscribeNext()
      })
    }
    this.#subscribing = false
    if (subscriptions.isHopeless(subscribe))
      return this.fail(new SubscribeRefused(subscribe, 'not authorized'))
    this.#report('subscribed')
  }

  /** @param {PushError} error */
  fail(error) {
    this.#report(happeningOf(error), error)
  }

  /** Stop and fall silent. @param {boolean} [endSession] Whether for good. */
  abandon(endSession = false) {
    this.#abort.abort()
    this.#connection?.close(endSession)
  }

  /** @returns {Promise<Credentials>} */
  async #fetchOrHeld() {
    const { settings, device, held } = this.#options
    const { credentialsUrl, getToken, env } = settings
    const { fetch, now } = env
    try {
      const signal = this.#abort.signal
      return await fetchCredentials({ credentialsUrl, getToken, device, signal, fetch, now })
    } catch (error) {
      const isAway =
        error instanceof NetworkUnavailable ||
        error instanceof CredentialsUnavailable ||
        error instanceof Throttled
      const canHold = held !== null && env.subtle !== null
      if (isAway && canHold && held.expiresAt - (now() + held.skewMs) > MIN_LIFE_MS) return held
      throw error
    }
  }

  /** Signed here and now; by the server where the page may not use WebCrypto. */
  async #url() {
    const { subtle, now } = this.#options.settings.env
    const { url, signable, skewMs } = this.#granted
    return subtle === null ? url : signedUrl(signable, now() + skewMs, subtle)
  }

  /** @param {PushError} error */
  #closed(error) {
    const isSilent = this.#subscribing && error instanceof ConnectionLost
    const found = isSilent ? this.#options.subscriptions.lost() : null
    if (found === null) return this.fail(error)
    this.#options.onForbidden(new ForbiddenTopic(found))
    this.#report('excluded', error)
  }

  get #granted() {
    return /** @type {Credentials} */ (this.credentials)
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
  if (error instanceof NotAuthorized) return 'denied'
  if (error instanceof TakenOver) return 'taken_over'
  return error.retry ? 'failed' : 'refused'
}
