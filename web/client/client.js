/**
 * The client that pages use: carries out what machine.js decides.
 *
 * Owns the timers, the current attempt and the next, and the listeners. Holds no rule about
 * retrying (machine.js), no steps of an attempt (attempt.js) and no wording of errors (errors.js).
 */

import { Attempt } from './attempt.js'
import { fullJitter } from './backoff.js'
import { Deliveries, isGranted } from './delivery.js'
import { newId, shelfOf } from './device.js'
import { Emitter } from './emitter.js'
import { envelopeBytes } from './envelope.js'
import {
  ClockSkewed,
  ForbiddenAddress,
  NotAuthorized,
  PublishFailed,
  PushError,
  SubscribeRefused,
  Throttled,
  TimedOut
} from './errors.js'
import { renewAt, rollAt } from './lifetime.js'
import { INITIAL, MAX_SUBSCRIBE_LOSSES, STATE_OF, step } from './machine.js'
import { settingsFrom } from './options.js'
import { Publishing } from './publishing.js'
import { Stream } from './stream.js'
import { Subscriptions } from './subscriptions.js'
import { topicOf } from './topic.js'
import { watchPage } from './wake.js'

/**
 * @typedef {import('./machine.js').State} State
 * @typedef {import('./machine.js').Happening} Happening
 * @typedef {import('./credentials.js').Credentials} Credentials
 * @typedef {Readonly<{state: State, previous: State, reason: Happening, error: PushError | null,
 *   retryInMs: number | null}>} StateChange
 *   reason: the happening that led here; retryInMs: how long `waiting` will last, null while the
 *   page is away.
 * @typedef {Readonly<{since: Date, until: Date}>} Absence No connection in between.
 * @typedef {{event: import('./envelope.js').PushEvent,
 *   message: import('./envelope.js').ForeignMessage, state: StateChange, error: PushError,
 *   resumed: Absence, sessionlost: Absence}} ClientEvents
 */

/**
 * @typedef {'step'|'next'|'due'} TimerName step: deadline, stability or backoff, by phase; next:
 *   deadline of what is to replace the connection; due: until the connection needs attention.
 */

/** A clock this far off is told. */
const MAX_SKEW_MS = 60_000

/** Least time from one CONNECT to the next. IoT Core takes one per second and client id. */
const MIN_CONNECT_INTERVAL_MS = 1_000

export class PushClient {
  #settings
  /** @type {Emitter<ClientEvents>} */
  #emitter = new Emitter(['event', 'message', 'state', 'error', 'resumed', 'sessionlost'])
  #deliveries = new Deliveries({
    event: (event) => this.#emitter.emit('event', event),
    message: (message) => this.#emitter.emit('message', message)
  })
  #subscriptions = new Subscriptions()
  #publishing
  /** @type {Set<Stream<any>>} */
  #streams = new Set()
  #machine = INITIAL
  /** @type {{happening: Happening, error: PushError | null}[]} */
  #inbox = []
  #draining = false
  /** @type {Attempt | null} */
  #attempt = null
  /** @type {Attempt | null} The one that is to replace it. */
  #next = null
  /** @type {Credentials | null} The last that were given. */
  #granted = null
  /** @type {number | null} When the broker was last heard, if it should have a session of ours. */
  #seenAt = null
  /** Whether `#attempt` is connected, so that it knows better. */
  #live = false
  /** @type {number | null} Since when events may be missed, until that is told. */
  #lostSince = null
  /** Whether a session the broker may still have is to be thrown away. */
  #cleanStart = false
  #openedAt = 0
  #rollAt = Infinity
  #toldSkewMs = 0
  /** @type {Partial<Record<TimerName, unknown>>} */
  #timers = {}
  #dueAt = Infinity
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
    this.#publishing = new Publishing(this.#settings.env, this.#settings.publishTimeoutMs)
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

  /**
   * End the connection and the session, and stay closed until `connect()`: what is sent meanwhile
   * is not kept.
   */
  close() {
    this.#happen('close')
  }

  /**
   * @template {keyof ClientEvents} Name
   * @param {Name} name `event`: a CloudEvents envelope came. `message`: something else came, raw.
   *   `state`: the state changed. `error`: something failed, whether or not it is tried again.
   *   `resumed`: connected again, and what was missed with QoS 1 now follows. `sessionlost`:
   *   connected again, but the broker kept nothing: events may be missed.
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
   * Publish an event, where the token grants it. While not connected it waits for its turn.
   *
   * @param {string} address
   * @param {unknown} data Any JSON value.
   * @param {{type?: string, id?: string}} [event] type: `message` by default. The same id again is
   *   dropped by receivers.
   * @returns {Promise<string>} The id, once the broker has it. Rejects with ForbiddenAddress,
   *   PublishFailed or TimedOut.
   * @throws {TypeError} If it is no address, or data is not JSON.
   */
  async publish(address, data, { type = 'message', id = newId(this.#settings.env.random) } = {}) {
    const granted = this.#granted
    const topic = topicOf(address, this.namespace)
    if (granted === null || this.state === 'closed') throw new PublishFailed('closed')
    if (!isGranted(address, granted.publish, this.namespace))
      throw new ForbiddenAddress(address, granted.publish, 'publish')
    const source = `/clients/${granted.clientId}`
    const time = new Date(this.#settings.env.now() + granted.skewMs)
    await this.#publishing.publish(topic, envelopeBytes({ id, source, type, time, data }))
    return id
  }

  /** `for await (const event of client)`: all events, until the client is closed. */
  [Symbol.asyncIterator]() {
    /** @type {Stream<import('./envelope.js').PushEvent>} */
    const stream = this.#stream(() => undo())
    const undo = this.on('event', (event) => stream.push(event))
    return stream
  }

  /**
   * `for await (const arrived of client.arrivals('group:orders/*'))`: what comes for one address.
   *
   * @param {string} address
   * @returns {AsyncIterableIterator<import('./delivery.js').Delivered, void>}
   * @throws {TypeError} If it is no address.
   */
  arrivals(address) {
    /** @type {Stream<import('./delivery.js').Delivered>} */
    const stream = this.#stream(() => undo())
    const undo = this.subscribe(address, (arrived) => stream.push(arrived))
    return stream
  }

  /** @param {() => void} undo */
  #stream(undo) {
    const stream = new Stream(() => {
      undo()
      this.#streams.delete(stream)
    })
    this.#streams.add(stream)
    return stream
  }

  /**
   * Run to completion: what listeners cause while they are told waits for its turn.
   *
   * @param {Happening} happening
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

  /** @param {{happening: Happening, error: PushError | null}} happened */
  #step({ happening, error: given }) {
    const before = this.#machine
    const { machine, actions, moved } = step(before, happening)
    if (!moved) return
    this.#machine = machine
    const isExpected = before.phase === 'rolling' && machine.phase === 'replacing'
    const error = isExpected ? null : this.#explained(given)
    const retryInMs = actions.includes('backoff') ? this.#pauseMs(error) : null
    for (const action of actions) this.#act(action, retryInMs ?? 0)
    if (error !== null) this.#emitter.emit('error', error)
    const [previous, state] = [STATE_OF[before.phase], STATE_OF[machine.phase]]
    if (state === previous) return
    this.#emitter.emit(
      'state',
      Object.freeze({ state, previous, reason: happening, error, retryInMs })
    )
    if (state === 'closed') for (const stream of [...this.#streams]) stream.end(error)
  }

  /** @param {import('./machine.js').Action} action @param {number} pauseMs For `backoff`. */
  #act(action, pauseMs) {
    switch (action) {
      case 'fetch':
        return this.#begin()
      case 'open':
        return void (this.#next ?? this.#attempt)?.open()
      case 'subscribe':
        return this.#attempt?.subscribe()
      case 'settle':
        return this.#settle()
      case 'backoff':
        return this.#after('step', pauseMs, () => this.#happen('elapsed'))
      case 'probe':
        return this.#probe()
      case 'renew':
        return this.#renew()
      case 'adopt':
        this.#grant(this.#next?.credentials ?? null)
        this.#giveUpNext()
        return this.#watch()
      case 'unroll':
        return this.#postpone()
      case 'retire':
        return this.#retire()
      case 'drop':
        return this.#drop(false)
      case 'leave':
        return this.#drop(true)
      case 'rest':
        return this.#rest()
    }
  }

  #begin() {
    this.#unwatch ??= watchPage(this.#settings.env, (what) => this.#happen(what))
    this.#attempt = this.#newAttempt((credentials) => {
      this.#grant(credentials)
      return 'credentials'
    })
  }

  /** Fetch new credentials beside the live connection. */
  #renew() {
    this.#next = this.#newAttempt((credentials) => {
      const isTooOld = this.#settings.env.now() >= this.#rollAt
      const [old, now] = [this.#granted, credentials].map(
        (it) => it && [it.clientId, it.subscribe, it.publish].join('\n')
      )
      return isTooOld || old !== now ? 'credentials' : 'renewed'
    })
  }

  /** @param {(credentials: Credentials) => Happening} onCredentials */
  #newAttempt(onCredentials) {
    const { attemptTimeoutMs } = this.#settings
    const isFirst = this.#machine.phase === 'fetching'
    const attempt = new Attempt({
      onCredentials,
      settings: this.#settings,
      device: this.#device(),
      held: isFirst && !this.#cleanStart ? this.#granted : null,
      subscriptions: this.#subscriptions,
      cleanStart: this.#cleanStart,
      report: (happening, error) => this.#hear(attempt, happening, error ?? null),
      onOpened: (isResumed) => this.#opened(attempt, isResumed),
      onForbidden: (error) => this.#emitter.emit('error', error),
      onDelivery: (delivery) => this.#deliveries.take(delivery, this.namespace)
    })
    this.#after(isFirst ? 'step' : 'next', attemptTimeoutMs, () =>
      attempt.fail(new TimedOut(this.#machine.phase, attemptTimeoutMs))
    )
    void attempt.fetch()
    return attempt
  }

  /**
   * A renewal or roll-over that fails leaves the live connection alone, unless it is final.
   *
   * @param {Attempt} attempt
   * @param {Happening} happening
   * @param {PushError | null} error
   */
  #hear(attempt, happening, error) {
    const canPostpone = attempt === this.#next && error?.retry && happening !== 'token_expired'
    if (canPostpone && this.#machine.phase !== 'replacing') this.#happen('postponed', error)
    else this.#happen(happening, error)
  }

  /** @param {Attempt} attempt @param {boolean} isResumed */
  #opened(attempt, isResumed) {
    const { env, rollOverAfterMs } = this.#settings
    const seenAt = this.#heardAt()
    const now = env.now()
    this.#openedAt = now
    this.#rollAt = rollAt(now, rollOverAfterMs, env.random())
    this.#cleanStart = false
    if (seenAt === null) return
    this.#seenAt = now
    if (!isResumed) this.#lostSince ??= seenAt
    else if (attempt !== this.#next) this.#emitter.emit('resumed', absence(seenAt, now))
  }

  /** The second connection has the session; the first is history. */
  #retire() {
    const [old, next] = [this.#attempt, this.#next]
    if (next === null) return
    this.#attempt = next
    this.#next = null
    old?.abandon()
    this.#grant(next.credentials)
  }

  #settle() {
    const { env, stableAfterMs } = this.#settings
    this.#live = true
    this.#clear('next')
    this.#after('step', stableAfterMs, () => this.#happen('stable'))
    this.#publishing.over(this.#attempt?.connection ?? null)
    this.#watch()
    if (this.#lostSince === null) return
    this.#emitter.emit('sessionlost', absence(this.#lostSince, env.now()))
    this.#lostSince = null
  }

  #giveUpNext() {
    this.#clear('next')
    this.#next?.abandon()
    this.#next = null
  }

  /** Leave the connection as it is, and look after it later. */
  #postpone() {
    const { env, backoff } = this.#settings
    this.#giveUpNext()
    this.#watch(env.now() + backoff.capMs * (0.5 + env.random()))
  }

  /** Set the time at which the connection needs attention. @param {number} [notBefore] */
  #watch(notBefore = 0) {
    const { env } = this.#settings
    const granted = /** @type {Credentials} */ (this.#granted)
    const renewalAt = renewAt(granted, env.random()) - granted.skewMs
    this.#dueAt = Math.max(notBefore, Math.min(renewalAt, this.#rollAt))
    this.#after('due', Math.max(this.#dueAt - env.now(), 0), () => this.#happen('due'))
  }

  /** Timers stand still while a machine sleeps: look at the clock, too. */
  #probe() {
    this.#attempt?.connection?.probe()
    if (this.#settings.env.now() >= this.#dueAt) this.#happen('due')
  }

  /** @param {boolean} endSession */
  #drop(endSession) {
    this.#clear('step', 'next', 'due')
    this.#publishing.over(null)
    this.#seenAt = endSession ? null : this.#heardAt()
    this.#live = false
    this.#cleanStart ||= endSession
    for (const attempt of [this.#attempt, this.#next]) attempt?.abandon(endSession)
    this.#attempt = this.#next = null
  }

  #rest() {
    this.#unwatch?.()
    this.#unwatch = null
    this.#publishing.end()
    this.#subscriptions.reset()
    if (this.#claim !== null) shelfOf(this.#settings.env).release(this.#claim)
    this.#claim = null
  }

  /** @returns {number | null} When the broker was last heard, if it should have our session. */
  #heardAt() {
    return (this.#live ? this.#attempt?.connection?.heardAt : null) ?? this.#seenAt
  }

  /** @param {Credentials | null} credentials */
  #grant(credentials) {
    if (credentials === null) return
    if (this.#granted !== null && this.#granted.clientId !== credentials.clientId) {
      this.#seenAt = null // somebody else's session
    }
    this.#granted = credentials
    this.#reportForbidden(this.#deliveries.addresses())
    const { skewMs } = credentials
    if (Math.abs(skewMs - this.#toldSkewMs) < MAX_SKEW_MS) return
    this.#toldSkewMs = skewMs
    this.#emitter.emit('error', new ClockSkewed(skewMs))
  }

  /** @param {TimerName} name @param {number} ms @param {() => void} fn */
  #after(name, ms, fn) {
    this.#clear(name)
    this.#timers[name] = this.#settings.env.setTimeout(fn, ms)
  }

  /** @param {...TimerName} names */
  #clear(...names) {
    for (const name of names) this.#settings.env.clearTimeout(this.#timers[name])
  }

  /** @param {PushError | null} error @returns {number} Milliseconds until the next attempt. */
  #pauseMs(error) {
    const { backoff, env } = this.#settings
    const drawn = fullJitter(this.#machine.failures, backoff, env.random)
    const ordered = error instanceof Throttled ? error.retryAfterMs : 0
    return Math.max(drawn, ordered, this.#openedAt + MIN_CONNECT_INTERVAL_MS - env.now())
  }

  #device() {
    const { env, device } = this.#settings
    if (this.#claim === null) {
      this.#claim = shelfOf(env).claim(device, () => this.#heardAt())
      this.#seenAt ??= this.#claim.seenAt
    }
    return this.#claim.device
  }

  /** @param {readonly string[]} addresses */
  #reportForbidden(addresses) {
    for (const address of addresses) {
      if (isGranted(address, this.topics, this.namespace)) continue
      this.#emitter.emit('error', new ForbiddenAddress(address, this.topics))
    }
  }

  /**
   * Name what stands behind the end of the client, where the last error does not.
   *
   * @param {PushError | null} error
   */
  #explained(error) {
    if (this.#machine.phase !== 'closed' || !error?.retry) return error
    if (error instanceof NotAuthorized) return new NotAuthorized(false)
    return this.#machine.subscribeLosses >= MAX_SUBSCRIBE_LOSSES
      ? new SubscribeRefused(this.topics, 'it closed the connection each time')
      : error
  }
}

/** @param {number} since @param {number} until @returns {Absence} */
const absence = (since, until) =>
  Object.freeze({ since: new Date(since), until: new Date(until) })
