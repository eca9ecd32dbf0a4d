/** A client's credentials: renewed, rolled over, refused; and who may not come back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { client, connected, wait, RENEWAL_MS, quiet } from './client-world.js'
import { accept, broker, envelope, fakeEnvironment, FakeSocket, GRANT, latestSocket, settled } from './fakes.js'

test('credentials are renewed before they end, without touching the connection', async () => {
  const { push, heard, env, timers } = await connected()
  const socket = latestSocket()
  quiet(timers, RENEWAL_MS - 1_000)
  assert.equal(env.fetch.calls.length, 1)
  quiet(timers, 2_000)
  await settled()
  assert.equal(env.fetch.calls.length, 2)
  assert.equal(latestSocket(), socket)
  assert.equal(push.state, 'connected')
  assert.deepEqual(heard.states.length, 2)
  assert.deepEqual(heard.errors, [])
})

test('a renewal that fails is tried again, and the connection left alone', async () => {
  const { push, heard, env, timers } = await connected(fakeEnvironment({}, { status: 502 }, {}))
  quiet(timers, RENEWAL_MS)
  await settled()
  assert.deepEqual([push.state, heard.errors], ['connected', ['credentials_unavailable']])
  quiet(timers, 30_000)
  await settled()
  assert.equal(env.fetch.calls.length, 3)
  assert.equal(heard.errors.length, 1)
})

test('a token that is refused at a renewal ends the client', async () => {
  const refused = { status: 401, body: { reason: 'revoked' } }
  const { push, heard, timers } = await connected(fakeEnvironment({}, refused))
  quiet(timers, RENEWAL_MS)
  await settled()
  assert.equal(push.state, 'closed')
  assert.deepEqual(heard.errors, ['token_refused'])
})

test('a renewal with another grant rolls the connection over to it', async () => {
  const subscribe = ['ns/client/ns.42.phone', 'ns/group/new']
  const { push, heard, timers } = await connected(
    fakeEnvironment({}, { body: { ...GRANT, subscribe } })
  )
  const old = latestSocket()
  quiet(timers, RENEWAL_MS)
  await settled()
  assert.equal(old.readyState, 1)
  await accept({ isResumed: true })
  assert.equal(old.readyState, 3)
  assert.deepEqual(push.topics, subscribe)
  assert.deepEqual(latestSocket().sentTypes, [1, 10, 8])
  assert.deepEqual(heard.states.length, 2)
})

for (const order of ['new first', 'old first']) {
  test(`a connection too old is replaced without a change of state, ${order}`, async () => {
    const { push, heard, timers } = await connected(fakeEnvironment(), { rollOverAfterMs: 60_000 })
    const old = latestSocket()
    quiet(timers, 57_000)
    await settled()
    assert.notEqual(latestSocket(), old)
    old.receive(broker.publish('ns/user/42', envelope('e1'), 1))
    if (order === 'old first') old.receive(broker.disconnect(0x8e))
    await accept({ isResumed: true })
    latestSocket().receive(broker.publish('ns/user/42', envelope('e1'), 1))
    latestSocket().receive(broker.publish('ns/user/42', envelope('e2'), 2))
    assert.equal(old.onmessage, null)
    assert.deepEqual(heard.events, ['e1', 'e2'])
    assert.deepEqual([heard.errors, heard.resumed, heard.lost], [[], [], []])
    assert.equal(push.state, 'connected')
    assert.deepEqual(heard.states.length, 2)
    quiet(timers, 57_000)
    await settled()
    assert.equal(FakeSocket.made.length, 3)
  })
}

test('a roll-over that cannot be made leaves the old connection, and is tried again', async () => {
  const { push, heard, timers } = await connected(fakeEnvironment(), { rollOverAfterMs: 60_000 })
  const old = latestSocket()
  quiet(timers, 57_000)
  await settled()
  latestSocket().die()
  await settled()
  assert.deepEqual([push.state, heard.errors], ['connected', ['connection_refused']])
  old.receive(broker.publish('ns/user/42', envelope('e1'), 1))
  assert.deepEqual(heard.events, ['e1'])
  quiet(timers, 30_000)
  await settled()
  assert.equal(FakeSocket.made.length, 3)
  await accept({ isResumed: true })
  assert.equal(old.readyState, 3)
})

test('after a long sleep the clock is looked at, and not the timer alone', async () => {
  const { env, timers } = await connected()
  timers.now += 3_500_000 // timers stood still
  env.document.dispatchEvent(new Event('visibilitychange'))
  await settled()
  assert.equal(env.fetch.calls.length, 2)
})

test('held credentials are signed anew while the API cannot be reached, until they end', async () => {
  const env = { ...fakeEnvironment({}, { status: 503 }), subtle: crypto.subtle }
  const { push, heard, timers } = client(env)
  const made = async (count) => {
    for (let turn = 0; FakeSocket.made.length < count; turn += 1) {
      assert.ok(turn < 1_000)
      await settled()
    }
  }
  push.connect()
  await made(1)
  await accept()
  latestSocket().die()
  timers.advance(1_000)
  await made(2)
  const url = new URL(latestSocket().url)
  assert.match(url.searchParams.get('X-Amz-Signature'), /^[0-9a-f]{64}$/)
  assert.equal(url.searchParams.get('X-Amz-Date'), '20270115T080001Z')
  await accept({ isResumed: true })
  assert.deepEqual(heard.errors, ['connection_lost'])

  timers.now += 3_595_000
  latestSocket().die()
  timers.advance(1_000)
  await settled()
  assert.deepEqual(heard.errors.slice(1), ['connection_lost', 'credentials_unavailable'])
})

test('a wrong clock is told once, and the signature carries the server’s time', async () => {
  const date = 'Fri, 15 Jan 2027 08:20:00 GMT'
  const env = { ...fakeEnvironment({ headers: { date } }), subtle: crypto.subtle }
  const { push, heard } = client(env)
  push.connect()
  for (let turn = 0; FakeSocket.made.length < 1 && turn < 1_000; turn += 1) await settled()
  assert.match(latestSocket().url, /X-Amz-Date=20270115T082000Z/)
  assert.deepEqual(heard.errors, ['clock_skewed'])
})

for (const [what, code, error] of [
  ['taken over', 0x8e, 'taken_over'],
  ['kicked', 0x98, 'kicked']
]) {
  test(`a client that is ${what} stays away until it is told to connect`, async () => {
    const { push, heard, timers } = await connected()
    latestSocket().receive(broker.disconnect(code))
    assert.equal(push.state, 'closed')
    assert.deepEqual(heard.errors, [error])
    timers.advance(1e7)
    assert.equal(FakeSocket.made.length, 1)
    push.connect()
    assert.equal(push.state, 'connecting')
    push.close()
  })
}

test('a refused CONNECT is tried with new credentials, three times in all', async () => {
  const { push, heard, env } = client()
  const retries = []
  push.on('error', (it) => retries.push(it.retry))
  push.connect()
  for (let turn = 0; turn < 3; turn += 1) {
    if (turn > 0) wait(env)
    await settled()
    latestSocket().open()
    latestSocket().receive(broker.connack(0x87))
  }
  assert.equal(push.state, 'closed')
  assert.deepEqual(heard.errors, ['not_authorized', 'not_authorized', 'not_authorized'])
  assert.deepEqual(retries, [true, true, false]) // what is said is what is done
})

test('the same device goes with every request of a client', async () => {
  const { env } = await connected()
  latestSocket().die()
  wait(env)
  await settled()
  const [first, second] = env.fetch.calls.map((it) => JSON.parse(it.init.body).device)
  assert.equal(first, second)
  assert.match(first, /^[a-z0-9]{12}$/)
})
