/** A client's connection: first, lost, put away, resumed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { client, connected, wait } from './client-world.js'
import { accept, broker, fakeEnvironment, FakeSocket, GRANT, latestSocket, settled } from './fakes.js'

test('from idle to connected, subscribed to all that the grant lists', async () => {
  const { push, heard } = await connected()
  assert.deepEqual(heard.states, ['connecting (connect)', 'connected (subscribed)'])
  assert.deepEqual([push.state, push.clientId, push.namespace], ['connected', 'ns.42.phone', 'ns'])
  assert.deepEqual(push.topics, GRANT.subscribe)
  assert.equal(latestSocket().url, GRANT.url)
  assert.deepEqual(heard.errors, [])
})

test('every reconnect asks for a new token and new credentials', async () => {
  const { env } = await connected()
  latestSocket().die()
  wait(env)
  await settled()
  assert.deepEqual(
    env.fetch.calls.map((it) => it.init.headers.authorization),
    ['Bearer jwt-1', 'Bearer jwt-2']
  )
  assert.equal(FakeSocket.made.length, 2)
})

test('a lost connection waits with jitter, resumes its session, and tells the absence', async () => {
  const { push, heard, env, timers } = await connected()
  const changes = []
  push.on('state', (it) => changes.push(it))
  timers.advance(20_000)
  latestSocket().die()
  assert.equal(push.state, 'waiting')
  assert.equal(changes[0].retryInMs, 500)
  assert.equal(changes[0].error.code, 'connection_lost')
  timers.advance(499)
  assert.equal(push.state, 'waiting')
  timers.advance(1)
  await settled()
  await accept({ isResumed: true })
  // Since the broker was last heard: something may have been on its way ever since.
  assert.deepEqual([heard.resumed, heard.lost], [[20_500], []])
  assert.deepEqual(latestSocket().sentTypes, [1]) // the session has its subscriptions
  assert.deepEqual(heard.errors, ['connection_lost'])
  assert.equal(env.fetch.calls.length, 2)
})

test('a session that the broker did not keep is told, and its topics are asked for again', async () => {
  const { heard, timers } = await connected()
  latestSocket().die()
  timers.advance(1_000)
  await settled()
  await accept()
  assert.deepEqual([heard.resumed, heard.lost], [[], [1_000]])
  assert.deepEqual(latestSocket().sentTypes, [1, 8])
})

test('a reload tells whether the session of the page before was there', async () => {
  for (const isResumed of [true, false]) {
    const before = await connected()
    const { storage } = before.env
    before.env.page.dispatchEvent(new Event('pagehide'))
    assert.equal(before.push.state, 'waiting')
    const after = client({ ...fakeEnvironment(), storage })
    after.timers.advance(5_000)
    after.push.connect()
    await settled()
    await accept({ isResumed })
    assert.deepEqual(isResumed ? after.heard.resumed : after.heard.lost, [5_000])
    assert.equal(
      JSON.parse(after.env.fetch.calls[0].init.body).device,
      JSON.parse(before.env.fetch.calls[0].init.body).device
    )
  }
})

test('what close() ended is neither resumed nor missed', async () => {
  const { push, heard, timers } = await connected()
  timers.advance(1_000)
  push.close()
  assert.deepEqual([...latestSocket().sent.at(-1)].slice(0, 2), [0xe0, 7])
  push.connect()
  await settled()
  await accept()
  assert.equal(latestSocket().sent[0][9] & 2, 2) // clean start
  assert.deepEqual([heard.resumed, heard.lost], [[], []])
})

test('a page put away and shown within a second does not CONNECT too soon', async () => {
  const { push, heard, env, timers } = await connected()
  timers.advance(400)
  for (const name of ['pagehide', 'pageshow']) env.page.dispatchEvent(new Event(name))
  await settled()
  timers.advance(599)
  assert.equal(FakeSocket.made.length, 1)
  timers.advance(1)
  await settled()
  await accept({ isResumed: true })
  assert.deepEqual([push.state, heard.errors], ['connected', []])
})

test('a page put away lets go, and comes back at once when it is shown', async () => {
  const { push, heard, env, timers } = await connected()
  timers.advance(1_000)
  const first = latestSocket()
  env.page.dispatchEvent(new Event('pagehide'))
  assert.equal(first.readyState, 3)
  assert.deepEqual(heard.states.at(-1), 'waiting (sleep)')
  assert.equal(env.timers.pending, 0)
  env.page.dispatchEvent(new Event('pageshow'))
  await settled()
  await accept({ isResumed: true })
  assert.equal(push.state, 'connected')
  assert.equal(heard.resumed.length, 1)
})
