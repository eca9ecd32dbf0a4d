/** A stream of bytes becomes the same packets however it is cut. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtocolViolation } from '../../client/errors.js'
import { MAX_PACKET_BYTES, PacketFramer } from '../../client/framing.js'
import { broker } from './fakes.js'

const PACKETS = [
  broker.connack(),
  broker.publish('a/b', 'x'.repeat(300), 5),
  broker.pingresp(),
  broker.publish('a', ''),
  broker.publish('a/b', 'y'.repeat(127))
]
const STREAM = Uint8Array.from(PACKETS.flatMap((packet) => [...packet]))
const text = (packets) => packets.map((packet) => Buffer.from(packet).toString('hex'))

test('any two cuts of the stream give the same packets', () => {
  for (let first = 0; first < STREAM.length; first += 7) {
    for (let second = first; second < STREAM.length; second += 11) {
      const framer = new PacketFramer()
      const parts = [
        STREAM.subarray(0, first),
        STREAM.subarray(first, second),
        STREAM.subarray(second)
      ]
      assert.deepEqual(text(parts.flatMap((part) => framer.push(part))), text(PACKETS))
    }
  }
})

test('one byte at a time gives the same packets', () => {
  const framer = new PacketFramer()
  assert.deepEqual(
    text([...STREAM].flatMap((byte) => framer.push(Uint8Array.of(byte)))),
    text(PACKETS)
  )
})

test('a small packet after a split one comes at once', () => {
  // u8-mqtt 0.6.7 holds it back: the reason why framing is ours.
  const framer = new PacketFramer()
  const large = broker.publish('t', 'x'.repeat(500))
  assert.equal(framer.push(large.subarray(0, 100)).length, 0)
  assert.equal(framer.push(large.subarray(100)).length, 1)
  assert.equal(framer.push(broker.pingresp()).length, 1)
})

test('a length of five bytes is refused', () => {
  assert.throws(
    () => new PacketFramer().push(Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80, 1)),
    ProtocolViolation
  )
})

test('a packet beyond the limit is refused as soon as its length is known', () => {
  const size = MAX_PACKET_BYTES + 1
  const header = Uint8Array.of(
    0x30,
    (size & 0x7f) | 0x80,
    ((size >> 7) & 0x7f) | 0x80,
    (size >> 14) & 0x7f
  )
  assert.throws(() => new PacketFramer().push(header), ProtocolViolation)
})
