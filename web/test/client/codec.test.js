/** The codec against bytes written out by hand from the MQTT 3.1.1 and 5.0 specifications. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Codec } from '../../client/codec.js'
import { ProtocolViolation } from '../../client/errors.js'
import { brokerOf } from './fakes.js'

const hex = (bytes) => Buffer.from(bytes).toString('hex')
const MQTT = `0004${hex(Buffer.from('MQTT'))}`
const CLIENT = { clientId: '42.a', keepaliveS: 60, sessionExpiryS: 3_600, cleanStart: false }
const ID = `0004${hex(Buffer.from('42.a'))}`
const [v3, v5] = [new Codec('3.1.1'), new Codec('5')]

test('CONNECT of 5 asks for a session and says how long to keep it', () => {
  assert.equal(hex(v5.connect(CLIENT)), `1016${MQTT}0500003c051100000e10${ID}`)
  assert.equal(hex(v5.connect({ ...CLIENT, cleanStart: true })).slice(18, 20), '02')
})

test('CONNECT of 3.1.1 keeps a session, or none where it shall not be kept', () => {
  assert.equal(hex(v3.connect(CLIENT)), `1010${MQTT}0400003c${ID}`)
  assert.equal(hex(v3.connect({ ...CLIENT, sessionExpiryS: 0 })), `1010${MQTT}0402003c${ID}`)
})

test('SUBSCRIBE asks for QoS 1 on each filter, UNSUBSCRIBE names them', () => {
  assert.equal(hex(v3.subscribe(258, ['a', 'b/#'])), '820c0102000161010003622f2301')
  assert.equal(hex(v5.subscribe(258, ['a', 'b/#'])), '820d010200000161010003622f2301')
  assert.equal(hex(v3.unsubscribe(258, ['a'])), 'a2050102000161')
  assert.equal(hex(v5.unsubscribe(258, ['a'])), 'a206010200000161')
})

test('PUBLISH goes out with QoS 1', () => {
  assert.equal(hex(v3.publish(7, 'a', Uint8Array.of(9))), '320600016100' + '0709')
  assert.equal(hex(v5.publish(7, 'a', Uint8Array.of(9))), '320700016100' + '070009')
})

test('PUBACK, PINGREQ and DISCONNECT are the bytes of the specifications', () => {
  assert.equal(hex(v3.puback(7)), '40020007')
  assert.equal(hex(v5.puback(7)), '40020007')
  assert.equal(hex(v5.pingreq()), 'c000')
  assert.equal(hex(v3.disconnect(false)), 'e000')
  assert.equal(hex(v5.disconnect(false)), 'e000')
  assert.equal(hex(v5.disconnect(true)), 'e007' + '00' + '05' + '1100000000')
  assert.equal(hex(v3.disconnect(true)), 'e000')
})

for (const [version, codec] of [
  ['3.1.1', v3],
  ['5', v5]
]) {
  const broker = brokerOf(version)

  test(`CONNACK of ${version} carries its code and whether a session was there`, () => {
    const connack = { type: 'connack', code: 0, sessionPresent: false, keepaliveS: null }
    assert.deepEqual(codec.decode(broker.connack()), connack)
    assert.deepEqual(codec.decode(broker.connack(5, true)), {
      ...connack,
      code: 5,
      sessionPresent: true
    })
  })

  test(`PUBLISH of ${version} carries topic, payload and packet id, and the payload is a copy`, () => {
    const bytes = broker.publish('ns/user/42', 'Hi!', 9)
    const packet = codec.decode(bytes)
    bytes.fill(0)
    assert.equal(new TextDecoder().decode(packet.payload), 'Hi!')
    assert.deepEqual([packet.topic, packet.qos, packet.packetId], ['ns/user/42', 1, 9])
  })

  test(`PUBLISH of ${version} with nothing in it has an empty payload`, () => {
    assert.equal(codec.decode(broker.publish('t', '')).payload.length, 0)
  })

  test(`SUBACK of ${version} carries one code per filter`, () => {
    assert.deepEqual(codec.decode(broker.suback(300, 1, 0x80)), {
      type: 'suback',
      packetId: 300,
      codes: [1, 128]
    })
  })

  test(`PUBACK of ${version} without a code is a success`, () => {
    assert.deepEqual(codec.decode(broker.puback(300)), { type: 'puback', packetId: 300, codes: [0] })
  })

  test(`PUBLISH of ${version} with QoS 2, without topic, with a wildcard or packet id 0 is refused`, () => {
    for (const bytes of [
      Uint8Array.of(0x34, 6, 0, 1, 0x61, 0, 1, 0),
      Uint8Array.of(0x30, 2, 0, 0),
      broker.publish('a/#', 'x'),
      Uint8Array.of(0x32, 6, 0, 1, 0x61, 0, 0, 0)
    ]) {
      assert.throws(() => codec.decode(bytes), ProtocolViolation)
    }
  })

  test(`random bytes for ${version} give a packet or a ProtocolViolation, nothing else`, () => {
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
}

test('5 tells why: the code of PUBACK and DISCONNECT, the keep-alive of CONNACK', () => {
  const broker = brokerOf('5')
  assert.equal(v5.decode(broker.puback(7, 0x87)).codes[0], 0x87)
  assert.deepEqual(v5.decode(broker.disconnect(0x8e)), { type: 'disconnect', code: 0x8e })
  assert.deepEqual(v5.decode(Uint8Array.of(0xe0, 0)), { type: 'disconnect', code: 0 })
})

test('properties are stepped over, each by its own size, to the one that is used', () => {
  const others = [
    [0x11, 0, 0, 14, 16],
    [0x21, 0, 100],
    [0x24, 1],
    [0x1f, 0, 2, 0x6f, 0x6b],
    [0x26, 0, 1, 0x61, 0, 1, 0x62],
    [0x0b, 0x80, 1]
  ].flat()
  const connack = (...props) =>
    Uint8Array.of(0x20, 3 + props.length, 0, 0, props.length, ...props)
  assert.equal(v5.decode(connack(...others, 0x13, 0, 30)).keepaliveS, 30)
  assert.equal(v5.decode(connack(...others)).keepaliveS, null)
  assert.throws(() => v5.decode(connack(...others, 0x13, 0)), ProtocolViolation)
  assert.throws(
    () => v5.decode(Uint8Array.of(0x20, 6, 0, 0, 0xff, 0xff, 0xff, 0x7f)),
    ProtocolViolation
  )
})

test('a long payload has its length in as many bytes as it takes', () => {
  const bytes = v5.publish(1, 'a', new Uint8Array(20_000))
  assert.equal(hex(bytes.subarray(0, 4)), '32a69c01')
  assert.equal(bytes.length, 4 + 6 + 20_000)
})
