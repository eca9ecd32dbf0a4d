/**
 * From a stream of bytes to whole MQTT packets.
 *
 * Pure. WebSocket frames are no packet boundaries: IoT Core may split and merge. This is ours and
 * not the codec library's because u8-mqtt 0.6.7 holds back every packet that follows a split one
 * until as many bytes have come (docs/decisions/0005-browser-client.md).
 * Source: MQTT 3.1.1 and 5.0, 2.1.4 Remaining Length; MQTT over WebSocket, 6.
 */

import { ProtocolViolation } from './errors.js'

/** Largest packet taken. IoT Core sends at most 146 KB (AWS IoT Core quotas, MQTT 5 packet size). */
export const MAX_PACKET_BYTES = 256 * 1024

export class PacketFramer {
  /** @type {Uint8Array} */
  #rest = new Uint8Array(0)

  /**
   * @param {Uint8Array} chunk The next bytes of the stream, any number.
   * @returns {Uint8Array[]} The packets completed by them, each with its header.
   * @throws {ProtocolViolation} If a length is malformed or beyond MAX_PACKET_BYTES.
   */
  push(chunk) {
    let bytes = new Uint8Array(this.#rest.length + chunk.length)
    bytes.set(this.#rest)
    bytes.set(chunk, this.#rest.length)
    const packets = []
    for (let size = packetSize(bytes); size <= bytes.length; size = packetSize(bytes)) {
      packets.push(bytes.subarray(0, size))
      bytes = bytes.subarray(size)
    }
    this.#rest = bytes
    return packets
  }
}

/**
 * @param {Uint8Array} bytes Starting at a packet.
 * @returns {number} Bytes of that packet with header, Infinity while its length is not complete.
 */
function packetSize(bytes) {
  let length = 0
  for (let index = 1; index < bytes.length; index += 1) {
    if (index > 4) throw new ProtocolViolation('a length of more than four bytes')
    const byte = /** @type {number} */ (bytes[index])
    length += (byte & 0x7f) * 128 ** (index - 1)
    if (length > MAX_PACKET_BYTES)
      throw new ProtocolViolation('a packet too large')
    if (byte < 0x80) return index + 1 + length
  }
  return Infinity
}
