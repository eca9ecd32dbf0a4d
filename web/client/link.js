/**
 * What keeps a client connected: carries out what machine.js decides.
 *
 * Owns the timer, the current attempt and the next, the grant, and since when the broker was not
 * heard. Holds no rule about retrying (machine.js), no steps of an attempt (attempt.js) and no
 * listeners (client.js). Each action of the machine is a method of that name.
 */

import { Attempt } from './attempt.js'
import { fullJitter } from './backoff.js'
import { shelfOf } from './device.js'
import { ClockSkewed, SubscribeRefused, Throttled } from './errors.js'
import { renewAt, rollAt } from './lifetime.js'
import { INITIAL, LIMITS, STATE_OF, step } from './machine.js'
import { Subscriptions } from './subscriptions.js'
import { watchPage } from './wake.js'

/**
 * @typedef {import('./machine.js').Happening} Happening
 * @typedef {import('./credentials.js').Credentials} Credentials
 * @typedef {import('./errors.js').PushError} PushError
 * @typedef {import('./transport.js').MqttConnection} MqttConnection
 * @typedef {{emit: <Name extends keyof import('./client.js').ClientEvents>(name: Name,
 *   value: import('./client.js').ClientEvents[Name]) => void,
 *   onDelivery: (delivery: import('./transport.js').Delivery) => void,
 *   onConnection: (connection: MqttConnection | null) => void, onGrant: () => void}} Host
 *   onConnection: the one to publish over from now on; onGrant: `granted` is another.
 */

/** A clock this far off is told. */
const MAX_SKEW_MS = 60_000

/** Least time from one CONNECT to the next. IoT Core takes one per second and client id. */
const MIN_CONNECT_INTERVAL_MS = 1_000

export class Link {
  #settings
  #env
  #host
  #subscriptions = new Subscriptions()
  #machine = INITIAL
  /** @type {[Happening, PushError | null][]} The first is being worked on. */
  #inbox = []
  /** @type {Attempt | null} */
  #attempt = null
  /** @type {Attempt | null} The one that is to replace it. */
  #next = null
  /** @type {number | null} When the broker was last heard, if it should have a session of ours. */
  #seenAt = null
  /** @type {number | null} Since when events may be missed, until that is told. */
  #lostSince = null
  /** Whether a session the broker may still have is to be thrown away. */
  #cleanStart = false
  #openedAt = 0
  #rollAt = Infinity
  #toldSkewMs = 0
  /** @type {unknown} Until the next attempt or its CONNECT, or the connection needs attention. */
  #timer
  #dueAt = Infinity
  #retryInMs = 0
  /** @type {import('./device.js').Claim | null} */
  #claim = null
  /** @type {(() => void) | undefined} */
  #unwatch

  /** @type {Credentials | null} The last that were given. */
  granted = null

  /** @param {Readonly<import('./options.js').Settings>} settings @param {Host} host */
  constructor(settings, host) {
    this.#settings = settings
    this.#env = settings.env
    this.#host = host
  }

  get state() {
    return STATE_OF[this.#machine.phase]
  }

  /**
   * Run to completion: what listeners cause while they are told waits for its turn.
   *
   * @param {Happening} happening
   * @param {PushError | null} [error]
   */
  happen(happening, error = null) {
    this.#inbox.push([happening, error])
    if (this.#inbox.length > 1) return
    for (let next; (next = this.#inbox[0]) !== undefined; this.#inbox.shift()) this.#step(...next)
  }

  /** @param {Happening} happening @param {PushError | null} given */
  #step(happening, given) {
    const [before, previous] = [this.#machine, this.state]
    const ageMs = this.#env.now() - this.#openedAt
    const isStable = previous === 'connected' && ageMs >= this.#settings.stableAfterMs
    const { machine, actions, moved } = step(before, happening, isStable)
    if (!moved) return
    this.#machine = machine
    const isExpected = before.phase === 'rolling' && machine.phase === 'replacing'
    const error = isExpected ? null : this.#explained(given)
    const willRetry = actions.includes('backoff')
    if (willRetry) this.#retryInMs = this.#pauseMs(error)
    for (const action of actions) this[action]()
    if (error !== null) this.#host.emit('error', error)
    const { state } = this
    const retryInMs = willRetry ? this.#retryInMs : null
    if (state !== previous)
      this.#host.emit('state', Object.freeze({ state, previous, reason: happening, error, retryInMs }))
  }

  fetch() {
    this.#unwatch ??= watchPage(this.#env, (what) => this.happen(what))
    this.#attempt = this.#begin(this.#cleanStart ? null : this.granted)
  }

  /** Fetch new credentials beside the live connection. */
  renew() {
    this.#next = this.#begin(null)
  }

  open() {
    const attempt = this.#next ?? this.#attempt
    const tooSoonMs = this.#tooSoonMs()
    if (tooSoonMs > 0) this.#after(tooSoonMs, () => void attempt?.open())
    else void attempt?.open()
  }

  subscribe() {
    this.#attempt?.subscribe()
  }

  settle() {
    this.#host.onConnection(this.#attempt?.connection ?? null)
    this.#watch()
    if (this.#lostSince === null) return
    this.#host.emit('sessionlost', absence(this.#lostSince, this.#env.now()))
    this.#lostSince = null
  }

  backoff() {
    this.#after(this.#retryInMs, () => this.happen('elapsed'))
  }

  /** Timers stand still while a machine sleeps: look at the clock, too. */
  probe() {
    this.#attempt?.connection?.probe()
    if (this.#env.now() >= this.#dueAt) this.happen('due')
  }

  adopt() {
    this.#grant(this.#next)
    this.#giveUpNext()
    this.#watch()
  }

  /** Leave the connection as it is, and look after it later. */
  unroll() {
    this.#giveUpNext()
    const { capMs } = this.#settings.backoff
    this.#watch(this.#env.now() + capMs * (0.5 + this.#env.random()))
  }

  /** The second connection has the session; the first is history. */
  retire() {
    this.#attempt?.abandon()
    this.#attempt = this.#next
    this.#next = null
    this.#grant(this.#attempt)
  }

  drop() {
    this.#seenAt = this.#heardAt()
    this.#end(false)
  }

  leave() {
    this.#seenAt = null
    this.#cleanStart = true
    this.#end(true)
  }

  rest() {
    this.#unwatch?.()
    this.#unwatch = undefined
    this.#subscriptions.reset()
    if (this.#claim !== null) shelfOf(this.#env).release(this.#claim)
    this.#claim = null
  }

  /** @param {boolean} endSession */
  #end(endSession) {
    this.#env.clearTimeout(this.#timer)
    this.#host.onConnection(null)
    this.#giveUpNext(endSession)
    this.#attempt?.abandon(endSession)
    this.#attempt = null
  }

  /** @param {boolean} [endSession] */
  #giveUpNext(endSession) {
    this.#next?.abandon(endSession)
    this.#next = null
  }

  /** @param {Credentials | null} held To fall back on. */
  #begin(held) {
    if (this.#claim === null) {
      this.#claim = shelfOf(this.#env).claim(this.#settings.device, () => this.#heardAt())
      this.#seenAt ??= this.#claim.lastSeenAt
    }
    const attempt = new Attempt({
      held,
      settings: this.#settings,
      device: this.#claim.device,
      subscriptions: this.#subscriptions,
      cleanStart: this.#cleanStart,
      report: (happening, error) => this.#hear(attempt, happening, error),
      onForbidden: (error) => this.#host.emit('error', error),
      onDelivery: this.#host.onDelivery
    })
    void attempt.fetch()
    return attempt
  }

  /**
   * A renewal or roll-over that fails leaves the live connection alone, unless it is final.
   *
   * @param {Attempt} attempt
   * @param {Happening} happening
   * @param {PushError} [error]
   */
  #hear(attempt, happening, error) {
    const isNext = attempt === this.#next
    if (happening === 'opened') this.#opened(attempt)
    if (happening === 'credentials' && !isNext) this.#grant(attempt)
    const isRenewed = happening === 'credentials' && isNext && !this.#mustRoll(attempt)
    const canWait = isNext && error?.retry && happening !== 'token_expired'
    if (isRenewed) this.happen('renewed')
    else if (canWait && this.#machine.phase !== 'replacing') this.happen('postponed', error)
    else this.happen(happening, error)
  }

  /** @param {Attempt} attempt @returns {boolean} Whether the connection is too old for them. */
  #mustRoll({ credentials }) {
    const [old, now] = [this.granted, credentials].map(
      (it) => it && [it.clientId, it.subscribe, it.publish].join('\n')
    )
    return old !== now || this.#env.now() >= this.#rollAt
  }

  /** @param {Attempt} attempt */
  #opened(attempt) {
    const [seenAt, now] = [this.#heardAt(), this.#env.now()]
    this.#openedAt = now
    this.#rollAt = rollAt(now, this.#settings.rollOverAfterMs, this.#env.random())
    this.#cleanStart = false
    if (seenAt === null) return
    this.#seenAt = now
    if (!attempt.isResumed) this.#lostSince ??= seenAt
    else if (attempt !== this.#next) this.#host.emit('resumed', absence(seenAt, now))
  }

  /** Set the time at which the connection needs attention. @param {number} [notBefore] */
  #watch(notBefore = 0) {
    const granted = /** @type {Credentials} */ (this.granted)
    const renewalAt = renewAt(granted, this.#env.random()) - granted.skewMs
    this.#dueAt = Math.max(notBefore, Math.min(renewalAt, this.#rollAt))
    this.#after(this.#dueAt - this.#env.now(), () => this.happen('due'))
  }

  /** @param {number} ms @param {() => void} act */
  #after(ms, act) {
    this.#env.clearTimeout(this.#timer)
    this.#timer = this.#env.setTimeout(act, ms)
  }

  /** @returns {number | null} When the broker was last heard, if it should have our session. */
  #heardAt() {
    return this.#attempt?.heardAt ?? this.#seenAt
  }

  /** @param {Attempt | null} attempt Its credentials are those to go by. */
  #grant(attempt) {
    const credentials = /** @type {Credentials} */ (attempt?.credentials)
    const { skewMs, clientId } = credentials
    if ((this.granted?.clientId ?? clientId) !== clientId) this.#seenAt = null // another's session
    this.granted = credentials
    this.#host.onGrant()
    if (Math.abs(skewMs - this.#toldSkewMs) < MAX_SKEW_MS) return
    this.#toldSkewMs = skewMs
    this.#host.emit('error', new ClockSkewed(skewMs))
  }

  /** @param {PushError | null} error @returns {number} Milliseconds until the next attempt. */
  #pauseMs(error) {
    const { failures } = this.#machine
    const drawn = fullJitter(failures, this.#settings.backoff, this.#env.random)
    const ordered = error instanceof Throttled ? error.retryAfterMs : 0
    return Math.max(drawn, ordered, this.#tooSoonMs())
  }

  /** @returns {number} Milliseconds until the broker takes a CONNECT; 0 or less if it does now. */
  #tooSoonMs() {
    return this.#openedAt + MIN_CONNECT_INTERVAL_MS - this.#env.now()
  }

  /**
   * Name what stands behind the end of the client, where the last error does not.
   *
   * @param {PushError | null} error
   */
  #explained(error) {
    if (this.#machine.phase !== 'closed' || error === null) return error
    if (this.#machine.lost === LIMITS.lost) return new SubscribeRefused(this.granted?.subscribe ?? [])
    error.retry = false
    return error
  }
}

/** @param {number} since @param {number} until @returns {import('./client.js').Absence} */
const absence = (since, until) =>
  Object.freeze({ since: new Date(since), until: new Date(until) })
