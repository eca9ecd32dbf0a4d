/**
 * One attempt to be connected: token, credentials, connection, subscriptions.
 *
 * Owns everything asynchronous of that attempt, its deadline too, and reports each step as a
 * happening of machine.js. Once abandoned it is silent for good, so what an old attempt still
 * answers cannot disturb a new one. Does not decide what comes next.
 */

import { fetchCredentials } from './credentials.js'
import {
  ConnectionLost,
  ConnectionRefused,
  CredentialsUnavailable,
  ForbiddenTopic,
  NetworkUnavailable,
  SubscribeRefused,
  Throttled,
  TimedOut,
  TokenRefused
} from './errors.js'
import { signedUrl } from './sigv4.js'
import { MqttConnection } from './transport.js'

/**
 * @typedef {import('./machine.js').Happening} Happening
 * @typedef {import('./credentials.js').Credentials} Credentials
 * @typedef {import('./errors.js').PushError} PushError
 * @typedef {{settings: Readonly<import('./options.js').Settings>, device: string,
 *   held: Credentials | null, subscriptions: import('./subscriptions.js').Subscriptions,
 *   cleanStart: boolean, onForbidden: (error: ForbiddenTopic) => void,
 *   onDelivery: (delivery: import('./transport.js').Delivery) => void,
 *   report: (happening: Happening, error?: PushError) => void}} AttemptOptions
 *   held: to fall back on while the credential API cannot be reached; null not to.
 */

/** Life that held credentials must have left to be worth a connection. */
const MIN_LIFE_MS = 10_000

export class Attempt {
  #options
  #env
  #abort = new AbortController()
  /** @type {'fetching'|'opening'|'subscribing'|'connected'} */
  #doing = 'fetching'
  /** @type {unknown} */
  #deadline

  /** @type {MqttConnection | null} */
  connection = null

  /** @type {Credentials | null} Once they came. */
  credentials = null

  /** Whether the broker had the session, once it is open. */
  isResumed = false

  /** @param {AttemptOptions} options */
  constructor(options) {
    this.#options = options
    this.#env = options.settings.env
  }

  /** @returns {number | null} When the broker was last heard, once it is connected. */
  get heardAt() {
    return this.#doing === 'connected' ? (this.connection?.heardAt ?? null) : null
  }

  /** Get a token and credentials for it; reports `credentials` or what went wrong. */
  async fetch() {
    const { env, attemptTimeoutMs } = this.#options.settings
    const giveUp = () => this.#fail(new TimedOut(this.#doing, attemptTimeoutMs))
    this.#deadline = env.setTimeout(giveUp, attemptTimeoutMs)
    try {
      this.credentials = await this.#fetchOrHeld()
      this.#report('credentials')
    } catch (error) {
      this.#fail(/** @type {PushError} */ (error))
    }
  }

  /** Open the connection; reports `opened`. */
  async open() {
    const { settings, onDelivery, cleanStart, subscriptions } = this.#options
    const { env, mqttVersion: version, sessionExpiryS } = settings
    const { clientId } = this.#granted
    this.#doing = 'opening'
    try {
      const url = await this.#url()
      if (this.#abort.signal.aborted) return
      this.connection = new MqttConnection({
        ...{ url, clientId, env, version, sessionExpiryS, cleanStart, onDelivery },
        onOpened: (isResumed) => {
          this.isResumed = isResumed
          subscriptions.begin(isResumed)
          this.#report('opened')
        },
        onClosed: (error) => this.#closed(error)
      })
    } catch (error) {
      // WebCrypto or WebSocket would not, by policy; the URL may stand in the message, so no detail.
      this.#fail(new ConnectionRefused(Object(error).name))
    }
  }

  /** Subscribe to all the grant lists and the session lacks; reports `subscribed`. */
  subscribe() {
    const surplus = this.#options.subscriptions.surplus(this.#granted.subscribe)
    if (surplus.length > 0) this.connection?.unsubscribe(surplus)
    this.#doing = 'subscribing'
    this.#subscribeNext()
  }

  #subscribeNext() {
    const { subscriptions, onForbidden } = this.#options
    const { subscribe } = this.#granted
    const filters = subscriptions.next(subscribe)
    if (filters.length > 0) {
      return this.connection?.subscribe(filters, (isGiven) => {
        for (const it of subscriptions.answered(isGiven)) onForbidden(new ForbiddenTopic(it))
        this.#subscribeNext()
      })
    }
    if (subscriptions.isHopeless(subscribe)) return this.#fail(new SubscribeRefused(subscribe))
    this.#doing = 'connected'
    this.#env.clearTimeout(this.#deadline)
    this.#report('subscribed')
  }

  /** Stop and fall silent. @param {boolean} [endSession] Whether for good. */
  abandon(endSession) {
    this.#env.clearTimeout(this.#deadline)
    this.#abort.abort()
    this.connection?.close(endSession)
  }

  /** @returns {Promise<Credentials>} */
  async #fetchOrHeld() {
    const { settings, device, held } = this.#options
    const { now, subtle } = settings.env
    try {
      const { credentialsUrl, getToken, env } = settings
      const signal = this.#abort.signal
      return await fetchCredentials({ ...env, credentialsUrl, getToken, device, signal })
    } catch (error) {
      const isAway = [NetworkUnavailable, CredentialsUnavailable, Throttled].some(
        (it) => error instanceof it
      )
      if (isAway && subtle && held && held.expiresAt - now() - held.skewMs > MIN_LIFE_MS) return held
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
    const isSilent = this.#doing === 'subscribing' && error instanceof ConnectionLost
    const found = isSilent ? this.#options.subscriptions.lost() : null
    if (found === null) return this.#fail(error)
    this.#options.onForbidden(new ForbiddenTopic(found))
    this.#report('excluded', error)
  }

  get #granted() {
    return /** @type {Credentials} */ (this.credentials)
  }

  /** @param {PushError} error */
  #fail(error) {
    this.#report(happeningOf(error), error)
  }

  /** @param {Happening} happening @param {PushError} [error] */
  #report(happening, error) {
    if (!this.#abort.signal.aborted) this.#options.report(happening, error)
  }
}

/** @type {Readonly<Record<string, Happening>>} */
const HAPPENINGS = {
  throttled: 'throttled',
  connection_lost: 'lost',
  not_authorized: 'denied',
  taken_over: 'taken_over'
}

/** @param {PushError} error @returns {Happening} */
function happeningOf(error) {
  if (error instanceof TokenRefused && error.retry) return 'token_expired'
  return HAPPENINGS[error.code] ?? (error.retry ? 'failed' : 'refused')
}
