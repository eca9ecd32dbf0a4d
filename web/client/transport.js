/**
 * One MQTT connection over one WebSocket, from CONNECT to its end.
 *
 * Owns packet identifiers, acknowledgements and the keep-alive, and reads from MQTT 5's DISCONNECT
 * why it ended. Never reconnects, never asks for credentials, knows no addresses: client.js does,
 * told by the table in machine.js. Ends exactly once, with `onClosed`, unless `close()` ended it.
 * Source: MQTT 3.1.1 and 5.0; IoT Core keeps the order CONNECT, CONNACK, everything else.
 */

import { Codec } from './codec.js'
import {
  ConnectionLost,
  ConnectionRefused,
  Kicked,
  NotAuthorized,
  ProtocolViolation,
  PushError,
  TakenOver,
  Throttled
} from './errors.js'
import { PacketFramer } from './framing.js'

/**
 * Seconds without a packet from us after which the broker drops us (at 1.5 times this).
 * IoT Core takes 30 to 1,200. We ping at half of it, since browsers run the timers of a hidden
 * page only once a minute.
 */
export const KEEPALIVE_S = 60

/** Silence after a ping that we take as a dead connection. */
export const PING_TIMEOUT_MS = 10_000

/** Pause after a refusal by rate. IoT Core takes one CONNECT per second and client id. */
export const BROKER_PAUSE_MS = 1_000

/** From here on a reason code is a failure. */
export const FAILURE = 0x80

/** MQTT 5 reason code of an answer or DISCONNECT: quota exceeded. */
const QUOTA_EXCEEDED = 0x97

/**
 * @typedef {{topic: string, payload: Uint8Array}} Delivery
 * @typedef {{url: string, clientId: string, env: import('./environment.js').Environment,
 *   version: import('./codec.js').MqttVersion, sessionExpiryS: number, cleanStart: boolean,
 *   onOpened: (sessionPresent: boolean) => void, onDelivery: (delivery: Delivery) => void,
 *   onClosed: (error: PushError) => void}} TransportOptions
 *   cleanStart: begin a new session even if the broker keeps one.
 */

export class MqttConnection {
  #options
  #env
  #codec
  #socket
  #framer = new PacketFramer()
  #accepted = false
  #ended = false
  #lastPacketId = 0
  /** @type {Map<number, (codes: number[]) => void>} Who waits for the answer to a packet id. */
  #answers = new Map()
  /** @type {unknown} */
  #pingTimer
  /** @type {unknown} */
  #pongTimer

  /** When the other end last gave a sign of life, milliseconds since 1970. */
  heardAt

  /** @param {TransportOptions} options */
  constructor(options) {
    const { env, url, version } = options
    this.#options = options
    this.#env = env
    this.#codec = new Codec(version)
    this.heardAt = env.now()
    this.#socket = new env.WebSocket(url, ['mqtt'])
    this.#socket.binaryType = 'arraybuffer'
    this.#socket.onopen = () =>
      this.#send(this.#codec.connect({ ...options, keepaliveS: KEEPALIVE_S }))
    this.#socket.onmessage = (message) => this.#receive(message.data)
    // Node's WebSocket tells a failed handshake by `error` alone in some versions.
    this.#socket.onerror = () => {}
    this.#socket.onclose = (close) => this.#end(this.#whyClosed(close.code, close.reason))
  }

  /**
   * Ask for topic filters, at most eight.
   *
   * @param {readonly string[]} filters
   * @param {(isGiven: boolean[]) => void} onAnswer For each, whether the broker gave it. Called
   *   before anything that follows is read: on MQTT 5 a refusal's DISCONNECT comes right behind.
   *   Not called if a quota was used up, which says nothing about the filters, nor once the
   *   connection has ended; `onClosed` tells both.
   */
  subscribe(filters, onAnswer) {
    this.#send(
      this.#codec.subscribe(
        this.#packetId((codes) => {
          if (codes.includes(QUOTA_EXCEEDED)) this.#end(new Throttled(BROKER_PAUSE_MS))
          else onAnswer(filters.map((_, index) => (codes[index] ?? FAILURE) < FAILURE))
        }),
        filters
      )
    )
  }

  /** @param {readonly string[]} filters Nobody waits for the answer. */
  unsubscribe(filters) {
    this.#send(this.#codec.unsubscribe(this.#packetId(), filters))
  }

  /**
   * @param {string} topic
   * @param {Uint8Array} payload
   * @returns {Promise<number>} The reason code of PUBACK, below 0x80 if the broker has it. Never
   *   settles once the connection has ended.
   */
  publish(topic, payload) {
    return new Promise((resolve) => {
      const packetId = this.#packetId(([code = 0]) => resolve(code))
      this.#send(this.#codec.publish(packetId, topic, payload))
    })
  }

  /** Find out now whether the other end still answers; silence ends the connection. */
  probe() {
    if (this.#accepted && this.#pongTimer === undefined) this.#ping()
  }

  /** End it without a word to `onClosed`. @param {boolean} [endSession] Whether for good. */
  close(endSession = false) {
    if (this.#ended) return
    if (this.#accepted) this.#send(this.#codec.disconnect(endSession))
    this.#release()
  }

  /** @param {(codes: number[]) => void} [onAnswer] @returns {number} One that is free. */
  #packetId(onAnswer) {
    do this.#lastPacketId = (this.#lastPacketId % 65_535) + 1
    while (this.#answers.has(this.#lastPacketId))
    if (onAnswer) this.#answers.set(this.#lastPacketId, onAnswer)
    return this.#lastPacketId
  }

  /** @param {unknown} data */
  #receive(data) {
    try {
      if (!(data instanceof ArrayBuffer)) throw new ProtocolViolation('a text frame')
      this.heardAt = this.#env.now()
      for (const bytes of this.#framer.push(new Uint8Array(data)))
        if (!this.#ended) this.#take(this.#codec.decode(bytes))
    } catch (error) {
      this.#end(error instanceof PushError ? error : new ProtocolViolation('unexpected', error))
    }
  }

  /** @param {import('./codec.js').Packet} packet */
  #take(packet) {
    if (this.#accepted === (packet.type === 'connack'))
      throw new ProtocolViolation(`${packet.type} out of turn`)
    switch (packet.type) {
      case 'connack':
        if (packet.code !== 0) return this.#end(whyRefused(packet.code))
        this.#accepted = true
        this.#schedulePing((packet.keepaliveS ?? KEEPALIVE_S) * 500)
        return this.#options.onOpened(packet.sessionPresent)
      case 'publish':
        this.#options.onDelivery(packet)
        // After the listeners ran: what the page never saw is not acknowledged.
        if (packet.qos === 1) this.#send(this.#codec.puback(packet.packetId))
        return
      case 'puback':
      case 'suback': {
        const onAnswer = this.#answers.get(packet.packetId)
        this.#answers.delete(packet.packetId)
        return onAnswer?.(packet.codes)
      }
      case 'disconnect':
        return this.#end(whyDisconnected(packet.code))
      case 'pingresp':
        this.#env.clearTimeout(this.#pongTimer)
        this.#pongTimer = undefined
    }
  }

  /** @param {number} everyMs */
  #schedulePing(everyMs) {
    this.#pingTimer = this.#env.setTimeout(() => {
      this.#ping()
      this.#schedulePing(everyMs)
    }, everyMs)
  }

  #ping() {
    this.#send(this.#codec.pingreq())
    this.#pongTimer ??= this.#env.setTimeout(
      () => this.#end(new ConnectionLost(`no answer to a ping`)),
      PING_TIMEOUT_MS
    )
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  #send(bytes) {
    // A closing socket drops what is sent; its close event follows and ends us.
    if (this.#socket.readyState === 1) this.#socket.send(bytes)
  }

  /** @param {number} code @param {string} reason @returns {PushError} */
  #whyClosed(code, reason) {
    const detail = `socket closed with code ${code} ${reason}`.trim()
    return this.#accepted ? new ConnectionLost(detail, code) : new ConnectionRefused(detail)
  }

  /** @param {PushError} error */
  #end(error) {
    if (this.#ended) return
    this.#release()
    this.#options.onClosed(error)
  }

  #release() {
    this.#ended = true
    this.#env.clearTimeout(this.#pingTimer)
    this.#env.clearTimeout(this.#pongTimer)
    this.#answers.clear()
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null
    this.#socket.close()
  }
}

/**
 * @param {number} code Of CONNACK, MQTT 5 or 3.1.1. Source: aws-iot-facts 3.14.
 * @returns {PushError}
 */
function whyRefused(code) {
  if (code === 0x87 || code === 5) return new NotAuthorized()
  if (code === QUOTA_EXCEEDED) return new Throttled(BROKER_PAUSE_MS)
  return new ConnectionRefused(`CONNACK code ${code}`, code)
}

/** @param {number} code Of DISCONNECT. @returns {PushError} */
function whyDisconnected(code) {
  switch (code) {
    case 0x8e:
      return new TakenOver()
    case 0x98: // administrative action
      return new Kicked()
    case 0x96: // message rate too high
    case QUOTA_EXCEEDED:
      return new Throttled(BROKER_PAUSE_MS)
    default:
      return new ConnectionLost(`goodbye with reason ${code}`, undefined, code)
  }
}
