/**
 * The client that pages use: carries out what machine.js decides.
 *
 * Owns the one timer, the current attempt and the listeners. Holds no rule about retrying
 * (machine.js), no steps of an attempt (attempt.js) and no wording of errors (errors.js).
 */

import { Attempt } from './attempt.js'
import { fullJitter } from './backoff.js'
import { Deliveries, isGranted } from './delivery.js'
import { shelfOf } from './device.js'
import { Emitter } from './emitter.js'
import { ForbiddenAddress, PushError, SubscribeRefused, Throttled, TimedOut } from './errors.js'
import { INITIAL, MAX_SUBSCRIBE_LOSSES, STATE_OF, step } from './machine.js'
import { settingsFrom } from './options.js'
import { watchPage } from './wake.js'

/**
 * @typedef {import('./machine.js').State} State
 * @typedef {Readonly<{state: State, previous: State, reason: string, error: PushError | null,
 *   retryInMs: number | null}>} StateChange
 *   reason: the happening that led here; retryInMs: how long `waiting` will last.
 * @typedef {Readonly<{since: Date, until: Date}>} Gap No connection in between: events may be missed.
 * @typedef {{event: import('./envelope.js').PushEvent,
 *   message: import('./envelope.js').ForeignMessage, state: StateChange, error: PushError,
 *   gap: Gap}} ClientEvents
 */

export class PushClient {
  #settings
  /** @type {Emitter<ClientEvents>} */
  #emitter = new Emitter(['event', 'message', 'state', 'error', 'gap'])
  #deliveries = new Deliveries({
    event: (event) => this.#emitter.emit('event', event),
    message: (message) => this.#emitter.emit('message', message)
  })
  #machine = INITIAL
  /** @type {{happening: import('./machine.js').Happening, error: PushError | null}[]} */
  #inbox = []
  #draining = false
  /** @type {Attempt | null} */
  #attempt = null
  /** @type {import('./credentials.js').Credentials | null} The last that were given. */
  #granted = null
  /** @type {number | null} When the last connection ended. */
  #lostAt = null
  /** @type {unknown} Deadline, stability or backoff, by phase. */
  #timer
  /** @type {import('./device.js').Claim | null} */
  #claim = null
  /** @type {(() => void) | null} */
  #unwatch = null

  /**
   * @param {import('./options.js').PushClientOptions} options
   * @throws {TypeError} If an option is missing, wrong or unknown.
   */
  constructor(options) {
    this.#settings = settingsFrom(options)
  }

  /** @returns {State} */
  get state() {
    return STATE_OF[this.#machine.phase]
  }

  /** @returns {string | null} Known once credentials came. */
  get clientId() {
    return this.#granted?.clientId ?? null
  }

  /** @returns {readonly string[]} Topic filters this client receives; empty before credentials came. */
  get topics() {
    return this.#granted?.subscribe ?? []
  }

  /** @returns {string} First level of every topic; empty before credentials came. */
  get namespace() {
    return this.topics[0]?.split('/')[0] ?? ''
  }

  /** Start, or when waiting, try now. Does nothing while connecting or connected. */
  connect() {
    this.#happen('connect')
  }

  /** End the connection and stay closed until `connect()`. */
  close() {
    this.#happen('close')
  }

  /**
   * @template {keyof ClientEvents} Name
   * @param {Name} name `event`: a CloudEvents envelope came. `message`: something else came, raw.
   *   `state`: the state changed. `error`: something failed, whether or not it is tried again.
   *   `gap`: connected again after a time in which events may have been missed.
   * @param {(value: ClientEvents[Name]) => void} listener
   * @returns {() => void} Undo.
   */
  on(name, listener) {
    return this.#emitter.on(name, listener)
  }

  /**
   * Listen to one address out of the grant. Never makes the client subscribe beyond it: an address
   * outside is an `error` (ForbiddenAddress), not a broken connection.
   *
   * @param {string} address `client:…`, `user:…`, `group:…`, `group:…/*` or `everyone`.
   * @param {import('./delivery.js').AddressListener} listener
   * @returns {() => void} Undo.
   * @throws {TypeError} If it is no address.
   */
  subscribe(address, listener) {
    const undo = this.#deliveries.listen(address, listener)
    if (this.#granted !== null) this.#reportForbidden([address])
    return undo
  }

  /**
   * Run to completion: what listeners cause while they are told waits for its turn.
   *
   * @param {import('./machine.js').Happening} happening
   * @param {PushError | null} [error]
   */
  #happen(happening, error = null) {
    this.#inbox.push({ happening, error })
    if (this.#draining) return
    this.#draining = true
    for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift())
      this.#step(next)
    this.#draining = false
  }

  /** @param {{happening: import('./machine.js').Happening, error: PushError | null}} next */
  #step({ happening, error: given }) {
    const before = this.#machine
    const { machine, actions, moved } = step(before, happening)
    if (!moved) return
    this.#machine = machine
    const error = this.#explained(given)
    const retryInMs = actions.includes('backoff') ? this.#pauseMs(error) : null
    for (const action of actions) this.#act(action, retryInMs ?? 0)
    if (error !== null) this.#emitter.emit('error', error)
    const [previous, state] = [STATE_OF[before.phase], STATE_OF[machine.phase]]
    if (state === previous) return
    this.#emitter.emit(
      'state',
      Object.freeze({ state, previous, reason: happening, error, retryInMs })
    )
    if (previous === 'connected') this.#lostAt = this.#settings.env.now()
    if (state === 'connected') this.#reportGap()
  }

  /** @param {import('./machine.js').Action} action @param {number} pauseMs For `backoff`. */
  #act(action, pauseMs) {
    switch (action) {
      case 'fetch':
        return this.#begin()
      case 'open':
        return this.#attempt?.open()
      case 'subscribe':
        return void this.#attempt?.subscribe()
      case 'settle':
        return this.#after(this.#settings.stableAfterMs, () => this.#happen('stable'))
      case 'backoff':
        return this.#after(pauseMs, () => this.#happen('elapsed'))
      case 'probe':
        return this.#attempt?.probe()
      case 'drop':
        return this.#drop()
      case 'rest':
        return this.#rest()
    }
  }

  #begin() {
    const { env, attemptTimeoutMs } = this.#settings
    this.#unwatch ??= watchPage(env, () => this.#happen('wake'))
    const attempt = new Attempt({
      settings: this.#settings,
      device: this.#device(),
      report: (happening, error) => this.#happen(happening, error),
      onDelivery: (delivery) => this.#deliveries.take(delivery, this.namespace),
      onCredentials: (credentials) => {
        this.#granted = credentials
        this.#reportForbidden(this.#deliveries.addresses())
      }
    })
    this.#attempt = attempt
    this.#after(attemptTimeoutMs, () =>
      attempt.fail(new TimedOut(this.#machine.phase, attemptTimeoutMs))
    )
    void attempt.fetch()
  }

  #drop() {
    this.#settings.env.clearTimeout(this.#timer)
    this.#attempt?.abandon()
    this.#attempt = null
  }

  #rest() {
    this.#unwatch?.()
    this.#unwatch = null
    if (this.#claim !== null) shelfOf(this.#settings.env).release(this.#claim)
    this.#claim = null
  }

  /** @param {number} ms @param {() => void} fn */
  #after(ms, fn) {
    this.#settings.env.clearTimeout(this.#timer)
    this.#timer = this.#settings.env.setTimeout(fn, ms)
  }

  /** @param {PushError | null} error @returns {number} Milliseconds until the next attempt. */
  #pauseMs(error) {
    const { backoff, env } = this.#settings
    const drawn = fullJitter(this.#machine.failures, backoff, env.random)
    return Math.max(drawn, error instanceof Throttled ? error.retryAfterMs : 0)
  }

  #device() {
    if (this.#settings.device !== null) return this.#settings.device
    this.#claim ??= shelfOf(this.#settings.env).claim()
    return this.#claim.device
  }

  /** @param {readonly string[]} addresses */
  #reportForbidden(addresses) {
    for (const address of addresses) {
      if (isGranted(address, this.topics, this.namespace)) continue
      this.#emitter.emit('error', new ForbiddenAddress(address, this.topics))
    }
  }

  #reportGap() {
    if (this.#lostAt === null) return
    const gap = Object.freeze({
      since: new Date(this.#lostAt),
      until: new Date(this.#settings.env.now())
    })
    this.#lostAt = null
    this.#emitter.emit('gap', gap)
  }

  /**
   * Name what stands behind the silent close that ended the client.
   *
   * @param {PushError | null} error
   */
  #explained(error) {
    const silent = this.#machine.phase === 'closed' && error !== null && error.retry
    return silent && this.#machine.subscribeLosses >= MAX_SUBSCRIBE_LOSSES
      ? new SubscribeRefused(this.topics, 'it closed the connection each time')
      : error
  }
}
