/** One MQTT connection over a fake socket: acknowledgements, keep-alive, the ways it ends. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as errors from '../../client/errors.js'
import { KEEPALIVE_S, MqttConnection, PING_TIMEOUT_MS } from '../../client/transport.js'
import { broker, fakeEnvironment, latestSocket, settled } from './fakes.js'

function connection({ accepted = true } = {}) {
  const env = fakeEnvironment()
  const heard = { opened: 0, deliveries: [], closed: [] }
  const mqtt = new MqttConnection({
    url: 'wss://b/mqtt',
    clientId: '42.a',
    env,
    onOpened: () => (heard.opened += 1),
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

test('filters go out eight at a time, each packet after the last was answered', async () => {
  const { mqtt, socket } = connection()
  const filters = Array.from({ length: 10 }, (_, n) => `ns/group/${n}`)
  const refused = mqtt.subscribe(filters)
  assert.deepEqual(socket.sentTypes, [1, 8])
  socket.receive(broker.suback(1, 1, 1, 1, 0x80, 1, 1, 1, 1))
  await settled()
  assert.deepEqual(socket.sentTypes, [1, 8, 8])
  socket.receive(broker.suback(2, 1, 1))
  assert.deepEqual(await refused, ['ns/group/3'])
})

test('a SUBACK with too few codes counts the rest as refused', async () => {
  const { mqtt, socket } = connection()
  const refused = mqtt.subscribe(['a', 'b'])
  socket.receive(broker.suback(1, 1))
  assert.deepEqual(await refused, ['b'])
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
    'answers CONNACK 5',
    ({ socket }) => (socket.open(), socket.receive(broker.connack(5))),
    errors.ConnectionRefused
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
  assert.deepEqual(heard.closed, [])
  assert.equal(timers.pending, 0)
})
