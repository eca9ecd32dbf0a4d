/**
 * The client that pages use: listeners, addresses, iterations, publishes.
 *
 * Owns who listens. Being connected is link.js's affair, what arrives delivery.js's, what goes out
 * publishing.js's.
 */

import { Deliveries, isGranted } from './delivery.js'
import { newId } from './device.js'
import { Emitter } from './emitter.js'
import { envelopeBytes } from './envelope.js'
import { ForbiddenAddress, PublishFailed } from './errors.js'
import { Link } from './link.js'
import { settingsFrom } from './options.js'
import { Publishing } from './publishing.js'
import { Stream } from './stream.js'
import { topicOf } from './topic.js'

/**
 * @typedef {import('./machine.js').State} State
 * @typedef {import('./machine.js').Happening} Happening
 * @typedef {import('./errors.js').PushError} PushError
 * @typedef {Readonly<{state: State, previous: State, reason: Happening, error: PushError | null,
 *   retryInMs: number | null}>} StateChange
 *   reason: the happening that led here; retryInMs: how long `waiting` will last, null while the
 *   page is away.
 * @typedef {Readonly<{since: Date, until: Date}>} Absence No connection in between.
 * @typedef {{event: import('./envelope.js').PushEvent,
 *   message: import('./envelope.js').ForeignMessage, state: StateChange, error: PushError,
 *   resumed: Absence, sessionlost: Absence}} ClientEvents
 */

export class PushClient {
  #env
  /** @type {Emitter<ClientEvents>} */
  #emitter = new Emitter(['event', 'message', 'state', 'error', 'resumed', 'sessionlost'])
  #deliveries = new Deliveries((name, value) => this.#emitter.emit(name, value))
  #publishing
  /** @type {Set<Stream<any>>} */
  #streams = new Set()
  #link

  /**
   * @param {import('./options.js').PushClientOptions} options
   * @throws {TypeError} If an option is missing, wrong or unknown.
   */
  constructor(options) {
    const settings = settingsFrom(options)
    this.#env = settings.env
    this.#publishing = new Publishing(settings.env, settings.publishTimeoutMs)
    this.#link = new Link(settings, {
      emit: (name, value) => this.#emitter.emit(name, value),
      onDelivery: (delivery) => this.#deliveries.take(delivery, this.namespace),
      onConnection: (connection) => this.#publishing.over(connection),
      onGrant: () => this.#reportForbidden(this.#deliveries.addresses())
    })
    this.on('state', ({ state, error }) => {
      if (state !== 'closed') return
      this.#publishing.end()
      for (const stream of [...this.#streams]) stream.end(error)
    })
  }

  /** @returns {State} */
  get state() {
    return this.#link.state
  }

  /** @returns {string | null} Known once credentials came. */
  get clientId() {
    return this.#link.granted?.clientId ?? null
  }

  /** @returns {readonly string[]} Topic filters this client receives; empty before credentials came. */
  get topics() {
    return this.#link.granted?.subscribe ?? []
  }

  /** @returns {string} First level of every topic; empty before credentials came. */
  get namespace() {
    return this.topics[0]?.split('/')[0] ?? ''
  }

  /** Start, or when waiting, try now. Does nothing while connecting or connected. */
  connect() {
    this.#link.happen('connect')
  }

  /**
   * End the connection and the session, and stay closed until `connect()`: what is sent meanwhile
   * is not kept.
   */
  close() {
    this.#link.happen('close')
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
    if (this.#link.granted !== null) this.#reportForbidden([address])
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
  async publish(address, data, { type = 'message', id = newId(this.#env.random) } = {}) {
    const { granted } = this.#link
    const topic = topicOf(address, this.namespace)
    if (granted === null || this.state === 'closed') throw new PublishFailed('closed')
    if (!isGranted(address, granted.publish, this.namespace))
      throw new ForbiddenAddress(address, granted.publish, 'publish')
    const source = `/clients/${granted.clientId}`
    const time = new Date(this.#env.now() + granted.skewMs)
    await this.#publishing.publish(topic, envelopeBytes({ id, source, type, time, data }))
    return id
  }

  /**
   * `for await (const event of client)`: all events, until the client is closed.
   *
   * @returns {AsyncGenerator<import('./envelope.js').PushEvent, void>}
   */
  [Symbol.asyncIterator]() {
    return this.#read((push) => this.on('event', push))
  }

  /**
   * `for await (const arrived of client.arrivals('group:orders/*'))`: what comes for one address.
   *
   * @param {string} address
   * @returns {AsyncGenerator<import('./delivery.js').Delivered, void>}
   * @throws {TypeError} If it is no address.
   */
  arrivals(address) {
    return this.#read((push) => this.subscribe(address, push))
  }

  /**
   * @template Item
   * @param {(push: (item: Item) => void) => () => void} listen
   */
  #read(listen) {
    /** @type {Stream<Item>} */
    const stream = new Stream(() => {
      undo()
      this.#streams.delete(stream)
    })
    const undo = listen((item) => stream.push(item))
    this.#streams.add(stream)
    return stream.read()
  }

  /** @param {readonly string[]} addresses */
  #reportForbidden(addresses) {
    for (const address of addresses) {
      if (!isGranted(address, this.topics, this.namespace))
        this.#emitter.emit('error', new ForbiddenAddress(address, this.topics, 'receive'))
    }
  }
}
