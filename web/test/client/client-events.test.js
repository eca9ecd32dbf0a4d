/** What a client hears and says. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { client, connected } from './client-world.js'
import { accept, broker, envelope, fakeEnvironment, GRANT, latestSocket, settled } from './fakes.js'

test('events and foreign payloads reach their listeners', async () => {
  const { heard } = await connected()
  latestSocket().receive(broker.publish('ns/user/42', envelope('e1')))
  latestSocket().receive(broker.publish('ns/client/ns.42.phone', 'Hi!'))
  assert.deepEqual([heard.events, heard.messages], [['e1'], ['Hi!']])
})

test('what the gateway sends to this client by name needs no subscription to match', async () => {
  const { push, heard } = await connected(
    fakeEnvironment({ body: { ...GRANT, subscribe: ['ns/user/42', 'ns/everyone'] } })
  )
  const mine = []
  push.on('event', (it) => mine.push(it.address))
  latestSocket().receive(broker.publish('ns/client/ns.42.phone', envelope('e1'), 7))
  latestSocket().receive(broker.publish('ns/client/ns.42.phone', envelope('e1'), 8))
  assert.deepEqual([heard.events, mine], [['e1'], ['client:ns.42.phone']])
  assert.deepEqual(latestSocket().sentTypes.slice(-2), [4, 4]) // each acknowledged
})

test('an event redelivered, or sent to two addresses of one client, is told once', async () => {
  const { push, heard } = await connected()
  const everyone = []
  push.subscribe('everyone', (it) => everyone.push(it.id))
  for (const topic of ['ns/user/42', 'ns/user/42', 'ns/everyone', 'ns/everyone']) {
    latestSocket().receive(broker.publish(topic, envelope('e1')))
  }
  assert.deepEqual([heard.events, everyone], [['e1'], ['e1']])
})

test('a listener of an address hears that address alone, until undone', async () => {
  const { push } = await connected()
  const [user, orders] = [[], []]
  const undo = push.subscribe('user:42', (it) => user.push(it.id))
  push.subscribe('group:orders/*', (it) => orders.push(it.id))
  latestSocket().receive(broker.publish('ns/user/42', envelope('e1')))
  latestSocket().receive(broker.publish('ns/group/orders/eu', envelope('e2')))
  undo()
  latestSocket().receive(broker.publish('ns/user/42', envelope('e3')))
  assert.deepEqual([user, orders], [['e1'], ['e2']])
})

test('listening outside the grant is an error and never reaches the broker', async () => {
  const { push, heard } = client()
  push.subscribe('group:payroll', () => {})
  push.connect()
  await settled()
  await accept()
  push.subscribe('user:7', () => {})
  assert.deepEqual(heard.errors, ['forbidden_address', 'forbidden_address'])
  assert.equal(push.state, 'connected')
  assert.deepEqual(latestSocket().sentTypes, [1, 8])
  assert.throws(() => push.subscribe('robot:7', () => {}), TypeError)
})

test('a listener may close and connect from within without confusing anybody', async () => {
  const { push, heard } = client()
  push.on('state', (it) => it.state === 'connected' && push.close())
  push.connect()
  await settled()
  await accept()
  assert.deepEqual(heard.states, [
    'connecting (connect)',
    'connected (subscribed)',
    'closed (close)'
  ])
})

test('publish sends an envelope where granted, and resolves with its id', async () => {
  const { push } = await connected(
    fakeEnvironment({ body: { ...GRANT, publish: ['ns/group/chat'] } })
  )
  const published = push.publish('group:chat', { text: 'Hello' }, { type: 'said', id: 'm1' })
  const sent = Buffer.from(latestSocket().sent.at(-1))
  assert.equal(sent[0], 0x32)
  assert.deepEqual(JSON.parse(sent.subarray(sent.indexOf('{')).toString()), {
    specversion: '1.0',
    id: 'm1',
    source: '/clients/ns.42.phone',
    type: 'said',
    time: '2027-01-15T08:00:00.000Z',
    data: { text: 'Hello' }
  })
  latestSocket().receive(broker.puback(2))
  assert.equal(await published, 'm1')
})

test('publish beyond the grant is refused before it is sent, and does no harm', async () => {
  const { push, heard } = await connected()
  await assert.rejects(push.publish('user:7', 1), { code: 'forbidden_address', address: 'user:7' })
  await assert.rejects(push.publish('robot:7', 1), TypeError)
  assert.deepEqual(latestSocket().sentTypes, [1, 8])
  assert.equal(heard.errors.length, 0)
  push.close()
  await assert.rejects(push.publish('user:7', 1), { reason: 'closed' })
})

test('iterations get events and what an address gets, and end with the client', async () => {
  const { push } = await connected()
  const read = async (iterable) => {
    const ids = []
    for await (const it of iterable) ids.push(it.id ?? it.text)
    return ids
  }
  const [all, orders] = [read(push), read(push.arrivals('group:orders/*'))]
  latestSocket().receive(broker.publish('ns/user/42', envelope('e1')))
  latestSocket().receive(broker.publish('ns/group/orders/eu', envelope('e2')))
  latestSocket().receive(broker.publish('ns/group/orders/eu', 'raw'))
  push.close()
  assert.deepEqual(await Promise.all([all, orders]), [
    ['e1', 'e2'],
    ['e2', 'raw']
  ])
})

test('an iteration ends with the error that closed the client', async () => {
  const { push } = await connected()
  const read = (async () => {
    for await (const it of push) assert.fail(it.id)
  })()
  await null
  latestSocket().receive(broker.disconnect(0x98))
  await assert.rejects(read, { code: 'kicked' })
})
