/** The codec library against bytes written out by hand from the MQTT 3.1.1 specification. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as codec from '../../client/codec.js'
import { ProtocolViolation } from '../../client/errors.js'
import { broker } from './fakes.js'

const hex = (bytes) => Buffer.from(bytes).toString('hex')

test('CONNECT is protocol level 4 with a clean session and the keep-alive', () => {
  assert.equal(
    hex(codec.encodeConnect({ clientId: '42.a', keepaliveS: 60 })),
    '10100004' +
      Buffer.from('MQTT').toString('hex') +
      '0402003c' +
      '0004' +
      Buffer.from('42.a').toString('hex')
  )
})

test('SUBSCRIBE asks for QoS 1 on each filter', () => {
  assert.equal(
    hex(codec.encodeSubscribe({ packetId: 258, filters: ['a', 'b/#'] })),
    '820c0102000161010003622f2301'
  )
})

test('PUBACK, PINGREQ and DISCONNECT are the bytes of the specification', () => {
  assert.equal(hex(codec.encodePuback(7)), '40020007')
  assert.equal(hex(codec.encodePingreq()), 'c000')
  assert.equal(hex(codec.encodeDisconnect()), 'e000')
})

test('CONNACK carries its code and whether a session was there', () => {
  assert.deepEqual(codec.decode(broker.connack()), {
    type: 'connack',
    code: 0,
    sessionPresent: false
  })
  assert.deepEqual(codec.decode(Uint8Array.of(0x20, 2, 1, 5)), {
    type: 'connack',
    code: 5,
    sessionPresent: true
  })
})

test('PUBLISH carries topic, payload and packet id, and the payload is a copy', () => {
  const bytes = broker.publish('ns/user/42', 'Hi!', 9)
  const packet = codec.decode(bytes)
  bytes.fill(0)
  assert.equal(new TextDecoder().decode(packet.payload), 'Hi!')
  assert.deepEqual([packet.topic, packet.qos, packet.packetId], ['ns/user/42', 1, 9])
})

test('PUBLISH of nothing has an empty payload', () => {
  assert.equal(codec.decode(broker.publish('t', '')).payload.length, 0)
})

test('SUBACK carries one code per filter', () => {
  assert.deepEqual(codec.decode(broker.suback(300, 1, 0x80)), {
    type: 'suback',
    packetId: 300,
    codes: [1, 128]
  })
})

test('a PUBLISH with QoS 2, without topic, with a wildcard or with packet id 0 is refused', () => {
  for (const bytes of [
    Uint8Array.of(0x34, 5, 0, 1, 0x61, 0, 1),
    Uint8Array.of(0x30, 2, 0, 0),
    broker.publish('a/#', 'x'),
    Uint8Array.of(0x32, 5, 0, 1, 0x61, 0, 0)
  ]) {
    assert.throws(() => codec.decode(bytes), ProtocolViolation)
  }
})

test('random bytes give a packet or a ProtocolViolation, nothing else', () => {
  let seed = 11
  const random = (limit) => (seed = (seed * 48_271) % 2_147_483_647) % limit
  for (let round = 0; round < 20_000; round += 1) {
    const body = Array.from({ length: random(20) }, () => random(256))
    try {
      codec.decode(Uint8Array.of(random(256), body.length, ...body))
    } catch (error) {
      assert.ok(error instanceof ProtocolViolation, String(error))
    }
  }
})
