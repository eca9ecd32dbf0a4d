/**
 * MQTT packets to bytes and back, 3.1.1 and 5, as far as a client that pushes needs them.
 *
 * Pure. Does not frame (framing.js) and holds no connection state. Ours, and not a library's,
 * because none that is small survived random bytes (docs/decisions/0005-browser-client.md). Each
 * read is checked against the packet's end, so nothing a broker sends can make this loop, grow or
 * answer with a field that was not there. Properties are skipped but for the one that is used.
 * Source: MQTT 3.1.1 and 5.0, sections 2 and 3.
 */

import { ProtocolViolation } from './errors.js'

/**
 * @typedef {'5'|'3.1.1'} MqttVersion
 * @typedef {{type: 'connack', code: number, sessionPresent: boolean, keepaliveS: number | null}
 *   | {type: 'publish', topic: string, payload: Uint8Array, qos: number, packetId: number}
 *   | {type: 'puback'|'suback', packetId: number, codes: number[]}
 *   | {type: 'unsuback'}
 *   | {type: 'disconnect', code: number}
 *   | {type: 'pingresp'}} Packet
 */

const SESSION_EXPIRY_INTERVAL = 0x11
const SERVER_KEEP_ALIVE = 0x13

export class Codec {
  #is5

  /** @param {MqttVersion} version */
  constructor(version) {
    this.#is5 = version === '5'
  }

  /**
   * @param {{clientId: string, keepaliveS: number, sessionExpiryS: number, cleanStart: boolean}} of
   *   MQTT 3.1.1 knows no expiry: a session is kept (as long as the account allows), or not at all.
   */
  connect({ clientId, keepaliveS, sessionExpiryS, cleanStart }) {
    const isClean = cleanStart || (!this.#is5 && sessionExpiryS === 0)
    return packet(0x10, [
      ...text('MQTT'),
      this.#is5 ? 5 : 4,
      isClean ? 2 : 0,
      ...u16(keepaliveS),
      ...this.#props(expiry(sessionExpiryS)),
      ...text(clientId)
    ])
  }

  /** @param {number} packetId @param {readonly string[]} filters Asks for QoS 1. */
  subscribe(packetId, filters) {
    const asked = filters.flatMap((filter) => [...text(filter), 1])
    return packet(0x82, [...u16(packetId), ...this.#props(), ...asked])
  }

  /** @param {number} packetId @param {readonly string[]} filters */
  unsubscribe(packetId, filters) {
    return packet(0xa2, [...u16(packetId), ...this.#props(), ...filters.flatMap(text)])
  }

  /** @param {number} packetId @param {string} topic @param {Uint8Array} payload With QoS 1. */
  publish(packetId, topic, payload) {
    return packet(0x32, [...text(topic), ...u16(packetId), ...this.#props()], payload)
  }

  /** @param {number} packetId */
  puback(packetId) {
    return packet(0x40, u16(packetId))
  }

  pingreq() {
    return packet(0xc0, [])
  }

  /** @param {boolean} endSession Whether the broker shall forget the session; MQTT 5 only. */
  disconnect(endSession) {
    return packet(0xe0, endSession && this.#is5 ? [0, ...this.#props(expiry(0))] : [])
  }

  /**
   * @param {Uint8Array} bytes One whole packet.
   * @returns {Packet}
   * @throws {ProtocolViolation} If it is none, or one that a broker does not send.
   */
  decode(bytes) {
    const reader = new Reader(bytes)
    const head = reader.u8()
    reader.varint()
    switch (head >> 4) {
      case 2:
        return this.#connack(reader)
      case 3:
        return this.#publish(reader, (head >> 1) & 3)
      case 4:
        return { type: 'puback', packetId: reader.packetId(), codes: [reader.left > 0 ? reader.u8() : 0] }
      case 9: {
        const packetId = reader.packetId()
        if (this.#is5) reader.props()
        return { type: 'suback', packetId, codes: [...reader.rest()] }
      }
      case 11:
        return { type: 'unsuback' }
      case 13:
        return { type: 'pingresp' }
      case 14:
        return { type: 'disconnect', code: reader.left > 0 ? reader.u8() : 0 }
    }
    throw new ProtocolViolation(`an unexpected packet of type ${head >> 4}`)
  }

  /** @param {Reader} reader @returns {Packet} */
  #connack(reader) {
    const sessionPresent = (reader.u8() & 1) === 1
    const code = reader.u8()
    const keepaliveS = this.#is5 && reader.left > 0 ? reader.props() : null
    return { type: 'connack', code, sessionPresent, keepaliveS }
  }

  /** @param {Reader} reader @param {number} qos @returns {Packet} */
  #publish(reader, qos) {
    const topic = utf8.decode(reader.take(reader.u16()))
    if (qos > 1 || topic === '' || /[+#\0]/.test(topic))
      throw new ProtocolViolation('a PUBLISH that is not allowed')
    const packetId = qos === 0 ? 0 : reader.packetId()
    if (this.#is5) reader.props()
    // A copy: listeners may keep it, and the rest is a view into the socket's buffer.
    return { type: 'publish', topic, payload: reader.rest().slice(), qos, packetId }
  }

  /** @param {number[]} [props] @returns {number[]} With their length before; nothing in 3.1.1. */
  #props(props = []) {
    return this.#is5 ? [props.length, ...props] : []
  }
}

/** Reads a packet from its start, never beyond its end. */
class Reader {
  #bytes
  #at = 0

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.#bytes = bytes
  }

  get left() {
    return this.#bytes.length - this.#at
  }

  /** @param {number} size */
  take(size) {
    if (size > this.left) throw new ProtocolViolation('a packet that ends too soon')
    this.#at += size
    return this.#bytes.subarray(this.#at - size, this.#at)
  }

  rest() {
    return this.take(this.left)
  }

  u8() {
    return /** @type {number} */ (this.take(1)[0])
  }

  u16() {
    return this.u8() * 256 + this.u8()
  }

  packetId() {
    const id = this.u16()
    if (id === 0) throw new ProtocolViolation('packet identifier 0')
    return id
  }

  /** A length of at most four bytes. */
  varint() {
    let value = 0
    for (let factor = 1; factor <= 128 ** 3; factor *= 128) {
      const byte = this.u8()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new ProtocolViolation('a length of more than four bytes')
  }

  /** Step over the properties. @returns {number | null} The server's keep-alive in seconds. */
  props() {
    const props = new Reader(this.take(this.varint()))
    while (props.left > 0) {
      const id = props.u8()
      if (id === SERVER_KEEP_ALIVE) return props.u16() || null
      props.#skip(id)
    }
    return null
  }

  /** @param {number} id Source: MQTT 5.0, 2.2.2.2, table 2-4. */
  #skip(id) {
    if ([0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a].includes(id)) this.take(1)
    else if ([0x13, 0x21, 0x22, 0x23].includes(id)) this.take(2)
    else if ([0x02, 0x11, 0x18, 0x27].includes(id)) this.take(4)
    else if (id === 0x0b) this.varint()
    else {
      this.take(this.u16())
      if (id === 0x26) this.take(this.u16())
    }
  }
}

const utf8 = new TextDecoder()

/** @param {number} value @returns {number[]} */
const u16 = (value) => [value >> 8, value & 0xff]

/** @param {string} value @returns {number[]} With its length before. */
function text(value) {
  const bytes = new TextEncoder().encode(value)
  return [...u16(bytes.length), ...bytes]
}

/** @param {number} seconds @returns {number[]} The property. */
const expiry = (seconds) => [
  SESSION_EXPIRY_INTERVAL,
  ...u16(seconds >>> 16),
  ...u16(seconds & 0xffff)
]

/**
 * @param {number} head
 * @param {number[]} body
 * @param {Uint8Array} [payload]
 * @returns {Uint8Array<ArrayBuffer>}
 */
function packet(head, body, payload = new Uint8Array(0)) {
  const length = []
  let left = body.length + payload.length
  do {
    length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0))
    left >>= 7
  } while (left > 0)
  const bytes = new Uint8Array(1 + length.length + body.length + payload.length)
  bytes.set([head, ...length, ...body])
  bytes.set(payload, bytes.length - payload.length)
  return bytes
}
