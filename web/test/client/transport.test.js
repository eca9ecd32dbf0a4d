/** One MQTT connection over a fake socket: acknowledgements, keep-alive, the ways it ends. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as errors from '../../client/errors.js'
import { KEEPALIVE_S, MqttConnection, PING_TIMEOUT_MS } from '../../client/transport.js'
import { broker, fakeEnvironment, latestSocket } from './fakes.js'

function connection({ accepted = true } = {}) {
  const env = fakeEnvironment()
  const heard = { opened: 0, deliveries: [], closed: [] }
  const mqtt = new MqttConnection({
    url: 'wss://b/mqtt',
    clientId: '42.a',
    env,
    version: '5',
    sessionExpiryS: 60,
    cleanStart: false,
    onOpened: (isResumed) => {
      heard.opened += 1
      heard.isResumed = isResumed
    },
    onDelivery: (it) => heard.deliveries.push([it.topic, new TextDecoder().decode(it.payload)]),
    onClosed: (error) => heard.closed.push(error)
  })
  const socket = latestSocket()
  if (accepted) {
    socket.open()
    socket.receive(broker.connack())
  }
  return { mqtt, socket, heard, timers: env.timers }
}

test('it offers the mqtt subprotocol and sends nothing but CONNECT before CONNACK', () => {
  const { socket, heard } = connection({ accepted: false })
  assert.deepEqual(socket.protocols, ['mqtt'])
  socket.open()
  assert.deepEqual(socket.sentTypes, [1])
  socket.receive(broker.connack())
  assert.equal(heard.opened, 1)
  assert.equal(heard.isResumed, false)
})

test('it pings at half of the keep-alive that the server wants instead', () => {
  const { socket, timers } = connection({ accepted: false })
  socket.open()
  socket.receive(Uint8Array.of(0x20, 6, 0, 0, 3, 0x13, 0, 30))
  timers.advance(15_000)
  assert.deepEqual(socket.sentTypes, [1, 12])
})

test('a QoS 1 delivery is acknowledged after it was handed on, QoS 0 is not', () => {
  const { socket, heard } = connection()
  socket.receive(broker.publish('ns/user/42', 'one', 77))
  socket.receive(broker.publish('ns/user/42', 'two'))
  assert.deepEqual(heard.deliveries, [
    ['ns/user/42', 'one'],
    ['ns/user/42', 'two']
  ])
  assert.deepEqual(
    socket.sent.slice(1).map((it) => [...it]),
    [[0x40, 2, 0, 77]]
  )
})

test('packets split and merged over frames arrive whole', () => {
  const { socket, heard } = connection()
  const bytes = Uint8Array.from([
    ...broker.publish('a', 'x'.repeat(300)),
    ...broker.publish('b', 'y')
  ])
  socket.receive(bytes.slice(0, 100))
  socket.receive(bytes.slice(100))
  assert.deepEqual(
    heard.deliveries.map(([topic]) => topic),
    ['a', 'b']
  )
})

test('a SUBACK answers its SUBSCRIBE, filter by filter, too few codes count as refused', () => {
  const { mqtt, socket } = connection()
  const given = []
  mqtt.subscribe(['a', 'b', 'c'], (it) => given.push(it))
  mqtt.subscribe(['d'], (it) => given.push(it))
  socket.receive(broker.suback(2, 0))
  socket.receive(broker.suback(1, 1, 0x87))
  assert.deepEqual(given, [[true], [true, false, false]])
})

test('a refusal is known before the DISCONNECT that comes in the same frame', () => {
  const { mqtt, socket, heard } = connection()
  const order = []
  mqtt.subscribe(['a'], () => order.push(heard.closed.length))
  socket.receive(Uint8Array.from([...broker.suback(1, 0x87), ...broker.disconnect(0x87)]))
  assert.deepEqual(order, [0])
  assert.equal(heard.closed[0].reasonCode, 0x87)
})

test('a SUBACK for a quota says nothing about the filters: it ends the connection', () => {
  const { mqtt, socket, heard } = connection()
  mqtt.subscribe(['a'], () => assert.fail())
  socket.receive(broker.suback(1, 0x97))
  assert.ok(heard.closed[0] instanceof errors.Throttled)
})

test('a publish is answered with the code of its PUBACK', async () => {
  const { mqtt, socket } = connection()
  const codes = [mqtt.publish('a', Uint8Array.of(1)), mqtt.publish('b', Uint8Array.of(2))]
  socket.receive(broker.puback(2, 0x87))
  socket.receive(broker.puback(1))
  assert.deepEqual(await Promise.all(codes), [0, 0x87])
})

test('packet identifiers go round without meeting one that waits for its answer', () => {
  const { mqtt, socket } = connection()
  mqtt.subscribe(['a'], () => {})
  for (let turn = 0; turn < 65_535; turn += 1) mqtt.unsubscribe(['b'])
  const last = socket.sent.at(-1)
  assert.equal((last[2] << 8) | last[3], 2)
  socket.receive(broker.unsuback(2))
})

test('it pings at half the keep-alive and an answer keeps it alive', () => {
  const { socket, heard, timers } = connection()
  for (let round = 0; round < 5; round += 1) {
    timers.advance((KEEPALIVE_S * 1000) / 2)
    assert.equal(socket.sentTypes.at(-1), 12)
    socket.receive(broker.pingresp())
  }
  assert.deepEqual(heard.closed, [])
})

test('a ping without an answer ends it', () => {
  const { socket, heard, timers } = connection()
  timers.advance((KEEPALIVE_S * 1000) / 2 + PING_TIMEOUT_MS)
  assert.ok(heard.closed[0] instanceof errors.ConnectionLost)
  assert.equal(socket.readyState, 3)
  assert.equal(timers.pending, 0)
})

test('a probe pings at once, and only once at a time', () => {
  const { mqtt, socket } = connection()
  mqtt.probe()
  mqtt.probe()
  assert.deepEqual(socket.sentTypes, [1, 12])
})

for (const [what, drive, kind] of [
  ['closes before it opened', ({ socket }) => socket.die(), errors.ConnectionRefused],
  [
    'answers CONNACK 0x88',
    ({ socket }) => (socket.open(), socket.receive(broker.connack(0x88))),
    errors.ConnectionRefused
  ],
  [
    'answers CONNACK 0x87',
    ({ socket }) => (socket.open(), socket.receive(broker.connack(0x87))),
    errors.NotAuthorized
  ],
  [
    'answers CONNACK 5, as 3.1.1 does,',
    ({ socket }) => (socket.open(), socket.receive(broker.connack(5))),
    errors.NotAuthorized
  ],
  [
    'answers CONNACK 0x97',
    ({ socket }) => (socket.open(), socket.receive(broker.connack(0x97))),
    errors.Throttled
  ],
  [
    'closes before CONNACK',
    ({ socket }) => (socket.open(), socket.die(1000)),
    errors.ConnectionRefused
  ],
  [
    'publishes before CONNACK',
    ({ socket }) => (socket.open(), socket.receive(broker.publish('a', 'b'))),
    errors.ProtocolViolation
  ]
]) {
  test(`a broker that ${what} gives ${kind.name}, once`, () => {
    const it = connection({ accepted: false })
    drive(it)
    it.socket.die()
    assert.equal(it.heard.closed.length, 1)
    assert.ok(it.heard.closed[0] instanceof kind)
  })
}

for (const [what, code, kind] of [
  ['another connection took the client id', 0x8e, errors.TakenOver],
  ['an administrator wanted it', 0x98, errors.Kicked],
  ['messages came too fast', 0x96, errors.Throttled],
  ['a quota is used up', 0x97, errors.Throttled],
  ['the server shuts down', 0x8b, errors.ConnectionLost]
]) {
  test(`DISCONNECT because ${what} gives ${kind.name}`, () => {
    const { socket, heard } = connection()
    socket.receive(broker.disconnect(code))
    socket.die()
    assert.equal(heard.closed.length, 1)
    assert.ok(heard.closed[0] instanceof kind)
  })
}

test('nonsense after CONNACK ends it as the peer’s fault, and nothing is heard afterwards', () => {
  const { socket, heard } = connection()
  socket.receive(Uint8Array.of(0x34, 5, 0, 1, 0x61, 0, 1))
  assert.ok(heard.closed[0] instanceof errors.ProtocolViolation)
  assert.equal(socket.onmessage, null)
})

test('a text frame is the peer’s fault', () => {
  const { socket, heard } = connection()
  socket.onmessage({ data: 'hello' })
  assert.ok(heard.closed[0] instanceof errors.ProtocolViolation)
})

test('a loss tells the close code', () => {
  const { socket, heard } = connection()
  socket.die(1011, 'going away')
  assert.ok(heard.closed[0] instanceof errors.ConnectionLost)
  assert.equal(heard.closed[0].closeCode, 1011)
})

test('close says DISCONNECT, is silent, and leaves no timer', () => {
  const { mqtt, socket, heard, timers } = connection()
  mqtt.close()
  mqtt.close()
  assert.deepEqual(socket.sentTypes, [1, 14])
  assert.equal(socket.sent[1].length, 2)
  assert.deepEqual(heard.closed, [])
  assert.equal(timers.pending, 0)
})

test('close for good tells the broker to forget the session', () => {
  const { mqtt, socket } = connection()
  mqtt.close(true)
  assert.deepEqual([...socket.sent[1]], [0xe0, 7, 0, 5, 0x11, 0, 0, 0, 0])
})
