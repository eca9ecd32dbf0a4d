/** A client over a fake browser, with a record of all it says. */
import { PushClient } from '../../client/index.js'
import { accept, broker, fakeEnvironment, latestSocket, settled } from './fakes.js'

/** A client with a record of all it says. */
export function client(env = fakeEnvironment(), options = {}) {
  let tokens = 0
  const push = new PushClient({
    credentialsUrl: '/credentials',
    getToken: () => `jwt-${(tokens += 1)}`,
    env,
    ...options
  })
  const heard = { states: [], errors: [], events: [], messages: [], resumed: [], lost: [] }
  push.on('state', (it) => heard.states.push(`${it.state} (${it.reason})`))
  push.on('error', (it) => heard.errors.push(it.code))
  push.on('event', (it) => heard.events.push(it.id))
  push.on('message', (it) => heard.messages.push(it.text))
  push.on('resumed', (it) => heard.resumed.push(it.until - it.since))
  push.on('sessionlost', (it) => heard.lost.push(it.until - it.since))
  return { push, heard, env, timers: env.timers }
}

export async function connected(...args) {
  const it = client(...args)
  it.push.connect()
  await settled()
  await accept()
  return it
}

/** Let the backoff run out. */
export const wait = (env) => env.timers.fireNext()

/** Until credentials of an hour are renewed, with the dice of the fakes. */
export const RENEWAL_MS = 0.825 * 3_600_000

/** Let time pass with every ping answered. */
export function quiet(timers, ms) {
  const socket = latestSocket()
  for (let left = ms; left > 0; left -= 5_000) {
    timers.advance(Math.min(left, 5_000))
    socket.receive(broker.pingresp())
  }
}
