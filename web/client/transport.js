/**
 * One MQTT connection over one WebSocket, from CONNECT to its end.
 *
 * Owns packet identifiers, acknowledgements and the keep-alive. Never reconnects, never asks for
 * credentials, knows no addresses: client.js does, told by the table in machine.js. Ends exactly
 * once, with `onClosed`, unless `close()` ended it.
 * Source: MQTT 3.1.1; IoT Core keeps the order CONNECT, CONNACK, everything else.
 */

import * as codec from './codec.js'
import { ConnectionLost, ConnectionRefused, ProtocolViolation, PushError } from './errors.js'
import { PacketFramer } from './framing.js'

/** Topic filters in one SUBSCRIBE. AWS IoT Core quota, not adjustable. */
export const MAX_FILTERS_PER_SUBSCRIBE = 8

/**
 * Seconds without a packet from us after which the broker drops us (at 1.5 times this).
 * IoT Core takes 30 to 1,200. We ping at half of it, since browsers run the timers of a hidden
 * page only once a minute.
 */
export const KEEPALIVE_S = 60

/** Silence after a ping that we take as a dead connection. */
export const PING_TIMEOUT_MS = 10_000

/** SUBACK code for a refused filter. */
const REFUSED = 0x80

/**
 * @typedef {{topic: string, payload: Uint8Array}} Delivery
 * @typedef {{url: string, clientId: string, env: import('./environment.js').Environment,
 *   onOpened: () => void, onDelivery: (delivery: Delivery) => void,
 *   onClosed: (error: PushError) => void}} TransportOptions
 */

export class MqttConnection {
  #options
  #socket
  #framer = new PacketFramer()
  #accepted = false
  #ended = false
  #lastPacketId = 0
  /** @type {Map<number, (codes: number[]) => void>} */
  #subacks = new Map()
  /** @type {unknown} */
  #pingTimer
  /** @type {unknown} */
  #pongTimer

  /** @param {TransportOptions} options */
  constructor(options) {
    this.#options = options
    this.#socket = new options.env.WebSocket(options.url, ['mqtt'])
    this.#socket.binaryType = 'arraybuffer'
    this.#socket.onopen = () =>
      this.#send(codec.encodeConnect({ clientId: options.clientId, keepaliveS: KEEPALIVE_S }))
    this.#socket.onmessage = (message) => this.#receive(message.data)
    this.#socket.onclose = (close) => this.#end(this.#whyClosed(close.code, close.reason))
  }

  /**
   * Ask for topic filters, at most eight per packet, one packet after the other.
   *
   * @param {readonly string[]} filters
   * @returns {Promise<string[]>} The filters the broker refused. Never settles once the connection
   *   has ended; `onClosed` tells that.
   */
  async subscribe(filters) {
    const refused = []
    for (let at = 0; at < filters.length; at += MAX_FILTERS_PER_SUBSCRIBE) {
      const some = filters.slice(at, at + MAX_FILTERS_PER_SUBSCRIBE)
      const codes = await this.#subscribeOnce(some)
      refused.push(...some.filter((_, index) => (codes[index] ?? REFUSED) >= REFUSED))
    }
    return refused
  }

  /** Find out now whether the other end still answers; silence ends the connection. */
  probe() {
    if (this.#accepted && this.#pongTimer === undefined) this.#ping()
  }

  /** End it without a word to `onClosed`. */
  close() {
    if (this.#ended) return
    if (this.#accepted) this.#send(codec.encodeDisconnect())
    this.#release()
  }

  /** @param {readonly string[]} filters @returns {Promise<number[]>} */
  #subscribeOnce(filters) {
    const packetId = (this.#lastPacketId % 65_535) + 1
    this.#lastPacketId = packetId
    return new Promise((resolve) => {
      this.#subacks.set(packetId, resolve)
      this.#send(codec.encodeSubscribe({ packetId, filters }))
    })
  }

  /** @param {unknown} data */
  #receive(data) {
    try {
      if (!(data instanceof ArrayBuffer)) throw new ProtocolViolation('a text frame')
      for (const bytes of this.#framer.push(new Uint8Array(data))) {
        if (!this.#ended) this.#take(codec.decode(bytes))
      }
    } catch (error) {
      this.#end(error instanceof PushError ? error : new ProtocolViolation('unexpected', error))
    }
  }

  /** @param {codec.Packet} packet */
  #take(packet) {
    if (!this.#accepted) return this.#takeFirst(packet)
    switch (packet.type) {
      case 'publish':
        this.#options.onDelivery(packet)
        // After the listeners ran: what the page never saw is not acknowledged.
        if (packet.qos === 1) this.#send(codec.encodePuback(packet.packetId))
        return
      case 'suback':
        this.#subacks.get(packet.packetId)?.(packet.codes)
        this.#subacks.delete(packet.packetId)
        return
      case 'pingresp':
        this.#options.env.clearTimeout(this.#pongTimer)
        this.#pongTimer = undefined
        return
      default:
        throw new ProtocolViolation(`an unexpected packet, ${packet.type}`)
    }
  }

  /** @param {codec.Packet} packet */
  #takeFirst(packet) {
    if (packet.type !== 'connack') throw new ProtocolViolation('a packet before CONNACK')
    if (packet.code !== 0) {
      return this.#end(new ConnectionRefused(`CONNACK code ${packet.code}`, packet.code))
    }
    this.#accepted = true
    this.#schedulePing()
    this.#options.onOpened()
  }

  #schedulePing() {
    const everyMs = (KEEPALIVE_S * 1000) / 2
    this.#pingTimer = this.#options.env.setTimeout(() => {
      this.#ping()
      this.#schedulePing()
    }, everyMs)
  }

  #ping() {
    this.#send(codec.encodePingreq())
    this.#pongTimer ??= this.#options.env.setTimeout(
      () => this.#end(new ConnectionLost(`no answer to a ping within ${PING_TIMEOUT_MS} ms`)),
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
    const detail = `the socket closed with code ${code}${reason === '' ? '' : ` (${reason})`}`
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
    this.#options.env.clearTimeout(this.#pingTimer)
    this.#options.env.clearTimeout(this.#pongTimer)
    this.#subacks.clear()
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null
    this.#socket.close()
  }
}
