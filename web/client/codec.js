/**
 * MQTT packets to bytes and back: the only file that knows the library.
 *
 * Owns the choice of the MQTT level and the translation to the few packet shapes transport.js
 * uses. Does not frame (framing.js) and holds no connection state. MQTT 5 is one more codec here.
 * Source: u8-mqtt-packet 0.4.1; docs/decisions/0005-browser-client.md.
 */

import bindCodec from 'u8-mqtt-packet/esm/codec_bind.js'
import v4 from 'u8-mqtt-packet/esm/codec_v4_client.js'
import { ProtocolViolation } from './errors.js'

/**
 * @typedef {{type: 'connack', code: number, sessionPresent: boolean}
 *   | {type: 'publish', topic: string, payload: Uint8Array, qos: number, packetId: number}
 *   | {type: 'suback', packetId: number, codes: number[]}
 *   | {type: 'pingresp'}
 *   | {type: 'other', name: string}} Packet
 */

const mqtt = bindCodec(4, v4, {})

/** @param {{clientId: string, keepaliveS: number}} fields */
export const encodeConnect = ({ clientId, keepaliveS }) =>
  mqtt.encode_pkt('connect', {
    client_id: clientId,
    keep_alive: keepaliveS,
    flags: { clean_start: true }
  })

/** @param {{packetId: number, filters: readonly string[]}} fields Asks for QoS 1. */
export const encodeSubscribe = ({ packetId, filters }) =>
  mqtt.encode_pkt('subscribe', { pkt_id: packetId, topics: filters, qos: 1 })

/** @param {number} packetId */
export const encodePuback = (packetId) => mqtt.encode_pkt('puback', { pkt_id: packetId })

export const encodePingreq = () => mqtt.encode_pkt('pingreq', {})

export const encodeDisconnect = () => mqtt.encode_pkt('disconnect', {})

/**
 * @param {Uint8Array} bytes One whole packet.
 * @returns {Packet}
 * @throws {ProtocolViolation} If it does not decode, or has fields that MQTT forbids.
 */
export function decode(bytes) {
  try {
    return shaped(mqtt.decode_pkt(bytes))
  } catch (error) {
    throw error instanceof ProtocolViolation
      ? error
      : new ProtocolViolation('a packet that does not decode', error)
  }
}

/**
 * @param {import('u8-mqtt-packet/esm/codec_bind.js').DecodedPacket | undefined} packet
 * @returns {Packet}
 */
function shaped(packet) {
  if (packet === undefined) return { type: 'other', name: 'unknown' }
  switch (packet.type) {
    case 'connack':
      return {
        type: 'connack',
        code: whole(packet.reason, 0, 255),
        sessionPresent: (whole(packet.flags, 0, 255) & 1) === 1
      }
    case 'publish': {
      const qos = whole(packet.qos, 0, 1)
      return {
        type: 'publish',
        topic: concrete(packet.topic),
        // A copy: the library hands out a view into the socket's buffer, and listeners may keep it.
        payload: packet.payload === undefined ? new Uint8Array(0) : packet.payload.slice(),
        qos,
        packetId: qos === 0 ? 0 : whole(packet.pkt_id, 1, 65_535)
      }
    }
    case 'suback':
      return {
        type: 'suback',
        packetId: whole(packet.pkt_id, 1, 65_535),
        codes: (packet.answers ?? []).map((code) => whole(code, 0, 255))
      }
    case 'pingresp':
      return { type: 'pingresp' }
    default:
      return { type: 'other', name: packet.type }
  }
}

/**
 * The library answers `undefined` or NaN for fields that lie beyond the packet's end.
 *
 * @param {unknown} value
 * @param {number} least
 * @param {number} most
 */
function whole(value, least, most) {
  const number = Number(value)
  if (Number.isInteger(number) && number >= least && number <= most) return number
  throw new ProtocolViolation('a packet with a field out of range')
}

/** @param {string | undefined} topic */
function concrete(topic) {
  if (topic !== undefined && topic !== '' && !/[+#\0]/.test(topic)) return topic
  throw new ProtocolViolation('a PUBLISH without a topic')
}
